//! Every input has a size beyond which it is refused, a host's and a provider's.

use super::{BODY, PROVIDERS};
use crate::fault::{NOTHING, left_alive, turn, with};
use crate::support::abi::{completions, describe, stream, validate_provider_options};
use crate::support::upstream::{Step, Upstream, chunk, head, sse_head};
use modelwire::ffi::*;
use serde_json::json;

#[test]
fn what_a_host_passes_has_a_limit() {
    let _turn = turn();
    let limits = &describe()["limits"];
    let over = |name: &str| usize::try_from(limits[name].as_u64().expect(name)).expect(name) + 1;
    let config = format!("{{\"x\":\"{}\"}}", "x".repeat(over("max_config_bytes")));
    assert_eq!(
        completions("openai", &config, BODY).status,
        MODELWIRE_E_CONFIG
    );
    assert_eq!(
        validate_provider_options("openai", &config).status,
        MODELWIRE_E_CONFIG
    );
    drop(config);
    // Nothing reads these bytes, so they need not be written either.
    let request = vec![0; over("max_request_bytes")];
    let sound =
        json!({"credentials": {"api_key": "k"}, "options": {"base_url": "http://127.0.0.1:1"}});
    assert_eq!(
        completions("openai", &sound, &request).status,
        MODELWIRE_E_REQUEST
    );

    for depth in [200, 100_000] {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        let config = format!("{{\"options\":{{\"x\":{deep}}}}}");
        assert_eq!(
            completions("openai", &config, BODY).status,
            MODELWIRE_E_CONFIG,
            "{depth}"
        );
        // A body is the provider's to judge, but for the model in it; no depth ends the host.
        let body = format!("{{\"x\":{deep},\"model\":\"m\"}}");
        for (provider, origin) in PROVIDERS {
            let config = with(
                origin("http://127.0.0.1:1"),
                json!({"credentials": {"api_key": "k"}}),
            );
            let outcome = completions(provider, &config, &body);
            let expected = [MODELWIRE_E_CONNECT, MODELWIRE_E_REQUEST];
            assert!(
                expected.contains(&outcome.status),
                "{provider}: {outcome:?}"
            );
        }
    }
}

#[test]
fn what_a_provider_sends_has_a_limit() {
    let _turn = turn();
    let defaults = &describe()["options"];
    let line = defaults["max_line_bytes"].as_u64().expect("a limit");
    let block = "x".repeat(64 * 1024);
    let times = usize::try_from(line).expect("a size") / block.len() + 2;
    let piece = format!("{:x}\r\n{block}\r\n", block.len());
    let steps = vec![
        sse_head(),
        chunk("data: 1\n"),
        Step::Repeat {
            bytes: piece.into_bytes(),
            times,
        },
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let config = with(
        (PROVIDERS[0].1)(&upstream.url()),
        json!({"credentials": {"api_key": "k"}}),
    );
    let (lines, outcome) = stream("openai", &config, BODY);
    assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL, "{outcome:?}");
    assert_eq!(lines, [b"data: 1"]);

    // Bedrock's frames say how long they are: one that says too much is not waited for.
    let mut frame = u32::MAX.to_be_bytes().to_vec();
    frame.extend([0; 12]);
    let kind = ("content-type", "application/vnd.amazon.eventstream");
    let steps = vec![
        Step::send(head(200, "OK", &[kind])),
        Step::Send(frame),
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let config = with(
        (PROVIDERS[6].1)(&upstream.url()),
        json!({"credentials": {"api_key": "k"}}),
    );
    let (_, outcome) = stream("bedrock", &config, BODY);
    assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL, "{outcome:?}");
    assert_eq!(left_alive(), NOTHING);
}

/// A long name in a message is cut: logs are not flooded.
#[test]
fn messages_stay_short() {
    let _turn = turn();
    let long = "m".repeat(1 << 20);
    for (provider, origin) in PROVIDERS {
        let config = with(
            origin("http://127.0.0.1:1"),
            json!({"credentials": {"api_key": "k"}, "allowed_models": ["a"]}),
        );
        let outcome = completions(provider, &config, &json!({"model": long}));
        assert_ne!(outcome.status, MODELWIRE_OK);
        assert!(
            outcome.message.len() < 1000,
            "{provider}: {} bytes",
            outcome.message.len()
        );
        let config = with(
            config,
            json!({"options": {"headers": {long.as_str(): "1"}}}),
        );
        let outcome = completions(provider, &config, BODY);
        assert!(
            outcome.message.len() < 1000,
            "{provider}: {} bytes",
            outcome.message.len()
        );
    }
    let outcome = completions(&long, "{}", BODY);
    assert_eq!(outcome.status, MODELWIRE_E_PROVIDER);
    assert!(
        outcome.message.len() < 1000,
        "{} bytes",
        outcome.message.len()
    );
}
