//! Anthropic's Messages API.
//! <https://docs.anthropic.com/en/api/messages>

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::order::Needed;
use super::{BaseUrl, Order, Prepared, Probe, Provider, chat, option_headers};
use crate::config::Config;
use crate::credentials::Auth;
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::Marker;

/// The provider `anthropic`.
pub struct Anthropic;

const BASE: &str = "https://api.anthropic.com";
const KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        chat::common_options(options)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let url = order.base_url(BASE)?.join("/v1/messages")?;
        let auth = key(order.config)?;
        let (model, body) = order.model_in_body(Needed::No)?;
        let mut prepared = order.post(url, body, auth, Marker::TypedEvent)?;
        add_version(&mut prepared.headers);
        Ok(Prepared { model, ..prepared })
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        let options = config.option_fields();
        let mut headers = option_headers(&options)?;
        add_version(&mut headers);
        Ok(Probe::Get {
            url: BaseUrl::from_options(&options, BASE)?.join("/v1/models")?,
            headers,
            auth: key(config)?,
        })
    }
}

fn key(config: &Config) -> Result<Auth, Error> {
    Auth::key_or_headers(KEY, config)
}

/// A version that the options' headers name stays.
fn add_version(headers: &mut HeaderMap) {
    headers
        .entry(VERSION)
        .or_insert(HeaderValue::from_static("2023-06-01"));
}
