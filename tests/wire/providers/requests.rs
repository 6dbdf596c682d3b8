//! Method, target, headers and body as the upstream saw them, and the answer's bytes.

use crate::route::{Dialect, MODEL, ROUTES, Route};
use crate::support::abi::{completions, stream};
use crate::support::upstream::{Received, Upstream, json as answer, reply, sse};
use crate::{KEY, check, with};
use modelwire::ffi::{MODELWIRE_OK, modelwire_is_valid_provider, modelwire_supported_providers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::{CStr, CString};

/// A JSON body that every parse and print would change: odd space, escapes, a number no
/// float holds, a key twice, half a surrogate pair, bytes that are not UTF-8.
const BODY: &[u8] =
    b"\n { \"messages\":[ {\"role\":\"user\",\t\"content\":\"h\\u00e9 \\/ \\ud83d \xff\xfe\"}],\
    \"model\" : \"a/b c\", \"n\":123456789012345678901, \"n\":1.0e+00,\r\n \"contents\": [] }\n ";

/// An answer with keep-alive lines in front, as some send them, and bytes of all kinds.
const ANSWER: &[u8] = b"\n\r\n \n{\"text\":\"\xff\0\\ud83d\", \"n\":1.0e+00 }\r\n";

#[test]
fn every_provider_gets_exactly_its_request_and_gives_its_answer() {
    for route in ROUTES {
        let upstream = Upstream::start(answer(ANSWER));
        let outcome = completions(route.provider, &route.config(&upstream.url()), BODY);
        check_request(route, &upstream, false);
        assert_eq!(outcome.body, ANSWER, "{route:?}");
        check(
            &outcome,
            MODELWIRE_OK,
            expected_info(route, &upstream, false),
        );
        assert_eq!(outcome.info["bytes_in"], json!(ANSWER.len()));
    }
}

#[test]
fn every_provider_gets_exactly_its_stream_request_and_gives_its_lines() {
    for route in ROUTES {
        let (text, end) = sample(route.dialect);
        let upstream = Upstream::start(sse(text));
        let (lines, outcome) = stream(route.provider, &route.config(&upstream.url()), BODY);
        check_request(route, &upstream, true);
        let expected: Vec<_> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        assert_eq!(lines, expected, "{route:?}");
        assert!(outcome.body.is_empty());
        check(
            &outcome,
            MODELWIRE_OK,
            expected_info(route, &upstream, true),
        );
        let info = json!({"end": end, "lines": lines.len(), "bytes_in": text.len()});
        check(&outcome, MODELWIRE_OK, info);
    }
}

#[test]
fn the_table_here_is_the_list_of_supported_providers() {
    // SAFETY: a static string.
    let names = unsafe { CStr::from_ptr(modelwire_supported_providers()) };
    let names: BTreeSet<String> = serde_json::from_slice(names.to_bytes()).expect("JSON");
    for route in ROUTES {
        assert!(names.contains(route.provider), "{}", route.provider);
    }
    for (name, valid) in [
        ("openai", 1),
        ("OpenAI", 0),
        ("openai ", 0),
        ("", 0),
        ("nobody", 0),
    ] {
        let name = CString::new(name).unwrap();
        // SAFETY: a string that lives during the call, and NULL.
        unsafe {
            assert_eq!(
                modelwire_is_valid_provider(name.as_ptr()),
                valid,
                "{name:?}"
            );
            assert_eq!(modelwire_is_valid_provider(std::ptr::null()), 0);
        }
    }
}

#[test]
fn a_body_nobody_needs_to_read_may_be_anything() {
    let body = b"\0 not JSON at all \xff";
    for route in ROUTES.iter().filter(|route| !route.reads_model) {
        let upstream = Upstream::start(answer("{}"));
        let outcome = completions(route.provider, &route.config(&upstream.url()), body);
        check(&outcome, MODELWIRE_OK, json!({"model": null}));
        assert_eq!(upstream.requests()[0].body, body, "{route:?}");
    }
}

#[test]
fn a_large_body_arrives_whole() {
    let body = format!(r#"{{"model":"m","image":"{}"}}"#, "QUJD".repeat(2_000_000));
    let upstream = Upstream::start(answer("{}"));
    let outcome = completions("openai", &crate::openai(&upstream.url()), &body);
    check(&outcome, MODELWIRE_OK, json!({"bytes_out": body.len()}));
    assert!(upstream.requests()[0].body == body.as_bytes());
}

#[test]
fn answers_of_every_framing_are_whole() {
    use crate::support::upstream::{Step, chunk, head, last_chunk};
    let big = "0123456789abcdef".repeat(100_000);
    let json = ("content-type", "application/json");
    let cases: Vec<(&str, Vec<Step>, &str)> = vec![
        ("empty", answer(""), ""),
        ("204", vec![Step::send(head(204, "No Content", &[]))], ""),
        ("201", reply(201, "Created", &[json], "made"), "made"),
        (
            "by chunks",
            vec![
                Step::send(head(200, "OK", &[json, ("transfer-encoding", "chunked")])),
                chunk("one"),
                chunk(" two"),
                last_chunk(),
            ],
            "one two",
        ),
        (
            "up to the close",
            vec![
                Step::send(head(200, "OK", &[])),
                Step::send("all"),
                Step::Close,
            ],
            "all",
        ),
        (
            "bytewise",
            vec![Step::send_bytewise(
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            )],
            "abc",
        ),
        (
            "after early hints",
            vec![
                Step::send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"),
                Step::send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
            ],
            "ok",
        ),
        ("large", answer(&big), &big),
    ];
    for (name, steps, body) in cases {
        let upstream = Upstream::start(steps);
        let outcome = completions("openai", &crate::openai(&upstream.url()), "{}");
        check(
            &outcome,
            MODELWIRE_OK,
            json!({"phase": "done", "bytes_in": body.len()}),
        );
        assert!(outcome.body == body.as_bytes(), "{name}");
    }
}

#[test]
fn an_answer_is_never_decompressed() {
    let packed = b"\x1f\x8b\x08\0 not really";
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let upstream = Upstream::start(reply(200, "OK", &headers, packed));
    let outcome = completions("openai", &crate::openai(&upstream.url()), "{}").ok();
    assert_eq!(outcome.body, packed);
}

#[test]
fn option_headers_go_to_every_provider_and_win() {
    let headers = json!({" X-Team ": " blue é ", "Content-Type": "application/json; charset=utf-8",
        "user-agent": "mine/1"});
    for route in ROUTES {
        let upstream = Upstream::start(answer("{}"));
        let config = with(
            route.config(&upstream.url()),
            json!({"options": {"headers": headers}}),
        );
        completions(route.provider, &config, BODY).ok();
        let request = &upstream.requests()[0];
        assert_eq!(request.header("x-team"), Some("blue é"), "{route:?}");
        let once = |name| request.headers.iter().filter(|(n, _)| *n == name).count();
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("user-agent", "mine/1"),
        ] {
            assert_eq!(request.header(name), Some(value), "{route:?}");
            assert_eq!(once(name), 1, "{route:?}");
        }
    }
}

#[test]
fn headers_that_carry_the_credentials_replace_the_key() {
    for route in ROUTES {
        let upstream = Upstream::start(answer("{}"));
        let (name, _) = route.auth;
        let mut config = route.config(&upstream.url());
        config["options"]["headers"] = json!({name: "my own"});
        config["credentials"]["api_key"] = Value::Null;
        completions(route.provider, &config, BODY).ok();
        let request = &upstream.requests()[0];
        let sent: Vec<_> = request.headers.iter().filter(|(n, _)| n == name).collect();
        assert_eq!(sent, [&(name.to_owned(), "my own".to_owned())], "{route:?}");
        assert!(!format!("{request:?}").contains(KEY));
    }
}

fn check_request(route: &Route, upstream: &Upstream, stream: bool) {
    let requests = upstream.requests();
    assert_eq!(requests.len(), 1, "{route:?}");
    let request = &requests[0];
    assert_eq!(request.method, "POST", "{route:?}");
    assert_eq!(request.target, route.target(stream), "{route:?}");
    assert_eq!(request.body, BODY, "{route:?}");
    assert_eq!(
        headers_of(request),
        expected_headers(route, upstream),
        "{route:?}"
    );
}

/// Every header, so that nothing is added unseen.
fn headers_of(request: &Received) -> Vec<(String, String)> {
    let mut headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect();
    headers.sort();
    headers
}

fn expected_headers(route: &Route, upstream: &Upstream) -> Vec<(String, String)> {
    let mut headers = route.headers();
    let length = BODY.len().to_string();
    let host = format!("127.0.0.1:{}", upstream.port());
    for (name, value) in [
        ("accept", "*/*"),
        ("content-length", &length),
        ("content-type", "application/json"),
        ("host", &host),
        (
            "user-agent",
            concat!("modelwire/", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        headers.push((name.to_owned(), value.to_owned()));
    }
    headers.sort();
    headers
}

fn expected_info(route: &Route, upstream: &Upstream, stream: bool) -> Value {
    let model = route.reads_model.then_some(MODEL);
    json!({
        "provider": route.provider,
        "operation": if stream { "completions_stream" } else { "completions" },
        "phase": "done",
        "model": model,
        "url": format!("{}{}", upstream.url(), route.target(stream)),
        "http_status": 200,
        "content_type": if stream { "text/event-stream" } else { "application/json" },
        "retryable": false,
        "retry_after_ms": null,
        "timeout": null,
        "error_code": null,
        "bytes_out": BODY.len(),
        "attempts": 1,
        "unused": [],
    })
}

/// A stream as the dialect has it, and the name of its end.
fn sample(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Chat => (
            "data: {\"choices\":[{\"delta\":{\"content\":\"h\\u00e9\"}}]}\n\n\
             data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n",
            "done",
        ),
        Dialect::Responses => (
            "event: response.created\ndata: {\"type\":\"response.created\"}\n\n\
             event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n",
            "terminal",
        ),
        Dialect::Messages => (
            "event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\n\
             data: {\"type\": \"ping\"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            "terminal",
        ),
        Dialect::Gemini => (
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n\
             data: {\"candidates\":[{\"content\":{},\"finishReason\":\"STOP\"}]}\n\n",
            "terminal",
        ),
    }
}
