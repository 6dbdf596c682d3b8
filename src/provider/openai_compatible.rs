//! Any server that speaks Chat Completions: vLLM, Ollama, llama.cpp, a gateway. Its address
//! is the one thing that must be said; a key is optional where headers carry their own.

use serde_json::{Map, Value};

use super::order::Needed;
use super::{BaseUrl, Order, Prepared, Probe, Provider, chat};
use crate::config::Config;
use crate::error::Error;
use crate::fields::Fields;

/// The provider `openai_compatible`.
pub struct OpenAiCompatible;

impl Provider for OpenAiCompatible {
    fn name(&self) -> &'static str {
        "openai_compatible"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        base(options)?;
        chat::common_options(options)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let base = base(&order.config.option_fields())?;
        chat::prepare(order, &base, Needed::No)
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        base(&config.option_fields())?;
        chat::probe(config, "")
    }
}

fn base(options: &Fields<'_>) -> Result<BaseUrl, Error> {
    if options.text("base_url")?.is_none() {
        return Err(Error::Config(
            "options.base_url: base_url is required".into(),
        ));
    }
    BaseUrl::from_options(options, "")
}
