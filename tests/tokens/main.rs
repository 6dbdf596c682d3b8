//! Tokens of Azure and Google through the C ABI, against an authorization server that
//! others wrote and against endpoints that misbehave by script. The provider itself is the
//! scripted upstream, which shows what was sent with which token.

mod azure;
mod blocking;
mod child;
mod default_azure;
mod failures;
mod google;
mod peer;
mod secrets;
mod sharing;
#[path = "../support/mod.rs"]
mod support;

use modelwire::ffi::MODELWIRE_E_CREDENTIALS;
use serde_json::Value;
use support::abi::Outcome;
use support::upstream::{Received, Script, Upstream, json};

/// A provider that says yes to everything.
fn provider() -> Upstream {
    Upstream::start(Script::always(json(r#"{"answer":42}"#)))
}

/// The bearer token of a request.
#[track_caller]
fn bearer(request: &Received) -> &str {
    let header = request
        .header("authorization")
        .expect("an Authorization header");
    header.strip_prefix("Bearer ").expect("a bearer token")
}

/// What a call that got no credentials said.
#[track_caller]
fn refused(outcome: &Outcome) -> &str {
    assert_eq!(outcome.status, MODELWIRE_E_CREDENTIALS, "{outcome:?}");
    without_provider(&outcome.message, &outcome.info)
}

/// Messages begin with the provider's name.
#[track_caller]
fn without_provider<'a>(message: &'a str, info: &Value) -> &'a str {
    let name = info["provider"].as_str().expect("a provider");
    let rest = message
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(": "));
    rest.expect("the provider's name")
}
