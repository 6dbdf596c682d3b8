//! What a line is, however its bytes arrive.

use super::{lines, play, play_by_events};
use crate::check;
use crate::support::abi::Sse;
use crate::support::upstream::{
    Step, chunk, json as answer, last_chunk, sse, sse_chunks, sse_head,
};
use modelwire::ffi::{MODELWIRE_E_PROTOCOL, MODELWIRE_OK};
use serde_json::json;
use std::time::Duration;

/// A name, the bytes of a stream, the lines they are, and how they end.
type Case = (
    &'static str,
    &'static [u8],
    &'static [&'static [u8]],
    &'static str,
);

const CASES: &[Case] = &[
    (
        "LF",
        b"data: 1\n\ndata: 2\n\n",
        &[b"data: 1", b"", b"data: 2", b""],
        "eof",
    ),
    (
        "CRLF",
        b"data: 1\r\n\r\ndata: 2\r\n\r\n",
        &[b"data: 1", b"", b"data: 2", b""],
        "eof",
    ),
    ("both", b"a\nb\r\nc\n\r\n", &[b"a", b"b", b"c", b""], "eof"),
    (
        "a CR inside, and one too many",
        b"a\rb\nc\r\r\n",
        &[b"a\rb", b"c\r"],
        "eof",
    ),
    (
        "comments and other fields",
        b": ping\n:\nevent: x\nid: 7\nretry: 10\nunknown\n data: 1\n",
        &[
            b": ping",
            b":",
            b"event: x",
            b"id: 7",
            b"retry: 10",
            b"unknown",
            b" data: 1",
        ],
        "eof",
    ),
    (
        "bytes of any kind",
        b"data: \xff\xfe\0\x80 \xc3\n\xef\xbb\xbfdata: \xf0\x9f\n",
        &[b"data: \xff\xfe\0\x80 \xc3", b"\xef\xbb\xbfdata: \xf0\x9f"],
        "eof",
    ),
    (
        "escapes stay",
        b"data: {\"t\":\"\\ud83d\\u00e9\"}\n",
        &[b"data: {\"t\":\"\\ud83d\\u00e9\"}"],
        "eof",
    ),
    (
        "space stays",
        b"data:1  \n   \n\tdata: \t2\n",
        &[b"data:1  ", b"   ", b"\tdata: \t2"],
        "eof",
    ),
    (
        "no last line end",
        b"data: 1\n\ndata: 2",
        &[b"data: 1", b"", b"data: 2"],
        "eof",
    ),
    ("a CR at the very end", b"data: 1\r", &[b"data: 1"], "eof"),
    ("nothing at all", b"", &[], "eof"),
    ("empty lines alone", b"\n\r\n\n", &[b"", b"", b""], "eof"),
    (
        "done",
        b"data: 1\n\ndata: [DONE]\n\n",
        &[b"data: 1", b"", b"data: [DONE]"],
        "done",
    ),
    (
        "done with CRLF",
        b"data: [DONE]\r\n\r\n",
        &[b"data: [DONE]"],
        "done",
    ),
    (
        "done without a line end",
        b"data: [DONE]",
        &[b"data: [DONE]"],
        "done",
    ),
    (
        "done without a space",
        b"data:[DONE]\n",
        &[b"data:[DONE]"],
        "done",
    ),
    (
        "done among space",
        b"data:  [DONE] \t\nx\n",
        &[b"data:  [DONE] \t"],
        "done",
    ),
    (
        "data after done",
        b"data: [DONE]\n\ndata: late\nmore",
        &[b"data: [DONE]"],
        "done",
    ),
    (
        "done only as said",
        b"[DONE]\ndata: \"[DONE]\"\ndata: [DONE] x\nevent: [DONE]\n: [DONE]\ndata: [done]\n",
        &[
            b"[DONE]",
            b"data: \"[DONE]\"",
            b"data: [DONE] x",
            b"event: [DONE]",
            b": [DONE]",
            b"data: [done]",
        ],
        "eof",
    ),
];

fn owned(lines: &[&[u8]]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| line.to_vec()).collect()
}

/// The whole reply of a stream as bytes on the wire.
fn message(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in sse(text) {
        if let Step::Send(part) = step {
            bytes.extend(part);
        }
    }
    bytes
}

#[test]
fn lines_are_the_providers_bytes_however_they_arrive() {
    for (name, text, expected, end) in CASES {
        let single: Vec<&[u8]> = text.chunks(1).collect();
        let pairs: Vec<&[u8]> = text.chunks(2).collect();
        let deliveries = [
            ("in one piece", sse(text)),
            ("one HTTP chunk per byte", sse_chunks(&single)),
            ("two bytes per chunk", sse_chunks(&pairs)),
            (
                "one byte per packet",
                vec![Step::send_bytewise(message(text))],
            ),
        ];
        for (delivery, steps) in deliveries {
            for (way, (seen, outcome)) in [
                ("callback", play("openai", steps.clone())),
                ("events", play_by_events("openai", steps)),
            ] {
                assert_eq!(seen, owned(expected), "{name} {delivery} by {way}");
                let info = json!({"end": end, "lines": expected.len(), "phase": "done"});
                check(&outcome, MODELWIRE_OK, info);
            }
        }
    }
}

#[test]
fn the_splitter_by_itself_says_the_same() {
    for (name, text, expected, end) in CASES {
        for size in [1, 2, 3, text.len().max(1)] {
            let mut sse = Sse::new();
            let mut said = 0;
            for piece in text.chunks(size) {
                said = sse.feed(piece);
                assert!(said == 0 || said == 1, "{name}: {said}");
            }
            let said = said.max(sse.end());
            assert_eq!(sse.lines, owned(expected), "{name} by {size}");
            assert_eq!(said, i32::from(*end == "done"), "{name} by {size}");
        }
    }
}

#[test]
fn a_slow_token_does_not_wait_for_the_next() {
    use crate::support::abi::stream_with;
    use crate::support::upstream::{Gate, Upstream};
    let seen = Gate::new();
    let steps = vec![
        sse_head(),
        chunk("data: 1\n"),
        Step::WaitFor(seen.clone()),
        chunk("data: [DONE]\n"),
        last_chunk(),
    ];
    let upstream = Upstream::start(steps);
    // Were the first line kept back, the second would never be sent.
    let config = crate::with(
        crate::openai(&upstream.url()),
        json!({"timeouts": {"total_ms": 20_000}}),
    );
    let outcome = stream_with("openai", &config, "{}", |_| {
        seen.open();
        true
    });
    check(&outcome, MODELWIRE_OK, json!({"end": "done", "lines": 2}));
}

#[test]
fn a_line_of_megabytes_arrives_whole() {
    let long = format!("data: {{\"image\":\"{}\"}}", "QUJDREVGR0g".repeat(500_000));
    let text = format!("data: 1\n{long}\r\ndata: [DONE]\n");
    for steps in [
        sse(&text),
        vec![
            sse_head(),
            Step::SendSlowly {
                bytes: framed(&text),
                size: 10_007,
                pause: Duration::ZERO,
            },
            last_chunk(),
        ],
    ] {
        let (seen, outcome) = play("openai", steps);
        check(
            &outcome,
            MODELWIRE_OK,
            json!({"end": "done", "bytes_in": text.len()}),
        );
        assert_eq!(seen.len(), 3);
        assert!(
            seen[1] == long.as_bytes(),
            "{} bytes of {}",
            seen[1].len(),
            long.len()
        );
    }
}

fn framed(text: &str) -> Vec<u8> {
    match chunk(text) {
        Step::Send(bytes) => bytes,
        _ => unreachable!("a chunk is one write"),
    }
}

#[test]
fn a_line_over_the_limit_ends_the_stream_after_the_lines_before_it() {
    let endless = vec![
        sse_head(),
        chunk("data: 1\n\n"),
        Step::Repeat {
            bytes: framed(&"x".repeat(64 * 1024)),
            times: 17 * 16,
        },
        Step::Hang,
    ];
    let whole = vec![
        sse_head(),
        chunk("data: 1\n\n"),
        chunk(format!("data: {}\ndata: 3\n", "x".repeat(16 << 20))),
        Step::Hang,
    ];
    for steps in [endless, whole] {
        let (seen, outcome) = play("openai", steps);
        let info = json!({"end": "error", "lines": 2, "phase": "stream", "http_status": 200,
            "retryable": false});
        check(&outcome, MODELWIRE_E_PROTOCOL, info);
        assert!(outcome.message.contains("max_line_bytes"), "{outcome:?}");
        assert_eq!(seen, lines(&["data: 1", ""]));
    }
}

#[test]
fn a_line_of_exactly_the_limit_passes() {
    let line = "x".repeat(16 << 20);
    let (seen, outcome) = play("openai", sse(format!("{line}\r\nlast")));
    check(&outcome, MODELWIRE_OK, json!({"end": "eof", "lines": 2}));
    assert!(seen[0] == line.as_bytes());
}

#[test]
fn many_lines_keep_their_order() {
    let line = |n: usize| format!("data: {{\"n\":{n}}}");
    let text: String = (0..50_000).map(|n| line(n) + "\n\n").collect();
    let pieces: Vec<_> = text.as_bytes().chunks(4099).collect();
    let (seen, outcome) = play("openai", sse_chunks(&pieces));
    check(
        &outcome,
        MODELWIRE_OK,
        json!({"end": "eof", "lines": 100_000, "bytes_in": text.len()}),
    );
    let wrong = seen
        .chunks(2)
        .enumerate()
        .find(|(n, pair)| *pair != [line(*n).into_bytes(), vec![]]);
    assert_eq!((seen.len(), wrong), (100_000, None));
}

#[test]
fn an_answer_that_is_no_stream_comes_line_by_line() {
    let (seen, outcome) = play("openai", answer("{\n  \"text\": \"x\"\r\n}"));
    let info = json!({"end": "eof", "lines": 3, "content_type": "application/json"});
    check(&outcome, MODELWIRE_OK, info);
    assert_eq!(seen, lines(&["{", "  \"text\": \"x\"", "}"]));
    assert!(outcome.body.is_empty());
}
