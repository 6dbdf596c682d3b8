//! What has to be shown to be let in: a key, or a token that a cloud mints. Providers say
//! which ([`Auth`], pure); attaching it to a request is this room's work.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::config::Config;
use crate::error::Error;
use crate::secret::Secret;
use crate::transport::{Client, Request};

/// What attaching credentials may use.
#[derive(Clone, Debug)]
pub struct Means {
    /// The call's client, so that token endpoints are reached as the provider is.
    pub client: Arc<Client>,
    /// The longest one exchange with a token endpoint may take.
    pub deadline: Duration,
}

/// The credentials one request needs.
#[derive(Debug)]
pub enum Auth {
    /// The request's own headers carry them already.
    InHeaders,
    /// `prefix` and the secret in the header `name`.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before the secret.
        prefix: &'static str,
        /// The key or token.
        secret: Secret,
    },
}

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
        let options = config.option_fields();
        let given = options.object("headers")?.string_pairs()?;
        let carried = |header: &str| {
            given
                .iter()
                .any(|(key, _)| key.trim().eq_ignore_ascii_case(header))
        };
        if carried(name.as_str())
            || config.credentials.api_key.is_blank() && carried("authorization")
        {
            return Ok(Auth::InHeaders);
        }
        Auth::header(name, "", &config.credentials.api_key)
    }

    /// Vertex's identity.
    ///
    /// # Errors
    /// `Credentials`.
    pub fn google(_config: &Config) -> Result<Auth, Error> {
        Err(Error::Credentials(
            "service accounts are not supported yet: pass a bearer token as api_key".into(),
        ))
    }

    /// Azure's key or identity; `endpoint` decides the scope of a token.
    ///
    /// # Errors
    /// `Credentials`.
    pub fn azure(config: &Config, _endpoint: &str) -> Result<Auth, Error> {
        Auth::key_or_headers(HeaderName::from_static("api-key"), config)
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
            Auth::Header { name, .. } => vec![name.clone()],
        }
    }

    /// Gets the credentials and nothing more, to see whether they can be had.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub async fn acquire(&self, _means: &Means) -> Result<(), Error> {
        Ok(())
    }

    /// Adds the credentials to `request`.
    ///
    /// # Errors
    /// `Credentials` when the secret holds what no header can carry.
    pub async fn attach(&self, request: &mut Request, _means: &Means) -> Result<(), Error> {
        match self {
            Auth::InHeaders => Ok(()),
            Auth::Header {
                name,
                prefix,
                secret,
            } => {
                let value = secret.header(prefix).ok_or_else(|| {
                    let text = "the api key holds characters that a header cannot carry";
                    Error::Credentials(text.into())
                })?;
                request.headers.insert(name, value);
                Ok(())
            }
        }
    }
}
