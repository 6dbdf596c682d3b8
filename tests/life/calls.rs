//! One call, ended in every way at every moment.

use crate::process::{alone, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Call, Event};
use crate::support::upstream::{
    Accept, Gate, Script, Step, Upstream, chunked_open, head, join, json, last_chunk, sse,
};
use modelwire::ffi::*;
use std::thread;
use std::time::Duration;

#[test]
fn cancelled_before_anything_happened() {
    let upstream = Upstream::start(Script::always(vec![Step::Hang]));
    for operation in [
        MODELWIRE_OP_COMPLETIONS,
        MODELWIRE_OP_COMPLETIONS_STREAM,
        MODELWIRE_OP_TEST_CONNECTION,
    ] {
        let call = abi::start(operation, PROVIDER, &config(&upstream.url()), REQUEST);
        assert_eq!(call.cancel(), MODELWIRE_OK);
        let (events, outcome) = call.drain();
        assert_eq!(events, []);
        assert_eq!(outcome.status, MODELWIRE_E_CANCELLED, "{outcome:?}");
        assert_eq!(outcome.body, b"");
    }
}

/// Where a call can be when it is cancelled, by what the upstream does last.
#[test]
fn cancelled_on_the_way() {
    let json_head = head(200, "OK", &[("content-length", "1000")]);
    let refusal_head = head(500, "Oops", &[("content-length", "1000")]);
    for (place, script, operation) in [
        (
            "waiting for the head of an answer",
            Script::always(vec![Step::Hang]),
            MODELWIRE_OP_COMPLETIONS,
        ),
        (
            "waiting for the head of a stream",
            Script::always(vec![Step::Hang]),
            MODELWIRE_OP_COMPLETIONS_STREAM,
        ),
        (
            "in the body of an answer",
            Script::always(vec![Step::Send(json_head), Step::Hang]),
            MODELWIRE_OP_COMPLETIONS,
        ),
        (
            "in the body of a refusal",
            Script::always(vec![Step::Send(refusal_head), Step::Hang]),
            MODELWIRE_OP_COMPLETIONS_STREAM,
        ),
        (
            "in a stream",
            Script::always(goes_on()),
            MODELWIRE_OP_COMPLETIONS_STREAM,
        ),
        (
            "in a probe",
            Script::always(vec![Step::Hang]),
            MODELWIRE_OP_TEST_CONNECTION,
        ),
    ] {
        let upstream = Upstream::start(script);
        let call = abi::start(operation, PROVIDER, &config(&upstream.url()), REQUEST);
        upstream.wait_requests(1);
        assert_eq!(call.cancel(), MODELWIRE_OK, "{place}");
        assert_eq!(call.cancel(), MODELWIRE_OK, "{place}");
        let (_, outcome) = call.drain();
        assert_eq!(outcome.status, MODELWIRE_E_CANCELLED, "{place}");
        upstream.wait_open_connections(0);
    }
}

#[test]
fn cancelled_while_it_uploads() {
    let script = Script::always(vec![Step::Hang]).accept(Accept::NeverRead);
    let upstream = Upstream::start(script);
    let large = vec![b' '; 20 << 20];
    let call = abi::start(1, PROVIDER, &config(&upstream.url()), &large);
    upstream.wait_connections(1);
    assert_eq!(call.cancel(), MODELWIRE_OK);
    assert_eq!(call.finish().status, MODELWIRE_E_CANCELLED);
}

#[test]
fn lines_that_arrived_before_a_cancel_are_delivered() {
    let begun = chunked_open(&["data: 1\n", "data: 2\nhalf a li"]);
    let reply = join([begun, vec![Step::Hang]]);
    let upstream = Upstream::start(reply);
    let call = opened_stream(&upstream);
    let mut text = lines(call);
    while !text.contains("data: 2\n") {
        text += &lines(call);
    }
    assert_eq!(call.cancel(), MODELWIRE_OK);
    let (events, outcome) = call.drain();
    assert_eq!((text.as_str(), events), ("data: 1\ndata: 2\n", vec![]));
    assert_eq!(outcome.status, MODELWIRE_E_CANCELLED);
    assert_eq!(outcome.info["end"], "cancelled");
    assert_eq!(outcome.info["phase"], "stream");
    assert_eq!(outcome.info["lines"], 2);
}

/// What waits for the reader at the cancel is still delivered.
#[test]
fn lines_that_wait_at_a_cancel_are_delivered() {
    let gate = Gate::new();
    let mut reply = line_by_line(std::slice::from_ref(&gate));
    reply.truncate(3); // the head, the gate, the line
    reply.push(Step::Hang);
    let upstream = Upstream::start(reply);
    let poller = modelwire_poller_new();
    let call = start_stream_on(&upstream.url(), poller, 7);
    assert_eq!(call.next(-1), Event::Opened);
    assert_eq!(call.next(0), Event::Again);
    let mut tokens = [0; 8];
    let mut wait = |timeout| {
        // SAFETY: there is room for eight tokens.
        unsafe { modelwire_poller_wait(poller, timeout, tokens.as_mut_ptr(), 8) }
    };
    wait(0); // the opening's own token
    gate.open();
    assert_eq!(wait(-1), 1); // the line is there, and nobody took it
    assert_eq!(call.cancel(), MODELWIRE_OK);
    let (events, outcome) = call.drain();
    assert_eq!(events, [Event::Lines(b"data: 0\n".to_vec())]);
    assert_eq!(outcome.status, MODELWIRE_E_CANCELLED);
    assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
}

/// The pump waits for room that never comes.
#[test]
fn cancelled_while_the_reader_is_far_behind() {
    let line = format!("data: {}\n", "x".repeat(1000));
    let reply = join([
        chunked_open::<&str>(&[]),
        vec![Step::Repeat {
            bytes: [format!("{:x}\r\n", line.len()), line, "\r\n".into()]
                .concat()
                .into_bytes(),
            times: 64 * 1024,
        }],
    ]);
    let upstream = Upstream::start(reply);
    let call = opened_stream(&upstream);
    lines(call);
    call.cancel();
    let (events, outcome) = call.drain();
    let whole = |event: &Event| matches!(event, Event::Lines(bytes) if bytes.ends_with(b"x\n"));
    assert!(events.iter().all(whole), "a line was cut");
    assert_eq!(outcome.status, MODELWIRE_E_CANCELLED);
    upstream.wait_open_connections(0);
}

#[test]
fn a_cancel_wakes_the_reader() {
    let upstream = Upstream::start(goes_on());
    let call = opened_stream(&upstream);
    lines(call);
    let reader = thread::spawn(move || call.next(-1));
    thread::sleep(Duration::from_millis(20));
    assert_eq!(call.cancel(), MODELWIRE_OK);
    assert_eq!(reader.join().expect("a reader"), Event::Ended);
    assert_eq!(call.finish().status, MODELWIRE_E_CANCELLED);
}

#[test]
fn a_cancel_after_the_end_changes_nothing() {
    let upstream = Upstream::start(sse(DONE));
    let call = start_stream(&upstream.url());
    assert_eq!(call.next(-1), Event::Opened);
    assert_eq!(lines(call), "data: [DONE]\n");
    assert_eq!(call.next(-1), Event::Ended);
    assert_eq!(call.cancel(), MODELWIRE_OK);
    let outcome = call.finish().ok();
    assert_eq!(outcome.info["end"], "done");
    assert_eq!(call.cancel(), MODELWIRE_E_HANDLE);
}

#[test]
fn the_end_comes_once() {
    let upstream = Upstream::start(json(ANSWER));
    let call = start(&upstream.url());
    assert_eq!(call.next(-1), Event::Ended);
    for timeout in [0, 10, -1] {
        assert_eq!(call.next(timeout), Event::Refused(MODELWIRE_E_ARGUMENT));
    }
    assert_eq!(call.finish().ok().text(), ANSWER);
}

#[test]
fn a_timeout_of_next_is_no_event() {
    let gate = Gate::new();
    let upstream = Upstream::start(line_by_line(std::slice::from_ref(&gate)));
    let call = opened_stream(&upstream);
    for timeout in [0, 1, 50] {
        assert_eq!(call.next(timeout), Event::Again);
    }
    gate.open();
    assert!(lines(call).starts_with("data: 0\n"));
    call.drain().1.ok();
}

#[test]
fn finished_without_reading() {
    let line = format!("data: {}\n", "x".repeat(1013));
    let reply = join([
        chunked_open(&[line.repeat(4096), DONE.into()]),
        vec![last_chunk()],
    ]);
    let upstream = Upstream::start(reply);
    let outcome = start_stream(&upstream.url()).finish().ok();
    assert_eq!(outcome.info["end"], "done");
    assert_eq!(outcome.info["lines"], 4097);
    assert_eq!(outcome.info["phase"], "done");
}

#[test]
fn released_while_it_streams() {
    alone(|| {
        let upstream = Upstream::start(goes_on());
        let call = opened_stream(&upstream);
        lines(call);
        assert_eq!(alive("calls"), 1);
        assert_eq!(call.release(), MODELWIRE_OK);
        assert_eq!(alive("calls"), 0);
        assert_eq!(call.next(0), Event::Refused(MODELWIRE_E_HANDLE));
        assert_eq!(call.release(), MODELWIRE_E_HANDLE);
        upstream.wait_open_connections(0);
    });
}

#[test]
fn released_at_once_in_great_number() {
    alone(|| {
        let upstream = Upstream::start(Script::always(goes_on()).forgetful());
        let calls: Vec<Call> = (0..100).map(|_| start_stream(&upstream.url())).collect();
        for call in calls {
            assert_eq!(call.release(), MODELWIRE_OK);
        }
        assert_eq!(alive("calls"), 0);
        // A connection that was being made for a released call may come into the pool.
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        upstream.wait_open_connections(0);
    });
}

/// Nothing the library made is left when its host gave back what it got.
#[test]
fn nothing_is_left_alive() {
    alone(|| {
        let upstream = Upstream::start(sse(DONE));
        let before = alive("results");
        for _ in 0..20 {
            let (_, outcome) = start_stream(&upstream.url()).drain();
            outcome.ok();
        }
        assert_eq!(alive("calls"), 0);
        assert_eq!(alive("results"), before);
    });
}

/// Whoever sleeps in next when the call goes away is told that the handle is gone.
#[test]
fn freed_under_a_reader() {
    type Free = fn(Call);
    let ways: [Free; 2] = [
        |call| {
            assert_eq!(call.release(), MODELWIRE_OK);
        },
        |call| {
            call.cancel();
            assert_eq!(call.finish().status, MODELWIRE_E_CANCELLED);
        },
    ];
    let upstream = Upstream::start(goes_on());
    for free in ways {
        let call = opened_stream(&upstream);
        lines(call);
        let reader = thread::spawn(move || call.next(-1));
        wait_until("the reader to be inside", || {
            call.next(0) == Event::Refused(MODELWIRE_E_BUSY)
        });
        free(call);
        let woken = reader.join().expect("a reader");
        // A cancelled call may show its end before it is gone.
        assert!(
            matches!(woken, Event::Ended | Event::Refused(MODELWIRE_E_HANDLE)),
            "{woken:?}"
        );
    }
}
