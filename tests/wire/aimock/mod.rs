//! Every provider against aimock, a mock server that others wrote and that knows the
//! providers' formats. It is installed by `scripts/peers.sh`; where it is not, these tests
//! say so and pass, unless `CI=true`.

mod server;

use crate::route::{Dialect, ROUTES, Route};
use crate::support::abi::{Outcome, completions, stream, test_connection};
use crate::{KEY, check};
use modelwire::ffi::{MODELWIRE_E_BACKEND, MODELWIRE_E_TRUNCATED, MODELWIRE_OK};
use serde_json::{Value, json};
use server::Aimock;

/// What the server says to "hello": more than one piece, and not only ASCII.
const GREETING: &str = "Grüße aus der Ferne, in mehreren Stücken – 你好.";

fn fixtures() -> Value {
    json!({"fixtures": [
        {"match": {"userMessage": "hello"}, "response": {"content": GREETING}},
        {
            "match": {"userMessage": "too much"},
            "response": {
                "error": {"message": "slow down", "type": "rate_limit_error"},
                "status": 429,
                "retryAfter": 7,
            },
        },
        {
            "match": {"userMessage": "cut"},
            "response": {"content": "one two three four five six seven eight nine ten"},
            "latency": 20,
            "chunkSize": 5,
            "truncateAfterChunks": 4,
        },
    ]})
}

/// A request that says `text`, in the words of the dialect.
fn request(route: &Route, text: &str, streamed: bool) -> Value {
    let said = json!([{"role": "user", "content": text}]);
    match route.dialect {
        Dialect::Chat => json!({"model": "m-1", "messages": said, "stream": streamed}),
        Dialect::Responses => json!({"model": "m-1", "input": said, "stream": streamed}),
        Dialect::Messages => {
            json!({"model": "m-1", "max_tokens": 64, "messages": said, "stream": streamed})
        }
        Dialect::Gemini => {
            let contents = json!([{"role": "user", "parts": [{"text": text}]}]);
            json!({"model": "m-1", "contents": contents})
        }
    }
}

/// The text of a whole answer.
fn text_of(dialect: Dialect, answer: &Value) -> String {
    let path = match dialect {
        Dialect::Chat => "/choices/0/message/content",
        Dialect::Responses => "/output/0/content/0/text",
        Dialect::Messages => "/content/0/text",
        Dialect::Gemini => "/candidates/0/content/parts/0/text",
    };
    let text = answer.pointer(path).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no text in {answer}"))
        .to_owned()
}

/// The text that one event adds.
fn delta_of(dialect: Dialect, event: &Value) -> &str {
    let path = match dialect {
        Dialect::Chat => "/choices/0/delta/content",
        Dialect::Responses if event["type"] == "response.output_text.delta" => "/delta",
        Dialect::Messages if event["type"] == "content_block_delta" => "/delta/text",
        Dialect::Gemini => "/candidates/0/content/parts/0/text",
        Dialect::Responses | Dialect::Messages => return "",
    };
    event
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn streamed_text(dialect: Dialect, lines: &[Vec<u8>]) -> String {
    let payloads = lines.iter().filter_map(|line| line.strip_prefix(b"data: "));
    let events = payloads.filter(|payload| *payload != b"[DONE]");
    events
        .map(|payload| {
            let event = serde_json::from_slice(payload).expect("an event in JSON");
            delta_of(dialect, &event).to_owned()
        })
        .collect()
}

fn ask(route: &Route, server: &Aimock, text: &str) -> Outcome {
    let request = request(route, text, false);
    completions(route.provider, &route.config(server.url()), &request)
}

fn ask_streamed(route: &Route, server: &Aimock, text: &str) -> (Vec<Vec<u8>>, Outcome) {
    let request = request(route, text, true);
    stream(route.provider, &route.config(server.url()), &request)
}

#[test]
fn aimock_understands_every_provider_and_is_understood() {
    let Some(server) = Aimock::start(&fixtures(), KEY) else {
        return;
    };
    for route in ROUTES {
        let outcome = ask(route, &server, "hello");
        check(
            &outcome,
            MODELWIRE_OK,
            json!({"http_status": 200, "phase": "done"}),
        );
        assert_eq!(
            text_of(route.dialect, &outcome.json()),
            GREETING,
            "{route:?}"
        );

        let (lines, outcome) = ask_streamed(route, &server, "hello");
        let end = match route.dialect {
            Dialect::Chat => "done",
            _ => "terminal",
        };
        let info = json!({"end": end, "content_type": "text/event-stream", "lines": lines.len()});
        check(&outcome, MODELWIRE_OK, info);
        assert_eq!(streamed_text(route.dialect, &lines), GREETING, "{route:?}");
        let pieces = lines
            .iter()
            .filter(|line| line.starts_with(b"data: "))
            .count();
        assert!(pieces > 2, "{route:?}: {pieces} events are no stream");
    }
}

#[test]
fn aimock_checks_the_key_of_every_provider() {
    let Some(server) = Aimock::start(&fixtures(), "another key") else {
        return;
    };
    for route in ROUTES {
        let outcome = ask(route, &server, "hello");
        check(
            &outcome,
            MODELWIRE_E_BACKEND,
            json!({"http_status": 401, "retryable": false}),
        );
        let (lines, outcome) = ask_streamed(route, &server, "hello");
        check(
            &outcome,
            MODELWIRE_E_BACKEND,
            json!({"http_status": 401, "end": "error"}),
        );
        assert!(lines.is_empty() && !outcome.body.is_empty(), "{route:?}");
    }
    let probed = |provider: &str| {
        let route = ROUTES.iter().find(|route| route.provider == provider);
        let config = route.expect("a provider").config(server.url());
        test_connection(provider, &config).ok().json()
    };
    for provider in ["openai", "anthropic", "mistral"] {
        assert_eq!(probed(provider)["stage"], json!("authentication"));
        assert_eq!(probed(provider)["status_code"], json!(401));
    }
}

#[test]
fn aimock_takes_the_key_of_a_connection_test() {
    let Some(server) = Aimock::start(&fixtures(), KEY) else {
        return;
    };
    // It lists models at /v1/models alone.
    for route in ROUTES
        .iter()
        .filter(|route| route.probe == Some("/v1/models"))
    {
        let outcome = test_connection(route.provider, &route.config(server.url()));
        check(&outcome, MODELWIRE_OK, json!({"http_status": 200}));
        assert_eq!(outcome.json()["ok"], json!(true), "{route:?}");
    }
}

#[test]
fn aimock_refuses_with_a_wait_that_is_told() {
    let Some(server) = Aimock::start(&fixtures(), KEY) else {
        return;
    };
    for route in ROUTES {
        let info = json!({"http_status": 429, "retryable": true, "retry_after_ms": 7000});
        let outcome = ask(route, &server, "too much");
        check(&outcome, MODELWIRE_E_BACKEND, info.clone());
        assert!(
            outcome.json().to_string().contains("slow down"),
            "{route:?}"
        );
        let (lines, outcome) = ask_streamed(route, &server, "too much");
        check(&outcome, MODELWIRE_E_BACKEND, info);
        assert!(lines.is_empty(), "{route:?}");
    }
}

#[test]
fn aimock_breaks_off_and_that_is_never_a_success() {
    let Some(server) = Aimock::start(&fixtures(), KEY) else {
        return;
    };
    for route in ROUTES {
        let (lines, outcome) = ask_streamed(route, &server, "cut");
        check(
            &outcome,
            MODELWIRE_E_TRUNCATED,
            json!({"end": "error", "http_status": 200}),
        );
        assert!(!lines.is_empty(), "{route:?}");
    }
}
