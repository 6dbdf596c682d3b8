//! What the host got wrong: told before any network, by the path of the field.

use crate::route::ROUTES;
use crate::support::abi::{self, Event, Outcome, completions, stream};
use crate::support::upstream::{Upstream, json as answer};
use crate::{KEY, check, openai, with};
use modelwire::ffi::*;
use serde_json::{Value, json};
use std::ptr::null;

#[test]
fn a_wrong_type_at_any_depth_is_named_by_its_path() {
    let (text, object, flag) = (
        "expected a string",
        "expected an object",
        "expected true or false",
    );
    let whole = "expected a whole number, zero or more";
    for (config, path, expected) in [
        (json!({"credentials": KEY}), "credentials", object),
        (
            json!({"credentials": {"api_key": {"x": KEY}}}),
            "credentials.api_key",
            text,
        ),
        (
            json!({"credentials": {"aws": [KEY]}}),
            "credentials.aws",
            object,
        ),
        (
            json!({"credentials": {"aws": {"region": 1}}}),
            "credentials.aws.region",
            text,
        ),
        (
            json!({"credentials": {"aws": {"use_role": KEY}}}),
            "credentials.aws.use_role",
            flag,
        ),
        (
            json!({"credentials": {"azure": {"endpoint": false}}}),
            "credentials.azure.endpoint",
            text,
        ),
        (
            json!({"credentials": {"azure": {"use_identity": 1}}}),
            "credentials.azure.use_identity",
            flag,
        ),
        (
            json!({"credentials": {"azure": {"client_secret": 1}}}),
            "credentials.azure.client_secret",
            text,
        ),
        (
            json!({"credentials": {"azure": {"auth_mode": KEY}}}),
            "credentials.azure.auth_mode",
            "must be api_key, service_principal or default_azure_credential",
        ),
        (
            json!({"credentials": {"gcp": {"service_account_json": {"private_key": KEY}}}}),
            "credentials.gcp.service_account_json",
            text,
        ),
        (
            json!({"allowed_models": KEY}),
            "allowed_models",
            "expected a list of strings",
        ),
        (
            json!({"allowed_models": ["a", "b", 3]}),
            "allowed_models[2]",
            text,
        ),
        (json!({"default_model": 1}), "default_model", text),
        (json!({"model": []}), "model", text),
        (json!({"max_tokens": "5"}), "max_tokens", whole),
        (
            json!({"temperature": "hot"}),
            "temperature",
            "expected a number",
        ),
        (json!({"system_prompt": 1}), "system_prompt", text),
        (json!({"instructions": [1]}), "instructions[0]", text),
        (json!({"options": KEY}), "options", object),
        (
            json!({"options": {"base_url": 1}}),
            "options.base_url",
            text,
        ),
        (
            json!({"options": {"headers": {"authorization": [KEY]}}}),
            "options.headers.authorization",
            text,
        ),
        (json!({"timeouts": 5}), "timeouts", object),
        (
            json!({"timeouts": {"connect_ms": "5"}}),
            "timeouts.connect_ms",
            whole,
        ),
        (
            json!({"timeouts": {"response_header_ms": -1}}),
            "timeouts.response_header_ms",
            whole,
        ),
        (
            json!({"timeouts": {"idle_ms": 1.5}}),
            "timeouts.idle_ms",
            whole,
        ),
        (
            json!({"timeouts": {"total_ms": true}}),
            "timeouts.total_ms",
            whole,
        ),
        (json!({"transport": []}), "transport", object),
        (json!({"transport": {"proxy": 1}}), "transport.proxy", text),
        (
            json!({"transport": {"no_proxy": 1}}),
            "transport.no_proxy",
            text,
        ),
        (
            json!({"transport": {"ca_pem": {}}}),
            "transport.ca_pem",
            text,
        ),
        (
            json!({"transport": {"client_cert_pem": {}}}),
            "transport.client_cert_pem",
            text,
        ),
    ] {
        let info = json!({"phase": "prepare", "provider": "openai", "http_status": 0, "url": null,
            "retryable": false, "attempts": 0});
        let outcome = completions("openai", &config, "{}");
        check(&outcome, MODELWIRE_E_CONFIG, info.clone());
        assert_eq!(outcome.message, format!("openai: {path}: {expected}"));
        let (_, streamed) = stream("openai", &config, "{}");
        check(&streamed, MODELWIRE_E_CONFIG, info);
        assert_eq!(streamed.message, outcome.message);
    }
}

#[test]
fn a_config_that_is_no_json_object_says_where() {
    for (config, text) in [
        ("[]", "config: expected an object".to_owned()),
        (
            "{\n\"a\": tru}",
            "config: not valid JSON (line 2, column 9)".into(),
        ),
        (&format!("\"{KEY}\""), "config: expected an object".into()),
        (
            &format!("{{{KEY}"),
            "config: not valid JSON (line 1, column 2)".into(),
        ),
        (
            &format!("{{\"a\":\"{}\"}}", "x".repeat(4 << 20)),
            "config: over 4194304 bytes".into(),
        ),
    ] {
        let outcome = completions("openai", config, "{}");
        check(&outcome, MODELWIRE_E_CONFIG, json!({"phase": "prepare"}));
        assert_eq!(outcome.message, format!("openai: {text}"));
    }
}

#[test]
fn null_is_the_same_as_nothing() {
    let upstream = Upstream::start(answer("{}"));
    let nothing = json!({"allowed_models": null, "default_model": null, "max_tokens": null,
        "timeouts": null, "transport": {"proxy": null, "ca_pem": null},
        "credentials": {"aws": null, "azure": {"endpoint": null}}, "options": {"headers": null}});
    let outcome = completions("openai", &with(nothing, openai(&upstream.url())), "{}");
    check(&outcome, MODELWIRE_OK, json!({"unused": []}));
}

#[test]
fn an_unknown_provider_is_named() {
    for name in ["", "nobody", "OpenAI", "openai ", "öpenai"] {
        for outcome in [
            completions(name, "{}", "{}"),
            stream(name, "{}", "{}").1,
            abi::start(MODELWIRE_OP_COMPLETIONS, name, "{}", "{}").finish(),
        ] {
            check(
                &outcome,
                MODELWIRE_E_PROVIDER,
                json!({"provider": name, "phase": "prepare"}),
            );
            assert!(outcome.message.contains(name), "{outcome:?}");
        }
    }
    let outcome = completions(&"x".repeat(100_000), "{}", "{}");
    check(&outcome, MODELWIRE_E_PROVIDER, json!({}));
    assert!(outcome.message.len() < 300);
}

#[test]
fn a_key_that_is_needed_and_missing_is_said_before_any_network() {
    // Vertex has other identities to look for.
    for route in ROUTES.iter().filter(|route| route.provider != "vertex") {
        for key in [json!(null), json!(""), json!("  ")] {
            let upstream = Upstream::start(answer("{}"));
            let mut config = route.config(&upstream.url());
            config["credentials"]["api_key"] = key;
            let outcome = completions(route.provider, &config, r#"{"model":"m"}"#);
            check(
                &outcome,
                MODELWIRE_E_CREDENTIALS,
                json!({"http_status": 0, "attempts": 0}),
            );
            assert_eq!(
                outcome.message,
                format!("{}: api key is required", route.provider)
            );
            assert_eq!(upstream.connections(), 0);
        }
    }
}

#[test]
fn a_key_no_header_can_carry_is_refused_and_not_told() {
    for route in ROUTES {
        for key in [
            format!("{KEY}\nx-evil: 1"),
            format!("{KEY}\r\n\r\n"),
            format!("{KEY}\0"),
        ] {
            let upstream = Upstream::start(answer("{}"));
            let mut config = route.config(&upstream.url());
            config["credentials"]["api_key"] = key.into();
            let outcome = completions(route.provider, &config, r#"{"model":"m"}"#);
            if outcome.status == MODELWIRE_OK {
                // A line end that was only around the key is not part of it.
                assert!(!format!("{:?}", upstream.requests()).contains("evil"));
                continue;
            }
            check(&outcome, MODELWIRE_E_CREDENTIALS, json!({"http_status": 0}));
            assert_eq!(upstream.connections(), 0);
        }
    }
}

#[test]
fn pointers_and_numbers_that_no_call_can_be_made_of() {
    type Bytes = (*const u8, usize);
    let none: Bytes = (null(), 0);
    let lost: Bytes = (null(), 1);
    let endless: Bytes = (b"{}".as_ptr(), usize::MAX);
    let name = c"openai".as_ptr();
    let garbled = c"\xff".as_ptr();
    for (provider, config, request) in [
        (null(), none, none),
        (garbled, none, none),
        (name, lost, none),
        (name, none, lost),
        (name, endless, none),
        (name, none, endless),
    ] {
        extern "C-unwind" fn on_line(_: *mut std::ffi::c_void, _: *const u8, _: usize) -> i32 {
            0
        }
        let (c, cn) = config;
        let (r, rn) = request;
        // SAFETY: each pointer is NULL or a literal; the lengths that are no object's are
        // refused before anything is read.
        let outcomes = unsafe {
            [
                modelwire_completions(provider, c, cn, r, rn),
                modelwire_completions_stream(
                    provider,
                    c,
                    cn,
                    r,
                    rn,
                    Some(on_line),
                    std::ptr::null_mut(),
                ),
                modelwire_prepare(provider, c, cn, r, rn, MODELWIRE_OP_COMPLETIONS),
                modelwire_finish(modelwire_start(
                    MODELWIRE_OP_COMPLETIONS,
                    provider,
                    c,
                    cn,
                    r,
                    rn,
                    0,
                    0,
                )),
            ]
        };
        for outcome in outcomes.map(Outcome::take) {
            check(
                &outcome,
                MODELWIRE_E_ARGUMENT,
                json!({"phase": "prepare", "attempts": 0}),
            );
        }
    }
    // SAFETY: the literal outlives the call, and there is no callback.
    let outcome = Outcome::take(unsafe {
        modelwire_completions_stream(name, null(), 0, null(), 0, None, std::ptr::null_mut())
    });
    check(&outcome, MODELWIRE_E_ARGUMENT, json!({}));
}

#[test]
fn an_unknown_operation_is_the_result_of_its_call() {
    for operation in [0, 5, u32::MAX] {
        let call = abi::start(operation, "openai", "{}", "{}");
        assert_eq!(call.next(-1), Event::Ended);
        check(
            &call.finish(),
            MODELWIRE_E_ARGUMENT,
            json!({"operation": null}),
        );
        let shown = abi::prepare("openai", "{}", "{}", operation);
        check(&shown, MODELWIRE_E_ARGUMENT, json!({"operation": null}));
    }
}

#[test]
fn statuses_have_names() {
    let name = |status| {
        // SAFETY: a static string.
        let name = unsafe { std::ffi::CStr::from_ptr(modelwire_status_name(status)) };
        name.to_str().expect("ASCII")
    };
    for (status, expected) in [
        (MODELWIRE_OK, "ok"),
        (MODELWIRE_E_ARGUMENT, "argument"),
        (MODELWIRE_E_MODEL_NOT_ALLOWED, "model_not_allowed"),
        (MODELWIRE_E_BACKEND, "backend"),
        (MODELWIRE_E_PANIC, "panic"),
        (1, "unknown"),
        (-8, "unknown"),
        (i32::MIN, "unknown"),
    ] {
        assert_eq!(name(status), expected);
    }
}

#[test]
fn nothing_of_a_refused_call_reaches_the_provider() {
    let upstream = Upstream::start(answer("{}"));
    let good = openai(&upstream.url());
    let refused: [Value; 4] = [
        json!({"options": {"headers": {"x-a": "1\n2"}}}),
        json!({"allowed_models": ["m"]}),
        json!({"transport": {"ca_pem": "nonsense"}}),
        json!({"transport": {"proxy": "ftp://127.0.0.1:1"}}),
    ];
    for more in refused {
        let outcome = completions("openai", &with(good.clone(), more), r#"{"model":"x"}"#);
        assert!(
            outcome.status < 0 && outcome.info["attempts"] == json!(0),
            "{outcome:?}"
        );
    }
    assert_eq!(upstream.connections(), 0);
}
