//! Streams: the lines are the provider's bytes, and the end is told as it was.

mod ends;
mod failures;
mod lines;

use crate::openai;
use crate::support::abi::{self, Event, Outcome, split_lines, stream};
use crate::support::upstream::{Script, Upstream};
use modelwire::ffi::MODELWIRE_OP_COMPLETIONS_STREAM;

/// The lines and the end of one stream that `provider` answers as `script` says.
fn play(provider: &str, script: impl Into<Script>) -> (Vec<Vec<u8>>, Outcome) {
    let upstream = Upstream::start(script);
    stream(provider, &openai(&upstream.url()), r#"{"model":"m"}"#)
}

/// The same by events: OPENED comes once and first, and batches are whole lines.
fn play_by_events(provider: &str, script: impl Into<Script>) -> (Vec<Vec<u8>>, Outcome) {
    let upstream = Upstream::start(script);
    let config = openai(&upstream.url());
    let call = abi::start(
        MODELWIRE_OP_COMPLETIONS_STREAM,
        provider,
        &config,
        r#"{"model":"m"}"#,
    );
    let (events, outcome) = call.drain();
    assert_eq!(events.first(), Some(&Event::Opened));
    let mut lines = Vec::new();
    for event in &events[1..] {
        match event {
            Event::Lines(bytes) => lines.extend(split_lines(bytes)),
            other => panic!("{other:?} after OPENED"),
        }
    }
    (lines, outcome)
}

/// Lines as the tests write them.
fn lines(text: &[&str]) -> Vec<Vec<u8>> {
    text.iter().map(|line| line.as_bytes().to_vec()).collect()
}
