//! Faults up to the end of an answer's head.

use super::{EVENT, OK, WHOLE, early, event, ok, upload};
use crate::fault::{Fault, SOUND, Then, ends, fails, gets, play, runs_out};
use crate::support::upstream::{Accept, Script, Step, Upstream, json as answer};
use modelwire::ffi::*;
use serde_json::json;

fn header_deadline(ms: u64) -> serde_json::Value {
    json!({"timeouts": {"response_header_ms": ms}})
}

fn flood(bytes: &str, times: usize) -> Step {
    Step::Repeat {
        bytes: bytes.into(),
        times,
    }
}

fn slowly(bytes: String, size: usize, ms: u64) -> Step {
    Step::SendSlowly {
        bytes: bytes.into_bytes(),
        size,
        pause: std::time::Duration::from_millis(ms),
    }
}

#[test]
fn before_the_answer() {
    let hangs_up = || {
        let receive = |n| if n == 0 { Accept::Close } else { Accept::Serve };
        Upstream::start(Script::always(answer(SOUND)).accept_with(receive))
    };
    play(vec![
        Fault::of("the peer hangs up as soon as it is connected", hangs_up)
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("the peer closes instead of answering", [Step::Close])
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("the peer resets instead of answering", [Step::Reset])
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::of("the peer resets during the upload", || {
            early(vec![Step::Reset])
        })
        .request(upload())
        .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::of("the peer stops reading the upload", || {
            early(vec![Step::Hang])
        })
        .request(upload())
        .config(header_deadline(300))
        .unwatched()
        .both(runs_out("response_header", "send")),
        Fault::reply("the peer ends its side and says nothing", [Step::HalfClose])
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("no answer at all", [Step::Hang])
            .config(header_deadline(150))
            .both(runs_out("response_header", "send")),
    ]);
}

#[test]
fn in_the_head() {
    let late = |ms| vec![Step::pause(ms), Step::send(event())];
    let slow = slowly(event(), 1, 2);
    let [wait, go] = late(80).try_into().ok().expect("two steps");
    play(vec![
        Fault::reply("the head comes late, within its deadline", [wait, go])
            .unary(gets(EVENT))
            .stream(ends("eof", WHOLE))
            .then(Then::Same),
        Fault::reply("the head comes byte by byte", [slow.clone()])
            .unary(gets(EVENT))
            .stream(ends("eof", WHOLE))
            .then(Then::Same),
        Fault::reply(
            "the head comes byte by byte, over its deadline",
            [slowly(event(), 1, 40)],
        )
        .config(header_deadline(150))
        .both(runs_out("response_header", "send")),
        Fault::reply(
            "the status line is cut by a close",
            [Step::send("HTTP/1.1 20"), Step::Close],
        )
        .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("the head is cut by a close", [Step::send(OK), Step::Close])
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply(
            "the head is cut by a reset",
            [Step::send(OK), Step::pause(30), Step::Reset],
        )
        .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("the head stalls half way", [Step::send(OK), Step::Hang])
            .config(header_deadline(150))
            .both(runs_out("response_header", "send")),
        Fault::reply(
            "a head of 1 MB",
            [
                Step::send(ok(&format!("x-big: {}\r\n", "x".repeat(1 << 20)))),
                Step::Hang,
            ],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "a head of more than 100 headers",
            [Step::send(ok(&"x-more: more\r\n".repeat(101))), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "a head without an end",
            [
                Step::send(OK),
                flood("x-more: more\r\n", 1 << 20),
                Step::Hang,
            ],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "a status line that is none",
            [Step::send("HTTP/1.1 2OO OK\r\n\r\n"), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "another protocol",
            [Step::send("220 mail.example ESMTP\r\n"), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "a header without a colon",
            [Step::send(ok("content-length 9\r\n")), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "a header with a NUL in it",
            [Step::send(ok("x-a: a\0b\r\n")), Step::Hang],
        )
        .both(fails(MODELWIRE_E_PROTOCOL, "send")),
        Fault::reply(
            "no reason phrase",
            [Step::send(
                "HTTP/1.1 200\r\ncontent-length: 9\r\n\r\ndata: 1\n\n",
            )],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "no header at all, and a close",
            [Step::send(ok("")), Step::send(EVENT), Step::Close],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
        Fault::reply(
            "an answer in HTTP/1.0",
            [
                Step::send("HTTP/1.0 200 OK\r\n\r\n"),
                Step::send(EVENT),
                Step::Close,
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
    ]);
}

#[test]
fn informational_answers() {
    let early = |line: &str| Step::send(format!("HTTP/1.1 {line}\r\n\r\n"));
    play(vec![
        Fault::reply(
            "100 Continue, unasked",
            [early("100 Continue"), Step::send(event())],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "103 Early Hints",
            [early("103 Early Hints\r\nlink: </a>"), Step::send(event())],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "10 000 informational answers, then the real one",
            [
                flood("HTTP/1.1 102 Processing\r\n\r\n", 10_000),
                Step::send(event()),
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE))
        .then(Then::Same),
        Fault::reply(
            "informational answers without an end",
            [flood("HTTP/1.1 100 Continue\r\n\r\n", usize::MAX >> 8)],
        )
        .config(header_deadline(200))
        .both(runs_out("response_header", "send")),
        Fault::reply(
            "101 Switching Protocols, unasked",
            [
                early("101 Switching Protocols\r\nupgrade: chat\r\nconnection: upgrade"),
                Step::Hang,
            ],
        )
        .both(fails(MODELWIRE_E_BACKEND, "response").http_status(101)),
    ]);
}
