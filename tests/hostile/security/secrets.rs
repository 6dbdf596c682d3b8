//! Secrets go to the provider and are in nothing that a host can print.

use super::{BODY, PROVIDERS};
use crate::fault::{NOTHING, SOUND, left_alive, turn, with};
use crate::support::abi::{
    Outcome, completions, describe, init, prepare, run_http_probe, stats, stream, test_connection,
    validate_provider_options,
};
use crate::support::upstream::{Step, Upstream, chunk, head, json as answer, reply, sse, sse_head};
use modelwire::ffi::*;
use serde_json::{Value, json};

/// What all secrets here have in common.
const MARK: &str = "MARK7c41e9";

fn secret(name: &str) -> String {
    format!("{name}-{MARK}-{name}")
}

/// A secret in every place that takes one.
fn loaded(proxy: &str) -> Value {
    json!({
        "credentials": {"api_key": secret("key")},
        "options": {"headers": {
            "x-team-token": secret("token"),
            "cookie": secret("cookie"),
            "x-password": secret("password"),
        }},
        "transport": {"proxy": proxy.replace("http://", &format!("http://user:{}@", secret("proxy")))},
    })
}

#[track_caller]
fn tells_nothing(what: &str, output: &Outcome, body_too: bool) {
    let mut told = format!("{} {}", output.message, output.info);
    if body_too {
        told += &output.text();
    }
    // A secret can be seen in disguise as well.
    let percent = MARK
        .bytes()
        .map(|b| format!("%{b:02X}"))
        .collect::<String>();
    use base64::prelude::{BASE64_STANDARD, Engine};
    let encoded = BASE64_STANDARD.encode(format!("user:{}", secret("proxy")));
    for sign in [MARK, &percent, &encoded] {
        assert!(!told.contains(sign), "{what} tells a secret: {told}");
    }
}

#[test]
fn no_output_tells_a_secret() {
    let _turn = turn();
    // The proxy answers http requests itself, as if it were every provider.
    let ways: [(&str, Vec<Step>); 8] = [
        ("a good answer", answer(SOUND)),
        (
            "a refusal",
            reply(401, "", &[("www-authenticate", "Bearer")], "{}"),
        ),
        (
            "a redirect",
            reply(302, "", &[("location", "http://127.0.0.1:1/")], ""),
        ),
        (
            "a broken message",
            vec![
                Step::send(head(200, "OK", &[("content-length", "9")])),
                Step::Close,
            ],
        ),
        ("no HTTP", vec![Step::send("what?\r\n\r\n"), Step::Close]),
        ("no answer", vec![Step::Close]),
        (
            "an error inside a stream",
            sse("data: {\"error\":{\"type\":\"x\"}}\n\n"),
        ),
        (
            "a stream that breaks",
            vec![sse_head(), chunk("data: 1\n"), Step::Close],
        ),
    ];
    for (way, steps) in &ways {
        let proxy = Upstream::start(steps.clone());
        for (provider, config) in PROVIDERS {
            let what = format!("{provider} after {way}");
            let config = with(config("http://provider.invalid"), loaded(&proxy.url()));
            tells_nothing(&what, &completions(provider, &config, BODY), true);
            let (lines, outcome) = stream(provider, &config, BODY);
            tells_nothing(&what, &outcome, true);
            assert!(!format!("{lines:?}").contains(MARK), "{what}");
            tells_nothing(&what, &test_connection(provider, &config), true);
            for operation in [MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM] {
                tells_nothing(&what, &prepare(provider, &config, BODY, operation), true);
            }
            // The body gives the host its own options back, decoded.
            let checked = validate_provider_options(provider, &config["options"]);
            tells_nothing(&what, &checked, false);
        }
        let seen = format!("{:?}", proxy.requests());
        assert!(
            seen.contains(&secret("key")),
            "the secrets were in use at all"
        );
    }
    let told = format!("{} {}", stats(), describe());
    assert!(!told.contains(MARK), "{told}");
    assert_eq!(left_alive(), NOTHING);
}

/// Mistakes are told by the path of the field, not by what stands in it.
#[test]
fn no_mistake_in_a_config_quotes_a_secret() {
    let _turn = turn();
    let mark = secret("x");
    let broken = format!("{mark}\r\nx: {mark}");
    let wrong = [
        json!({"credentials": mark}),
        json!({"credentials": {"api_key": [mark]}}),
        json!({"credentials": {"api_key": broken}}),
        json!({"credentials": {"azure": {"client_secret": [mark], "auth_mode": mark}}}),
        json!({"credentials": {"azure": {"auth_mode": mark}}}),
        json!({"credentials": {"azure": {"endpoint": format!("https://u:{mark}@h")}}}),
        json!({"credentials": {"aws": {"secret_key": 7, "access_key": mark}}}),
        json!({"credentials": {"aws": {"access_key": mark, "secret_key": ""}}}),
        json!({"credentials": {"aws": {"secret_key": mark}}}),
        json!({"credentials": {"aws": {"region": mark, "access_key": "a", "secret_key": mark}}}),
        json!({"credentials": {"gcp": {"service_account_json": mark}}}),
        json!({"credentials": {"gcp": {"service_account_json": format!("{{\"private_key\":\"{mark}\"}}")}}}),
        json!({"credentials": {"gcp": {"service_account_json": format!(
            "{{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"{mark}\"}}")}}}),
        json!({"options": {"base_url": format!("https://user:{mark}@h")}}),
        json!({"options": {"base_url": format!("https://h/?key={mark}")}}),
        json!({"options": {"base_url": mark}}),
        json!({"options": {"headers": {"x-key": broken}}}),
        json!({"options": {"headers": {"x-key": [mark]}}}),
        json!({"options": {"headers": {"authorization": broken}}}),
        json!({"options": {"api": mark}}),
        json!({"transport": {"proxy": format!("ftp://user:{mark}@h")}}),
        json!({"transport": {"proxy": format!("http://user:{mark}@h:99999")}}),
        json!({"transport": {"proxy": [mark]}}),
        json!({"transport": {"client_cert_pem": mark}}),
        json!({"transport": {"client_cert_pem": format!(
            "-----BEGIN PRIVATE KEY-----\n{mark}\n-----END PRIVATE KEY-----\n")}}),
        json!({"transport": {"ca_pem": mark}}),
        json!(mark),
    ];
    for config in &wrong {
        for (provider, _) in PROVIDERS {
            let config = match config {
                Value::Object(_) => with(
                    json!({"credentials": {"api_key": "k"}, "options": {"project": "p", "location": "l"},
                        "timeouts": {"total_ms": 2000, "connect_ms": 500}}),
                    config.clone(),
                ),
                other => other.clone(),
            };
            // Only what is refused before any network is of interest: the dry run.
            let what = format!("{provider} with {config}");
            tells_nothing(
                &what,
                &prepare(provider, &config, BODY, MODELWIRE_OP_COMPLETIONS),
                false,
            );
            if let Some(options) = config.get("options") {
                let checked = validate_provider_options(provider, options);
                tells_nothing(&what, &checked, checked.status != MODELWIRE_OK);
            }
        }
    }
    for text in [
        format!("{{\"api_key\":\"{mark}"),
        mark.clone(),
        format!("[\"{mark}\""),
    ] {
        tells_nothing("bad JSON", &completions("openai", &text, BODY), true);
        tells_nothing(
            "bad JSON",
            &validate_provider_options("openai", &text),
            true,
        );
    }
    for options in [
        json!({"proxy": format!("ftp://u:{mark}@h")}),
        json!({"client_cert_pem": mark}),
        json!({"user_agent": broken}),
        json!({"worker_threads": mark}),
    ] {
        // Each is refused, so the library that the other tests share is not started by it.
        let refused = init(&options);
        assert_ne!(refused.status, MODELWIRE_OK);
        tells_nothing("init", &refused, true);
    }
    for probe in [
        json!({"url": format!("https://u:{mark}@h"), "bearer": mark}),
        json!({"url": "http://127.0.0.1:1", "bearer": broken}),
        json!({"url": "http://127.0.0.1:1", "headers": {"x-key": broken}}),
        json!({"url": format!("http://127.0.0.1:1/?key={mark}"), "bearer": mark}),
    ] {
        tells_nothing("a probe", &run_http_probe("openai", &probe), true);
    }
}
