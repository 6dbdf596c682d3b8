//! Answers outside 200..299: the provider's words verbatim, and what to do about them.

use crate::route::ROUTES;
use crate::support::abi::{completions, stream};
use crate::support::upstream::{Step, Upstream, head, json as answer, reply, standard_reason};
use crate::{KEY, check, openai};
use modelwire::ffi::{MODELWIRE_E_BACKEND, MODELWIRE_OK};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn an_error_body_comes_verbatim_with_its_status() {
    let big = "<p>x</p>\n".repeat(200 * 1024 / 9);
    let cases: &[(u16, &str, &str, Value)] = &[
        (
            400,
            "application/json",
            "{ \"error\":{\"code\":\"bad\\u002f\",\"type\":\"t\"} }\n",
            json!("t"),
        ),
        (
            400,
            "application/json",
            r#"{"error":{"code":"context_length_exceeded"}}"#,
            json!("context_length_exceeded"),
        ),
        (
            401,
            "application/json",
            r#"{"error":{"type":"authentication_error"}}"#,
            json!("authentication_error"),
        ),
        (403, "text/plain", "no", Value::Null),
        (
            404,
            "text/html; charset=utf-8",
            "<html>\r\n<h1>Not\0 Found</h1>",
            Value::Null,
        ),
        (408, "application/json", "", Value::Null),
        (409, "application/json", "{}", Value::Null),
        (418, "", "short and stout", Value::Null),
        (
            422,
            "application/json",
            r#"{"object":"error","type":"invalid_model","code":1500}"#,
            json!("1500"),
        ),
        (
            429,
            "application/json",
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#,
            json!("RESOURCE_EXHAUSTED"),
        ),
        (
            500,
            "text/event-stream",
            "data: {\"error\":1}\n\ndata: [DONE]\n",
            Value::Null,
        ),
        (502, "text/html", &big, Value::Null),
        (
            503,
            "application/json",
            r#"{"error":"a text that may hold anything"}"#,
            Value::Null,
        ),
        (
            529,
            "application/json",
            r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
            json!("overloaded_error"),
        ),
    ];
    for (status, kind, body, code) in cases {
        let reason = standard_reason(*status);
        let headers = if kind.is_empty() {
            vec![]
        } else {
            vec![("content-type", *kind)]
        };
        let upstream = Upstream::start(reply(*status, reason, &headers, body));
        let config = openai(&upstream.url());
        let retryable = matches!(status, 408 | 409 | 429 | 500..);
        let info = json!({
            "http_status": status,
            "phase": "response",
            "retryable": retryable,
            "retry_after_ms": null,
            "error_code": code,
            "content_type": if kind.is_empty() { Value::Null } else { json!(kind) },
            "attempts": 1,
        });

        let outcome = completions("openai", &config, "{}");
        check(&outcome, MODELWIRE_E_BACKEND, info.clone());
        check(
            &outcome,
            MODELWIRE_E_BACKEND,
            json!({"end": null, "bytes_in": body.len()}),
        );
        assert_eq!(
            outcome.message,
            format!("the provider answered with status {status}")
        );
        assert!(outcome.body == body.as_bytes(), "{status}");

        let (lines, outcome) = stream("openai", &config, "{}");
        check(&outcome, MODELWIRE_E_BACKEND, info);
        check(
            &outcome,
            MODELWIRE_E_BACKEND,
            json!({"end": "error", "lines": 0}),
        );
        assert!(lines.is_empty(), "{status}");
        // A stream's error body is for reading, not for relaying megabytes.
        let kept = &body.as_bytes()[..body.len().min(64 * 1024)];
        assert!(outcome.body == kept, "{status}");
    }
}

#[test]
fn every_provider_gives_its_error_and_code() {
    for route in ROUTES {
        let body = r#"{"error":{"type":"rate_limit_error","message":"slow down"}}"#;
        let upstream = Upstream::start(reply(429, "", &[JSON, ("retry-after", "3")], body));
        let config = route.config(&upstream.url());
        let info = json!({"provider": route.provider, "http_status": 429, "retryable": true,
            "retry_after_ms": 3000, "error_code": "rate_limit_error"});
        let outcome = completions(route.provider, &config, r#"{"model":"m"}"#);
        check(&outcome, MODELWIRE_E_BACKEND, info.clone());
        assert_eq!(outcome.text(), body);
        let (lines, outcome) = stream(route.provider, &config, r#"{"model":"m"}"#);
        check(&outcome, MODELWIRE_E_BACKEND, info);
        assert_eq!((lines.len(), outcome.text().as_ref()), (0, body));
    }
}

#[test]
fn the_wait_that_is_asked_for_is_told() {
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, expected) in [
        (vec![("retry-after", "7")], json!(7000)),
        (vec![("Retry-After", "0")], json!(0)),
        (vec![("retry-after", "1.5")], json!(1500)),
        (vec![("retry-after-ms", "250")], json!(250)),
        (
            vec![("retry-after-ms", "250"), ("retry-after", "7")],
            json!(250),
        ),
        (vec![("retry-after", past)], json!(0)),
        (vec![("retry-after", "soon")], json!(null)),
        (vec![("retry-after", "-5")], json!(null)),
        (vec![], json!(null)),
    ] {
        let upstream = Upstream::start(reply(429, "Too Many Requests", &headers, "{}"));
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        check(
            &outcome,
            MODELWIRE_E_BACKEND,
            json!({"retry_after_ms": expected}),
        );
    }
}

#[test]
fn a_date_to_wait_for_becomes_a_wait() {
    let later = SystemTime::now() + Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(later);
    let upstream = Upstream::start(reply(503, "", &[("retry-after", &date)], ""));
    let outcome = completions("openai", &openai(&upstream.url()), "{}");
    check(&outcome, MODELWIRE_E_BACKEND, json!({"retryable": true}));
    let wait = outcome.info["retry_after_ms"].as_u64().expect("a wait");
    assert!((1..=3_600_000).contains(&wait), "{wait}");
}

#[test]
fn a_redirect_is_an_answer_like_any_other() {
    let elsewhere = Upstream::start(answer("{}"));
    for status in [301, 302, 303, 307, 308] {
        let location = elsewhere.url();
        let headers = [("location", location.as_str())];
        let upstream = Upstream::start(reply(status, "", &headers, "moved"));
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        let info = json!({"http_status": status, "retryable": false, "attempts": 1});
        check(&outcome, MODELWIRE_E_BACKEND, info.clone());
        assert_eq!(outcome.text(), "moved");
        let told = outcome.info["headers"].as_array().expect("pairs");
        assert!(told.contains(&json!(["location", location])), "{outcome:?}");
        let (_, outcome) = stream("openai", &openai(&upstream.url()), "{}");
        check(&outcome, MODELWIRE_E_BACKEND, info);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn not_modified_and_other_oddities_are_backend_errors() {
    for status in [300, 304, 305, 399, 451, 599] {
        let upstream = Upstream::start(vec![Step::send(head(
            status,
            "",
            &[("content-length", "0")],
        ))]);
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        check(
            &outcome,
            MODELWIRE_E_BACKEND,
            json!({"http_status": status}),
        );
    }
}

#[test]
fn an_error_body_that_breaks_off_is_kept_as_far_as_it_came() {
    let steps = vec![
        Step::send(head(500, "", &[("content-length", "100")])),
        Step::send("{\"error\""),
        Step::Close,
    ];
    let upstream = Upstream::start(steps);
    let outcome = completions("openai", &openai(&upstream.url()), "{}");
    check(
        &outcome,
        MODELWIRE_E_BACKEND,
        json!({"http_status": 500, "retryable": true}),
    );
    assert_eq!(outcome.text(), "{\"error\"");
}

#[test]
fn the_head_of_the_answer_is_told_on_success_and_on_failure() {
    for (name, value) in [
        ("x-request-id", "a-1"),
        ("request-id", "b-2"),
        ("x-amzn-RequestId", "c-3"),
        ("apim-request-id", "d-4"),
    ] {
        let headers = [
            JSON,
            (name, value),
            ("X-Twice", "1"),
            ("x-twice", "2"),
            ("x-bytes", "\u{e9}"),
        ];
        for (status, code) in [(200, MODELWIRE_OK), (400, MODELWIRE_E_BACKEND)] {
            let upstream = Upstream::start(reply(status, "", &headers, "{}"));
            let outcome = completions("openai", &openai(&upstream.url()), "{}");
            let told = json!([
                ["content-type", "application/json"],
                [name.to_ascii_lowercase(), value],
                ["x-twice", "1"],
                ["x-twice", "2"],
                ["x-bytes", "\u{e9}"],
                ["content-length", "2"],
            ]);
            check(
                &outcome,
                code,
                json!({"request_id": value, "headers": told}),
            );
        }
    }
}

#[test]
fn a_provider_that_repeats_the_key_does_not_get_it_into_the_code() {
    let body = format!(r#"{{"error":{{"message":"Incorrect API key: {KEY}","type":"auth"}}}}"#);
    let upstream = Upstream::start(reply(401, "", &[JSON], &body));
    let outcome = completions("openai", &openai(&upstream.url()), "{}");
    // `check` looks for the key; the body alone has it, as the provider sent it.
    check(&outcome, MODELWIRE_E_BACKEND, json!({"error_code": "auth"}));
    assert_eq!(outcome.text(), body);
}
