//! What goes out, as the dry run shows it and as a scripted upstream receives it.

use modelwire::ffi::*;
use serde_json::{Value, json};

use crate::support::abi;
use crate::support::upstream::{Upstream, json as json_reply};

fn keys() -> Value {
    json!({"access_key": "AK", "secret_key": "MARK"})
}

fn prepare(config: Value, request: &str, operation: u32) -> abi::Outcome {
    abi::prepare("bedrock", &config, request, operation)
}

#[test]
fn the_region_and_the_operation_make_the_url() {
    const UNARY: u32 = MODELWIRE_OP_COMPLETIONS;
    const STREAM: u32 = MODELWIRE_OP_COMPLETIONS_STREAM;
    let region = json!({"access_key": "AK", "secret_key": "s", "region": "eu-west-3"});
    let base = json!({"base_url": "http://127.0.0.1:9/prefix/"});
    for (aws, options, operation, url) in [
        (
            keys(),
            json!({}),
            UNARY,
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/m%3A0/invoke",
        ),
        (
            region.clone(),
            json!({}),
            STREAM,
            "https://bedrock-runtime.eu-west-3.amazonaws.com/model/m%3A0/invoke-with-response-stream",
        ),
        (
            region,
            base,
            UNARY,
            "http://127.0.0.1:9/prefix/model/m%3A0/invoke",
        ),
    ] {
        let config = json!({"credentials": {"aws": aws}, "options": options});
        let shown = prepare(config, r#"{"model":"m:0"}"#, operation).ok().json();
        assert_eq!(shown["url"], url);
        let accept = (operation == UNARY).then_some("application/json");
        assert_eq!(shown["headers"]["accept"].as_str(), accept);
        assert_eq!(shown["headers"]["authorization"], "[redacted]");
    }
}

#[test]
fn the_model_is_found_in_its_order() {
    for (model, default, body, found) in [
        ("c", "d", r#"{"modelId":"a","model":"b"}"#, "a"),
        ("c", "d", r#"{"model":"b"}"#, "b"),
        ("c", "d", r#"{"modelId":"","model":null}"#, "c"),
        ("", "d", "{}", "d"),
        ("c", "", "not JSON", "c"),
        ("c", "", "[1]", "c"),
        ("", "", r#"{"modelId":"us.a.b-v1:0"}"#, "us.a.b-v1:0"),
    ] {
        let config =
            json!({"credentials": {"aws": keys()}, "model": model, "default_model": default});
        let shown = prepare(config, body, MODELWIRE_OP_COMPLETIONS).ok().json();
        assert_eq!(shown["model"], found, "{body}");
    }
}

#[test]
fn a_request_without_a_model_or_with_one_not_allowed_is_refused() {
    let aws = json!({"credentials": {"aws": keys()}});
    let allowed = json!({"credentials": {"aws": keys()}, "allowed_models": ["a"], "model": "b"});
    for (config, body, status, message) in [
        (
            &aws,
            "{}",
            MODELWIRE_E_REQUEST,
            "bedrock: model is required",
        ),
        (
            &aws,
            "not JSON",
            MODELWIRE_E_REQUEST,
            "bedrock: the request body is not valid JSON (line 1, column 2)",
        ),
        (
            &aws,
            r#"{"model":7}"#,
            MODELWIRE_E_REQUEST,
            "bedrock: model: expected a string",
        ),
        (
            &aws,
            r#"{"model":".."}"#,
            MODELWIRE_E_REQUEST,
            "bedrock: model is not a usable name",
        ),
        (
            &allowed,
            "{}",
            MODELWIRE_E_MODEL_NOT_ALLOWED,
            "bedrock: model `b` is not in allowed_models",
        ),
        (
            &allowed,
            "text",
            MODELWIRE_E_MODEL_NOT_ALLOWED,
            "bedrock: model `b` is not in allowed_models",
        ),
    ] {
        let outcome = prepare(config.clone(), body, MODELWIRE_OP_COMPLETIONS);
        assert_eq!(
            (outcome.status, outcome.message.as_str()),
            (status, message),
            "{body}"
        );
    }
}

#[test]
fn the_body_goes_out_byte_for_byte_but_for_three_keys() {
    let upstream = Upstream::start(json_reply("{}"));
    let config = json!({"credentials": {"aws": keys()}, "model": "c",
                        "options": {"base_url": upstream.url()}});
    for (body, sent) in [
        (
            "{ \"a\" : 1.0e5,\n\t\"model\":\"m\", \"tools\":[{\"model\":\"x\",\"stream\":1}], \"stream\": true }",
            "{ \"a\" : 1.0e5,\n\t\"tools\":[{\"model\":\"x\",\"stream\":1}] }".as_bytes(),
        ),
        ("{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ud83d\"}".as_bytes()),
        ("not JSON", b"not JSON"),
    ] {
        abi::completions("bedrock", &config, body).ok();
        assert_eq!(upstream.requests().last().expect("a request").body, sent);
    }
    abi::completions("bedrock", &config, b"\xff\xfe".as_slice()).ok();
    assert_eq!(
        upstream.requests().last().expect("a request").body,
        b"\xff\xfe"
    );
}

#[test]
fn headers_of_the_options_can_carry_the_authorization() {
    let upstream = Upstream::start(json_reply("{}"));
    let config = json!({"credentials": {"aws": keys()}, "options": {
        "base_url": upstream.url(), "headers": {"Authorization": "Bearer gateway"}}});
    abi::completions("bedrock", &config, &json!({"model": "m"})).ok();
    let request = &upstream.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer gateway"));
    assert_eq!(request.header("x-amz-date"), None);
}

#[test]
fn a_stream_request_answered_with_json_is_delivered_as_it_is() {
    let upstream = Upstream::start(json_reply("{\"a\":\n1}"));
    let config = json!({"credentials": {"aws": keys()}, "options": {"base_url": upstream.url()}});
    let (lines, outcome) = abi::stream("bedrock", &config, &json!({"model": "m"}));
    assert_eq!(lines, [b"{\"a\":".to_vec(), b"1}".to_vec()]);
    assert_eq!(outcome.ok().info["end"], "eof");
}

#[test]
fn half_an_identity_is_refused_before_any_network() {
    let config = json!({"credentials": {"aws": {"access_key": "AK"}}});
    let outcome = prepare(config, r#"{"model":"m"}"#, MODELWIRE_OP_COMPLETIONS);
    assert_eq!(outcome.status, MODELWIRE_E_CREDENTIALS);
    let message = "bedrock: credentials.aws.secret_key is required beside access_key";
    assert_eq!(outcome.message, message);
}
