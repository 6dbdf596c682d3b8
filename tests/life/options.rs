//! What `modelwire_init` sets, and what describe and stats say.

use crate::process::{alone, runtime_threads, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Event};
use crate::support::upstream::{Gate, Script, Step, Upstream, chunk, json, sse, sse_head};
use modelwire::ffi::*;
use serde_json::{Value, json};
use std::time::Duration;

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn init_comes_first_and_once() {
    alone(|| {
        abi::init("").ok(); // nothing at all is the defaults
        assert_eq!(abi::init("{}").status, MODELWIRE_E_ARGUMENT);
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        // SAFETY: NULL with a length of 0 is an empty input.
        let none = unsafe { modelwire_init(std::ptr::null(), 0) };
        abi::Outcome::take(none).ok();
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        // The first operation starts it as well.
        let upstream = Upstream::start(json(ANSWER));
        complete(&upstream.url()).ok();
        assert_eq!(abi::init("{}").status, MODELWIRE_E_ARGUMENT);
    });
}

#[test]
fn options_that_are_wrong_start_nothing() {
    alone(|| {
        for (options, names) in [
            ("[]", "options"),
            ("{", "options"),
            (r#"{"worker_threads":"two"}"#, "worker_threads"),
            (r#"{"worker_threads":257}"#, "worker_threads"),
            (r#"{"max_line_bytes":-1}"#, "max_line_bytes"),
            (r#"{"idle_timeout_ms":1.5}"#, "idle_timeout_ms"),
            (r#"{"proxy":7}"#, "proxy"),
            (r#"{"user_agent":"a\nb"}"#, "user_agent"),
        ] {
            let outcome = abi::init(options);
            assert_eq!(outcome.status, MODELWIRE_E_CONFIG, "{options}");
            assert!(outcome.message.contains(names), "{}", outcome.message);
            assert_eq!(runtime_threads().len(), 0, "{options}");
        }
        // SAFETY: NULL with a length is refused.
        let null = unsafe { modelwire_init(std::ptr::null(), 1) };
        assert_eq!(abi::Outcome::take(null).status, MODELWIRE_E_ARGUMENT);
        abi::init("{}").ok();
    });
}

#[test]
fn worker_threads() {
    alone(|| {
        for count in [1, 3] {
            abi::init(&json!({"worker_threads": count})).ok();
            wait_until("the workers", || abi::stats()["threads"] == count);
            assert_eq!(runtime_threads().len(), count);
            assert_eq!(abi::describe()["options"]["worker_threads"], count);
            assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
            assert_eq!(abi::stats()["threads"], 0);
        }
    });
}

#[test]
fn max_line_bytes() {
    alone(|| {
        abi::init(r#"{"max_line_bytes":100}"#).ok();
        let at_limit = "x".repeat(100);
        let upstream = Upstream::start(Script::queue([
            sse(format!("short\n{at_limit}\n{at_limit}x\nnever seen\n")),
            sse(format!("{at_limit}\n{at_limit}")),
        ]));
        let config = config(&upstream.url());
        let (lines, outcome) = abi::stream(PROVIDER, &config, REQUEST);
        assert_eq!(lines, [b"short".to_vec(), at_limit.clone().into_bytes()]);
        assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL);
        assert!(outcome.message.contains("max_line_bytes"), "{outcome:?}");
        let (lines, outcome) = abi::stream(PROVIDER, &config, REQUEST);
        outcome.ok();
        assert_eq!(lines.len(), 2);
    });
}

#[test]
fn max_response_bytes() {
    alone(|| {
        abi::init(r#"{"max_response_bytes":100}"#).ok();
        let upstream = Upstream::start(Script::queue([
            json("x".repeat(101)),
            json("x".repeat(100)),
        ]));
        let outcome = complete(&upstream.url());
        assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL);
        assert_eq!(outcome.http_status, 200);
        assert_eq!(complete(&upstream.url()).ok().body.len(), 100);
    });
}

/// With room for nothing, a line waits alone: the next stays with the pump until the reader
/// took the one before. With room, both are handed out together.
#[test]
fn stream_buffer_bytes() {
    alone(|| {
        for (options, first) in [
            (r#"{"stream_buffer_bytes":1}"#, "data: 1\n"),
            ("{}", "data: 1\ndata: 2\n"),
        ] {
            abi::init(options).ok();
            let (one, two) = (Gate::new(), Gate::new());
            let upstream = Upstream::start(vec![
                sse_head(),
                Step::WaitFor(one.clone()),
                chunk("data: 1\n"),
                Step::WaitFor(two.clone()),
                chunk("data: 2\n"),
                Step::Hang,
            ]);
            let poller = modelwire_poller_new();
            let call = start_stream_on(&upstream.url(), poller, 1);
            let mut token = 0;
            let mut wait = || {
                // SAFETY: there is room for one token.
                assert_eq!(
                    unsafe { modelwire_poller_wait(poller, -1, &mut token, 1) },
                    1
                );
            };
            wait();
            assert_eq!(call.next(0), Event::Opened);
            assert_eq!(call.next(0), Event::Again);
            one.open();
            wait(); // the first line is in the buffer
            two.open();
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(lines(call), first, "{options}");
            assert_eq!(call.release(), MODELWIRE_OK);
            assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
            assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        }
    });
}

#[test]
fn user_agent() {
    alone(|| {
        abi::init(r#"{"user_agent":"a-host/7"}"#).ok();
        let upstream = Upstream::start(json(ANSWER));
        complete(&upstream.url()).ok();
        assert_eq!(
            upstream.requests()[0].header("user-agent"),
            Some("a-host/7")
        );
    });
}

#[test]
fn the_default_http_timeout_can_be_set_at_any_time() {
    alone(|| {
        assert_eq!(modelwire_set_default_http_timeout(0), MODELWIRE_OK);
        let said = || abi::describe()["options"]["default_http_timeout_ms"].clone();
        assert_eq!(said(), 120_000);
        let upstream = Upstream::start(vec![Step::Hang]);
        assert_eq!(modelwire_set_default_http_timeout(150), MODELWIRE_OK);
        assert_eq!(modelwire_set_default_http_timeout(0), MODELWIRE_OK);
        assert_eq!(said(), 150);
        let outcome = complete(&upstream.url());
        assert_eq!(outcome.status, MODELWIRE_E_TIMEOUT);
        assert_eq!(outcome.info["timeout"], "total");
        // It is for unary calls: a stream waits on.
        let stream = start_stream(&upstream.url());
        assert_eq!(stream.next(500), Event::Again);
        assert_eq!(stream.release(), MODELWIRE_OK);
        // A config's own deadline is stronger.
        let mut patient = config(&upstream.url());
        patient["timeouts"] = json!({"total_ms": 60_000});
        let call = abi::start(MODELWIRE_OP_COMPLETIONS, PROVIDER, &patient, REQUEST);
        assert_eq!(call.next(500), Event::Again);
        assert_eq!(call.release(), MODELWIRE_OK);
    });
}

#[test]
fn describe_tells_everything() {
    alone(|| {
        let before = abi::describe();
        assert_eq!(
            keys(&before),
            [
                "abi_version",
                "defaults",
                "limits",
                "options",
                "providers",
                "running",
                "version"
            ]
        );
        assert_eq!(before["abi_version"], MODELWIRE_ABI_VERSION);
        assert_eq!(before["running"], false);
        assert_eq!(before["options"], before["defaults"]);
        let defaults = &before["defaults"];
        for (option, value) in [
            ("default_http_timeout_ms", 120_000),
            ("response_header_timeout_ms", 120_000),
            ("stream_timeout_ms", 300_000),
            ("connect_timeout_ms", 10_000),
            ("probe_timeout_ms", 10_000),
            ("max_idle_per_host", 20),
            ("idle_connection_ms", 60_000),
            ("max_line_bytes", 16_777_216),
            ("max_response_bytes", 268_435_456),
            ("stream_buffer_bytes", 1_048_576),
        ] {
            assert_eq!(defaults[option], value, "{option}");
        }
        assert_eq!(
            keys(defaults),
            [
                "ca_pem",
                "client_cert_pem",
                "connect_timeout_ms",
                "default_http_timeout_ms",
                "idle_connection_ms",
                "idle_timeout_ms",
                "max_idle_per_host",
                "max_line_bytes",
                "max_response_bytes",
                "no_proxy",
                "probe_timeout_ms",
                "proxy",
                "response_header_timeout_ms",
                "stream_buffer_bytes",
                "stream_timeout_ms",
                "user_agent",
                "worker_threads"
            ]
        );
        let limits = keys(&before["limits"]);
        assert_eq!(limits, ["max_config_bytes", "max_request_bytes"]);

        abi::init(r#"{"proxy":"http://user:a-password@127.0.0.1:9","stream_timeout_ms":7}"#).ok();
        let after = abi::describe();
        assert_eq!(after["running"], true);
        assert_eq!(after["options"]["stream_timeout_ms"], 7);
        assert_eq!(after["defaults"], before["defaults"]);
        assert!(!after.to_string().contains("a-password"));
    });
}

#[test]
fn stats_count_what_is_alive() {
    alone(|| {
        let before = abi::stats();
        assert_eq!(
            keys(&before),
            [
                "calls",
                "connections",
                "pollers",
                "results",
                "threads",
                "tokens"
            ]
        );
        // The stats are made before their own result is.
        let nothing = json!({
            "calls": 0, "pollers": 0, "results": 0, "threads": 0, "connections": {}, "tokens": {},
        });
        assert_eq!(before, nothing);

        let upstream = Upstream::start(goes_on());
        let poller = modelwire_poller_new();
        let calls = [opened_stream(&upstream), opened_stream(&upstream)];
        let kept = modelwire_describe();
        let during = abi::stats();
        assert_eq!(during["calls"], 2);
        assert_eq!(during["pollers"], 1);
        assert_eq!(during["results"], 1);
        let connections = json!({PROVIDER: {"opened": 2, "reused": 0}});
        assert_eq!(during["connections"], connections);

        assert_eq!(calls[0].release(), MODELWIRE_OK);
        calls[1].cancel();
        calls[1].finish();
        assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
        abi::Outcome::take(kept).ok();
        let after = abi::stats();
        for what in ["calls", "pollers", "results"] {
            assert_eq!(after[what], 0, "{what}");
        }
    });
}
