//! The metadata server of Google Cloud's machines, which speaks for the service account
//! that is attached to them.
//! <https://cloud.google.com/compute/docs/access/authenticate-workloads#applications>

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use url::Url;

use super::SCOPE;
use crate::credentials::Means;
use crate::credentials::cache::Lease;
use crate::credentials::environment::Environment;
use crate::credentials::exchange::{Endpoint, Token};
use crate::error::Error;

/// Names another server, `host` or `host:port`.
pub const HOST: &str = "GCE_METADATA_HOST";

const ADDRESS: &str = "169.254.169.254";
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
const GOOGLE: HeaderValue = HeaderValue::from_static("Google");

/// Machines elsewhere must not wait long to hear that they are elsewhere.
const DETECTION: Duration = Duration::from_secs(3);

/// The attached service account's token.
///
/// # Errors
/// `Credentials`; where there is no metadata server, one that says what could be set up.
pub async fn token(environment: &Environment, means: &Means) -> Result<Lease<Token>, Error> {
    let endpoint = Endpoint {
        name: "the Google metadata server",
        means,
    };
    let named = environment.get(HOST);
    let base = Url::parse(&format!("http://{}", named.unwrap_or(ADDRESS)))
        .map_err(|_| Error::Credentials(format!("{HOST}: expected a host or host:port")))?;
    let flavor = Some((FLAVOR, GOOGLE));
    if named.is_none() {
        let limit = DETECTION.min(means.deadline);
        let found = endpoint.get(base.clone(), flavor.clone(), limit).await;
        if !found.is_ok_and(|answer| is_google(&answer.headers)) {
            return Err(nothing_found());
        }
    }
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    let mut url = base.join(path).map_err(|_| nothing_found())?;
    url.query_pairs_mut().append_pair("scopes", SCOPE);
    let answer = endpoint.get(url, flavor, means.deadline).await?;
    if !is_google(&answer.headers) {
        return Err(endpoint.error("answered without its Metadata-Flavor header"));
    }
    endpoint.token(&answer)
}

fn is_google(headers: &http::HeaderMap) -> bool {
    headers.get(FLAVOR) == Some(&GOOGLE)
}

fn nothing_found() -> Error {
    Error::Credentials(
        "no Google credentials were found: set credentials.gcp.service_account_json, pass an \
         access token as api_key, or set up application default credentials \
         (GOOGLE_APPLICATION_CREDENTIALS, gcloud auth application-default login, or a service \
         account attached to the machine)"
            .into(),
    )
}
