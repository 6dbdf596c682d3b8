//! The C ABI: whatever a host's threads do, in any order and with any handle, nothing crashes,
//! hangs or stays behind. The one rule they keep is the header's own: memory that a function
//! lends is read only while it is theirs.

mod host;
#[path = "../../tests/support/upstream/mod.rs"]
mod upstream;

use std::sync::OnceLock;
use std::thread;

use modelwire::ffi::*;
use serde_json::Value;

use self::host::{Handles, Host};
use self::upstream::{Script, Step, Upstream, chunked_open, json, reply, sse};
use super::bytes::Bytes;

pub fn any_sequence_of_calls_leaves_nothing(data: &[u8]) {
    let url = upstream_url();
    let mut data = Bytes::new(data);
    let threads = usize::from(data.byte() % 3) + 1;
    let shuts_down = data.byte().is_multiple_of(16);
    let acts = data.rest();
    let shared = Handles::default();
    thread::scope(|scope| {
        for part in acts.chunks(acts.len().div_ceil(threads).max(1)) {
            let shared = &shared;
            scope.spawn(move || Host::new(url, shared).play(Bytes::new(part)));
        }
    });
    shared.give_back();

    let stats = stats();
    for kind in ["calls", "pollers", "results"] {
        assert_eq!(stats[kind], 0, "{kind} are left: {stats}");
    }
    if shuts_down {
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
    }
}

fn stats() -> Value {
    let result = modelwire_stats();
    let mut len = 0;
    // SAFETY: the result is alive until it is freed here.
    unsafe {
        let body = modelwire_result_body(result, &mut len);
        let stats = serde_json::from_slice(std::slice::from_raw_parts(body, len));
        modelwire_result_free(result);
        stats.expect("stats are JSON")
    }
}

/// The upstream of this process: the first segment of a path says how it behaves.
fn upstream_url() -> &'static str {
    static UPSTREAM: OnceLock<Upstream> = OnceLock::new();
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let start = || {
            let script = Script::new(|request| behave(request.path()));
            Upstream::start(script.forgetful())
        };
        UPSTREAM.get_or_init(start).url()
    })
}

fn behave(path: &str) -> Vec<Step> {
    let begun = |and_then: Step| {
        let mut steps = chunked_open(&["data: one\n\n"]);
        steps.push(and_then);
        steps
    };
    match path.split('/').nth(1) {
        Some("0") => sse("data: one\n\ndata: two\n\ndata: [DONE]\n\n"),
        Some("1") => reply(429, "Too Many Requests", &[("retry-after", "7")], "{}"),
        Some("2") => begun(Step::Close),
        Some("3") => begun(Step::Hang),
        Some("4") => begun(Step::Reset),
        Some("5") => vec![Step::send("no HTTP at all\r\n\r\n"), Step::Close],
        _ => json(r#"{"ok":true}"#),
    }
}
