//! What was said, found in any provider's request, and what is answered.

use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};

pub struct Conversation {
    pub model: String,
    pub answer: String,
    pub input_tokens: usize,
    /// The client asked for usage at the end of an OpenAI stream.
    pub wants_usage: bool,
}

impl Conversation {
    /// `model` is the one the path names, if it names one.
    pub fn read(body: &Value, model: Option<String>) -> Conversation {
        let said = last_user_text(body);
        Conversation {
            model: model
                .or_else(|| text(&body["model"]))
                .unwrap_or_else(|| "mock".to_owned()),
            input_tokens: words(&said),
            answer: format!("You said: {said}"),
            wants_usage: body["stream_options"]["include_usage"] == true,
        }
    }

    pub fn output_tokens(&self) -> usize {
        words(&self.answer)
    }

    /// The answer in the pieces a stream sends: words with the space that follows.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.answer.split_inclusive(' ')
    }
}

/// An identifier that this process made once.
pub fn fresh_id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{:024x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Messages are in `messages` (OpenAI, Anthropic), `input` (Responses) or `contents` (Google).
fn last_user_text(body: &Value) -> String {
    let messages = ["messages", "input", "contents"]
        .iter()
        .map(|key| &body[*key]);
    for messages in messages {
        if let Some(text) = text(messages) {
            return text;
        }
        let Some(list) = messages.as_array() else {
            continue;
        };
        // Google lets the role out of a single turn.
        let from_user = |message: &&Value| message["role"].as_str().is_none_or(|r| r == "user");
        if let Some(message) = list.iter().rev().find(from_user) {
            return content_text(message);
        }
    }
    String::new()
}

/// Content is a string or a list of parts, some of which hold text.
fn content_text(message: &Value) -> String {
    if let Some(text) = text(&message["content"]) {
        return text;
    }
    let parts = message["content"]
        .as_array()
        .or(message["parts"].as_array());
    let texts = parts
        .into_iter()
        .flatten()
        .filter_map(|part| part["text"].as_str());
    texts.collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}
