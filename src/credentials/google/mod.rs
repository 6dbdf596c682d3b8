//! Google identities: a service account's key, or what Google calls application default
//! credentials. Which one a config means is decided without I/O; tokens come through the
//! cache. <https://google.aip.dev/auth/4110>

mod default;
mod metadata;
mod service_account;

use std::sync::Arc;

use super::Means;
use super::cache::Key;
use super::environment::Environment;
use super::exchange::Token;
use crate::config::{Config, TransportConfig};
use crate::error::Error;

use service_account::ServiceAccount;
pub use service_account::Signer;

/// The access asked for: everything that the identity's roles allow on Google Cloud.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where Google trades assertions and refresh tokens for access tokens.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Whose token a config asks for.
#[derive(Clone, Debug, Hash)]
pub struct GoogleIdentity {
    source: Source,
    /// Two configs share a token only if they also reach Google the same way.
    transport: TransportConfig,
}

#[derive(Clone, Debug, Hash)]
enum Source {
    ServiceAccount(ServiceAccount),
    Default,
}

impl GoogleIdentity {
    /// The service account of the config, else the application default credentials.
    ///
    /// # Errors
    /// `Credentials` when the service account's JSON is not one.
    pub fn of(config: &Config) -> Result<GoogleIdentity, Error> {
        const FIELD: &str = "credentials.gcp.service_account_json";
        let json = &config.credentials.service_account_json;
        let source = if json.is_blank() {
            Source::Default
        } else {
            Source::ServiceAccount(ServiceAccount::parse(FIELD, json.expose().as_bytes())?)
        };
        Ok(GoogleIdentity {
            source,
            transport: config.transport.clone(),
        })
    }

    /// An access token, from the cache or from Google.
    ///
    /// # Errors
    /// `Credentials`.
    pub async fn token(&self, means: &Means) -> Result<Arc<Token>, Error> {
        let environment = match &self.source {
            Source::ServiceAccount(_) => Environment::default(),
            Source::Default => Environment::read(default::VARIABLES),
        };
        let key = Key::of("google", &(self, &environment));
        let fetch = || {
            let (source, means) = (self.source.clone(), means.clone());
            async move {
                match source {
                    Source::ServiceAccount(account) => account.token(&means).await,
                    Source::Default => default::token(&environment, &means).await,
                }
            }
        };
        means.cache.tokens.get(key, fetch).await
    }
}
