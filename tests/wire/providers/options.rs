//! Options, checked on their own and as a part of a config.

use crate::support::abi::{completions, validate_provider_options};
use crate::{KEY, check};
use modelwire::ffi::{MODELWIRE_E_CONFIG, MODELWIRE_E_PROVIDER, MODELWIRE_OK};
use serde_json::{Value, json};

#[test]
fn options_come_back_decoded_and_normalised() {
    let vertex = json!({"project": "p", "location": "us-central1", "version": "v1",
        "publisher": "google"});
    let cases = [
        ("openai", json!({}), json!({"api": "completions"})),
        (
            "openai",
            json!({"api": " responses ", "base_url": " https://a.example/v1/ "}),
            json!({"api": "responses", "base_url": "https://a.example/v1"}),
        ),
        (
            "openai_compatible",
            json!({"base_url": "http://127.0.0.1:8000//", "headers": {" X-A ": " 1 "}}),
            json!({"base_url": "http://127.0.0.1:8000", "headers": {"X-A": "1"}}),
        ),
        (
            "vertex",
            json!({"project": " p ", "location": "US-Central1"}),
            vertex,
        ),
        (
            "vertex",
            json!({"project": "p", "location": "global", "version": "v1beta1",
                "publisher": "meta", "action": "rawPredict"}),
            json!({"project": "p", "location": "global", "version": "v1beta1",
                "publisher": "meta", "action": "rawPredict"}),
        ),
        ("anthropic", json!({"unknown": [1]}), json!({})),
        (
            "azure",
            json!({"token_scope": "s"}),
            json!({"token_scope": "s"}),
        ),
        ("google", json!({"base_url": null}), json!({})),
        ("mistral", json!({"headers": {}}), json!({})),
        ("groq", json!({"base_url": ""}), json!({})),
        ("deepseek", json!({}), json!({})),
    ];
    for (provider, options, expected) in cases {
        let outcome = validate_provider_options(provider, &options);
        check(&outcome, MODELWIRE_OK, json!({"provider": provider}));
        assert_eq!(outcome.json(), expected, "{provider} {options}");
    }
}

#[test]
fn wrong_options_are_named_alone_and_inside_a_config() {
    let url = "expected an http or https URL";
    let cases = [
        (
            "openai_compatible",
            json!({}),
            "options.base_url: base_url is required",
        ),
        (
            "openai_compatible",
            json!({"base_url": "  "}),
            "options.base_url: base_url is required",
        ),
        (
            "openai",
            json!({"api": "chat"}),
            "options.api: must be `completions` or `responses`",
        ),
        (
            "openai",
            json!({"api": 1}),
            "options.api: expected a string",
        ),
        (
            "vertex",
            json!({"location": "x"}),
            "options.project: project is required",
        ),
        (
            "vertex",
            json!({"project": "x"}),
            "options.location: location is required",
        ),
        (
            "vertex",
            json!({"project": "p", "location": "evil.example/"}),
            "options.location: is not the name of a location",
        ),
        (
            "anthropic",
            json!({"base_url": {}}),
            "options.base_url: expected a string",
        ),
        (
            "anthropic",
            json!({"base_url": "ftp://a.example"}),
            &format!("options.base_url: {url}"),
        ),
        (
            "google",
            json!({"base_url": "a.example"}),
            &format!("options.base_url: {url}"),
        ),
        (
            "groq",
            json!({"base_url": "https://a.example/?k=v"}),
            "options.base_url: must not hold a query or a fragment",
        ),
        (
            "mistral",
            json!({"base_url": format!("https://u:{KEY}@a.example")}),
            "options.base_url: must not hold a user name or password; use headers",
        ),
        (
            "deepseek",
            json!({"headers": []}),
            "options.headers: expected an object",
        ),
        (
            "deepseek",
            json!({"headers": {"x-a": 1}}),
            "options.headers.x-a: expected a string",
        ),
        (
            "openai",
            json!({"headers": {"x-a": format!("{KEY}\nx-b: 1")}}),
            "options.headers.x-a: holds characters that a header cannot carry",
        ),
        (
            "openai",
            json!({"headers": {"x-a": format!("{KEY}\r")+"\n y"}}),
            "options.headers.x-a: holds characters that a header cannot carry",
        ),
        (
            "azure",
            json!({"headers": {"x a": "1"}}),
            "options.headers.x a: not a usable header name",
        ),
        (
            "azure",
            json!({"headers": {"": "1"}}),
            "options.headers.: not a usable header name",
        ),
        (
            "anthropic",
            json!({"headers": {"Content-Length": "1"}}),
            "options.headers.Content-Length: is set by the library",
        ),
        (
            "anthropic",
            json!({"headers": {"Host": "elsewhere"}}),
            "options.headers.Host: is set by the library",
        ),
    ];
    for (provider, options, text) in cases {
        let expected = format!("{provider}: {text}");
        let outcome = validate_provider_options(provider, &options);
        check(&outcome, MODELWIRE_E_CONFIG, json!({"provider": provider}));
        assert_eq!(outcome.message, expected);

        let azure = json!({"endpoint": "http://127.0.0.1:1"});
        let config = json!({"credentials": {"api_key": KEY, "azure": azure}, "options": options});
        let outcome = completions(provider, &config, &json!({"model": "m"}));
        check(
            &outcome,
            MODELWIRE_E_CONFIG,
            json!({"phase": "prepare", "attempts": 0}),
        );
        assert_eq!(outcome.message, expected);
    }
}

#[test]
fn options_of_nobody_and_options_that_are_no_object() {
    let outcome = validate_provider_options("nobody", "{}");
    check(
        &outcome,
        MODELWIRE_E_PROVIDER,
        json!({"provider": "nobody"}),
    );
    assert!(outcome.message.contains("nobody"));
    for options in ["[]", "7", "{", "{\"a\":}", "\"x\""] {
        check(
            &validate_provider_options("openai", options),
            MODELWIRE_E_CONFIG,
            json!({}),
        );
    }
    assert_eq!(
        validate_provider_options("openai", "").ok().json()["api"],
        json!("completions")
    );
    assert_eq!(
        validate_provider_options("mistral", "{}").ok().json(),
        Value::Object(Default::default())
    );
}
