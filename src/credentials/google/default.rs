//! Application default credentials, in Google's order: the file that
//! GOOGLE_APPLICATION_CREDENTIALS names, the file that `gcloud auth application-default
//! login` writes, the metadata server. A file that is there but unusable ends the search.
//! <https://cloud.google.com/docs/authentication/application-default-credentials>

use std::path::PathBuf;

use serde::Deserialize;

use super::service_account::{ServiceAccount, refusal};
use super::{TOKEN_URI, metadata};
use crate::credentials::Means;
use crate::credentials::cache::Lease;
use crate::credentials::environment::Environment;
use crate::credentials::exchange::{Endpoint, Token, secure_url};
use crate::credentials::file;
use crate::error::Error;
use crate::secret::Secret;

/// What the search looks at.
pub const VARIABLES: &[&str] = &[
    FILE,
    "APPDATA",
    "CLOUDSDK_CONFIG",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "HOME",
    metadata::HOST,
];

const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const LOGIN: &str = "gcloud's application default credentials";

/// A person's login as gcloud keeps it.
#[derive(Deserialize)]
struct AuthorizedUser {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    token_uri: Option<String>,
    quota_project_id: Option<String>,
}

/// The token of whoever this machine or its user is.
///
/// # Errors
/// `Credentials`.
pub async fn token(environment: &Environment, means: &Means) -> Result<Lease<Token>, Error> {
    if let Some(path) = environment.get(FILE) {
        let read = file::read(path.into()).await;
        let json = read.map_err(|kind| Error::Credentials(format!("{FILE}: {kind}")))?;
        return from_file(FILE, &json, environment, means).await;
    }
    if let Some(path) = login_file(environment)
        && let Ok(json) = file::read(path).await
    {
        return from_file(LOGIN, &json, environment, means).await;
    }
    metadata::token(environment, means).await
}

fn login_file(environment: &Environment) -> Option<PathBuf> {
    const NAME: &str = "application_default_credentials.json";
    if let Some(folder) = environment.get("CLOUDSDK_CONFIG") {
        return Some(PathBuf::from(folder).join(NAME));
    }
    let folder = if cfg!(windows) {
        PathBuf::from(environment.get("APPDATA")?)
    } else {
        PathBuf::from(environment.get("HOME")?).join(".config")
    };
    Some(folder.join("gcloud").join(NAME))
}

async fn from_file(
    origin: &'static str,
    json: &Secret,
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Error> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: String,
    }
    let wrong = |what: &str| Error::Credentials(format!("{origin}: {what}"));
    let bytes = json.expose().as_bytes();
    let typed: Typed = serde_json::from_slice(bytes)
        .map_err(|_| wrong("the file is not a JSON object with a type"))?;
    match typed.kind.as_str() {
        "service_account" => ServiceAccount::parse(origin, bytes)?.token(means).await,
        "authorized_user" => {
            let user: AuthorizedUser = serde_json::from_slice(bytes).map_err(|_| {
                wrong("expected client_id, client_secret and refresh_token, as gcloud writes them")
            })?;
            user.token(origin, environment, means).await
        }
        other => Err(wrong(refusal(other))),
    }
}

impl AuthorizedUser {
    async fn token(
        self,
        origin: &str,
        environment: &Environment,
        means: &Means,
    ) -> Result<Lease<Token>, Error> {
        let (client_secret, refresh_token) = (
            Secret::new(self.client_secret),
            Secret::new(self.refresh_token),
        );
        let uri = self.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let url = secure_url(&format!("{origin}: token_uri"), uri)?;
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", client_secret.expose()),
            ("refresh_token", refresh_token.expose()),
        ];
        let endpoint = Endpoint {
            name: "the Google token endpoint",
            means,
        };
        let mut lease = endpoint.post_form(url, &form).await?;
        // A person's calls are billed to a project that has to be named.
        let chosen = environment
            .get("GOOGLE_CLOUD_QUOTA_PROJECT")
            .map(str::to_owned);
        lease.value.quota_project = chosen.or(self.quota_project_id);
        Ok(lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_login_is_where_gcloud_keeps_it() {
        let home = ("HOME", "/home/ada".to_owned());
        let moved = ("CLOUDSDK_CONFIG", "/etc/gcloud".to_owned());
        let cases = [
            (vec![], None),
            (
                vec![home.clone()],
                Some("/home/ada/.config/gcloud/application_default_credentials.json"),
            ),
            (
                vec![home, moved],
                Some("/etc/gcloud/application_default_credentials.json"),
            ),
        ];
        for (pairs, path) in cases {
            let found = login_file(&Environment::from_pairs(pairs));
            assert_eq!(found, path.map(PathBuf::from));
        }
    }
}
