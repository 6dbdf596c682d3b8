//! What a hostile input or provider may not do: learn a secret, say more than it may, lead a
//! request elsewhere, or use up what the host has.

mod injection;
mod limits;
mod redirects;
mod secrets;

use serde_json::{Value, json};

/// A config that sends everything to an origin.
pub type Origin = fn(&str) -> Value;

/// Every provider.
pub const PROVIDERS: [(&str, Origin); 10] = [
    ("openai", |url| json!({"options": {"base_url": url}})),
    (
        "openai_compatible",
        |url| json!({"options": {"base_url": url}}),
    ),
    ("anthropic", |url| json!({"options": {"base_url": url}})),
    ("google", |url| json!({"options": {"base_url": url}})),
    (
        "vertex",
        |url| json!({"options": {"base_url": url, "project": "p", "location": "l"}}),
    ),
    (
        "azure",
        |url| json!({"credentials": {"azure": {"endpoint": url}}}),
    ),
    ("bedrock", |url| json!({"options": {"base_url": url}})),
    ("mistral", |url| json!({"options": {"base_url": url}})),
    ("groq", |url| json!({"options": {"base_url": url}})),
    ("deepseek", |url| json!({"options": {"base_url": url}})),
];
pub const BODY: &str = r#"{"model":"m"}"#;
