//! No connection, and peers that break off or do not speak HTTP.

use crate::route::ROUTES;
use crate::support::abi::{completions, stream};
use crate::support::upstream::{Accept, Script, Step, Upstream, head, json as answer};
use crate::{KEY, check, openai, with};
use modelwire::ffi::*;
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};

/// A port on which nothing listens; it was free a moment ago.
fn closed_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind on loopback");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_refused_connection_names_the_peer() {
    for route in ROUTES {
        let port = closed_port();
        let config = route.config(&format!("http://127.0.0.1:{port}"));
        let info = json!({"phase": "send", "http_status": 0, "retryable": true, "headers": [],
            "timeout": null, "provider": route.provider});
        let outcome = completions(route.provider, &config, r#"{"model":"m"}"#);
        check(&outcome, MODELWIRE_E_CONNECT, info.clone());
        assert!(
            outcome.message.contains(&format!("127.0.0.1:{port}")),
            "{outcome:?}"
        );
        let (lines, outcome) = stream(route.provider, &config, r#"{"model":"m"}"#);
        check(&outcome, MODELWIRE_E_CONNECT, info);
        assert_eq!((lines.len(), &outcome.info["end"]), (0, &json!("error")));
    }
}

#[test]
fn a_host_without_an_address_is_named() {
    // No query can carry a label of this length, so no name server is asked.
    let host = format!("{}.invalid", "a".repeat(70));
    let outcome = completions("openai", &openai(&format!("http://{host}/v1")), "{}");
    check(
        &outcome,
        MODELWIRE_E_CONNECT,
        json!({"phase": "send", "retryable": true}),
    );
    assert!(outcome.message.contains(&host), "{outcome:?}");
}

#[test]
fn a_proxy_that_is_not_there_or_refuses_is_a_failed_connection() {
    let upstream = Upstream::start(answer("{}"));
    let away =
        json!({"transport": {"proxy": format!("http://u:{KEY}@127.0.0.1:{}", closed_port())}});
    let outcome = completions("openai", &with(openai(&upstream.url()), away), "{}");
    check(&outcome, MODELWIRE_E_CONNECT, json!({"phase": "send"}));

    let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let proxy = Upstream::start(vec![Step::send(refusal)]);
    let through = json!({"transport": {"proxy": proxy.url()}});
    let config = with(openai("https://localhost:1/v1"), through);
    let outcome = completions("openai", &config, "{}");
    check(
        &outcome,
        MODELWIRE_E_CONNECT,
        json!({"phase": "send", "http_status": 0}),
    );
    assert_eq!(proxy.requests()[0].method, "CONNECT");
    assert_eq!(proxy.requests()[0].target, "localhost:1");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_proxy_gets_the_whole_url_and_no_proxy_goes_around_it() {
    let proxy = Upstream::start(answer("\"proxied\""));
    let upstream = Upstream::start(answer("\"direct\""));
    let through = json!({"transport": {"proxy": proxy.url()}});
    let outcome = completions(
        "openai",
        &with(openai(&upstream.url()), through.clone()),
        "{}",
    );
    assert_eq!(outcome.ok().text(), "\"proxied\"");
    let target = format!("{}/chat/completions", upstream.url());
    assert_eq!(proxy.requests()[0].target, target);
    let around = with(through, json!({"transport": {"no_proxy": "127.0.0.1"}}));
    let outcome = completions("openai", &with(openai(&upstream.url()), around), "{}");
    assert_eq!(outcome.ok().text(), "\"direct\"");
}

#[test]
fn a_peer_that_hangs_up_before_it_answers_is_told_apart() {
    let info = json!({"phase": "send", "http_status": 0, "attempts": 1, "retryable": false});
    for script in [
        Script::always(answer("{}")).accept(Accept::Close),
        Script::always(vec![Step::Reset]),
    ] {
        let upstream = Upstream::start(script);
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        check(&outcome, MODELWIRE_E_TRUNCATED, info.clone());
    }
    for part in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let upstream = Upstream::start(vec![Step::send(part), Step::Close]);
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        check(&outcome, MODELWIRE_E_TRUNCATED, info.clone());
    }
}

#[test]
fn an_answer_that_breaks_off_is_truncated_and_never_a_success() {
    let half = |headers: &[(&str, &str)], body: &str| {
        vec![Step::send(head(200, "OK", headers)), Step::send(body)]
    };
    let chunked = [("transfer-encoding", "chunked")];
    for mut steps in [
        half(&[("content-length", "10")], "half"),
        half(&[("content-length", "10")], ""),
        half(&chunked, "4\r\nhalf\r\n"),
        half(&chunked, "4\r\nha"),
        half(&chunked, ""),
        half(&chunked, "4\r\nhalf\r\n0\r\n"),
    ] {
        steps.push(Step::Close);
        let upstream = Upstream::start(steps);
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        let info = json!({"phase": "response", "http_status": 200, "retryable": false});
        check(&outcome, MODELWIRE_E_TRUNCATED, info);
        assert!(outcome.body.is_empty());
    }
}

#[test]
fn what_is_not_http_is_a_broken_protocol() {
    for bytes in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        let upstream = Upstream::start(vec![Step::send(bytes), Step::Hang]);
        let outcome = completions("openai", &openai(&upstream.url()), "{}");
        check(
            &outcome,
            MODELWIRE_E_PROTOCOL,
            json!({"phase": "send", "retryable": false}),
        );
    }
    let steps = vec![
        Step::send(head(200, "OK", &[("transfer-encoding", "chunked")])),
        Step::send("no hex\r\n"),
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let outcome = completions("openai", &openai(&upstream.url()), "{}");
    check(
        &outcome,
        MODELWIRE_E_PROTOCOL,
        json!({"phase": "response", "http_status": 200}),
    );
}

#[test]
fn an_answer_that_announces_too_much_is_refused_at_once() {
    let size = (300u64 << 20).to_string();
    let steps = vec![
        Step::send(head(200, "OK", &[("content-length", &size)])),
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let outcome = completions("openai", &openai(&upstream.url()), "{}");
    check(
        &outcome,
        MODELWIRE_E_PROTOCOL,
        json!({"phase": "response", "http_status": 200}),
    );
    assert!(
        outcome.message.contains("max_response_bytes"),
        "{outcome:?}"
    );
}
