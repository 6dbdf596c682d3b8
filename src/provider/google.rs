//! Google's Gemini API with an API key. The model is part of the URL, so it is read from
//! the body (`model`, else `modelId`) or the config, and the body goes out as it came.
//! <https://ai.google.dev/api/generate-content>

use http::HeaderName;
use serde_json::{Map, Value};

use super::base_url::segment;
use super::{BaseUrl, Order, Prepared, Probe, Provider, chat, option_headers};
use crate::config::Config;
use crate::credentials::Auth;
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::Marker;

/// The provider `google`.
pub struct Google;

const BASE: &str = "https://generativelanguage.googleapis.com";
const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

impl Provider for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        chat::common_options(options)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let base = order.base_url(BASE)?;
        let auth = Auth::key_or_headers(KEY, order.config)?;
        let model = order.model_from_body_or_config()?;
        // The API's own listing writes names as `models/NAME`.
        let name = segment("model", model.strip_prefix("models/").unwrap_or(&model))?;
        let action = if order.stream {
            "streamGenerateContent?alt=sse"
        } else {
            "generateContent"
        };
        let url = base.join(&format!("/v1beta/models/{name}:{action}"))?;
        let prepared = order.post(url, order.body.clone(), auth, Marker::FinishReason)?;
        Ok(Prepared {
            model: Some(model),
            ..prepared
        })
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        let options = config.option_fields();
        Ok(Probe::Get {
            url: BaseUrl::from_options(&options, BASE)?.join("/v1beta/models")?,
            headers: option_headers(&options)?,
            auth: Auth::key_or_headers(KEY, config)?,
        })
    }

    fn rejects_credentials_with_400(&self) -> bool {
        true
    }
}
