//! DeepSeek: Chat Completions, with the reasoner's limit on output tokens checked here,
//! where the error can say which field is over it.
//! <https://api-docs.deepseek.com/guides/reasoning_model>

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::order::Needed;
use super::{Order, Prepared, Probe, Provider, chat};
use crate::config::Config;
use crate::error::Error;
use crate::fields::Fields;

/// The provider `deepseek`.
pub struct DeepSeek;

const BASE: &str = "https://api.deepseek.com";
const REASONER: &str = "deepseek-reasoner";
const REASONER_MAX_TOKENS: f64 = 64_000.0;

impl Provider for DeepSeek {
    fn name(&self) -> &'static str {
        "deepseek"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        chat::common_options(options)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let prepared = chat::prepare(order, &order.base_url(BASE)?, Needed::Look)?;
        if prepared.model.as_deref() == Some(REASONER) {
            check_reasoner_limit(&order.body)?;
        }
        Ok(prepared)
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        chat::probe(config, BASE)
    }
}

fn check_reasoner_limit(body: &[u8]) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Limits {
        max_completion_tokens: Option<Number>,
        max_tokens: Option<Number>,
    }
    // A limit of another type is for the provider to refuse.
    let Ok(limits) = serde_json::from_slice::<Limits>(body) else {
        return Ok(());
    };
    let (field, limit) = match (limits.max_completion_tokens, limits.max_tokens) {
        (Some(limit), _) => ("max_completion_tokens", limit),
        (None, Some(limit)) => ("max_tokens", limit),
        (None, None) => return Ok(()),
    };
    if limit
        .as_f64()
        .is_some_and(|limit| limit > REASONER_MAX_TOKENS)
    {
        return Err(Error::Request(format!(
            "{field}: {REASONER} allows at most {REASONER_MAX_TOKENS}"
        )));
    }
    Ok(())
}
