//! A reader that falls behind costs a bounded buffer, loses nothing, and slows nobody else.

use crate::process::{beside, memory};
use crate::scene::*;
use crate::support::abi::{self, Call, Event};
use crate::support::upstream::{
    Gate, Received, Script, Step, Upstream, chunk, json, last_chunk, sse_head,
};
use std::thread;
use std::time::Duration;

const MIB: usize = 1 << 20;
/// The stream that is not read: 200 MiB in 100 parts, each of 8 equal blocks of lines.
const PARTS: usize = 100;
const BLOCKS: usize = 8;
const BLOCK_LINES: usize = 1024;
const LINE_BYTES: usize = 256;
/// What the process may grow by meanwhile.
const GROWTH: u64 = 64 * MIB as u64;
/// The stream beside it.
const OTHER_LINES: usize = 100_000;

fn numbered_line(number: usize) -> String {
    format!("data: {number:0width$}\n", width = LINE_BYTES - 7)
}

fn framed(block: &str) -> Vec<u8> {
    let Step::Send(bytes) = chunk(block) else {
        unreachable!("a chunk is sent");
    };
    bytes
}

/// The long stream; a gate opens after each of its parts was sent.
fn long_stream(sent: &[Gate]) -> Vec<Step> {
    let block: String = (0..BLOCK_LINES).map(numbered_line).collect();
    let block = framed(&block);
    let mut steps = vec![sse_head()];
    for gate in sent {
        steps.push(Step::Repeat {
            bytes: block.clone(),
            times: BLOCKS,
        });
        steps.push(Step::Open(gate.clone()));
    }
    steps.extend([chunk(DONE), last_chunk()]);
    steps
}

fn other_stream() -> Vec<Step> {
    let lines = Step::Repeat {
        bytes: framed(&numbered_line(7)),
        times: OTHER_LINES,
    };
    vec![sse_head(), lines, chunk(DONE), last_chunk()]
}

/// `/long`, `/other`, and `/sent`: how many parts of the long stream went out.
fn serve() -> (Upstream, String) {
    let sent: Vec<Gate> = (0..PARTS).map(|_| Gate::new()).collect();
    let reply = move |request: &Received| match request.path() {
        path if path.starts_with("/long") => long_stream(&sent),
        path if path.starts_with("/other") => other_stream(),
        _ => json(
            sent.iter()
                .filter(|gate| gate.is_open())
                .count()
                .to_string(),
        ),
    };
    let upstream = Upstream::start(Script::new(reply).forgetful());
    let url = upstream.url();
    (upstream, url)
}

fn parts_sent(url: &str) -> u64 {
    complete(&format!("{url}/sent"))
        .ok()
        .json()
        .as_u64()
        .expect("a number")
}

/// Waits until the long stream stands still.
fn wait_until_stuck(url: &str) -> u64 {
    let mut before = parts_sent(url);
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = parts_sent(url);
        if now == before {
            return now;
        }
        before = now;
    }
}

/// Reads to the end and checks the number in every line.
fn read_numbered(call: Call) -> usize {
    let mut count = 0;
    loop {
        match call.next(-1) {
            Event::Lines(bytes) => {
                for line in abi::split_lines(&bytes) {
                    if count < PARTS * BLOCKS * BLOCK_LINES {
                        let number = count % BLOCK_LINES;
                        assert_eq!(line, numbered_line(number).trim_end().as_bytes());
                    }
                    count += 1;
                }
            }
            Event::Ended => return count,
            event => panic!("{event:?}"),
        }
    }
}

#[test]
fn a_reader_that_sleeps() {
    beside(serve, |url| {
        complete(&format!("{url}/sent")).ok(); // everything is started
        let at_start = memory("VmRSS");
        let call = start_stream(&format!("{url}/long"));
        assert_eq!(call.next(-1), Event::Opened);

        let stuck_at = wait_until_stuck(url);
        assert!(stuck_at < PARTS as u64 / 2, "{stuck_at} parts were taken");
        let grown = memory("VmRSS").saturating_sub(at_start);
        assert!(grown < GROWTH, "{} MiB while it slept", grown >> 20);

        // Another stream on the same runtime runs to its end meanwhile.
        let other = config(&format!("{url}/other"));
        let mut lines = 0;
        let outcome = abi::stream_with(PROVIDER, &other, REQUEST, |_| {
            lines += 1;
            true
        });
        assert_eq!(outcome.ok().info["end"], "done");
        assert_eq!(lines, OTHER_LINES + 1);
        assert_eq!(
            parts_sent(url),
            stuck_at,
            "the sleeper took nothing meanwhile"
        );

        assert_eq!(read_numbered(call), PARTS * BLOCKS * BLOCK_LINES + 1);
        assert_eq!(call.finish().ok().info["end"], "done");
        let grown = memory("VmHWM").saturating_sub(at_start);
        assert!(grown < GROWTH, "{} MiB at the most", grown >> 20);
    });
}
