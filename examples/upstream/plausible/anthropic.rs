//! Anthropic's Messages API, here and wherever its models are hosted.

use super::conversation::{Conversation, fresh_id};
use serde_json::{Value, json};

pub fn unary(said: &Conversation) -> Value {
    let mut message = message(said);
    message["content"] = json!([{"type": "text", "text": said.answer}]);
    message["stop_reason"] = json!("end_turn");
    message["usage"]["output_tokens"] = json!(said.output_tokens());
    message
}

pub fn stream(said: &Conversation) -> Vec<String> {
    events(said).iter().map(event_text).collect()
}

/// The events of a stream as JSON; each names itself in `type`.
pub fn events(said: &Conversation) -> Vec<Value> {
    let block = json!({"type": "text", "text": ""});
    let mut events = vec![
        json!({"type": "message_start", "message": message(said)}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "ping"}),
    ];
    events.extend(said.pieces().map(|piece| {
        let delta = json!({"type": "text_delta", "text": piece});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    }));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": said.output_tokens()},
        }),
        json!({"type": "message_stop"}),
    ]);
    events
}

pub fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        404 => "not_found_error",
        _ => "invalid_request_error",
    };
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": fresh_id("req_"),
    })
}

pub fn models() -> Value {
    let id = "claude-sonnet-4-5";
    json!({
        "data": [{
            "type": "model",
            "id": id,
            "display_name": "Claude Sonnet 4.5",
            "created_at": "2025-09-29T00:00:00Z",
        }],
        "has_more": false,
        "first_id": id,
        "last_id": id,
    })
}

fn message(said: &Conversation) -> Value {
    json!({
        "id": fresh_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": said.input_tokens, "output_tokens": 1},
    })
}

fn event_text(event: &Value) -> String {
    format!(
        "event: {}\ndata: {event}\n\n",
        event["type"].as_str().unwrap_or_default()
    )
}
