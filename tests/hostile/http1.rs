//! HTTP/1.1 answers that are late, cut, broken, too large or untrue.

use crate::fault::{Fault, SOUND, Then, ends, fails, gets, play, runs_out, then_sound};
use crate::support::upstream::{
    Accept, Gate, Script, Step, Upstream, chunk, head, join, json as answer, last_chunk, reply,
    sse_head,
};
use modelwire::ffi::*;
use serde_json::json;

/// Two whole lines and a part of a third.
const CUT: &str = "data: 1\n\ndata: {\"half\"";
/// The lines of [`CUT`] that arrived whole.
const WHOLE: &[&str] = &["data: 1", ""];
const EVENT: &str = "data: 1\n\n";
const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");

/// A 200 head with these lines in it.
fn ok(lines: &str) -> String {
    format!("{OK}{lines}\r\n")
}

/// A good answer: [`EVENT`] by length.
fn event() -> String {
    ok("content-length: 9\r\n") + EVENT
}

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
    let deaf = || {
        let script = Script::queue([vec![Step::Hang], answer(SOUND)]);
        let first = std::sync::atomic::AtomicBool::new(true);
        let once = move |_: &_| first.swap(false, std::sync::atomic::Ordering::Relaxed);
        Upstream::start(script.before_body_if(once))
    };
    let resets_upload = || {
        let script = Script::queue([vec![Step::Reset], answer(SOUND)]);
        let first = std::sync::atomic::AtomicBool::new(true);
        let once = move |_: &_| first.swap(false, std::sync::atomic::Ordering::Relaxed);
        Upstream::start(script.before_body_if(once))
    };
    let upload = || format!(r#"{{"model":"m","x":"{}"}}"#, "x".repeat(8 << 20));
    play(vec![
        Fault::of("the peer hangs up as soon as it is connected", hangs_up)
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("the peer closes instead of answering", [Step::Close])
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::reply("the peer resets instead of answering", [Step::Reset])
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::of("the peer resets during the upload", resets_upload)
            .request(upload())
            .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        Fault::of("the peer stops reading the upload", deaf)
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

#[test]
fn an_upload_that_is_refused_early() {
    let early = || {
        let refusal = reply(
            413,
            "Content Too Large",
            &[("connection", "close")],
            "too large",
        );
        let script = Script::queue([join([refusal, vec![Step::HalfClose]]), answer(SOUND)]);
        let first = std::sync::atomic::AtomicBool::new(true);
        let once = move |_: &_| first.swap(false, std::sync::atomic::Ordering::Relaxed);
        Upstream::start(script.before_body_if(once))
    };
    play(vec![
        Fault::of("a refusal before the upload is whole", early)
            .request(format!(r#"{{"model":"m","x":"{}"}}"#, "x".repeat(8 << 20)))
            .both(fails(MODELWIRE_E_BACKEND, "response").http_status(413)),
    ]);
}

/// A connection that dies while idle, just as the next request goes out: the request goes out
/// once more on a fresh one, and only once.
#[test]
fn a_connection_that_dies_while_it_is_idle() {
    let _turn = crate::fault::turn();
    for (way, last, status) in [
        (Step::Close, answer(SOUND), MODELWIRE_OK),
        (Step::Reset, answer(SOUND), MODELWIRE_OK),
        (Step::HalfClose, answer(SOUND), MODELWIRE_OK),
        (Step::Close, vec![Step::Close], MODELWIRE_E_TRUNCATED),
        (Step::Reset, vec![Step::Reset], MODELWIRE_E_TRUNCATED),
    ] {
        let script = Script::queue([answer(SOUND), vec![way], last]);
        let upstream = Upstream::start(script);
        let config =
            json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
        let call = || crate::support::abi::completions("openai", &config, "{}");
        assert_eq!(call().ok().info["attempts"], 1);
        let outcome = call();
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert_eq!(outcome.info["attempts"], 2);
        assert_eq!((upstream.requests().len(), upstream.connections()), (3, 2));
    }
}

/// Servers say 408 on a connection that was idle for long, and close it. Whoever sends just
/// then must not take that for the answer.
#[test]
fn an_answer_to_nobody_is_not_the_next_calls() {
    let _turn = crate::fault::turn();
    for closes in [true, false] {
        let late = Gate::new();
        let mut steps = answer(SOUND);
        steps.extend([
            Step::WaitFor(late.clone()),
            Step::send(
                "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            ),
        ]);
        if closes {
            steps.push(Step::Close);
        }
        let upstream = Upstream::start(then_sound(steps));
        let config =
            json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
        let call = || crate::support::abi::completions("openai", &config, "{}");
        call().ok();
        late.open();
        upstream.wait_open_connections(0);
        assert_eq!(call().ok().text(), SOUND);
        assert_eq!(upstream.connections(), 2);
    }
}
