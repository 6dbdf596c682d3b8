//! Numbers that no one means: they are taken as far as they go, and nothing panics.

use crate::process::alone;
use crate::scene::*;
use crate::support::abi;
use crate::support::upstream::{Upstream, sse};
use modelwire::ffi::*;
use serde_json::json;

#[test]
fn absurd_options() {
    alone(|| {
        let most = u64::MAX;
        abi::init(&json!({
            "default_http_timeout_ms": most,
            "response_header_timeout_ms": most,
            "stream_timeout_ms": most,
            "idle_timeout_ms": most,
            "connect_timeout_ms": most,
            "probe_timeout_ms": most,
            "max_idle_per_host": most,
            "idle_connection_ms": most,
            "max_line_bytes": most,
            "max_response_bytes": most,
            "stream_buffer_bytes": most,
        }))
        .ok();
        assert_eq!(modelwire_set_default_http_timeout(most), MODELWIRE_OK);
        works();
        assert_eq!(modelwire_shutdown(u32::MAX), MODELWIRE_OK);
    });
}

#[test]
fn absurd_timeouts_in_a_config() {
    let upstream = Upstream::start(sse(DONE));
    let mut config = config(&upstream.url());
    let most = u64::MAX;
    config["timeouts"] = json!({
        "connect_ms": most, "response_header_ms": most, "idle_ms": most, "total_ms": most,
    });
    for _ in 0..3 {
        abi::completions(PROVIDER, &config, REQUEST).ok();
        abi::stream(PROVIDER, &config, REQUEST).1.ok();
        abi::test_connection(PROVIDER, &config).ok();
    }
}

#[test]
fn least_options() {
    alone(|| {
        abi::init(r#"{"worker_threads":1,"max_idle_per_host":0,"stream_buffer_bytes":1}"#).ok();
        works();
        // Nothing was kept, so nothing was used again.
        let (opened, reused) = opened_and_reused();
        assert!(opened > 0 && reused == 0, "{opened} {reused}");
    });
}

/// Several calls of each kind, so that connections and clients are used again.
fn works() {
    let upstream = Upstream::start(sse(format!("data: 1\n{DONE}")));
    let config = config(&upstream.url());
    for _ in 0..3 {
        abi::completions(PROVIDER, &config, REQUEST).ok();
        let (lines, outcome) = abi::stream(PROVIDER, &config, REQUEST);
        assert_eq!(lines.len(), 2);
        outcome.ok();
        abi::test_connection(PROVIDER, &config).ok();
    }
}
