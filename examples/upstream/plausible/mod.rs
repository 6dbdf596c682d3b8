//! The providers' own paths, answered the way they answer: unary or streamed, with the
//! user's words repeated, or with the error shape of the API that was asked.
//! Any credential is good; none at all is a 401.

mod anthropic;
mod bedrock;
mod conversation;
mod google;
mod openai;
mod responses;

use crate::upstream::{Received, Step, chunk, head, last_chunk, reply, standard_reason};
use conversation::Conversation;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time between two events of a stream.
const EVENT_PAUSE_MS: u64 = 30;
const CREDENTIAL_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// What a request asks for, told by its path.
enum Api {
    Chat,
    AzureChat,
    Responses,
    Messages {
        model: Option<String>,
        stream: Option<bool>,
    },
    Google {
        model: String,
        stream: bool,
        sse: bool,
    },
    Bedrock {
        model: String,
        stream: bool,
    },
    Models(Vendor),
}

/// Whose words an error is in.
#[derive(Clone, Copy)]
enum Vendor {
    OpenAi,
    Azure,
    Anthropic,
    Google,
    Bedrock,
}

pub fn answer(request: &Received) -> Vec<Step> {
    let Some(api) = Api::of(request) else {
        let message = format!("Unknown request URL: {} {}", request.method, request.path());
        return refuse(Vendor::OpenAi, 404, &message);
    };
    let vendor = api.vendor();
    if !CREDENTIAL_HEADERS
        .iter()
        .any(|name| request.header(name).is_some_and(|v| !v.is_empty()))
    {
        return refuse(vendor, 401, vendor.no_credential());
    }
    if let Api::Models(vendor) = api {
        return whole(vendor, vendor.models());
    }
    let body = request.json();
    if !body.is_object() {
        return refuse(
            vendor,
            400,
            "We could not parse the JSON body of your request.",
        );
    }
    api.converse(&body)
}

impl Api {
    fn of(request: &Received) -> Option<Api> {
        let path = request.path();
        match request.method.as_str() {
            "GET" => Api::of_get(request, path),
            "POST" if path.contains("/models/") => Api::of_google(request, path),
            "POST" if path.contains("/model/") => Api::of_bedrock(path),
            "POST" => Api::of_post(request, path),
            _ => None,
        }
    }

    fn of_get(request: &Received, path: &str) -> Option<Api> {
        let vendor = match path.strip_suffix("/models")? {
            base if base.ends_with("/v1beta") => Vendor::Google,
            base if base.ends_with("/openai") && request.query().contains("api-version=") => {
                Vendor::Azure
            }
            _ if request.header("anthropic-version").is_some() => Vendor::Anthropic,
            _ => Vendor::OpenAi,
        };
        Some(Api::Models(vendor))
    }

    fn of_post(request: &Received, path: &str) -> Option<Api> {
        if path.contains("/openai/deployments/") {
            let whole = path.ends_with("/chat/completions");
            return (whole && request.query().contains("api-version=")).then_some(Api::AzureChat);
        }
        if path.ends_with("/chat/completions") {
            return Some(Api::Chat);
        }
        if path.ends_with("/responses") {
            return Some(Api::Responses);
        }
        path.ends_with("/messages").then_some(Api::Messages {
            model: None,
            stream: None,
        })
    }

    fn of_google(request: &Received, path: &str) -> Option<Api> {
        let (_, last) = path.rsplit_once("/models/")?;
        let (model, action) = last.split_once(':')?;
        let model = model.to_owned();
        match action {
            "generateContent" => Some(Api::Google {
                model,
                stream: false,
                sse: false,
            }),
            "streamGenerateContent" => {
                let sse = request.query().split('&').any(|pair| pair == "alt=sse");
                Some(Api::Google {
                    model,
                    stream: true,
                    sse,
                })
            }
            "rawPredict" => Some(Api::Messages {
                model: Some(model),
                stream: Some(false),
            }),
            "streamRawPredict" => Some(Api::Messages {
                model: Some(model),
                stream: Some(true),
            }),
            _ => None,
        }
    }

    fn of_bedrock(path: &str) -> Option<Api> {
        let (_, last) = path.split_once("/model/")?;
        let (model, action) = last.rsplit_once('/')?;
        let model = percent_decode_str(model).decode_utf8_lossy().into_owned();
        match action {
            "invoke" => Some(Api::Bedrock {
                model,
                stream: false,
            }),
            "invoke-with-response-stream" => Some(Api::Bedrock {
                model,
                stream: true,
            }),
            _ => None,
        }
    }

    fn vendor(&self) -> Vendor {
        match self {
            Api::Chat | Api::Responses => Vendor::OpenAi,
            Api::AzureChat => Vendor::Azure,
            Api::Messages { .. } => Vendor::Anthropic,
            Api::Google { .. } => Vendor::Google,
            Api::Bedrock { .. } => Vendor::Bedrock,
            Api::Models(vendor) => *vendor,
        }
    }

    fn converse(self, body: &Value) -> Vec<Step> {
        let vendor = self.vendor();
        let streams = body["stream"].as_bool().unwrap_or(false);
        let said = |model: Option<String>| Conversation::read(body, model);
        match self {
            Api::Chat | Api::AzureChat if streams => events(vendor, openai::stream(&said(None))),
            Api::Chat | Api::AzureChat => whole(vendor, openai::unary(&said(None))),
            Api::Responses if streams => events(vendor, responses::stream(&said(None))),
            Api::Responses => whole(vendor, responses::unary(&said(None))),
            Api::Messages { model, stream } if stream.unwrap_or(streams) => {
                events(vendor, anthropic::stream(&said(model)))
            }
            Api::Messages { model, .. } => whole(vendor, anthropic::unary(&said(model))),
            Api::Google {
                model,
                stream: false,
                ..
            } => whole(vendor, google::unary(&said(Some(model)))),
            Api::Google {
                model, sse: true, ..
            } => events(vendor, google::stream(&said(Some(model)))),
            Api::Google { model, .. } => pieces(
                vendor,
                "application/json",
                google::array(&said(Some(model))),
            ),
            Api::Bedrock {
                model,
                stream: false,
            } => bedrock::unary(&said(Some(model))),
            Api::Bedrock { model, .. } => pieces(
                vendor,
                bedrock::CONTENT_TYPE,
                bedrock::stream(&said(Some(model))),
            ),
            Api::Models(vendor) => whole(vendor, vendor.models()),
        }
    }
}

impl Vendor {
    fn request_id_header(self) -> &'static str {
        match self {
            Vendor::OpenAi | Vendor::Google => "x-request-id",
            Vendor::Azure => "apim-request-id",
            Vendor::Anthropic => "request-id",
            Vendor::Bedrock => "x-amzn-requestid",
        }
    }

    fn no_credential(self) -> &'static str {
        match self {
            Vendor::OpenAi => {
                "You didn't provide an API key. You need to provide your API key in an \
                 Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            }
            Vendor::Azure => {
                "Access denied due to invalid subscription key or wrong API endpoint. Make sure \
                 to provide a valid key for an active subscription."
            }
            Vendor::Anthropic => "x-api-key header is required",
            Vendor::Google => {
                "Request is missing required authentication credential. Expected OAuth 2 access \
                 token, login cookie or other valid authentication credential."
            }
            Vendor::Bedrock => "Missing Authentication Token",
        }
    }

    fn error(self, status: u16, message: &str) -> Value {
        match self {
            Vendor::OpenAi => openai::error(message),
            Vendor::Azure => json!({"error": {"code": status.to_string(), "message": message}}),
            Vendor::Anthropic => anthropic::error(status, message),
            Vendor::Google => google::error(status, message),
            Vendor::Bedrock => json!({ "message": message }),
        }
    }

    fn models(self) -> Value {
        match self {
            Vendor::Google => google::models(),
            Vendor::Anthropic => anthropic::models(),
            Vendor::OpenAi | Vendor::Azure | Vendor::Bedrock => openai::models(),
        }
    }
}

fn refuse(vendor: Vendor, status: u16, message: &str) -> Vec<Step> {
    let id = request_id();
    let mut headers = vec![
        ("content-type", "application/json"),
        (vendor.request_id_header(), id.as_str()),
    ];
    if let Vendor::Bedrock = vendor {
        headers.push(("x-amzn-errortype", bedrock::error_type(status)));
    }
    let body = vendor.error(status, message).to_string();
    reply(status, standard_reason(status), &headers, body)
}

fn whole(vendor: Vendor, body: Value) -> Vec<Step> {
    let id = request_id();
    let headers = [
        ("content-type", "application/json"),
        (vendor.request_id_header(), id.as_str()),
    ];
    reply(200, "OK", &headers, body.to_string())
}

fn events(vendor: Vendor, events: Vec<String>) -> Vec<Step> {
    pieces(vendor, "text/event-stream", events)
}

/// A chunked reply, one HTTP chunk per piece with a pause after it.
fn pieces<P: AsRef<[u8]>>(vendor: Vendor, content_type: &str, pieces: Vec<P>) -> Vec<Step> {
    let id = request_id();
    let mut steps = vec![Step::Send(head(
        200,
        "OK",
        &[
            ("content-type", content_type),
            ("transfer-encoding", "chunked"),
            (vendor.request_id_header(), id.as_str()),
        ],
    ))];
    for (index, piece) in pieces.into_iter().enumerate() {
        if index > 0 {
            steps.push(Step::pause(EVENT_PAUSE_MS));
        }
        steps.push(chunk(piece));
    }
    steps.push(last_chunk());
    steps
}

fn request_id() -> String {
    conversation::fresh_id("req_")
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
