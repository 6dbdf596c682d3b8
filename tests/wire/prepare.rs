//! The dry run: what would be sent, with nothing sent and no secret shown.

use crate::route::{MODEL, ROUTES};
use crate::support::abi::{Outcome, prepare};
use crate::support::upstream::{Upstream, json as answer};
use crate::{KEY, check, openai, with};
use modelwire::ffi::*;
use serde_json::{Value, json};

fn show(provider: &str, config: &Value, body: &[u8]) -> Outcome {
    prepare(provider, config, body, MODELWIRE_OP_COMPLETIONS)
}

#[test]
fn every_provider_shows_its_request_and_sends_nothing() {
    for route in ROUTES {
        let upstream = Upstream::start(answer("{}"));
        let config = with(
            route.config(&upstream.url()),
            json!({"options": {"headers": {"x-team": "blue", "X-Auth-Other": KEY, "cookie": KEY}}}),
        );
        let body = format!("{{ \"model\":\"{MODEL}\" ,\"n\":1.0e+0}}");
        for (operation, target, name) in [
            (MODELWIRE_OP_COMPLETIONS, route.unary, "completions"),
            (
                MODELWIRE_OP_COMPLETIONS_STREAM,
                route.stream,
                "completions_stream",
            ),
        ] {
            let outcome = prepare(route.provider, &config, &body, operation);
            check(
                &outcome,
                MODELWIRE_OK,
                json!({"provider": route.provider, "operation": name}),
            );
            let mut headers = json!({
                "content-type": "application/json",
                "x-team": "blue",
                "x-auth-other": "[redacted]",
                "cookie": "[redacted]",
            });
            for (name, value) in route.headers() {
                let secret = value.contains(KEY);
                headers[name] = if secret {
                    "[redacted]".into()
                } else {
                    value.into()
                };
            }
            let expected = json!({
                "method": "POST",
                "url": format!("{}{target}", upstream.url()),
                "headers": headers,
                "model": route.reads_model.then_some(MODEL),
                "body": body,
            });
            assert_eq!(outcome.json(), expected, "{route:?}");
            assert!(!outcome.text().contains(KEY));
        }
        assert_eq!(upstream.connections(), 0);
    }
}

#[test]
fn a_body_that_is_no_text_is_shown_in_base64() {
    let shown = show("openai", &openai("http://127.0.0.1:1"), b"{\"a\":\"\xff\"}")
        .ok()
        .json();
    assert_eq!(shown["body"], Value::Null);
    assert_eq!(shown["body_base64"], json!("eyJhIjoi/yJ9"));
}

#[test]
fn the_body_is_shown_as_it_would_go_out() {
    let config = with(openai("http://127.0.0.1:1"), json!({"model": "m"}));
    let shown = show("openai", &config, b"{\"a\":1}").ok().json();
    assert_eq!(shown["body"], json!(r#"{"model":"m","a":1}"#));
    assert_eq!(shown["model"], json!("m"));
}

#[test]
fn what_the_operation_would_refuse_the_dry_run_refuses() {
    let good = openai("http://127.0.0.1:1");
    let none = json!({});
    let closed = with(good.clone(), json!({"allowed_models": ["x"]}));
    for (provider, config, body, status) in [
        ("nobody", &good, "{}", MODELWIRE_E_PROVIDER),
        ("openai", &none, "{}", MODELWIRE_E_CREDENTIALS),
        (
            "openai",
            &closed,
            r#"{"model":"y"}"#,
            MODELWIRE_E_MODEL_NOT_ALLOWED,
        ),
        ("google", &good, "{}", MODELWIRE_E_REQUEST),
        ("vertex", &good, "{}", MODELWIRE_E_CONFIG),
    ] {
        let outcome = show(provider, config, body.as_bytes());
        check(&outcome, status, json!({"provider": provider}));
        assert!(outcome.body.is_empty());
    }
    for operation in [MODELWIRE_OP_TEST_CONNECTION, MODELWIRE_OP_HTTP_PROBE, 0, 9] {
        let outcome = prepare("openai", &good, "{}", operation);
        check(&outcome, MODELWIRE_E_ARGUMENT, json!({}));
    }
}
