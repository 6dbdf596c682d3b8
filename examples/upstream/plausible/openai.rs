//! Chat completions, as OpenAI, Azure and everyone compatible with them speak it.

use super::conversation::{Conversation, fresh_id};
use super::unix_seconds;
use serde_json::{Value, json};

pub fn unary(said: &Conversation) -> Value {
    json!({
        "id": fresh_id("chatcmpl-"),
        "object": "chat.completion",
        "created": unix_seconds(),
        "model": said.model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": said.answer, "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(said),
        "system_fingerprint": "fp_mock",
    })
}

pub fn stream(said: &Conversation) -> Vec<String> {
    let id = fresh_id("chatcmpl-");
    let created = unix_seconds();
    let chunk = |choices: Value| {
        json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": said.model,
            "system_fingerprint": "fp_mock",
            "choices": choices,
        })
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]))
    };
    let mut chunks = vec![delta(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )];
    chunks.extend(
        said.pieces()
            .map(|piece| delta(json!({"content": piece}), Value::Null)),
    );
    chunks.push(delta(json!({}), json!("stop")));
    if said.wants_usage {
        let mut last = chunk(json!([]));
        last["usage"] = usage(said);
        chunks.push(last);
    }
    let mut events: Vec<String> = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub fn error(message: &str) -> Value {
    json!({"error": {
        "message": message,
        "type": "invalid_request_error",
        "param": null,
        "code": null,
    }})
}

pub fn models() -> Value {
    let model = |id: &str| json!({"id": id, "object": "model", "created": 1_715_367_049, "owned_by": "system"});
    json!({"object": "list", "data": [model("gpt-4o"), model("gpt-4o-mini")]})
}

fn usage(said: &Conversation) -> Value {
    let (input, output) = (said.input_tokens, said.output_tokens());
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}
