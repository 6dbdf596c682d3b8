//! OpenAI's Responses API: typed events, ended by `response.completed` and no `[DONE]`.

use super::conversation::{Conversation, fresh_id};
use super::unix_seconds;
use serde_json::{Value, json};

pub fn unary(said: &Conversation) -> Value {
    let mut response = response(said, "completed");
    response["output"] = json!([message(&fresh_id("msg_"), said)]);
    response["usage"] = usage(said);
    response
}

pub fn stream(said: &Conversation) -> Vec<String> {
    let item = fresh_id("msg_");
    let begun = response(said, "in_progress");
    let mut completed = begun.clone();
    completed["status"] = json!("completed");
    completed["output"] = json!([message(&item, said)]);
    completed["usage"] = usage(said);

    let opening = json!({"id": item, "type": "message", "status": "in_progress", "content": [], "role": "assistant"});
    let part = |mut event: Value| {
        event["item_id"] = json!(item);
        event["output_index"] = json!(0);
        event["content_index"] = json!(0);
        event
    };
    let mut events = vec![
        ("response.created", json!({"response": begun})),
        ("response.in_progress", json!({"response": begun})),
        (
            "response.output_item.added",
            json!({"output_index": 0, "item": opening}),
        ),
        (
            "response.content_part.added",
            part(json!({"part": text("")})),
        ),
    ];
    let delta = |piece| ("response.output_text.delta", part(json!({"delta": piece})));
    events.extend(said.pieces().map(delta));
    events.extend([
        (
            "response.output_text.done",
            part(json!({"text": said.answer})),
        ),
        (
            "response.content_part.done",
            part(json!({"part": text(&said.answer)})),
        ),
        (
            "response.output_item.done",
            json!({"output_index": 0, "item": message(&item, said)}),
        ),
        ("response.completed", json!({"response": completed})),
    ]);
    events.into_iter().enumerate().map(numbered).collect()
}

fn numbered((number, (kind, mut event)): (usize, (&str, Value))) -> String {
    event["type"] = json!(kind);
    event["sequence_number"] = json!(number);
    format!("event: {kind}\ndata: {event}\n\n")
}

fn response(said: &Conversation, status: &str) -> Value {
    json!({
        "id": fresh_id("resp_"),
        "object": "response",
        "created_at": unix_seconds(),
        "status": status,
        "error": null,
        "incomplete_details": null,
        "model": said.model,
        "output": [],
        "usage": null,
    })
}

fn message(id: &str, said: &Conversation) -> Value {
    json!({
        "id": id,
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [text(&said.answer)],
    })
}

fn text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

fn usage(said: &Conversation) -> Value {
    let (input, output) = (said.input_tokens, said.output_tokens());
    json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output})
}
