//! Who shares a token with whom, and for how long.

use std::thread::sleep;
use std::time::{Duration, Instant};

use modelwire::ffi::{MODELWIRE_E_CANCELLED, MODELWIRE_OK, MODELWIRE_OP_COMPLETIONS};
use serde_json::{Value, json};

use crate::google::with_account;
use crate::peer::{Peer, peer};
use crate::support::abi::{self, Call};
use crate::support::upstream::{Gate, Script, Step, Upstream, join, json as json_reply};
use crate::{bearer, provider};

fn start(config: &Value) -> Call {
    abi::start(MODELWIRE_OP_COMPLETIONS, "vertex", config, "{}")
}

/// An account whose token endpoint is `endpoint`.
fn account_at(peer: &Peer, endpoint: &Upstream) -> Value {
    let mut account = peer.service_account("scripted", 3600, "pkcs8");
    account["token_uri"] = format!("{}/token", endpoint.url()).into();
    account
}

#[test]
fn fifty_first_calls_at_once_ask_for_one_token() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let config = with_account(&upstream, &peer.service_account("fifty", 3600, "pkcs8"));
    let calls: Vec<_> = (0..50).map(|_| start(&config)).collect();
    for call in calls {
        call.finish().ok();
    }
    let seen = peer.seen("fifty");
    assert_eq!(seen.requests, 1);
    let requests = upstream.requests();
    assert_eq!(requests.len(), 50);
    assert!(
        requests
            .iter()
            .all(|request| bearer(request) == seen.tokens[0])
    );
    let tokens = &abi::stats()["tokens"];
    assert!(tokens["entries"].as_u64() >= Some(1) && tokens["refreshes"].as_u64() >= Some(1));
}

#[test]
fn a_token_of_two_seconds_is_renewed_and_no_call_fails() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let config = with_account(&upstream, &peer.service_account("brief", 2, "pkcs8"));
    let until = Instant::now() + Duration::from_secs(5);
    let mut calls = 0;
    while Instant::now() < until {
        abi::completions("vertex", &config, "{}").ok();
        calls += 1;
        sleep(Duration::from_millis(50));
    }
    let seen = peer.seen("brief");
    assert!(seen.requests >= 3, "{seen:?}");
    assert!(seen.requests < calls / 2, "{seen:?} for {calls} calls");
    let last = upstream.requests().pop().expect("calls were made");
    assert!(seen.tokens[1..].iter().any(|token| token == bearer(&last)));
}

#[test]
fn a_cancelled_call_leaves_the_token_to_those_who_wait() {
    let Some(peer) = peer() else { return };
    let gate = Gate::new();
    let token = json_reply(r#"{"access_token":"late","expires_in":3600}"#);
    let reply = join([vec![Step::WaitFor(gate.clone())], token]);
    let endpoint = Upstream::start(Script::always(reply));
    let upstream = provider();
    let config = with_account(&upstream, &account_at(peer, &endpoint));
    let first = start(&config);
    endpoint.wait_requests(1);
    let second = start(&config);
    assert_eq!(first.cancel(), MODELWIRE_OK);
    assert_eq!(first.finish().status, MODELWIRE_E_CANCELLED);
    gate.open();
    second.finish().ok();
    abi::completions("vertex", &config, "{}").ok();
    assert_eq!(endpoint.requests().len(), 1);
    assert!(
        upstream
            .requests()
            .iter()
            .all(|request| bearer(request) == "late")
    );
}

#[test]
fn configs_that_differ_in_anything_that_makes_a_token_share_none() {
    let Some(peer) = peer() else { return };
    let token = r#"{"access_token":"t","expires_in":3600}"#;
    let endpoint = Upstream::start(Script::always(json_reply(token)));
    let upstream = provider();
    let account = account_at(peer, &endpoint);
    let with = |field: &str, value: &str| {
        let mut other = account.clone();
        other[field] = value.into();
        with_account(&upstream, &other)
    };
    let mut direct = with_account(&upstream, &account);
    direct["transport"] = json!({"proxy": ""});
    let configs = [
        with_account(&upstream, &account),
        with("client_email", "other@project.iam.gserviceaccount.com"),
        with("private_key", peer.text("unknown_key")),
        with("private_key_id", "key-2"),
        with("token_uri", &format!("{}/other", endpoint.url())),
        direct,
    ];
    for _ in 0..2 {
        for config in &configs {
            abi::completions("vertex", config, "{}").ok();
        }
    }
    assert_eq!(endpoint.requests().len(), configs.len());
}
