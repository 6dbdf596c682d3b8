//! Amazon Bedrock's InvokeModel: the body is the model's own format, the model stands in the
//! URL, and AWS wants the request signed, or a Bedrock API key in its place.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>

mod answer;
mod body;
mod probe;

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use super::base_url::segment;
use super::order::{Framing, model_required};
use super::{BaseUrl, Order, Prepared, Probe, Provider, chat, option_headers};
use crate::config::Config;
use crate::credentials::Auth;
use crate::credentials::aws::{self, AwsIdentity};
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::{Marker, reported_code};

/// The provider `bedrock`.
pub struct Bedrock;

/// The service's name in a signature.
const SERVICE: &str = "bedrock";

impl Provider for Bedrock {
    fn name(&self) -> &'static str {
        "bedrock"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        chat::common_options(options)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let config = order.config;
        let base = base_url(config, "bedrock-runtime")?;
        let auth = auth(config)?;
        let (model, body) = model_and_body(order)?;
        let action = if order.stream {
            "invoke-with-response-stream"
        } else {
            "invoke"
        };
        let url = base.join(&format!("/model/{}/{action}", segment("model", &model)?))?;
        let mut prepared = order.post(url, body, auth, Marker::Framing)?;
        if order.stream {
            prepared.framing = Framing::EventStream;
        } else {
            let json = HeaderValue::from_static("application/json");
            prepared.headers.entry(ACCEPT).or_insert(json);
        }
        Ok(Prepared {
            model: Some(model),
            ..prepared
        })
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        match auth(config)? {
            Auth::Aws { identity, .. } => probe::caller_identity(identity),
            // STS takes no API key; listing models does, and costs nothing.
            auth => Ok(Probe::Get {
                url: base_url(config, "bedrock")?.join("/foundation-models")?,
                headers: option_headers(&config.option_fields())?,
                auth,
            }),
        }
    }

    fn peer(&self) -> &'static str {
        "AWS"
    }

    fn finish_answer(&self, headers: &HeaderMap, body: Bytes) -> Bytes {
        answer::with_token_counts(headers, body)
    }

    fn error_code(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        answer::error_type(headers).or_else(|| reported_code(body))
    }

    fn error_hint(&self, _status: u16, headers: &HeaderMap) -> Option<String> {
        let code = answer::error_type(headers);
        aws::clock_hint(code.as_deref(), headers, SystemTime::now())
    }
}

/// `options.base_url`, else the endpoint that the environment names as it does for AWS's own
/// SDKs (the one thing read there while a request is prepared), else the region's.
fn base_url(config: &Config, host: &str) -> Result<BaseUrl, Error> {
    let options = config.option_fields();
    if options.text("base_url")?.is_some() {
        return BaseUrl::from_options(&options, "");
    }
    let service = host.to_ascii_uppercase().replace('-', "_");
    let region = aws::region(config)?;
    let url = aws::endpoint_url(&service)
        .unwrap_or_else(|| format!("https://{host}.{region}.amazonaws.com"));
    BaseUrl::parse(&url)
        .map_err(|reason| Error::Config(format!("AWS_ENDPOINT_URL_{service}: {reason}")))
}

/// Keys or a role in the config beat an API key beside them. Where the options' headers
/// carry their own Authorization, that one is sent.
fn auth(config: &Config) -> Result<Auth, Error> {
    if option_headers(&config.option_fields())?.contains_key(AUTHORIZATION) {
        return Ok(Auth::InHeaders);
    }
    let (key, aws) = (&config.credentials.api_key, &config.credentials.aws);
    let names_identity = aws.access_key.is_some()
        || !aws.secret_key.is_blank()
        || !aws.session_token.is_blank()
        || aws.use_role;
    if !names_identity && !key.is_blank() {
        return Auth::bearer(key);
    }
    Ok(Auth::Aws {
        identity: Box::new(AwsIdentity::from_config(config)?),
        service: SERVICE,
    })
}

/// The model from the body's `modelId`, else its `model`, else the config, untouched, since
/// region prefixes and ARNs name inference profiles; and the body without those keys. A body
/// that is no JSON object is the model's own affair where the config names the model.
fn model_and_body(order: &Order<'_>) -> Result<(String, Bytes), Error> {
    let chosen = || order.config.chosen_model().map(str::to_owned);
    let (model, body) = match body::cut(&order.body) {
        Ok(cut) => {
            let named = cut.model_id.text().or(cut.model.text());
            (named.or_else(chosen).ok_or_else(model_required)?, cut.body)
        }
        Err(body::Uncut::NoObject(error)) => (chosen().ok_or(error)?, order.body.clone()),
        Err(body::Uncut::WrongType(error)) => return Err(error),
    };
    order.check_allowed(Some(&model))?;
    Ok((model, body))
}
