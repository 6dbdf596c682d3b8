//! The Chat Completions shape that most providers share: POST `{base}/chat/completions`
//! with a bearer key, the model in the body, GET `{base}/models` to probe. Providers that
//! add nothing to it stand here whole.

use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::order::Needed;
use super::{BaseUrl, Order, Prepared, Probe, Provider, option_headers};
use crate::config::Config;
use crate::credentials::Auth;
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::Marker;

/// A provider that is its base URL and nothing more.
pub struct ChatProvider {
    name: &'static str,
    base: &'static str,
}

/// <https://docs.mistral.ai/api/>
pub const MISTRAL: ChatProvider = ChatProvider {
    name: "mistral",
    base: "https://api.mistral.ai/v1",
};

/// <https://console.groq.com/docs/openai>
pub const GROQ: ChatProvider = ChatProvider {
    name: "groq",
    base: "https://api.groq.com/openai/v1",
};

impl Provider for ChatProvider {
    fn name(&self) -> &'static str {
        self.name
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        common_options(options)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        prepare(order, &order.base_url(self.base)?, Needed::No)
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        probe(config, self.base)
    }
}

/// The request of the Chat Completions shape.
pub fn prepare(order: &Order<'_>, base: &BaseUrl, needed: Needed) -> Result<Prepared, Error> {
    let auth = bearer(order.config)?;
    let (model, body) = order.model_in_body(needed)?;
    let url = base.join("/chat/completions")?;
    let prepared = order.post(url, body, auth, Marker::DoneLine)?;
    Ok(Prepared { model, ..prepared })
}

/// The probe of the Chat Completions shape.
pub fn probe(config: &Config, default_base: &str) -> Result<Probe, Error> {
    let options = config.option_fields();
    Ok(Probe::Get {
        url: BaseUrl::from_options(&options, default_base)?.join("/models")?,
        headers: option_headers(&options)?,
        auth: bearer(config)?,
    })
}

/// The key as a bearer token. Where the options' headers carry their own Authorization,
/// that one is sent and no key is needed.
pub fn bearer(config: &Config) -> Result<Auth, Error> {
    if option_headers(&config.option_fields())?.contains_key(AUTHORIZATION) {
        return Ok(Auth::InHeaders);
    }
    Auth::bearer(&config.credentials.api_key)
}

/// The options every provider takes, decoded: `base_url` and `headers`, where given.
pub fn common_options(options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
    let mut decoded = Map::new();
    if options.text("base_url")?.is_some() {
        let base = BaseUrl::from_options(options, "")?;
        decoded.insert("base_url".into(), base.as_str().into());
    }
    option_headers(options)?;
    let headers = options.object("headers")?.string_pairs()?;
    if !headers.is_empty() {
        let headers: Map<_, _> = headers
            .into_iter()
            .map(|(name, value)| (name.trim().to_owned(), json!(value.trim())))
            .collect();
        decoded.insert("headers".into(), headers.into());
    }
    Ok(decoded)
}
