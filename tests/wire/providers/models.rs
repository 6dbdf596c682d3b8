//! Which model is meant: read from the body, taken from the config, put into the body, and
//! held against the list of allowed ones.

use crate::route::{ROUTES, Route};
use crate::support::abi::{Outcome, completions, stream};
use crate::support::upstream::{Received, Upstream, json as answer};
use crate::{KEY, check, openai, with};
use modelwire::ffi::{MODELWIRE_E_MODEL_NOT_ALLOWED, MODELWIRE_E_REQUEST, MODELWIRE_OK};
use serde_json::{Value, json};

/// What the upstream of one call saw, and how the call ended.
fn ask(route: &Route, more: Value, body: &str) -> (Vec<Received>, Outcome) {
    let upstream = Upstream::start(answer("{}"));
    let config = with(route.config(&upstream.url()), more);
    let outcome = completions(route.provider, &config, body);
    (upstream.requests(), outcome)
}

fn route(provider: &str) -> &'static Route {
    let mut routes = ROUTES.iter();
    routes
        .find(|route| route.provider == provider)
        .expect("a provider")
}

#[test]
fn a_missing_model_is_spliced_in_and_every_other_byte_stays() {
    let cases = [
        (r#"{}"#, json!({"model": "m"}), r#"{"model":"m"}"#),
        (
            " \r\n{ \t} ",
            json!({"model": "m"}),
            " \r\n{\"model\":\"m\" \t} ",
        ),
        (
            "\n{ \"a\" : 1.0e+00, \"model_x\":\"model\" }\n",
            json!({"default_model": "d"}),
            "\n{\"model\":\"d\", \"a\" : 1.0e+00, \"model_x\":\"model\" }\n",
        ),
        (
            r#"{"a":{"model":"inner"},"b":["\"model\":\"x\""]}"#,
            json!({"model": "m", "default_model": "d"}),
            r#"{"model":"m","a":{"model":"inner"},"b":["\"model\":\"x\""]}"#,
        ),
        (
            r#"{"a":1}"#,
            json!({"model": "q\"\\€"}),
            r#"{"model":"q\"\\€","a":1}"#,
        ),
        // The body's own model wins.
        (
            r#"{"model":"own","a":1}"#,
            json!({"model": "m"}),
            r#"{"model":"own","a":1}"#,
        ),
        (
            r#"{"mod\u0065l":"own"}"#,
            json!({"model": "m"}),
            r#"{"mod\u0065l":"own"}"#,
        ),
    ];
    for route in ROUTES {
        if matches!(route.provider, "google" | "vertex") {
            continue;
        }
        for (body, config, expected) in &cases {
            let (requests, outcome) = ask(route, config.clone(), body);
            check(&outcome, MODELWIRE_OK, json!({"bytes_out": expected.len()}));
            let sent = String::from_utf8_lossy(&requests[0].body);
            assert_eq!(&sent, expected, "{route:?}");
        }
    }
}

#[test]
fn a_stream_gets_its_model_spliced_in_as_well() {
    let upstream = Upstream::start(crate::support::upstream::sse("data: [DONE]\n"));
    let config = with(openai(&upstream.url()), json!({"default_model": "d"}));
    let (_, outcome) = stream("openai", &config, r#"{"stream":true}"#);
    check(&outcome, MODELWIRE_OK, json!({"model": "d", "end": "done"}));
    assert_eq!(
        upstream.requests()[0].body,
        br#"{"model":"d","stream":true}"#
    );
}

#[test]
fn google_reads_the_model_and_leaves_the_body_alone() {
    for (body, config, model) in [
        (r#"{"model":"a","modelId":"b"}"#, json!({"model": "c"}), "a"),
        (r#"{"modelId":"b"}"#, json!({"model": "c"}), "b"),
        (r#"{"model":"","modelId":"b"}"#, json!({}), "b"),
        (
            r#"{"x":1}"#,
            json!({"model": "c", "default_model": "d"}),
            "c",
        ),
        (r#"{"x":1}"#, json!({"default_model": "d"}), "d"),
        (r#"{"model":"models/a"}"#, json!({}), "a"),
    ] {
        let (requests, outcome) = ask(route("google"), config, body);
        outcome.ok();
        assert_eq!(
            requests[0].path(),
            format!("/v1beta/models/{model}:generateContent")
        );
        assert_eq!(requests[0].body, body.as_bytes());
    }
}

#[test]
fn vertex_takes_the_config_first_and_leaves_the_body_alone() {
    for (body, config, model) in [
        (
            r#"{"model":"a"}"#,
            json!({"model": "c", "default_model": "d"}),
            "c",
        ),
        (r#"{"model":"a"}"#, json!({"default_model": "d"}), "d"),
        (r#"{"model":"a"}"#, json!({}), "a"),
        (r#"{"modelId":"b"}"#, json!({}), "b"),
        ("not JSON", json!({"model": "c"}), "c"),
    ] {
        let (requests, outcome) = ask(route("vertex"), config, body);
        check(&outcome, MODELWIRE_OK, json!({"model": model}));
        let tail = format!("/models/{model}:generateContent");
        assert!(
            requests[0].target.ends_with(&tail),
            "{}",
            requests[0].target
        );
        assert_eq!(requests[0].body, body.as_bytes());
    }
}

#[test]
fn a_model_that_is_needed_and_missing_is_said_before_any_network() {
    for name in ["google", "vertex", "azure"] {
        for body in [r#"{}"#, r#"{"model":null}"#, r#"{"model":" "}"#] {
            let (requests, outcome) = ask(route(name), json!({}), body);
            check(
                &outcome,
                MODELWIRE_E_REQUEST,
                json!({"phase": "prepare", "attempts": 0}),
            );
            assert_eq!(outcome.message, format!("{name}: model is required"));
            assert!(requests.is_empty());
        }
        for body in ["", "[]", "nonsense", r#"{"model":7}"#, r#"{"model":"m"} x"#] {
            let (requests, outcome) = ask(route(name), json!({}), body);
            check(&outcome, MODELWIRE_E_REQUEST, json!({"phase": "prepare"}));
            assert!(requests.is_empty(), "{name} {body}");
        }
    }
}

#[test]
fn a_name_that_is_no_path_segment_is_refused() {
    for name in ["google", "vertex", "azure"] {
        for model in ["..", ".", "a\\u0000b", "a\\r\\nb"] {
            let body = format!(r#"{{"model":"{model}"}}"#);
            let (requests, outcome) = ask(route(name), json!({}), &body);
            check(&outcome, MODELWIRE_E_REQUEST, json!({"phase": "prepare"}));
            assert!(requests.is_empty());
        }
    }
}

#[test]
fn allowed_models_hold_on_every_provider_before_any_network() {
    for route in ROUTES {
        let only = json!({"allowed_models": ["other", "mine"]});
        let (requests, outcome) = ask(route, only.clone(), r#"{"model":"mine"}"#);
        check(&outcome, MODELWIRE_OK, json!({"model": "mine"}));
        assert_eq!(requests.len(), 1);

        let (requests, outcome) = ask(route, only.clone(), r#"{"model":"stranger"}"#);
        check(
            &outcome,
            MODELWIRE_E_MODEL_NOT_ALLOWED,
            json!({"phase": "prepare", "attempts": 0}),
        );
        assert!(outcome.message.contains("stranger"), "{outcome:?}");
        assert!(requests.is_empty(), "{route:?}");

        let (requests, outcome) = ask(route, only.clone(), r#"{"x":1}"#);
        check(&outcome, MODELWIRE_E_REQUEST, json!({"phase": "prepare"}));
        assert!(requests.is_empty(), "{route:?}");

        // What the config adds is held against the list too.
        let config = with(only.clone(), json!({"default_model": "stranger"}));
        let (requests, outcome) = ask(route, config, r#"{"x":1}"#);
        check(&outcome, MODELWIRE_E_MODEL_NOT_ALLOWED, json!({}));
        assert!(requests.is_empty(), "{route:?}");
    }
}

#[test]
fn a_name_no_list_has_does_not_flood_the_message() {
    let body = json!({"model": "x".repeat(100_000)}).to_string();
    let (_, outcome) = ask(route("openai"), json!({"allowed_models": ["m"]}), &body);
    check(&outcome, MODELWIRE_E_MODEL_NOT_ALLOWED, json!({}));
    assert!(outcome.message.len() < 300);
}

#[test]
fn the_reasoner_has_its_limit() {
    for (body, allowed) in [
        (r#"{"model":"deepseek-reasoner","max_tokens":64000}"#, true),
        (r#"{"model":"deepseek-reasoner","max_tokens":64001}"#, false),
        (
            r#"{"model":"deepseek-reasoner","max_completion_tokens":64001,"max_tokens":1}"#,
            false,
        ),
        (
            r#"{"model":"deepseek-reasoner","max_completion_tokens":1,"max_tokens":64001}"#,
            true,
        ),
        (r#"{"model":"deepseek-reasoner"}"#, true),
        (r#"{"model":"deepseek-chat","max_tokens":64001}"#, true),
    ] {
        let (requests, outcome) = ask(route("deepseek"), json!({}), body);
        let status = if allowed {
            MODELWIRE_OK
        } else {
            MODELWIRE_E_REQUEST
        };
        check(&outcome, status, json!({}));
        assert_eq!(requests.len(), usize::from(allowed), "{body}");
    }
    let (_, outcome) = ask(
        route("deepseek"),
        json!({"model": "deepseek-reasoner"}),
        r#"{"max_tokens":70000}"#,
    );
    check(&outcome, MODELWIRE_E_REQUEST, json!({}));
    assert!(outcome.message.contains("max_tokens"), "{outcome:?}");
}

#[test]
fn what_a_raw_body_does_not_use_is_listed() {
    let upstream = Upstream::start(answer("{}"));
    let config = json!({
        "credentials": {"api_key": KEY},
        "options": {"base_url": upstream.url()},
        "max_tokens": 5, "temperature": 0.5, "system_prompt": "be brief", "instructions": ["a"],
        "something_else": [1, 2],
    });
    let outcome = completions("openai", &config, r#"{"a":1}"#);
    let unused = json!(["max_tokens", "temperature", "system_prompt", "instructions"]);
    check(&outcome, MODELWIRE_OK, json!({"unused": unused}));
    assert_eq!(upstream.requests()[0].body, br#"{"a":1}"#);
}
