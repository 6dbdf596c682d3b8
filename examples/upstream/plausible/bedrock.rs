//! Bedrock's InvokeModel around Anthropic's messages, whatever the model; streams are
//! AWS event-stream frames.

use super::anthropic;
use super::conversation::{Conversation, fresh_id};
use crate::upstream::{Step, reply};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

pub fn unary(said: &Conversation) -> Vec<Step> {
    let id = fresh_id("req_");
    let input = said.input_tokens.to_string();
    let output = said.output_tokens().to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", id.as_str()),
        ("X-Amzn-Bedrock-Invocation-Latency", "30"),
        ("X-Amzn-Bedrock-Input-Token-Count", input.as_str()),
        ("X-Amzn-Bedrock-Output-Token-Count", output.as_str()),
    ];
    reply(200, "OK", &headers, anthropic::unary(said).to_string())
}

pub fn stream(said: &Conversation) -> Vec<Vec<u8>> {
    let mut events = anthropic::events(said);
    if let Some(last) = events.last_mut() {
        last["amazon-bedrock-invocationMetrics"] = json!({
            "inputTokenCount": said.input_tokens,
            "outputTokenCount": said.output_tokens(),
            "invocationLatency": 30,
            "firstByteLatency": 30,
        });
    }
    events.iter().map(frame).collect()
}

pub fn error_type(status: u16) -> &'static str {
    match status {
        401 => "MissingAuthenticationTokenException",
        _ => "ValidationException",
    }
}

fn frame(event: &Value) -> Vec<u8> {
    let bytes = STANDARD.encode(event.to_string());
    // `p` is padding that hides the length of a token.
    let padding = &"abcdefghijklmnopqrstuvwxyz"[..bytes.len() % 26];
    let header = |name: &'static str, value: &'static str| {
        Header::new(name, HeaderValue::String(value.into()))
    };
    let message = Message::new(
        json!({"bytes": bytes, "p": padding})
            .to_string()
            .into_bytes(),
    )
    .add_header(header(":event-type", "chunk"))
    .add_header(header(":content-type", "application/json"))
    .add_header(header(":message-type", "event"));
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame).expect("a frame within the format's limits");
    frame
}
