//! Every way to a model: one row for each provider, two for the one with two APIs.

use crate::KEY;
use serde_json::{Value, json};

/// How a provider is asked and how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Chat Completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Google's generateContent.
    Gemini,
}

/// A provider and the API of it.
#[derive(Debug)]
pub struct Route {
    pub provider: &'static str,
    pub dialect: Dialect,
    /// The config that sends everything to an origin, with the provider's own path behind it.
    config: fn(&str) -> Value,
    /// Path and query for the model `a/b c`.
    pub unary: &'static str,
    pub stream: &'static str,
    /// The default origin, and what the path has in front there.
    pub origin: &'static str,
    pub auth: (&'static str, &'static str),
    /// Whether the library must know the model, for the URL.
    pub reads_model: bool,
    /// Path and query of the connection test; `None` where it asks no provider.
    pub probe: Option<&'static str>,
}

/// The model in every body here, hard to put into a URL.
pub const MODEL: &str = "a/b c";

impl Route {
    pub fn config(&self, origin: &str) -> Value {
        let mut config = (self.config)(origin);
        config["credentials"]["api_key"] = KEY.into();
        config
    }

    pub fn target(&self, stream: bool) -> &'static str {
        if stream { self.stream } else { self.unary }
    }

    /// The headers that are this provider's own, and the key's.
    pub fn headers(&self) -> Vec<(String, String)> {
        let (name, prefix) = self.auth;
        let mut headers = vec![(name.to_owned(), format!("{prefix}{KEY}"))];
        if self.dialect == Dialect::Messages {
            headers.push(("anthropic-version".into(), "2023-06-01".into()));
        }
        headers
    }
}

const BEARER: (&str, &str) = ("authorization", "Bearer ");

fn base(origin: &str, path: &str) -> Value {
    json!({"options": {"base_url": format!("{origin}{path}")}})
}

pub const ROUTES: &[Route] = &[
    Route {
        provider: "openai",
        dialect: Dialect::Chat,
        config: |origin| base(origin, "/v1"),
        unary: "/v1/chat/completions",
        stream: "/v1/chat/completions",
        origin: "https://api.openai.com",
        auth: BEARER,
        reads_model: false,
        probe: Some("/v1/models"),
    },
    Route {
        provider: "openai",
        dialect: Dialect::Responses,
        config: |origin| json!({"options": {"base_url": format!("{origin}/v1"), "api": "responses"}}),
        unary: "/v1/responses",
        stream: "/v1/responses",
        origin: "https://api.openai.com",
        auth: BEARER,
        reads_model: false,
        probe: Some("/v1/models"),
    },
    Route {
        provider: "openai_compatible",
        dialect: Dialect::Chat,
        config: |origin| base(origin, "/some/gateway/v1"),
        unary: "/some/gateway/v1/chat/completions",
        stream: "/some/gateway/v1/chat/completions",
        origin: "",
        auth: BEARER,
        reads_model: false,
        probe: Some("/some/gateway/v1/models"),
    },
    Route {
        provider: "anthropic",
        dialect: Dialect::Messages,
        config: |origin| base(origin, ""),
        unary: "/v1/messages",
        stream: "/v1/messages",
        origin: "https://api.anthropic.com",
        auth: ("x-api-key", ""),
        reads_model: false,
        probe: Some("/v1/models"),
    },
    Route {
        provider: "google",
        dialect: Dialect::Gemini,
        config: |origin| base(origin, ""),
        unary: "/v1beta/models/a%2Fb%20c:generateContent",
        stream: "/v1beta/models/a%2Fb%20c:streamGenerateContent?alt=sse",
        origin: "https://generativelanguage.googleapis.com",
        auth: ("x-goog-api-key", ""),
        reads_model: true,
        probe: Some("/v1beta/models"),
    },
    Route {
        provider: "vertex",
        dialect: Dialect::Gemini,
        config: |origin| json!({"options": {"base_url": origin, "project": "p-1", "location": "Europe-West4"}}),
        unary: "/v1/projects/p-1/locations/europe-west4/publishers/google/models/a%2Fb%20c:generateContent",
        stream: "/v1/projects/p-1/locations/europe-west4/publishers/google/models/a%2Fb%20c:streamGenerateContent?alt=sse",
        origin: "https://europe-west4-aiplatform.googleapis.com",
        auth: BEARER,
        reads_model: true,
        probe: None,
    },
    Route {
        provider: "azure",
        dialect: Dialect::Chat,
        config: |origin| json!({"credentials": {"azure": {"endpoint": origin}}}),
        unary: "/openai/deployments/a%2Fb%20c/chat/completions?api-version=2024-10-21",
        stream: "/openai/deployments/a%2Fb%20c/chat/completions?api-version=2024-10-21",
        origin: "",
        auth: ("api-key", ""),
        reads_model: true,
        probe: Some("/openai/models?api-version=2024-10-21"),
    },
    Route {
        provider: "mistral",
        dialect: Dialect::Chat,
        config: |origin| base(origin, "/v1"),
        unary: "/v1/chat/completions",
        stream: "/v1/chat/completions",
        origin: "https://api.mistral.ai",
        auth: BEARER,
        reads_model: false,
        probe: Some("/v1/models"),
    },
    Route {
        provider: "groq",
        dialect: Dialect::Chat,
        config: |origin| base(origin, "/openai/v1"),
        unary: "/openai/v1/chat/completions",
        stream: "/openai/v1/chat/completions",
        origin: "https://api.groq.com",
        auth: BEARER,
        reads_model: false,
        probe: Some("/openai/v1/models"),
    },
    Route {
        provider: "deepseek",
        dialect: Dialect::Chat,
        config: |origin| base(origin, ""),
        unary: "/chat/completions",
        stream: "/chat/completions",
        origin: "https://api.deepseek.com",
        auth: BEARER,
        // Its model decides about a limit.
        reads_model: true,
        probe: Some("/models"),
    },
];
