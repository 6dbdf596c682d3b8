//! What has to be shown to be let in: a key, or a token that a cloud mints. Providers say
//! which ([`Auth`], pure); attaching it to a request is this room's work. What clouds mint
//! is kept in one [`TokenCache`] for each run of the library.

pub mod aws;
mod azure;
mod cache;
mod environment;
mod exchange;
mod file;
mod google;

use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use crate::config::Config;
use crate::error::Error;
use crate::secret::Secret;
use crate::transport::{Client, Request};

use aws::{AwsIdentity, AwsKeys};

pub use azure::{AzureIdentity, Scope as AzureScope};
pub use cache::CacheStats;
pub use google::GoogleIdentity;

use cache::Cache;
use exchange::Token;

/// What one run of the library keeps of credentials that were minted: nothing of it outlives
/// the run. Secrets are wiped when they leave it.
#[derive(Debug, Default)]
pub struct TokenCache {
    /// Azure's and Google's access tokens.
    tokens: Cache<Token>,
    /// Keys that AWS lends: of assumed roles, and of its credential chain.
    aws: Cache<AwsKeys>,
    /// Parsed private keys of Google's service accounts.
    signers: Cache<google::Signer>,
}

impl TokenCache {
    /// How full it is and what it did, keys that are only parsed left out.
    pub fn stats(&self) -> CacheStats {
        self.tokens.stats() + self.aws.stats()
    }
}

/// What attaching credentials may use.
#[derive(Clone, Debug)]
pub struct Means {
    /// The call's client, so that token endpoints are reached as the provider is.
    pub client: Arc<Client>,
    /// The longest one exchange with a token endpoint may take.
    pub deadline: Duration,
    /// The tokens of this run of the library.
    pub cache: Arc<TokenCache>,
}

/// The credentials one request needs.
#[derive(Debug)]
pub enum Auth {
    /// The request's own headers carry them already.
    InHeaders,
    /// AWS's signature.
    Aws {
        /// Who signs.
        identity: Box<AwsIdentity>,
        /// The service's name in the signature.
        service: &'static str,
    },
    /// `prefix` and the secret in the header `name`.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before the secret.
        prefix: &'static str,
        /// The key or token.
        secret: Secret,
    },
    /// A Google identity's token as `Authorization: Bearer`.
    Google(GoogleIdentity),
    /// An Azure identity's token as `Authorization: Bearer`.
    Azure(AzureIdentity),
}

const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

impl Auth {
    /// `Authorization: Bearer`.
    ///
    /// # Errors
    /// `Credentials` when the key is blank.
    pub fn bearer(key: &Secret) -> Result<Auth, Error> {
        Auth::header(AUTHORIZATION, "Bearer ", key)
    }

    /// The config's API key in the header `name`, unless the options' headers carry it.
    ///
    /// # Errors
    /// `Credentials` when there is neither.
    pub fn key_or_headers(name: HeaderName, config: &Config) -> Result<Auth, Error> {
        let key = &config.credentials.api_key;
        let instead = key.is_blank() && has_header(config, &AUTHORIZATION)?;
        if instead || has_header(config, &name)? {
            return Ok(Auth::InHeaders);
        }
        Auth::header(name, "", &config.credentials.api_key)
    }

    /// Google's identity: the service account of the config, else its API key as a ready
    /// bearer token, else the application default credentials. An Authorization of the
    /// options' headers comes before all of them.
    ///
    /// # Errors
    /// `Credentials` when the service account's JSON is not one.
    pub fn google(config: &Config) -> Result<Auth, Error> {
        if has_header(config, &AUTHORIZATION)? {
            return Ok(Auth::InHeaders);
        }
        let credentials = &config.credentials;
        if credentials.service_account_json.is_blank() && !credentials.api_key.is_blank() {
            return Auth::bearer(&credentials.api_key);
        }
        GoogleIdentity::of(config).map(Auth::Google)
    }

    /// Azure's key or identity; `endpoint` decides the scope of a token. An Authorization
    /// of the options' headers comes before an identity.
    ///
    /// # Errors
    /// `Credentials` when there is no key, or naming what a service principal lacks.
    pub fn azure(config: &Config, endpoint: &str) -> Result<Auth, Error> {
        match AzureIdentity::of(config, endpoint)? {
            None => Auth::key_or_headers(HeaderName::from_static("api-key"), config),
            Some(_) if has_header(config, &AUTHORIZATION)? => Ok(Auth::InHeaders),
            Some(identity) => Ok(Auth::Azure(identity)),
        }
    }

    fn header(name: HeaderName, prefix: &'static str, key: &Secret) -> Result<Auth, Error> {
        if key.is_blank() {
            return Err(Error::api_key_required());
        }
        Ok(Auth::Header {
            name,
            prefix,
            secret: key.clone(),
        })
    }

    /// The headers this will add.
    pub fn header_names(&self) -> Vec<HeaderName> {
        match self {
            Auth::InHeaders => Vec::new(),
            Auth::Aws { identity, .. } => identity.header_names(),
            Auth::Header { name, .. } => vec![name.clone()],
            Auth::Google(_) | Auth::Azure(_) => vec![AUTHORIZATION],
        }
    }

    /// Gets the credentials and nothing more, to see whether they can be had.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub async fn acquire(&self, means: &Means) -> Result<(), Error> {
        match self {
            Auth::Aws { identity, .. } => identity.acquire(means).await,
            Auth::Header { prefix, secret, .. } => {
                let value = secret.header(prefix);
                value.map(drop).ok_or_else(|| no_header("api key"))
            }
            _ => self.bearer_headers(means).await.map(drop),
        }
    }

    /// Adds the credentials to `request` where the config holds them; false where they have
    /// to be made first, which is [`attach`](Self::attach)'s work.
    ///
    /// # Errors
    /// `Credentials` when the secret holds what no header can carry.
    pub fn attach_own(&self, request: &mut Request) -> Result<bool, Error> {
        match self {
            Auth::InHeaders => Ok(true),
            Auth::Header {
                name,
                prefix,
                secret,
            } => {
                let value = secret.header(prefix).ok_or_else(|| no_header("api key"))?;
                request.headers.insert(name.clone(), value);
                Ok(true)
            }
            Auth::Aws { .. } | Auth::Google(_) | Auth::Azure(_) => Ok(false),
        }
    }

    /// Adds the credentials to `request`. Where a cloud mints them, this waits for its
    /// token endpoint, unless the run's cache has a token that is good.
    ///
    /// # Errors
    /// `Credentials` when the secret holds what no header can carry, or no token could be
    /// had.
    pub async fn attach(&self, request: &mut Request, means: &Means) -> Result<(), Error> {
        if self.attach_own(request)? {
            return Ok(());
        }
        if let Auth::Aws { identity, service } = self {
            return identity.sign(service, request, means).await;
        }
        for (name, value) in self.bearer_headers(means).await? {
            request.headers.insert(name, value);
        }
        Ok(())
    }

    /// What a minted token is shown with.
    async fn bearer_headers(&self, means: &Means) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
        let token = match self {
            Auth::InHeaders | Auth::Header { .. } | Auth::Aws { .. } => return Ok(Vec::new()),
            Auth::Google(identity) => identity.token(means).await?,
            Auth::Azure(identity) => identity.token(means).await?,
        };
        let bearer = token
            .secret
            .header("Bearer ")
            .ok_or_else(|| no_header("token"))?;
        let mut headers = vec![(AUTHORIZATION, bearer)];
        if let Some(project) = &token.quota_project {
            let value = HeaderValue::from_str(project).map_err(|_| no_header("quota project"))?;
            headers.push((QUOTA_PROJECT, value));
        }
        Ok(headers)
    }
}

/// Whether the options' headers carry `name`.
fn has_header(config: &Config, name: &HeaderName) -> Result<bool, Error> {
    let given = config.option_fields().object("headers")?.string_pairs()?;
    Ok(given
        .iter()
        .any(|(key, _)| key.trim().eq_ignore_ascii_case(name.as_str())))
}

fn no_header(what: &str) -> Error {
    Error::Credentials(format!(
        "the {what} holds characters that a header cannot carry"
    ))
}
