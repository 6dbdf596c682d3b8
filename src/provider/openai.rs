//! OpenAI: Chat Completions, or the Responses API when `options.api` is `responses`.
//! <https://platform.openai.com/docs/api-reference>

use serde_json::{Map, Value};

use super::order::Needed;
use super::{Order, Prepared, Probe, Provider, chat};
use crate::config::Config;
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::Marker;

/// The provider `openai`.
pub struct OpenAi;

const BASE: &str = "https://api.openai.com/v1";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Api {
    Completions,
    Responses,
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        let name = match api(options)? {
            Api::Completions => "completions",
            Api::Responses => "responses",
        };
        let mut decoded = Map::from_iter([("api".to_owned(), name.into())]);
        decoded.extend(chat::common_options(options)?);
        Ok(decoded)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let api = api(&order.config.option_fields())?;
        let base = order.base_url(BASE)?;
        let chat = chat::prepare(order, &base, Needed::No)?;
        if api == Api::Completions {
            return Ok(chat);
        }
        Ok(Prepared {
            url: base.join("/responses")?,
            marker: Marker::TypedEvent,
            ..chat
        })
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        api(&config.option_fields())?;
        chat::probe(config, BASE)
    }
}

fn api(options: &Fields<'_>) -> Result<Api, Error> {
    match options.text("api")? {
        None | Some("completions") => Ok(Api::Completions),
        Some("responses") => Ok(Api::Responses),
        Some(_) => Err(options.error("api", "must be `completions` or `responses`")),
    }
}
