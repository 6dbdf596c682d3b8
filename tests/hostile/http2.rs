//! HTTP/2 peers that go away, reset, stall or break the protocol.

use crate::fault::{
    Fault, KEY, NOTHING, SOUND, Then, ends, fails, gets, left_alive, play, runs_out, turn,
};
use crate::support::abi::{Outcome, completions};
use crate::support::http2::{Http2Settings, Http2Step, Http2Upstream};
use crate::support::upstream::{Script, Step, TlsIdentity, Upstream};
use h2::Reason;
use modelwire::ffi::*;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const CUT: &str = "data: 1\n\ndata: {\"half\"";
const WHOLE: &[&str] = &["data: 1", ""];
const EVENT: &str = "data: 1\n\n";

fn head() -> Http2Step {
    Http2Step::Head(200, vec![("content-type", "text/event-stream")])
}

fn data(text: &str) -> Http2Step {
    Http2Step::Data(text.into())
}

/// These steps for the first `times` requests, a good answer for every one after them.
fn peer(settings: Http2Settings, times: usize, steps: Vec<Http2Step>) -> Http2Upstream {
    let count = AtomicUsize::new(0);
    Http2Upstream::start_with(settings, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) < times {
            return steps.clone();
        }
        let kind = vec![("content-type", "application/json")];
        vec![Http2Step::Head(200, kind), data(SOUND), Http2Step::End]
    })
}

fn fault<const N: usize>(name: &'static str, steps: [Http2Step; N]) -> Fault {
    let steps = steps.to_vec();
    Fault::of(name, move || {
        peer(Http2Settings::default(), 1, steps.clone())
    })
}

fn deadline(name: &str, ms: u64) -> Value {
    json!({"timeouts": {name: ms}})
}

#[test]
fn streams_and_connections_that_end() {
    play(vec![
        fault(
            "GOAWAY, and the stream is finished",
            [
                head(),
                data(EVENT),
                Http2Step::GoAway,
                // The end of the stream must not overtake it.
                Http2Step::Pause(60),
                Http2Step::End,
            ],
        )
        .unary(gets(EVENT))
        .stream(ends("eof", WHOLE)),
        fault(
            "GOAWAY with an error in the middle of a stream",
            [
                head(),
                data(CUT),
                Http2Step::Pause(60),
                Http2Step::Abort(Reason::INTERNAL_ERROR),
                Http2Step::Hang,
            ],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE)),
        fault(
            "GOAWAY with an error before the answer",
            [Http2Step::Abort(Reason::ENHANCE_YOUR_CALM), Http2Step::Hang],
        )
        .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        fault(
            "GOAWAY without an error, and a close before the answer",
            [Http2Step::Abort(Reason::NO_ERROR), Http2Step::Hang],
        )
        .both(fails(MODELWIRE_E_TRUNCATED, "send")),
        fault(
            "RST_STREAM before the answer",
            [Http2Step::ResetStream(Reason::INTERNAL_ERROR)],
        )
        .both(fails(MODELWIRE_E_TRUNCATED, "send"))
        .then(Then::Same),
        fault(
            "RST_STREAM in the middle of a stream",
            [
                head(),
                data(CUT),
                Http2Step::Pause(60),
                Http2Step::ResetStream(Reason::CANCEL),
            ],
        )
        .unary(fails(MODELWIRE_E_TRUNCATED, "response"))
        .stream(fails(MODELWIRE_E_TRUNCATED, "stream").text(WHOLE))
        .then(Then::Same),
    ]);
}

#[test]
fn refused_streams() {
    let refuses = |times| {
        move || {
            let refused = vec![Http2Step::ResetStream(Reason::REFUSED_STREAM)];
            peer(Http2Settings::default(), times, refused)
        }
    };
    play(vec![
        Fault::of(
            "REFUSED_STREAM once: the peer did nothing, so it is sent again",
            refuses(1),
        )
        .unary(gets(SOUND).attempts(2))
        .stream(ends("eof", &[SOUND]).attempts(2))
        .then(Then::Same),
        Fault::of("REFUSED_STREAM twice", refuses(2))
            .both(fails(MODELWIRE_E_TRUNCATED, "send").attempts(2))
            .then(Then::Same),
    ]);
}

#[test]
fn silence() {
    let closed_window = || {
        let settings = Http2Settings {
            initial_window: Some(0),
            ..Http2Settings::default()
        };
        peer(settings, 0, vec![])
    };
    play(vec![
        fault("HTTP/2: no answer at all", [Http2Step::Hang])
            .config(deadline("response_header_ms", 150))
            .both(runs_out("response_header", "send"))
            .then(Then::Same),
        fault(
            "HTTP/2: silence in the middle of a stream",
            [head(), data(CUT), Http2Step::Hang],
        )
        .config(json!({"timeouts": {"idle_ms": 150, "total_ms": 400}}))
        .unary(runs_out("total", "response"))
        .stream(runs_out("idle", "stream").text(WHOLE))
        .then(Then::Same),
    ]);
    // A window that never opens lets no body through, the next call's neither.
    let _turn = turn();
    let upstream = closed_window();
    let config = json!({
        "credentials": {"api_key": "k"},
        "options": {"base_url": upstream.url()},
        "transport": {"ca_pem": upstream.ca_pem()},
        "timeouts": {"response_header_ms": 150},
    });
    // More than may be sent before the peer's settings are known.
    let upload = json!({"x": "x".repeat(1 << 20)});
    let outcome = completions("openai", &config, &upload);
    assert_eq!(outcome.status, MODELWIRE_E_TIMEOUT, "{outcome:?}");
    assert_eq!(outcome.info["timeout"], "response_header");
    assert_eq!(outcome.info["retryable"], true);
}

// ---- frames that no server sends; the scripted upstream takes the preface for a request ----

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len())
        .expect("a length")
        .to_be_bytes()[1..]
        .to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const GOAWAY: u8 = 7;

/// A peer that answers every preface with these frames and then says nothing more.
fn raw(frames: Vec<Step>) -> Upstream {
    let script = Script::new(move |_| {
        let mut steps = vec![
            Step::Send(frame(SETTINGS, 0, 0, &[])),
            Step::Send(frame(SETTINGS, ACK, 0, &[])),
            // The request comes right behind the preface.
            Step::pause(60),
        ];
        steps.extend(frames.clone());
        steps.push(Step::Hang);
        steps
    });
    Upstream::start_tls(script.before_body(), TlsIdentity::valid().alpn(&["h2"]))
}

fn ask(upstream: &Upstream, deadline_ms: u64) -> Outcome {
    let config = json!({
        "credentials": {"api_key": KEY},
        "options": {"base_url": upstream.url()},
        "transport": {"ca_pem": upstream.ca_pem()},
        "timeouts": {"response_header_ms": deadline_ms},
    });
    completions("openai", &config, "{}")
}

/// GOAWAY that names no stream says that the peer took no request: it goes out once more.
#[test]
fn a_peer_that_leaves_before_it_took_the_request() {
    let _turn = turn();
    let upstream = raw(vec![Step::Send(frame(GOAWAY, 0, 0, &[0; 8]))]);
    let outcome = ask(&upstream, 5000);
    assert_eq!(outcome.status, MODELWIRE_E_TRUNCATED, "{outcome:?}");
    assert_eq!(outcome.info["attempts"], 2);
    assert_eq!(upstream.connections(), 2);
    // One that says it took the request, stream 1, may have worked on it.
    let upstream = raw(vec![Step::Send(frame(
        GOAWAY,
        0,
        0,
        &[0, 0, 0, 1, 0, 0, 0, 0],
    ))]);
    let outcome = ask(&upstream, 300);
    assert_eq!(outcome.status, MODELWIRE_E_TIMEOUT, "{outcome:?}");
    assert_eq!(outcome.info["attempts"], 1);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn frames_that_break_the_protocol() {
    let _turn = turn();
    let once = |bytes: Vec<u8>| vec![Step::Send(bytes)];
    let again = |bytes: Vec<u8>, times| vec![Step::Repeat { bytes, times }];
    // `:status: 200` and a header of 15 bytes, as HPACK writes them.
    let ok = [0x88].as_slice();
    let header = b"\x00\x04name\x08contents".as_slice();
    let mut endless = once(frame(HEADERS, 0, 1, ok));
    endless.extend(again(frame(CONTINUATION, 0, 1, header), 100_000));
    let large = header.repeat(1000);
    let mut large_head = once(frame(HEADERS, 0, 1, ok));
    large_head.extend(again(frame(CONTINUATION, 0, 1, &large), 100));
    large_head.extend(once(frame(CONTINUATION, END_HEADERS, 1, header)));
    for (name, frames) in [
        (
            "no frame",
            once(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ),
        (
            "a frame over the size that was agreed",
            once(frame(DATA, 0, 1, &[0; 20_000])),
        ),
        ("data before headers", once(frame(DATA, 0, 1, b"data"))),
        (
            "headers on a stream of nobody",
            once(frame(HEADERS, END_HEADERS, 77, ok)),
        ),
        (
            "headers that cannot be decoded",
            once(frame(HEADERS, END_HEADERS, 1, &[0xff; 30])),
        ),
        (
            "a window over its limit",
            again(frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), 2),
        ),
        (
            "a push that was forbidden",
            once(frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02\x82")),
        ),
        ("headers without an end", endless),
        ("a head of 1.5 MB", large_head),
    ] {
        let upstream = raw(frames);
        let outcome = ask(&upstream, 20_000);
        assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL, "{name}: {outcome:?}");
        assert_eq!(outcome.info["phase"], "send", "{name}");
        assert_eq!(outcome.info["attempts"], 1, "{name}");
        assert!(outcome.message.contains("HTTP/2"), "{name}: {outcome:?}");
        assert_eq!(left_alive(), NOTHING, "{name}");
    }
    // Frames that are legal and only too many cost no more than the deadline.
    for frames in [
        again(frame(PING, 0, 0, &[0; 8]), 100_000),
        again(frame(SETTINGS, 0, 0, &[]), 100_000),
    ] {
        let upstream = raw(frames);
        let outcome = ask(&upstream, 1000);
        assert_eq!(outcome.status, MODELWIRE_E_TIMEOUT, "{outcome:?}");
        assert_eq!(left_alive(), NOTHING);
    }
}
