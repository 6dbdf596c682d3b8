//! The JSON form of a script: an array of replies, each an array of steps.

use crate::upstream::{Gate, Step, chunked_open, reply, sse, sse_chunks, standard_reason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A step as JSON: `"close"`, or an object of one key such as `{"send": "text"}`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonStep {
    Send(String),
    SendBase64(Base64),
    SendSlowly(Slowly),
    Repeat(Repeated),
    PauseMs(u64),
    /// Goes on once `POST /__scripts/{id}/gates/{name}` opened the gate of this name.
    WaitFor(String),
    Close,
    Reset,
    HalfClose,
    Hang,
    /// Anywhere in a reply: play it before the request's body is read.
    BeforeBody,
    Reply(WholeReply),
    Sse(String),
    SseChunks(Vec<String>),
    ChunkedOpen(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slowly {
    #[serde(default)]
    text: String,
    base64: Option<Base64>,
    #[serde(default = "one")]
    size: usize,
    #[serde(default)]
    pause_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeated {
    #[serde(default)]
    text: String,
    base64: Option<Base64>,
    times: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeReply {
    #[serde(default = "ok")]
    status: u16,
    /// The standard phrase unless given.
    reason: Option<String>,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    body: String,
    body_base64: Option<Base64>,
}

/// An object, or an array of pairs where order or repetition matters.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Headers {
    Object(BTreeMap<String, String>),
    Pairs(Vec<(String, String)>),
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Base64(Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Base64, base64::DecodeError> {
        STANDARD.decode(text).map(Base64)
    }
}

impl Default for Headers {
    fn default() -> Headers {
        Headers::Pairs(Vec::new())
    }
}

impl JsonStep {
    /// The steps this stands for; `gate` finds a gate by its name.
    pub fn into_steps(self, gate: &mut impl FnMut(String) -> Gate) -> Vec<Step> {
        match self {
            JsonStep::Send(text) => vec![Step::send(text)],
            JsonStep::SendBase64(bytes) => vec![Step::Send(bytes.0)],
            JsonStep::SendSlowly(slowly) => vec![slowly.into_step()],
            JsonStep::Repeat(repeated) => vec![repeated.into_step()],
            JsonStep::PauseMs(ms) => vec![Step::pause(ms)],
            JsonStep::WaitFor(name) => vec![Step::WaitFor(gate(name))],
            JsonStep::Close => vec![Step::Close],
            JsonStep::Reset => vec![Step::Reset],
            JsonStep::HalfClose => vec![Step::HalfClose],
            JsonStep::Hang => vec![Step::Hang],
            JsonStep::BeforeBody => Vec::new(),
            JsonStep::Reply(whole) => whole.into_steps(),
            JsonStep::Sse(stream) => sse(stream),
            JsonStep::SseChunks(pieces) => sse_chunks(&pieces),
            JsonStep::ChunkedOpen(pieces) => chunked_open(&pieces),
        }
    }
}

impl Slowly {
    fn into_step(self) -> Step {
        Step::SendSlowly {
            bytes: either(self.text, self.base64),
            size: self.size,
            pause: Duration::from_millis(self.pause_ms),
        }
    }
}

impl Repeated {
    fn into_step(self) -> Step {
        Step::Repeat {
            bytes: either(self.text, self.base64),
            times: self.times,
        }
    }
}

impl WholeReply {
    fn into_steps(self) -> Vec<Step> {
        let reason = self
            .reason
            .unwrap_or_else(|| standard_reason(self.status).to_owned());
        let headers = self.headers.into_pairs();
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        reply(
            self.status,
            &reason,
            &headers,
            either(self.body, self.body_base64),
        )
    }
}

impl Headers {
    fn into_pairs(self) -> Vec<(String, String)> {
        match self {
            Headers::Object(map) => map.into_iter().collect(),
            Headers::Pairs(pairs) => pairs,
        }
    }
}

fn either(text: String, base64: Option<Base64>) -> Vec<u8> {
    base64.map_or_else(|| text.into_bytes(), |bytes| bytes.0)
}

fn one() -> usize {
    1
}

fn ok() -> u16 {
    200
}
