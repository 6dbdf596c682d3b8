//! Managed identities: the platform's own endpoint gives its machines and apps tokens.
//! App Service and Container Apps name theirs in the environment; virtual machines have
//! the instance metadata service (IMDS) at a fixed address.
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
//! <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::default::{CLIENT_ID, Miss};
use super::{Hints, Scope};
use crate::credentials::Means;
use crate::credentials::cache::Lease;
use crate::credentials::environment::Environment;
use crate::credentials::exchange::{Endpoint, Token};
use crate::error::Error;
use crate::secret::Secret;
use crate::transport::Answer;

/// Names another metadata service than the machine's.
pub const IMDS_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
/// App Service's endpoint.
pub const ENDPOINT: &str = "IDENTITY_ENDPOINT";
/// The secret that App Service wants to see in a header.
pub const HEADER: &str = "IDENTITY_HEADER";
/// Set on Service Fabric, whose endpoint speaks another protocol.
pub const THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";

const IMDS: &str = "http://169.254.169.254";
const IMDS_VERSION: &str = "2018-02-01";
const APP_SERVICE_VERSION: &str = "2019-08-01";

/// Machines elsewhere must not wait long to hear that they are elsewhere.
const DETECTION: Duration = Duration::from_secs(1);

/// The token of the identity that is attached to this machine or app.
///
/// # Errors
/// `Absent` where no identity is attached.
pub async fn token(
    hints: &Hints,
    scope: &Scope,
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Miss> {
    let client_id = hints.client_id.as_deref().or(environment.get(CLIENT_ID));
    let wish = Wish { scope, client_id };
    let Some(endpoint) = environment.get(ENDPOINT) else {
        return from_imds(&wish, environment.get(IMDS_HOST), means).await;
    };
    if environment.get(THUMBPRINT).is_some() {
        return Err(Miss::Absent("Service Fabric is not supported"));
    }
    match environment.get(HEADER) {
        Some(secret) => Ok(from_app_service(&wish, endpoint, secret, means).await?),
        None => Err(Miss::Absent(
            "IDENTITY_ENDPOINT without IDENTITY_HEADER is not supported",
        )),
    }
}

struct Wish<'a> {
    scope: &'a Scope,
    client_id: Option<&'a str>,
}

impl Wish<'_> {
    /// `base` with the query both protocols share.
    fn url(&self, base: &str, version: &str) -> Option<Url> {
        let mut url = Url::parse(base).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", version);
        query.append_pair("resource", self.scope.resource());
        if let Some(id) = self.client_id {
            query.append_pair("client_id", id);
        }
        drop(query);
        Some(url)
    }
}

async fn from_app_service(
    wish: &Wish<'_>,
    address: &str,
    secret: &str,
    means: &Means,
) -> Result<Lease<Token>, Error> {
    let endpoint = Endpoint {
        name: "the managed identity endpoint",
        means,
    };
    let wrong = |name, what| Error::Credentials(format!("{name}: {what}"));
    let url = wish
        .url(address, APP_SERVICE_VERSION)
        .ok_or_else(|| wrong(ENDPOINT, "expected an http or https URL"))?;
    let secret = Secret::new(secret)
        .header("")
        .ok_or_else(|| wrong(HEADER, "holds characters that a header cannot carry"))?;
    let header = (HeaderName::from_static("x-identity-header"), secret);
    let answer = endpoint.get(url, Some(header), means.deadline).await?;
    endpoint.token(&answer)
}

async fn from_imds(
    wish: &Wish<'_>,
    named: Option<&str>,
    means: &Means,
) -> Result<Lease<Token>, Miss> {
    const PATH: &str = "/metadata/identity/oauth2/token";
    let endpoint = Endpoint {
        name: "the Azure instance metadata service",
        means,
    };
    let host = named.unwrap_or(IMDS).trim_end_matches('/');
    let url = wish
        .url(&format!("{host}{PATH}"), IMDS_VERSION)
        .ok_or_else(|| Error::Credentials(format!("{IMDS_HOST}: expected an http or https URL")))?;
    if named.is_none() {
        // Without its header IMDS refuses at once, which is enough to know that it is there.
        let probe = endpoint
            .get(url.clone(), None, DETECTION.min(means.deadline))
            .await;
        if probe.is_err() {
            return Err(Miss::Absent("no instance metadata service answers"));
        }
    }
    let metadata = (
        HeaderName::from_static("metadata"),
        HeaderValue::from_static("true"),
    );
    let answer = endpoint.get(url, Some(metadata), means.deadline).await?;
    match answer.status {
        400 => Err(Miss::Absent("this machine has no such identity")),
        _ if !speaks_imds(&answer) => Err(Miss::Absent("no instance metadata service answers")),
        _ => Ok(endpoint.token(&answer)?),
    }
}

/// IMDS answers in JSON always; a proxy in its place, in HTML most often.
fn speaks_imds(answer: &Answer) -> bool {
    serde_json::from_slice::<Map<String, Value>>(&answer.body).is_ok()
}
