//! TLS that fails, and that no config makes lax.

use crate::fault::{Fault, KEY, SOUND, fails, play, runs_out, turn};
use crate::support::abi::{Outcome, completions};
use crate::support::upstream::{Accept, Script, Step, TlsIdentity, Upstream, json as answer};
use modelwire::ffi::*;
use serde_json::{Value, json};

fn deaf_at_first() -> Upstream {
    let receive = |n| {
        if n == 0 {
            Accept::NeverRead
        } else {
            Accept::Serve
        }
    };
    let script = Script::always(answer(SOUND)).accept_with(receive);
    Upstream::start_tls(script, TlsIdentity::valid())
}

fn resets_at_first() -> Upstream {
    let receive = |n| if n == 0 { Accept::Reset } else { Accept::Serve };
    let script = Script::always(answer(SOUND)).accept_with(receive);
    Upstream::start_tls(script, TlsIdentity::valid())
}

#[test]
fn handshakes_that_end_or_stall() {
    play(vec![
        Fault::of("the TLS handshake stalls", deaf_at_first)
            .config(json!({"timeouts": {"connect_ms": 200}}))
            .unwatched()
            .both(runs_out("connect", "send")),
        Fault::of("the peer resets before the TLS handshake", resets_at_first)
            .both(fails(MODELWIRE_E_CONNECT, "send").retryable()),
    ]);
}

fn ask(upstream: &Upstream, config: Value) -> Outcome {
    let base = json!({"credentials": {"api_key": KEY}, "options": {"base_url": upstream.url()}});
    completions("openai", &crate::fault::with(base, config), "{}")
}

/// The page has these in a table of their own: the peer never becomes good.
#[test]
fn certificates_that_are_wrong_stay_wrong() {
    let _turn = turn();
    for identity in [
        TlsIdentity::expired(),
        TlsIdentity::wrong_name(),
        TlsIdentity::unknown_ca(),
    ] {
        let upstream = Upstream::start_tls(answer(SOUND), identity);
        let trust = json!({"transport": {"ca_pem": upstream.ca_pem()}});
        // No way of saying it, ours, other libraries' or a made-up one, turns the check off.
        for lax in [
            json!({}),
            json!({"transport": {"verify": false, "insecure": true, "verify_ssl": false}}),
            json!({"transport": {"danger_accept_invalid_certs": true, "skip_verify": true}}),
            json!({"transport": {"InsecureSkipVerify": true, "rejectUnauthorized": false}}),
            json!({"options": {"verify": false, "insecure": true, "tls": {"verify": false}}}),
            json!({"insecure": true, "verify": false}),
        ] {
            let outcome = ask(&upstream, crate::fault::with(trust.clone(), lax));
            assert_eq!(outcome.status, MODELWIRE_E_TLS, "{outcome:?}");
            assert_eq!(outcome.info["phase"], "send");
            assert_eq!(outcome.info["retryable"], false);
            assert_eq!(outcome.info["attempts"], 1);
        }
        assert!(upstream.requests().is_empty(), "a request went out");
    }
}

/// A CA beside others does not make the peer's own certificate good for another host, and no
/// CA at all trusts nobody here.
#[test]
fn trust_is_per_config() {
    let _turn = turn();
    let upstream = Upstream::start_tls(answer(SOUND), TlsIdentity::valid());
    let trust = json!({"transport": {"ca_pem": upstream.ca_pem()}});
    ask(&upstream, trust).ok();
    // The connection that the trusting config opened is not lent to one that does not trust.
    let other = TlsIdentity::valid();
    for config in [json!({}), json!({"transport": {"ca_pem": other.ca_pem()}})] {
        let outcome = ask(&upstream, config);
        assert_eq!(outcome.status, MODELWIRE_E_TLS, "{outcome:?}");
    }
    assert_eq!(upstream.requests().len(), 1);
}

/// A peer that speaks plain HTTP on an https port gets no request to read.
#[test]
fn plain_http_behind_https() {
    let _turn = turn();
    let upstream = Upstream::start(
        Script::always(vec![Step::send("HTTP/1.1 400 \r\n\r\n"), Step::HalfClose]).before_body(),
    );
    let url = format!("https://127.0.0.1:{}", upstream.port());
    let config = json!({"credentials": {"api_key": KEY}, "options": {"base_url": url},
        "timeouts": {"connect_ms": 500}});
    let outcome = completions("openai", &config, "{}");
    let failed = [MODELWIRE_E_TLS, MODELWIRE_E_TIMEOUT];
    assert!(failed.contains(&outcome.status), "{outcome:?}");
}
