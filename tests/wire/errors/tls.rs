//! Certificates are always checked: bad ones in their own ways, good ones under a CA that
//! the config adds.

use crate::support::abi::{Outcome, completions, stream};
use crate::support::http2::{Http2Step, Http2Upstream};
use crate::support::upstream::{TlsIdentity, Upstream, json as answer, sse};
use crate::{check, openai, with};
use modelwire::ffi::*;
use serde_json::json;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpListener};

/// One unary call that trusts `ca_pem`.
fn call_trusting(url: &str, ca_pem: &str) -> Outcome {
    let trust = json!({"transport": {"ca_pem": ca_pem}});
    completions("openai", &with(openai(url), trust), "{}")
}

#[test]
fn bad_certificates_are_refused_before_anything_is_sent() {
    for (identity, cause) in [
        (TlsIdentity::expired(), "expired"),
        (TlsIdentity::wrong_name(), "name"),
        (TlsIdentity::unknown_ca(), "UnknownIssuer"),
    ] {
        let upstream = Upstream::start_tls(answer("{}"), identity);
        let outcome = call_trusting(&upstream.url(), upstream.ca_pem());
        let info = json!({"phase": "send", "http_status": 0, "timeout": null, "attempts": 1});
        check(&outcome, MODELWIRE_E_TLS, info);
        assert!(outcome.message.contains(cause), "{outcome:?}");
        assert!(outcome.message.contains("localhost"), "{outcome:?}");
        assert!(upstream.requests().is_empty());
    }
}

#[test]
fn a_good_certificate_needs_a_ca_that_is_trusted() {
    let upstream = Upstream::start_tls(answer("\"secure\""), TlsIdentity::valid());
    let outcome = completions("openai", &openai(&upstream.url()), "{}");
    check(&outcome, MODELWIRE_E_TLS, json!({"phase": "send"}));
    let outcome = call_trusting(&upstream.url(), upstream.ca_pem());
    check(&outcome, MODELWIRE_OK, json!({"http_status": 200}));
    assert_eq!(outcome.text(), "\"secure\"");
    // A bundle may hold others as well.
    let others = TlsIdentity::valid();
    let bundle = format!("# comment\n{}{}", others.ca_pem(), upstream.ca_pem());
    call_trusting(&upstream.url(), &bundle).ok();
}

#[test]
fn a_stream_over_tls_has_the_same_lines() {
    let upstream = Upstream::start_tls(sse("data: 1\n\ndata: [DONE]\n"), TlsIdentity::valid());
    let trust = json!({"transport": {"ca_pem": upstream.ca_pem()}});
    let (lines, outcome) = stream("openai", &with(openai(&upstream.url()), trust), "{}");
    check(&outcome, MODELWIRE_OK, json!({"end": "done"}));
    assert_eq!(lines, [b"data: 1".as_slice(), b"", b"data: [DONE]"]);
}

#[test]
fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let identity = TlsIdentity::valid().require_client_certificate();
    let pem = identity.client_pem();
    let upstream = Upstream::start_tls(answer("{}"), identity);
    let config = |pem: &str| {
        let transport = json!({"ca_pem": upstream.ca_pem(), "client_cert_pem": pem});
        with(openai(&upstream.url()), json!({"transport": transport}))
    };
    completions("openai", &config(&pem), "{}").ok();
    let stranger = TlsIdentity::valid().client_pem();
    for refused in [stranger.as_str(), ""] {
        let outcome = completions("openai", &config(refused), "{}");
        check(
            &outcome,
            MODELWIRE_E_TLS,
            json!({"phase": "send", "http_status": 0}),
        );
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn pem_that_is_none_is_a_wrong_config() {
    let key_alone = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    let good = TlsIdentity::valid();
    for (transport, path) in [
        (json!({"ca_pem": "nonsense"}), "transport.ca_pem"),
        (json!({"ca_pem": key_alone}), "transport.ca_pem"),
        (
            json!({"ca_pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
            "transport.ca_pem",
        ),
        (
            json!({"client_cert_pem": "nonsense"}),
            "transport.client_cert_pem",
        ),
        (
            json!({"client_cert_pem": key_alone}),
            "transport.client_cert_pem",
        ),
        (
            json!({"client_cert_pem": good.ca_pem()}),
            "transport.client_cert_pem",
        ),
    ] {
        let config = with(
            openai("https://localhost:1"),
            json!({"transport": transport}),
        );
        let outcome = completions("openai", &config, "{}");
        check(&outcome, MODELWIRE_E_CONFIG, json!({"attempts": 0}));
        assert!(
            outcome.message.starts_with(&format!("openai: {path}: ")),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_peer_without_tls_is_a_failed_handshake() {
    for said in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind on loopback");
        let port = listener.local_addr().expect("an address").port();
        let peer = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a connection");
            let _ = socket.write_all(said.as_bytes());
            // A close of both sides would reset what was not read yet.
            let _ = socket.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut socket, &mut std::io::sink());
        });
        let config = openai(&format!("https://127.0.0.1:{port}"));
        let outcome = completions("openai", &config, "{}");
        let info = json!({"phase": "send", "http_status": 0, "attempts": 1});
        check(&outcome, MODELWIRE_E_TLS, info);
        peer.join().expect("the peer");
    }
}

#[test]
fn http2_is_spoken_where_the_peer_offers_it() {
    let upstream = Http2Upstream::start(|request| {
        vec![
            Http2Step::Head(200, vec![("content-type", "application/json")]),
            Http2Step::Data(request.body.clone()),
            Http2Step::End,
        ]
    });
    let outcome = {
        let trust = json!({"transport": {"ca_pem": upstream.ca_pem()}});
        completions(
            "openai",
            &with(openai(&upstream.url()), trust),
            "{ \"a\":1}",
        )
    };
    check(&outcome, MODELWIRE_OK, json!({"http_status": 200}));
    assert_eq!(outcome.text(), "{ \"a\":1}");
    let request = &upstream.requests()[0];
    assert_eq!(
        (request.method.as_str(), request.path()),
        ("POST", "/chat/completions")
    );
    assert_eq!(request.version, "HTTP/2");
}
