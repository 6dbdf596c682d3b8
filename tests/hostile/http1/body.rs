//! Faults in an answer's body: its length, its chunks, its end.

use super::{CUT, EVENT, WHOLE, event, ok};
use crate::fault::{Fault, Then, ends, fails, gets, play, runs_out, then_sound};
use crate::support::upstream::{Step, Upstream, chunk, head, last_chunk, sse_head};
use modelwire::ffi::*;
use serde_json::json;

const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");

#[test]
fn lengths() {
    let length = |lines: &str| Step::send(ok(lines));
    play(vec![
        Fault::reply(
            "the length is negative",
            [length("content-length: -1\r\n"), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "the length is no number",
            [length("content-length: 9a\r\n"), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "the length fits no number",
            [
                length("content-length: 99999999999999999999\r\n"),
                Step::Hang,
            ],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "two lengths that differ",
            [
                length("content-length: 9\r\ncontent-length: 10\r\n"),
                Step::send(EVENT),
                Step::Hang,
            ],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "two lengths that agree",
            [
                length("content-length: 9\r\ncontent-length: 9\r\n"),
                Step::send(EVENT),
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "a length and chunks: the chunks count",
            [
                length("content-length: 3\r\ntransfer-encoding: chunked\r\n"),
                chunk(EVENT),
                last_chunk(),
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "the length is longer than the body, and a close",
            [
                length("content-length: 1000\r\n"),
                Step::send(CUT),
                Step::Close,
            ],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        Fault::reply(
            "the length is longer than the body, and silence",
            [
                length("content-length: 1000\r\n"),
                Step::send(CUT),
                Step::Hang,
            ],
        )
        .config(json!({"timeouts": {"total_ms": 250}}))
        .unary(runs_out("total", "response"))
        .stream(runs_out("total", "stream").text(WHOLE)),
        Fault::reply(
            "the length is shorter than the body",
            [Step::send(
                ok("content-length: 9\r\n") + EVENT + "data: beyond\n\n",
            )],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
        Fault::reply(
            "a second answer that nobody asked for",
            [Step::send(
                event() + &ok("content-length: 8\r\n") + "\"forged\"",
            )],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
    ]);
}

#[test]
fn chunks() {
    let chunked = || Step::send(head(200, "OK", &[CHUNKED]));
    let broken = |name, framing: &str| {
        Fault::reply(
            name,
            [sse_head(), chunk(CUT), Step::send(framing), Step::Hang],
        )
        .unary(fails(MODELWIRE_E_PROTOCOL, "response"))
        .stream(fails(MODELWIRE_E_PROTOCOL, "stream").text(WHOLE))
    };
    let extension = |bytes: usize| {
        let name = "x".repeat(bytes);
        Step::send(format!("9;{name}=1\r\n{EVENT}\r\n"))
    };
    play(vec![
        broken("a chunk size that is no number", "zz\r\n"),
        broken("a chunk size that is negative", "-5\r\n"),
        broken("a chunk size that fits no number", "fffffffffffffffff\r\n"),
        broken("a chunk that is longer than its size", "2\r\nlonger\r\n"),
        Fault::reply("chunk extensions", [chunked(), extension(20), last_chunk()])
            .unary(gets(EVENT))
            .stream(ends("eof", WHOLE))
            .then(Then::Same),
        Fault::reply(
            "chunk extensions of 1 MB",
            [sse_head(), chunk(CUT), extension(1 << 20), Step::Hang],
        )
        .unary(fails(MODELWIRE_E_PROTOCOL, "response"))
        .stream(fails(MODELWIRE_E_PROTOCOL, "stream").text(WHOLE)),
        Fault::reply(
            "the last chunk is missing",
            [sse_head(), chunk(CUT), Step::Close],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        Fault::reply(
            "the last chunk is cut",
            [sse_head(), chunk(CUT), Step::send("0\r\n"), Step::Close],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        Fault::reply(
            "a chunk is cut",
            [
                sse_head(),
                chunk(CUT),
                Step::send("ff\r\n: cut"),
                Step::Close,
            ],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        Fault::reply(
            "the peer ends its side without the last chunk",
            [sse_head(), chunk(CUT), Step::HalfClose],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        Fault::reply(
            "trailers",
            [
                sse_head(),
                chunk(EVENT),
                Step::send("0\r\nx-checksum: 1\r\nx-more: 2\r\n\r\n"),
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "trailers of 1 MB",
            [
                sse_head(),
                chunk(CUT),
                Step::send(format!("0\r\nx-big: {}\r\n\r\n", "x".repeat(1 << 20))),
                Step::Hang,
            ],
        )
        .unary(fails(MODELWIRE_E_PROTOCOL, "response"))
        .stream(fails(MODELWIRE_E_PROTOCOL, "stream").text(WHOLE)),
    ]);
}

#[test]
fn resets_and_closes_in_the_body() {
    // A reset may overtake what was sent before it, so the client reads that first.
    let after = |steps: Vec<Step>| {
        let mut steps = steps;
        steps.extend([Step::pause(60), Step::Reset]);
        steps
    };
    let reset = |name, steps: Vec<Step>| {
        let steps = after(steps);
        Fault::of(name, move || Upstream::start(then_sound(steps.clone())))
            .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
    };
    let sized = || Step::send(ok("content-length: 1000\r\n"));
    play(vec![
        reset("a reset after the head", vec![sse_head()])
            .stream(fails(MODELWIRE_E_TRUNCATED, "stream")),
        reset("a reset in a chunked body", vec![sse_head(), chunk(CUT)])
            .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        reset(
            "a reset in a body of known length",
            vec![sized(), Step::send(CUT)],
        )
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        reset(
            "a reset in a body that a close ends",
            vec![Step::send(ok("")), Step::send(CUT)],
        )
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        reset("a reset after the whole answer", vec![Step::send(event())])
            .unary(gets(EVENT))
            .stream(ends("eof", WHOLE)),
        Fault::reply(
            "a close after the whole answer",
            [Step::send(event()), Step::Close],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
        Fault::reply(
            "the peer ends its side after the whole answer",
            [Step::send(event()), Step::HalfClose],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
        Fault::reply(
            "`connection: close`",
            [
                Step::send(ok("content-length: 9\r\nconnection: close\r\n")),
                Step::send(EVENT),
                Step::Hang,
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
        Fault::reply_tls(
            "TLS ends without a notice in a body that a close ends",
            [Step::send(ok("")), Step::send(CUT), Step::Cut],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        Fault::reply(
            "silence in the middle of a stream",
            [sse_head(), chunk(CUT), Step::Hang],
        )
        .config(json!({"timeouts": {"idle_ms": 150, "total_ms": 400}}))
        .unary(runs_out("total", "response"))
        .stream(runs_out("idle", "stream").text(WHOLE)),
    ]);
}
