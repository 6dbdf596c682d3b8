//! Connection tests and what they make of every answer.

use crate::route::ROUTES;
use crate::support::abi::{self, classify_probe_status, run_http_probe, test_connection};
use crate::support::upstream::{Step, TlsIdentity, Upstream, json as answer, reply};
use crate::{KEY, check, with};
use modelwire::ffi::*;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener};

fn verdict(ok: bool, stage: &str, status_code: i32, message: &str) -> Value {
    json!({"ok": ok, "stage": stage, "status_code": status_code, "message": message})
}

/// What a status means; google answers 400 to a key it does not know.
fn verdict_of(status: i32, provider: &str) -> Value {
    match status {
        200..=299 => verdict(true, "authentication", status, ""),
        400 if provider == "google" => rejected(status),
        401 | 403 => rejected(status),
        _ => verdict(
            false,
            "provider",
            status,
            &format!("provider returned an unexpected status ({status})"),
        ),
    }
}

fn rejected(status: i32) -> Value {
    let message = format!("provider rejected the credentials (status {status})");
    verdict(false, "authentication", status, &message)
}

const STATUSES: [u16; 10] = [200, 204, 301, 400, 401, 403, 404, 429, 500, 529];

#[test]
fn every_provider_is_asked_its_own_question() {
    for route in ROUTES {
        let Some(target) = route.probe else { continue };
        let upstream = Upstream::start(answer("{\"data\":[]}"));
        let config = with(
            route.config(&upstream.url()),
            json!({"options": {"headers": {"x-team": "blue"}}}),
        );
        let outcome = test_connection(route.provider, &config);
        let info = json!({"provider": route.provider, "operation": "test_connection",
            "phase": "done", "http_status": 200, "attempts": 1, "end": null});
        check(&outcome, MODELWIRE_OK, info);
        assert_eq!(outcome.json(), verdict(true, "authentication", 200, ""));
        let request = &upstream.requests()[0];
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("GET", target),
            "{route:?}"
        );
        assert!(request.body.is_empty());
        for (name, value) in route.headers() {
            assert_eq!(request.header(&name), Some(value.as_str()), "{route:?}");
        }
        assert_eq!(request.header("x-team"), Some("blue"), "{route:?}");
    }
}

#[test]
fn every_status_is_read_as_the_provider_means_it() {
    for route in ROUTES.iter().filter(|route| route.probe.is_some()) {
        for status in STATUSES {
            let body = if status == 204 { "" } else { "<html>" };
            let upstream = Upstream::start(reply(status, "", &[("location", "/x")], body));
            let outcome = test_connection(route.provider, &route.config(&upstream.url()));
            check(&outcome, MODELWIRE_OK, json!({"http_status": status}));
            assert_eq!(
                outcome.json(),
                verdict_of(status.into(), route.provider),
                "{route:?}"
            );
            assert_eq!(upstream.requests().len(), 1);
        }
    }
}

#[test]
fn a_status_can_be_read_without_asking_anybody() {
    for route in ROUTES {
        for status in STATUSES {
            let outcome = classify_probe_status(Some(route.provider), status.into());
            check(&outcome, MODELWIRE_OK, json!({"provider": route.provider}));
            assert_eq!(outcome.json(), verdict_of(status.into(), route.provider));
        }
    }
    assert_eq!(
        classify_probe_status(None, 400).ok().json(),
        verdict_of(400, "")
    );
    assert_eq!(
        classify_probe_status(None, 401).ok().json(),
        verdict_of(401, "")
    );
    check(
        &classify_probe_status(Some("nobody"), 200),
        MODELWIRE_E_PROVIDER,
        json!({}),
    );
    check(
        &classify_probe_status(None, -1),
        MODELWIRE_E_ARGUMENT,
        json!({}),
    );
    check(
        &classify_probe_status(None, 70_000),
        MODELWIRE_E_ARGUMENT,
        json!({}),
    );
}

#[test]
fn a_provider_that_cannot_be_reached_is_a_verdict() {
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind on loopback");
        listener.local_addr().expect("an address").port()
    };
    let stranger = Upstream::start_tls(answer("{}"), TlsIdentity::valid());
    let silent = Upstream::start(vec![Step::Hang]);
    let short = Upstream::start(vec![Step::Close]);
    let refused = format!("http://127.0.0.1:{port}");
    for route in ROUTES.iter().filter(|route| route.probe.is_some()) {
        for origin in [&refused, &stranger.url(), &silent.url(), &short.url()] {
            let soon = json!({"timeouts": {"total_ms": 300}});
            // A handshake on a busy machine may take longer than silence is waited for.
            let patient = json!({"timeouts": {"total_ms": 60_000}});
            let wait = if *origin == silent.url() {
                soon
            } else {
                patient
            };
            let outcome = test_connection(route.provider, &with(route.config(origin), wait));
            check(&outcome, MODELWIRE_OK, json!({"http_status": 0}));
            let said = outcome.json();
            assert_eq!(said["ok"], json!(false));
            assert_eq!(said["stage"], json!("connectivity"), "{route:?} {said}");
            assert_eq!(said["status_code"], json!(0));
            let message = said["message"].as_str().expect("a text");
            assert!(
                message.starts_with("could not reach provider: "),
                "{message}"
            );
            assert!(!message.contains(KEY));
        }
    }
}

#[test]
fn credentials_and_options_that_are_missing_are_verdicts() {
    for route in ROUTES.iter().filter(|route| route.probe.is_some()) {
        let upstream = Upstream::start(answer("{}"));
        let mut config = route.config(&upstream.url());
        config["credentials"]["api_key"] = Value::Null;
        let outcome = test_connection(route.provider, &config);
        check(&outcome, MODELWIRE_OK, json!({"http_status": 0}));
        assert_eq!(
            outcome.json(),
            verdict(false, "authentication", 0, "api key is required")
        );
        assert_eq!(upstream.connections(), 0);
    }
    let key = |options: Value| json!({"credentials": {"api_key": KEY}, "options": options});
    for (provider, options, stage, message) in [
        (
            "openai",
            json!({"api": "x"}),
            "provider",
            "options.api: must be `completions` or `responses`",
        ),
        (
            "openai_compatible",
            json!({}),
            "provider",
            "options.base_url: base_url is required",
        ),
        (
            "groq",
            json!({"base_url": "x"}),
            "provider",
            "options.base_url: expected an http or https URL",
        ),
        (
            "azure",
            json!({}),
            "connectivity",
            "credentials.azure.endpoint: endpoint is required",
        ),
    ] {
        let outcome = test_connection(provider, &key(options));
        check(&outcome, MODELWIRE_OK, json!({"http_status": 0}));
        assert_eq!(outcome.json(), verdict(false, stage, 0, message));
    }
}

#[test]
fn vertex_is_tested_by_its_token_alone() {
    let vertex = ROUTES
        .iter()
        .find(|route| route.provider == "vertex")
        .expect("vertex");
    let outcome = test_connection("vertex", &vertex.config("http://127.0.0.1:1"));
    check(
        &outcome,
        MODELWIRE_OK,
        json!({"http_status": 0, "attempts": 0}),
    );
    assert_eq!(outcome.json(), verdict(true, "authentication", 0, ""));
}

#[test]
fn a_provider_nobody_knows_is_unsupported() {
    for outcome in [
        test_connection("nobody", "{}"),
        abi::start(MODELWIRE_OP_TEST_CONNECTION, "nobody", "{}", "").finish(),
    ] {
        check(
            &outcome,
            MODELWIRE_E_PROVIDER,
            json!({"provider": "nobody"}),
        );
        let said = outcome.json();
        assert_eq!(
            (&said["ok"], &said["stage"]),
            (&json!(false), &json!("unsupported"))
        );
    }
    let outcome = run_http_probe("nobody", r#"{"url":"http://127.0.0.1:1"}"#);
    check(
        &outcome,
        MODELWIRE_E_PROVIDER,
        json!({"provider": "nobody"}),
    );
}

#[test]
fn a_config_that_cannot_be_read_is_no_verdict() {
    for config in ["[]", "{", r#"{"credentials":{"api_key":7}}"#] {
        let outcome = test_connection("openai", config);
        check(&outcome, MODELWIRE_E_CONFIG, json!({"phase": "prepare"}));
        assert!(outcome.body.is_empty());
    }
}

#[test]
fn a_probe_goes_where_the_host_says() {
    let upstream = Upstream::start(answer("{}"));
    let request = json!({
        "url": format!("{}/v9/things?key={KEY}&x=%20", upstream.url()),
        "headers": {"X-Team": "blue", "x-api-key": "other"},
        "bearer": KEY,
    });
    let outcome = run_http_probe("openai", &request);
    let info = json!({"operation": "http_probe", "http_status": 200,
        "url": format!("{}/v9/things", upstream.url())});
    check(&outcome, MODELWIRE_OK, info);
    assert_eq!(outcome.json(), verdict(true, "authentication", 200, ""));
    let request = &upstream.requests()[0];
    assert_eq!(request.method, "GET");
    assert_eq!(request.target, format!("/v9/things?key={KEY}&x=%20"));
    let bearer = format!("Bearer {KEY}");
    for (name, value) in [
        ("x-team", "blue"),
        ("x-api-key", "other"),
        ("authorization", &bearer),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
}

#[test]
fn a_probe_reads_the_status_as_the_provider_means_it() {
    for (provider, status) in [
        ("google", 400),
        ("openai", 400),
        ("openai", 403),
        ("vertex", 500),
    ] {
        let upstream = Upstream::start(reply(status, "", &[], ""));
        let outcome = run_http_probe(provider, &json!({"url": upstream.url()}));
        check(&outcome, MODELWIRE_OK, json!({"http_status": status}));
        assert_eq!(outcome.json(), verdict_of(status.into(), provider));
        assert_eq!(upstream.requests()[0].header("authorization"), None);
    }
}

#[test]
fn a_probe_that_makes_no_request_says_why() {
    for (request, text) in [
        (json!({}), "url: url is required"),
        (json!({"url": 7}), "url: expected a string"),
        (
            json!({"url": "ftp://a.example"}),
            "url: expected an http or https URL",
        ),
        (
            json!({"url": format!("http://u:{KEY}@a.example")}),
            "url: must not hold a user name or password; use headers",
        ),
        (
            json!({"url": "http://127.0.0.1:1", "headers": []}),
            "headers: expected an object",
        ),
        (
            json!({"url": "http://127.0.0.1:1", "headers": {"x-a": format!("{KEY}\n")+"b"}}),
            "headers.x-a: holds characters that a header cannot carry",
        ),
        (
            json!({"url": "http://127.0.0.1:1", "bearer": [KEY]}),
            "bearer: expected a string",
        ),
    ] {
        let outcome = run_http_probe("openai", &request);
        check(&outcome, MODELWIRE_E_CONFIG, json!({"attempts": 0}));
        assert_eq!(outcome.message, format!("openai: {text}"));
    }
    check(
        &run_http_probe("openai", "nonsense"),
        MODELWIRE_E_CONFIG,
        json!({}),
    );
}

#[test]
fn probes_can_be_followed_and_cancelled_like_any_call() {
    let upstream = Upstream::start(vec![Step::Hang]);
    let request = json!({"url": upstream.url()});
    let call = abi::start(MODELWIRE_OP_HTTP_PROBE, "openai", "{}", &request);
    upstream.wait_requests(1);
    assert_eq!(call.cancel(), MODELWIRE_OK);
    assert_eq!(call.next(-1), abi::Event::Ended);
    check(
        &call.finish(),
        MODELWIRE_E_CANCELLED,
        json!({"operation": "http_probe"}),
    );
}
