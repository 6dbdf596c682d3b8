//! The parts of the library that run for every call or line, driven alone and without I/O, so
//! that they take the same number of instructions each time; callgrind counts them. The files
//! are the library's own, compiled a second time, since most of this is private there.
//!
//! `parts PART COUNT` does PART COUNT times. The count of a run with COUNT 0 less than that of
//! another is the cost without the program's own start.

#![allow(dead_code)]

mod call;
#[path = "../../../../../src/config.rs"]
mod config;
#[path = "../../../../../src/error.rs"]
mod error;
#[path = "../../../../../src/fields.rs"]
mod fields;
#[path = "../../../../../src/stream/lines.rs"]
mod lines;
#[path = "../../../../../src/secret.rs"]
mod secret;

use std::hint::black_box;
use std::ops::ControlFlow;

use config::Config;
use lines::LineSplitter;

const EVENT_BYTES: usize = 180;
const MAX_LINE: usize = 16 * 1024 * 1024;
const CONFIG: &[u8] = br#"{"credentials":{"api_key":"sk-0123456789abcdef0123456789abcdef"},
"allowed_models":["gpt-4.1-nano","gpt-4.1"],"default_model":"gpt-4.1-nano","timeouts":{"total_ms":60000},
"options":{"base_url":"https://gateway.example.com/v1","headers":{"x-team":"search"}}}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, part, count] = &arguments[..] else {
        panic!("usage: parts PART COUNT");
    };
    let count: usize = count.parse().expect("a number");
    let mut event = vec![b'y'; EVENT_BYTES];
    event[EVENT_BYTES - 1] = b'\n';
    match part.as_str() {
        "splitter" => split(&event, EVENT_BYTES, count),
        "splitter_cut" => split(&event, EVENT_BYTES / 2, count),
        "hand_over" => call::hand_over(&event, count),
        "hand_over_polled" => call::hand_over_polled(&event, count),
        "config" => read_config(count),
        "look_up" => call::look_up(count),
        _ => panic!("no part {part}"),
    }
}

/// Cuts `count` lines out of pieces that end where a line does, or in its midst as well.
fn split(event: &[u8], piece_len: usize, count: usize) {
    let mut splitter = LineSplitter::new(MAX_LINE);
    let mut lines = 0;
    for _ in 0..count {
        for piece in black_box(event).chunks(piece_len) {
            let on_line = |line: &[u8]| {
                black_box(line);
                lines += 1;
                ControlFlow::Continue(())
            };
            let said = splitter.split(piece, on_line).expect("short lines");
            assert!(said.is_continue());
        }
    }
    assert_eq!(lines, count);
}

fn read_config(count: usize) {
    for _ in 0..count {
        drop(black_box(Config::parse(black_box(CONFIG)).expect("valid")));
    }
}
