//! What most tests of life set up: a config for an upstream, requests, replies that wait.

use crate::support::abi::{self, Call, Event, Outcome};
use crate::support::upstream::{Gate, Step, Upstream, chunk, chunked_open, last_chunk};
use modelwire::ffi::{MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM, modelwire_poller};
use serde_json::{Value, json};

pub const PROVIDER: &str = "openai";
pub const REQUEST: &str = r#"{"model":"m","messages":[]}"#;
pub const ANSWER: &str = r#"{"choices":[]}"#;
pub const DONE: &str = "data: [DONE]\n\n";

pub fn config(url: &str) -> Value {
    json!({"credentials": {"api_key": "a-key"}, "options": {"base_url": url}})
}

pub fn complete(url: &str) -> Outcome {
    abi::completions(PROVIDER, &config(url), REQUEST)
}

pub fn start(url: &str) -> Call {
    abi::start(MODELWIRE_OP_COMPLETIONS, PROVIDER, &config(url), REQUEST)
}

pub fn start_stream(url: &str) -> Call {
    start_stream_on(url, 0, 0)
}

pub fn start_stream_on(url: &str, poller: modelwire_poller, token: u64) -> Call {
    let operation = MODELWIRE_OP_COMPLETIONS_STREAM;
    abi::start_on(operation, PROVIDER, &config(url), REQUEST, poller, token)
}

/// Calls, pollers and results alive, connections: one number of `modelwire_stats`.
pub fn alive(what: &str) -> u64 {
    abi::stats()[what].as_u64().expect(what)
}

/// Connections the library made to [`PROVIDER`], and requests that went out on one again.
pub fn opened_and_reused() -> (u64, u64) {
    let stats = abi::stats();
    let count = |what: &str| stats["connections"][PROVIDER][what].as_u64();
    (
        count("opened").expect("opened"),
        count("reused").expect("reused"),
    )
}

/// One line, and nothing more until the client closes.
pub fn goes_on() -> Vec<Step> {
    let mut steps = chunked_open(&["data: 1\n\n"]);
    steps.push(Step::Hang);
    steps
}

/// One line for each gate once it opens, then `[DONE]` and the end.
pub fn line_by_line(gates: &[Gate]) -> Vec<Step> {
    let mut steps = chunked_open::<&str>(&[]);
    for (number, gate) in gates.iter().enumerate() {
        steps.push(Step::WaitFor(gate.clone()));
        steps.push(chunk(format!("data: {number}\n")));
    }
    steps.extend([chunk(DONE), last_chunk()]);
    steps
}

/// A stream that is open: OPENED was taken.
pub fn opened_stream(upstream: &Upstream) -> Call {
    let call = start_stream(&upstream.url());
    assert_eq!(call.next(-1), Event::Opened);
    call
}

/// Waits for lines, and gives them as text.
#[track_caller]
pub fn lines(call: Call) -> String {
    match call.next(-1) {
        Event::Lines(bytes) => String::from_utf8(bytes).expect("text"),
        event => panic!("no lines but {event:?}"),
    }
}
