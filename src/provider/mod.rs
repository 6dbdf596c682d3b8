//! The providers: pure rules that turn a config and a request's bytes into an HTTP request,
//! one file each. Nothing here does I/O, so every rule can be shown by `modelwire_prepare`
//! and tested without a network. Adding a provider is one file and one line in its table.

mod anthropic;
mod azure;
mod base_url;
mod bedrock;
mod chat;
mod deepseek;
mod google;
mod headers;
mod model;
mod openai;
mod openai_compatible;
mod order;
mod vertex;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};
use url::Url;

pub use base_url::BaseUrl;
pub use headers::{headers_of, is_secret_header, option_headers};
pub use order::{Framing, Order, Prepared};

use crate::config::Config;
use crate::credentials::Auth;
use crate::error::Error;
use crate::fields::Fields;
use crate::probe::Verdict;
use crate::stream::reported_code;
use crate::transport::Request;

/// What one provider adds to the rules that all share.
pub trait Provider: Send + Sync {
    /// The name that hosts pass.
    fn name(&self) -> &'static str;

    /// Checks the provider's options and gives them back decoded and normalised.
    ///
    /// # Errors
    /// `Error::Config` naming the option.
    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error>;

    /// The HTTP request for `order`.
    ///
    /// # Errors
    /// `Config`, `Request`, `ModelNotAllowed`, `Credentials`; all before any network.
    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error>;

    /// How to find out whether the provider can be reached and takes the credentials.
    ///
    /// # Errors
    /// `Config` and `Credentials`, as for [`prepare`](Provider::prepare).
    fn probe(&self, config: &Config) -> Result<Probe, Error>;

    /// What a probe's 400 means. Google answers so to a key it does not know.
    fn rejects_credentials_with_400(&self) -> bool {
        false
    }

    /// The body of a unary 2xx answer as the host gets it; verbatim unless the provider's
    /// rules say otherwise.
    fn finish_answer(&self, _headers: &HeaderMap, body: Bytes) -> Bytes {
        body
    }

    /// The provider's own code for an answer that is no 2xx.
    fn error_code(&self, _headers: &HeaderMap, body: &[u8]) -> Option<String> {
        reported_code(body)
    }

    /// What a host should look at first after an answer that is no 2xx, where that is not
    /// what the answer itself says; it belongs behind the error's message.
    fn error_hint(&self, _status: u16, _headers: &HeaderMap) -> Option<String> {
        None
    }

    /// What a probe that reached nobody says that it could not reach.
    fn peer(&self) -> &'static str {
        "provider"
    }

    /// True when `error`, raised while a probe was prepared, means that there is no place
    /// to connect to, rather than that an option is wrong.
    fn lacks_endpoint(&self, _config: &Config) -> bool {
        false
    }
}

/// A connection probe.
#[derive(Debug)]
pub enum Probe {
    /// GET this and look at the status.
    Get {
        /// Where.
        url: Url,
        /// With these headers and `auth`.
        headers: HeaderMap,
        /// The credentials to show.
        auth: Auth,
    },
    /// Send this with `auth` and let `judge` read the answer.
    Exchange {
        /// The request, without the headers of `auth`.
        request: Box<Request>,
        /// The credentials to show.
        auth: Auth,
        /// What an answer's status and body say.
        judge: fn(u16, &[u8]) -> Verdict,
    },
    /// Getting a token is the whole probe.
    Token(Auth),
}

/// Every provider, in the order hosts see.
static ALL: &[&dyn Provider] = &[
    &openai::OpenAi,
    &openai_compatible::OpenAiCompatible,
    &anthropic::Anthropic,
    &google::Google,
    &vertex::Vertex,
    &azure::Azure,
    &bedrock::Bedrock,
    &chat::MISTRAL,
    &chat::GROQ,
    &deepseek::DeepSeek,
];

/// The names of every provider.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|provider| provider.name())
}

/// The provider of this name; names are exact.
///
/// # Errors
/// `Error::Provider` for a name that is not in the table.
pub fn find(name: &str) -> Result<&'static dyn Provider, Error> {
    let found = ALL.iter().find(|provider| provider.name() == name);
    found.copied().ok_or_else(|| Error::Provider(shown(name)))
}

/// A name as an error may quote it: what a host passes by mistake can be of any length.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
