//! Unary answers and streams of a server whose signature checks and frames are @smithy's.

use modelwire::ffi::*;
use serde_json::{Value, json};

use crate::peers::{Peer, smithy};
use crate::support::abi::{self, Outcome};

fn config(peer: &Peer) -> Value {
    json!({
        "credentials": {"aws": {
            "access_key": "AKIDEXAMPLE",
            "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        }},
        "options": {"base_url": peer.url()},
    })
}

fn lines(lines: &[Vec<u8>]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| std::str::from_utf8(line).expect("UTF-8"))
        .collect()
}

fn ask(peer: &Peer, model: &str) -> Outcome {
    abi::completions("bedrock", &config(peer), &json!({"model": model}))
}

const FIRST: [&str; 2] = [r#"data: {"n":1,"text":"hé"}"#, ""];

#[test]
fn a_unary_call_is_signed_so_that_others_accept_it() {
    let Some(peer) = smithy() else { return };
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3";
    for (model, path) in [
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            "anthropic.claude-3-haiku-20240307-v1%3A0",
        ),
        (
            arn,
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-3",
        ),
        (
            "a model/with spaces?&#%41",
            "a%20model%2Fwith%20spaces%3F%26%23%2541",
        ),
        ("é~'!*()", "%C3%A9~%27%21%2A%28%29"),
    ] {
        let request = json!({"messages": [], "modelId": model, "stream": false});
        let outcome = abi::completions("bedrock", &config(&peer), &request).ok();
        assert!(outcome.text().starts_with(
            r#"{"amazon-bedrock-invocationMetrics":{"inputTokenCount":11,"outputTokenCount":7},"path":"#
        ));
        let answer = outcome.json();
        assert_eq!(answer["path"], format!("/model/{path}/invoke"));
        assert_eq!(answer["body"], r#"{"messages":[]}"#);
        assert_eq!(outcome.info["model"], model);
    }
}

#[test]
fn a_session_token_and_amazon_headers_are_signed_too() {
    let Some(peer) = smithy() else { return };
    let mut config = config(&peer);
    config["credentials"]["aws"]["session_token"] = "tok/en+with=chars".into();
    config["options"]["headers"] = json!({
        "X-Amzn-Bedrock-GuardrailIdentifier": "g1",
        "x-team": "blue",
        "accept-language": "de",
    });
    abi::completions("bedrock", &config, &json!({"model": "m"})).ok();
}

#[test]
fn a_bedrock_api_key_is_a_bearer_token() {
    let Some(peer) = smithy() else { return };
    let config = |key: &str| {
        json!({"credentials": {"api_key": key, "aws": {"region": "eu-west-1"}},
               "options": {"base_url": peer.url()}})
    };
    abi::completions(
        "bedrock",
        &config("bedrock-api-key"),
        &json!({"model": "m"}),
    )
    .ok();
    let probe = |key| abi::test_connection("bedrock", &config(key)).ok().json();
    assert_eq!(probe("bedrock-api-key")["ok"], true);
    let refused = probe("another");
    assert_eq!(
        (&refused["ok"], &refused["stage"]),
        (&json!(false), &json!("authentication"))
    );
}

#[test]
fn chunks_become_lines_however_they_are_cut() {
    let Some(peer) = smithy() else { return };
    for model in ["chunks", "bytewise", "sevens"] {
        let (got, outcome) = abi::stream("bedrock", &config(&peer), &json!({"model": model}));
        let outcome = outcome.ok();
        let expected = [
            FIRST[0],
            "",
            r#"data: {"n":2}"#,
            "",
            r#"data: {"n":3,"last":true}"#,
            "",
        ];
        assert_eq!(lines(&got), expected, "{model}");
        assert_eq!(outcome.info["end"], "terminal");
        assert_eq!(outcome.info["request_id"], "r-1");
    }
}

#[test]
fn a_stream_that_fails_delivers_what_came_before() {
    let Some(peer) = smithy() else { return };
    for (model, status, code, message) in [
        (
            "exception",
            MODELWIRE_E_STREAM,
            json!("throttlingException"),
            "Too many requests",
        ),
        (
            "error",
            MODELWIRE_E_STREAM,
            json!("InternalServerError"),
            "it broke",
        ),
        (
            "bad-crc",
            MODELWIRE_E_PROTOCOL,
            Value::Null,
            "a frame of the event stream is damaged",
        ),
        (
            "cut",
            MODELWIRE_E_TRUNCATED,
            Value::Null,
            "the stream ended inside a frame",
        ),
    ] {
        let (got, outcome) = abi::stream("bedrock", &config(&peer), &json!({"model": model}));
        assert_eq!(lines(&got), FIRST, "{model}");
        assert_eq!(
            (outcome.status, outcome.message.as_str()),
            (status, message),
            "{model}"
        );
        assert_eq!(outcome.info["error_code"], code, "{model}");
        assert_eq!(outcome.info["end"], "error", "{model}");
    }
}

#[test]
fn a_refusal_keeps_its_body_and_its_code() {
    let Some(peer) = smithy() else { return };
    let busy = ask(&peer, "busy");
    assert_eq!((busy.status, busy.http_status), (MODELWIRE_E_BACKEND, 429));
    assert_eq!(busy.body, br#"{"message":"this is busy"}"#);
    assert_eq!(busy.info["error_code"], "ThrottlingException");
    assert_eq!(busy.info["retryable"], true);
    assert_eq!(busy.info["retry_after_ms"], 3000);

    let (got, wrong) = abi::stream("bedrock", &config(&peer), &json!({"model": "wrong"}));
    assert!(got.is_empty());
    assert_eq!(
        (wrong.status, wrong.http_status),
        (MODELWIRE_E_BACKEND, 400)
    );
    assert_eq!(wrong.body, br#"{"message":"this is wrong"}"#);
    assert_eq!(wrong.info["error_code"], "ValidationException");
    assert_eq!(wrong.info["retryable"], false);
}

#[test]
fn a_wrong_secret_is_a_wrong_signature() {
    let Some(peer) = smithy() else { return };
    let mut config = config(&peer);
    config["credentials"]["aws"]["secret_key"] = "MARK".into();
    let outcome = abi::completions("bedrock", &config, &json!({"model": "m"}));
    assert_eq!(
        (outcome.status, outcome.http_status),
        (MODELWIRE_E_BACKEND, 403)
    );
    assert_eq!(outcome.info["error_code"], "InvalidSignatureException");
    assert_eq!(outcome.message, "the provider answered with status 403");
    assert!(!format!("{outcome:?}").contains("MARK"));
}

#[test]
fn a_clock_ten_minutes_off_is_named() {
    let Some(peer) = smithy() else { return };
    let outcome = ask(&peer, "ahead");
    assert_eq!(
        (outcome.status, outcome.http_status),
        (MODELWIRE_E_BACKEND, 403)
    );
    let clock = "; this machine's clock may be wrong: it is 10 minutes behind AWS's";
    let near = "; this machine's clock may be wrong: it is 9 minutes behind AWS's";
    let message = &outcome.message;
    assert!(
        message.ends_with(clock) || message.ends_with(near),
        "{message}"
    );
}
