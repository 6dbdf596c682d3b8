//! The behaviour list, `tests/behaviours.json`, as `tests/behaviours.md` describes it. A key
//! that is not described there does not parse.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    version: u32,
    pub behaviours: Vec<Behaviour>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    pub name: String,
    pub provider: String,
    pub operation: Operation,
    pub config: Value,
    #[serde(default)]
    pub request: Bytes,
    pub script: Value,
    pub cancel_after: Option<CancelAfter>,
    pub open_gate: Option<OpenGate>,
    pub expect: Expect,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Completions,
    CompletionsStream,
    TestConnection,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum CancelAfter {
    Lines(usize),
    Moment(Moment),
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    Start,
    Sent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenGate {
    pub name: String,
    pub after_lines: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub status: String,
    pub http_status: i32,
    pub lines: Option<Vec<Bytes>>,
    pub all_lines: Option<Bytes>,
    pub body: Option<Bytes>,
    #[serde(default)]
    pub body_json: Map<String, Value>,
    #[serde(default)]
    pub info: Map<String, Value>,
    /// `Some(None)`: nothing was sent.
    #[serde(default, deserialize_with = "given")]
    pub request: Option<Option<Sent>>,
}

/// A request as the upstream received it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    pub method: Option<String>,
    pub target: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Bytes>,
}

#[derive(Default, Deserialize)]
#[serde(try_from = "Written")]
pub struct Bytes(pub Vec<u8>);

/// Bytes as the list writes them.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Written {
    Text(String),
    Base64 { base64: String },
    Repeat { repeat: String, times: usize },
    Joined(Vec<Bytes>),
}

impl List {
    pub fn parse(json: &str) -> serde_json::Result<List> {
        let list: List = serde_json::from_str(json)?;
        if list.version != 1 {
            return Err(serde_json::Error::custom("a version other than 1"));
        }
        Ok(list)
    }
}

impl Behaviour {
    /// The config's bytes; `{base}` still stands in them.
    pub fn config_template(&self) -> String {
        match &self.config {
            Value::String(text) => text.clone(),
            config => config.to_string(),
        }
    }
}

impl Expect {
    /// The lines of a stream, each followed by one LF; `None` where there is no stream.
    pub fn joined_lines(&self) -> Option<Vec<u8>> {
        if let Some(all) = &self.all_lines {
            return Some(all.0.clone());
        }
        let lines = self.lines.as_ref()?.iter();
        Some(
            lines
                .flat_map(|line| [&line.0, &b"\n"[..]].concat())
                .collect(),
        )
    }
}

impl TryFrom<Written> for Bytes {
    type Error = base64::DecodeError;

    fn try_from(written: Written) -> Result<Bytes, base64::DecodeError> {
        Ok(Bytes(match written {
            Written::Text(text) => text.into_bytes(),
            Written::Base64 { base64 } => STANDARD.decode(base64)?,
            Written::Repeat { repeat, times } => repeat.repeat(times).into_bytes(),
            Written::Joined(parts) => parts.into_iter().flat_map(|part| part.0).collect(),
        }))
    }
}

/// Tells `null` from a key that is not there.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<Sent>>, D::Error> {
    Option::deserialize(value).map(Some)
}
