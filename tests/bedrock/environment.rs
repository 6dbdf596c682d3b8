//! The environment of the process: what the config says wins over its keys, and it names
//! endpoints. What a config found shows in the signature that a scripted Bedrock receives.

#[cfg(not(feature = "aws-chain"))]
use modelwire::ffi::MODELWIRE_E_CREDENTIALS;
use serde_json::{Value, json};

use crate::child::{run, step};
use crate::support::upstream::{Received, Upstream, json as json_reply};

pub fn bedrock() -> Upstream {
    Upstream::start(json_reply("{}"))
}

pub fn config(upstream: &Upstream, aws: Value) -> Value {
    json!({"credentials": {"aws": aws}, "options": {"base_url": upstream.url()}})
}

/// The access key that signed, and the session token beside it.
pub fn signer(request: &Received) -> (String, Option<String>) {
    let authorization = request.header("authorization").expect("signed");
    let key = authorization
        .split("Credential=")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let token = request.header("x-amz-security-token").map(str::to_owned);
    (key.expect("a key").to_owned(), token)
}

const POISON: [(&str, &str); 7] = [
    ("AWS_ACCESS_KEY_ID", "AKPOISON"),
    ("AWS_SECRET_ACCESS_KEY", "POISON"),
    ("AWS_SESSION_TOKEN", "POISON"),
    ("AWS_PROFILE", "POISON"),
    ("AWS_REGION", "poison-1"),
    ("AWS_ROLE_ARN", "POISON"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/POISON"),
];

#[test]
fn explicit_keys_win_over_a_poisoned_environment() {
    let upstream = bedrock();
    let keys = json!({"access_key": "AKEXPLICIT", "secret_key": "s"});
    let said = run(&POISON, &[step("completions", &config(&upstream, keys), 1)]);
    assert_eq!(said[0].status(), 0, "{:?}", said[0]);
    let request = &upstream.requests()[0];
    assert_eq!(signer(request), ("AKEXPLICIT".into(), None));
    assert!(
        request
            .header("authorization")
            .expect("signed")
            .contains("/us-east-1/bedrock/")
    );
}

#[test]
fn an_api_key_wins_over_a_poisoned_environment() {
    let upstream = bedrock();
    let config =
        json!({"credentials": {"api_key": "explicit"}, "options": {"base_url": upstream.url()}});
    let said = run(&POISON, &[step("completions", &config, 1)]);
    assert_eq!(said[0].status(), 0, "{:?}", said[0]);
    assert_eq!(
        upstream.requests()[0].header("authorization"),
        Some("Bearer explicit")
    );
}

#[cfg(not(feature = "aws-chain"))]
#[test]
fn a_build_without_the_chain_says_so() {
    let upstream = bedrock();
    let said = run(
        &POISON,
        &[step("completions", &config(&upstream, json!({})), 1)],
    );
    assert_eq!(said[0].status(), i64::from(MODELWIRE_E_CREDENTIALS));
    assert!(
        said[0].message().ends_with("(feature aws-chain)"),
        "{:?}",
        said[0]
    );
}

#[test]
fn the_environment_names_endpoints_unless_told_to_be_ignored() {
    let upstream = bedrock();
    let url = upstream.url();
    let config = json!({"credentials": {"aws": {"access_key": "AK", "secret_key": "s"}}});
    let show = [step("prepare", &config, 1)];
    let shown = |environment: &[(&str, &str)]| {
        let said = run(environment, &show);
        let shown: Value = serde_json::from_str(said[0].body()).expect("JSON");
        shown["url"].as_str().expect("a URL").to_owned()
    };
    let named = format!("{url}/model/m/invoke");
    let own = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke";
    let (service, all) = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL");
    assert_eq!(shown(&[(service, &url)]), named);
    assert_eq!(
        shown(&[(service, &url), (all, "http://127.0.0.1:9")]),
        named
    );
    assert_eq!(shown(&[(all, &url)]), named);
    assert_eq!(
        shown(&[(all, &url), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]),
        own
    );
}
