//! Gemini's generateContent, on its own API and on Vertex.

use super::conversation::{Conversation, fresh_id};
use serde_json::{Value, json};

pub fn unary(said: &Conversation) -> Value {
    part(said, &said.answer, &fresh_id(""), true)
}

/// Google ends its event lines with CRLF.
pub fn stream(said: &Conversation) -> Vec<String> {
    parts(said)
        .iter()
        .map(|part| format!("data: {part}\r\n\r\n"))
        .collect()
}

/// Without `alt=sse` a stream is one JSON array, sent element by element.
pub fn array(said: &Conversation) -> Vec<String> {
    let parts = parts(said);
    let mut pieces: Vec<String> = Vec::with_capacity(parts.len() + 1);
    for (index, part) in parts.iter().enumerate() {
        let before = if index == 0 { "[" } else { ",\r\n" };
        pieces.push(format!("{before}{part}"));
    }
    pieces.push("]".to_owned());
    pieces
}

pub fn error(status: u16, message: &str) -> Value {
    let name = match status {
        401 => "UNAUTHENTICATED",
        404 => "NOT_FOUND",
        _ => "INVALID_ARGUMENT",
    };
    json!({"error": {"code": status, "message": message, "status": name}})
}

pub fn models() -> Value {
    json!({"models": [{
        "name": "models/gemini-2.5-flash",
        "version": "001",
        "displayName": "Gemini 2.5 Flash",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }]})
}

fn parts(said: &Conversation) -> Vec<Value> {
    let id = fresh_id("");
    let pieces: Vec<&str> = said.pieces().collect();
    let last = pieces.len() - 1;
    let of = |(index, piece): (usize, &&str)| part(said, piece, &id, index == last);
    pieces.iter().enumerate().map(of).collect()
}

fn part(said: &Conversation, text: &str, id: &str, last: bool) -> Value {
    let (input, output) = (said.input_tokens, said.output_tokens());
    let mut candidate =
        json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if last {
        candidate["finishReason"] = json!("STOP");
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": input,
            "candidatesTokenCount": output,
            "totalTokenCount": input + output,
        },
        "modelVersion": said.model,
        "responseId": id,
    })
}
