//! What a provider is given and what it makes of it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use url::Url;

use super::headers::is_secret_header;
use super::model::{self, Named};
use super::{BaseUrl, option_headers};
use crate::config::Config;
use crate::credentials::Auth;
use crate::error::Error;
use crate::secret::REDACTED;
use crate::stream::Marker;

/// One completion that a host asked for.
#[derive(Debug)]
pub struct Order<'a> {
    /// The config.
    pub config: &'a Config,
    /// The request's bytes.
    pub body: Bytes,
    /// Whether the answer is wanted as a stream.
    pub stream: bool,
}

/// A request that lacks nothing but its credentials.
#[derive(Debug)]
pub struct Prepared {
    /// The method; POST for completions.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Headers, without those of `auth`.
    pub headers: HeaderMap,
    /// The body, verbatim but for what the provider's rules say.
    pub body: Bytes,
    /// The model, where one was looked up.
    pub model: Option<String>,
    /// What has to be shown to be let in.
    pub auth: Auth,
    /// Which events of a stream mean that the answer is complete.
    pub marker: Marker,
    /// How a response's bytes are framed.
    pub framing: Framing,
}

/// How a response's bytes carry lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Plain lines: server-sent events, or whatever came instead.
    Lines,
    /// AWS event-stream frames, where the content type says so; plain lines otherwise.
    EventStream,
}

impl Framing {
    /// The framing and the marker of an answer with these headers: a stream that was asked
    /// for as frames and came as something else, JSON for one, is read line by line.
    pub fn of_answer(self, marker: Marker, headers: &HeaderMap) -> (Framing, Marker) {
        const FRAMES: &[u8] = b"application/vnd.amazon.eventstream";
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let other = |kind: &[u8]| !kind.trim_ascii().to_ascii_lowercase().starts_with(FRAMES);
        match self {
            Framing::EventStream if kind.is_some_and(other) => (Framing::Lines, Marker::DoneLine),
            framing => (framing, marker),
        }
    }
}

impl Order<'_> {
    /// A POST of `body` as JSON with the options' headers on top.
    ///
    /// # Errors
    /// `Config` when `options.headers` holds what no header can carry.
    pub fn post(
        &self,
        url: Url,
        body: Bytes,
        auth: Auth,
        marker: Marker,
    ) -> Result<Prepared, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(option_headers(&self.config.option_fields())?);
        Ok(Prepared {
            method: Method::POST,
            url,
            headers,
            body,
            model: None,
            auth,
            marker,
            framing: Framing::Lines,
        })
    }

    /// Where the provider is: `options.base_url`, else `default`.
    ///
    /// # Errors
    /// `Config` when the option is no http or https URL.
    pub fn base_url(&self, default: &str) -> Result<BaseUrl, Error> {
        BaseUrl::from_options(&self.config.option_fields(), default)
    }

    /// The model and the body for a provider that reads the model in the body. The body is
    /// looked into only when something depends on what it says; when it has no `model` and
    /// the config has, the key is spliced in and every other byte stays.
    ///
    /// # Errors
    /// `Request` when the body must be read and is not a JSON object, `ModelNotAllowed`.
    pub fn model_in_body(&self, needed: Needed) -> Result<(Option<String>, Bytes), Error> {
        let idle = self.config.allowed_models.is_empty() && self.config.chosen_model().is_none();
        if idle && needed == Needed::No {
            return Ok((None, self.body.clone()));
        }
        let named = model::named(&self.body)?;
        let mut body = self.body.clone();
        let model = match (named.model, self.config.chosen_model()) {
            (Named::Text(model), _) => Some(model),
            (Named::Missing, Some(chosen)) => {
                body = model::splice(&body, chosen)?;
                Some(chosen.to_owned())
            }
            (Named::Missing | Named::Blank, _) => None,
        };
        if model.is_none() && needed == Needed::Yes {
            return Err(model_required());
        }
        self.check_allowed(model.as_deref())?;
        Ok((model, body))
    }

    /// The model for a provider that has it in the URL, from the body's `model` or
    /// `modelId`, else from the config. The body stays as it is.
    ///
    /// # Errors
    /// `Request` when there is none or the body is not a JSON object, `ModelNotAllowed`.
    pub fn model_from_body_or_config(&self) -> Result<String, Error> {
        let named = model::named(&self.body)?;
        let model = named
            .model
            .text()
            .or(named.model_id.text())
            .or_else(|| self.config.chosen_model().map(str::to_owned))
            .ok_or_else(model_required)?;
        self.check_allowed(Some(&model))?;
        Ok(model)
    }

    /// The model for a provider that has it in the URL, from the config, else from the body.
    ///
    /// # Errors
    /// `Request` when there is none, `ModelNotAllowed`.
    pub fn model_from_config_or_body(&self) -> Result<String, Error> {
        let model = match self.config.chosen_model() {
            Some(chosen) => chosen.to_owned(),
            None => {
                let named = model::named(&self.body)?;
                let given = named.model.text().or(named.model_id.text());
                given.ok_or_else(model_required)?
            }
        };
        self.check_allowed(Some(&model))?;
        Ok(model)
    }

    pub(super) fn check_allowed(&self, model: Option<&str>) -> Result<(), Error> {
        let allowed = &self.config.allowed_models;
        if allowed.is_empty() {
            return Ok(());
        }
        let model = model.ok_or_else(model_required)?;
        if allowed.iter().any(|name| name == model) {
            return Ok(());
        }
        Err(Error::ModelNotAllowed(super::shown(model)))
    }
}

/// Whether a provider cannot do without knowing the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// It can.
    No,
    /// It must know it if there is one.
    Look,
    /// There must be one.
    Yes,
}

pub(super) fn model_required() -> Error {
    Error::Request("model is required".into())
}

impl Prepared {
    /// The request as a host may see it: secret values read `[redacted]`.
    pub fn describe(&self) -> Value {
        let mut headers = serde_json::Map::new();
        for (name, value) in &self.headers {
            let shown = if value.is_sensitive() || is_secret_header(name.as_str()) {
                REDACTED.into()
            } else {
                String::from_utf8_lossy(value.as_bytes())
            };
            headers.insert(name.to_string(), shown.into());
        }
        for name in self.auth.header_names() {
            headers.insert(name.to_string(), REDACTED.into());
        }
        let mut shown = json!({
            "method": self.method.as_str(),
            "url": self.url.as_str(),
            "headers": headers,
            "model": self.model,
        });
        match std::str::from_utf8(&self.body) {
            Ok(text) => shown["body"] = text.into(),
            Err(_) => {
                use base64::prelude::{BASE64_STANDARD, Engine};
                shown["body"] = Value::Null;
                shown["body_base64"] = BASE64_STANDARD.encode(&self.body).into();
            }
        }
        shown
    }
}
