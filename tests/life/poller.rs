//! Pollers: which tokens come, when, and how often; the descriptor; wake and free.

use crate::process::{alone, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Call, Event};
use crate::support::upstream::{Gate, Step, Upstream, chunk, chunked_open, json, last_chunk, sse};
use modelwire::ffi::*;
use std::thread;
use std::time::Duration;

/// What would come wrongly comes within this.
const A_WHILE: i32 = 150;
const NONE: [u64; 0] = [];

fn poller() -> modelwire_poller {
    let poller = modelwire_poller_new();
    assert_ne!(poller, 0);
    poller
}

fn wait_for(poller: modelwire_poller, timeout_ms: i32, capacity: usize) -> Vec<u64> {
    let mut tokens = vec![0; capacity];
    // SAFETY: there is room for `capacity` tokens.
    let count = unsafe { modelwire_poller_wait(poller, timeout_ms, tokens.as_mut_ptr(), capacity) };
    tokens.truncate(usize::try_from(count).expect("tokens, not a status"));
    tokens
}

/// A call that is over when this returns.
fn start_refused(poller: modelwire_poller, token: u64) -> Call {
    abi::start_on(
        MODELWIRE_OP_COMPLETIONS,
        "nobody",
        "{}",
        "{}",
        poller,
        token,
    )
}

fn free(poller: modelwire_poller) {
    assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
}

/// Whether the poller's descriptor polls readable at this moment.
fn readable(poller: modelwire_poller) -> bool {
    let fd = modelwire_poller_fd(poller);
    assert!(fd >= 0, "no descriptor: {fd}");
    let mut polled = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one entry, which lives here.
    let count = unsafe { libc::poll(&mut polled, 1, 0) };
    assert!(count >= 0);
    count == 1
}

#[test]
fn a_token_comes_again_only_after_again() {
    let gates: Vec<Gate> = (0..3).map(|_| Gate::new()).collect();
    let sent = Gate::new();
    let mut reply = line_by_line(&gates);
    // After the second line: sse head, (wait, line), (wait, line).
    reply.insert(5, Step::Open(sent.clone()));
    let upstream = Upstream::start(reply);
    let poller = poller();
    let call = start_stream_on(&upstream.url(), poller, 42);

    assert_eq!(wait_for(poller, -1, 8), [42]);
    assert_eq!(call.next(0), Event::Opened);
    gates[0].open();
    // OPENED was not followed by AGAIN: the first line makes no token.
    assert_eq!(wait_for(poller, A_WHILE, 8), NONE);
    assert_eq!(lines(call), "data: 0\n");
    gates[1].open();
    assert!(sent.wait(Duration::from_secs(20)));
    assert_eq!(wait_for(poller, A_WHILE, 8), NONE);
    assert_eq!(lines(call), "data: 1\n");

    assert_eq!(call.next(0), Event::Again);
    assert_eq!(wait_for(poller, 0, 8), NONE, "nothing arrived");
    gates[2].open();
    assert_eq!(wait_for(poller, -1, 8), [42]);
    assert_eq!(wait_for(poller, A_WHILE, 8), NONE);
    let (_, outcome) = call.drain();
    outcome.ok();
    assert_eq!(wait_for(poller, A_WHILE, 8), NONE);
    free(poller);
}

/// A host that reads without waiting in the poller finds a call in it once, and not at all
/// where next said AGAIN since.
#[test]
fn a_token_waits_once() {
    let gates: Vec<Gate> = (0..20).map(|_| Gate::new()).collect();
    let upstream = Upstream::start(line_by_line(&gates));
    let poller = poller();
    let call = start_stream_on(&upstream.url(), poller, 5);
    assert_eq!(call.next(-1), Event::Opened);
    for gate in &gates[..19] {
        assert_eq!(call.next(0), Event::Again);
        assert!(!readable(poller));
        gate.open();
        lines(call);
        wait_until("the token", || readable(poller));
    }
    assert_eq!(wait_for(poller, 0, 64), [5]);
    assert_eq!(wait_for(poller, 0, 64), NONE);
    gates[19].open();
    call.drain().1.ok();
    free(poller);
}

#[test]
fn a_call_that_is_over_before_it_began_is_reported() {
    let poller = poller();
    let call = start_refused(poller, 9);
    assert_eq!(wait_for(poller, 0, 8), [9]);
    assert_eq!(call.next(0), Event::Ended);
    assert_eq!(call.finish().status, MODELWIRE_E_PROVIDER);
    free(poller);
}

/// One token covers whatever waits: opening, lines and end.
#[test]
fn a_call_that_ended_unread_is_reported_once() {
    let upstream = Upstream::start(sse(DONE));
    let poller = poller();
    let call = start_stream_on(&upstream.url(), poller, 3);
    assert_eq!(wait_for(poller, -1, 8), [3]);
    assert_eq!(wait_for(poller, A_WHILE, 8), NONE);
    assert_eq!(call.next(-1), Event::Opened);
    assert_eq!(lines(call), "data: [DONE]\n");
    assert_eq!(call.next(-1), Event::Ended);
    call.finish().ok();
    free(poller);
}

#[test]
fn what_was_freed_is_not_reported() {
    let upstream = Upstream::start(goes_on());
    let poller = poller();
    let released = start_stream_on(&upstream.url(), poller, 1);
    let finished = start_stream_on(&upstream.url(), poller, 2);
    wait_until("both tokens", || {
        upstream.requests().len() == 2 && readable(poller)
    });
    released.next(-1);
    finished.next(-1);
    assert_eq!(released.release(), MODELWIRE_OK);
    finished.cancel();
    assert_eq!(finished.finish().status, MODELWIRE_E_CANCELLED);
    assert!(!readable(poller));
    assert_eq!(wait_for(poller, A_WHILE, 8), NONE);
    free(poller);
}

#[test]
fn the_descriptor_is_readable_while_tokens_wait() {
    let upstream = Upstream::start(sse(DONE));
    let poller = poller();
    assert!(!readable(poller));
    assert_eq!(modelwire_poller_fd(poller), modelwire_poller_fd(poller));
    let calls: Vec<_> = (0..3)
        .map(|token| start_stream_on(&upstream.url(), poller, token))
        .collect();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        wait_until("a token", || readable(poller));
        seen.extend(wait_for(poller, 0, 1));
    }
    assert!(!readable(poller), "every token was taken");
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
    for call in calls {
        call.drain().1.ok();
    }
    // Those that wait stay, one by one.
    let calls: Vec<_> = (0..2).map(|token| start_refused(poller, token)).collect();
    assert_eq!(wait_for(poller, 0, 1).len(), 1);
    assert!(readable(poller), "one is left");
    assert_eq!(wait_for(poller, 0, 1).len(), 1);
    assert!(!readable(poller));
    for call in calls {
        assert_eq!(call.finish().status, MODELWIRE_E_PROVIDER);
    }
    free(poller);
}

/// Asked for late, the descriptor knows what waits already.
#[test]
fn a_descriptor_made_late_is_readable_at_once() {
    let poller = poller();
    let call = start_refused(poller, 1);
    assert!(readable(poller));
    assert_eq!(call.release(), MODELWIRE_OK);
    assert!(!readable(poller));
    free(poller);
}

#[test]
fn a_wake_ends_one_wait() {
    let poller = poller();
    let waiter = thread::spawn(move || wait_for(poller, -1, 8));
    thread::sleep(Duration::from_millis(20));
    assert_eq!(modelwire_poller_wake(poller), MODELWIRE_OK);
    assert_eq!(waiter.join().expect("a waiter"), NONE);

    // One that comes early ends the next wait, and only that.
    assert!(!readable(poller));
    assert_eq!(modelwire_poller_wake(poller), MODELWIRE_OK);
    assert_eq!(modelwire_poller_wake(poller), MODELWIRE_OK);
    assert!(readable(poller));
    assert_eq!(wait_for(poller, -1, 8), NONE);
    assert!(!readable(poller));

    let upstream = Upstream::start(json(ANSWER));
    let call = start_stream_on(&upstream.url(), poller, 4);
    assert_eq!(wait_for(poller, -1, 8), [4], "no wake is left over");
    call.drain().1.ok();
    free(poller);
}

#[test]
fn many_threads_share_a_poller() {
    let upstream = Upstream::start(sse(DONE));
    let poller = poller();
    let waiters: Vec<_> = (0..4)
        .map(|_| thread::spawn(move || wait_for(poller, -1, 1)))
        .collect();
    let calls: Vec<_> = (0..4)
        .map(|token| start_stream_on(&upstream.url(), poller, token))
        .collect();
    let mut tokens: Vec<u64> = waiters
        .into_iter()
        .flat_map(|waiter| waiter.join().expect("a waiter"))
        .collect();
    tokens.sort_unstable();
    assert_eq!(tokens, [0, 1, 2, 3]);
    for call in calls {
        call.drain().1.ok();
    }
    free(poller);
}

#[test]
fn freed_while_waited_in() {
    alone(|| {
        let upstream = Upstream::start(goes_on());
        let poller = poller();
        let call = start_stream_on(&upstream.url(), poller, 1);
        lines_after_opening(call);
        assert_eq!(wait_for(poller, -1, 8), [1]);
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn(move || {
                    let mut token = 0;
                    // SAFETY: there is room for one token.
                    unsafe { modelwire_poller_wait(poller, -1, &mut token, 1) }
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(50));
        free(poller);
        for waiter in waiters {
            assert_eq!(waiter.join().expect("a waiter"), MODELWIRE_E_HANDLE);
        }
        assert_eq!(alive("pollers"), 0);
        // Its call goes on.
        assert_eq!(call.next(0), Event::Again);
        call.cancel();
        assert_eq!(call.next(-1), Event::Ended);
        assert_eq!(call.finish().status, MODELWIRE_E_CANCELLED);
    });
}

fn lines_after_opening(call: Call) {
    assert_eq!(call.next(-1), Event::Opened);
    lines(call);
}

#[test]
fn no_room_for_tokens() {
    let poller = poller();
    let mut token = 0;
    // SAFETY: NULL is refused, and a capacity of 0 touches nothing.
    let (null, none) = unsafe {
        (
            modelwire_poller_wait(poller, -1, std::ptr::null_mut(), 1),
            modelwire_poller_wait(poller, -1, &mut token, 0),
        )
    };
    assert_eq!((null, none), (MODELWIRE_E_ARGUMENT, MODELWIRE_E_ARGUMENT));
    free(poller);
}

/// A line that arrives between two reads is never slept over.
#[test]
fn no_wakeup_is_lost() {
    const LINES: usize = 3000;
    let mut reply = chunked_open::<&str>(&[]);
    reply.push(Step::Repeat {
        bytes: b"8\r\ndata: 1\n\r\n".to_vec(),
        times: LINES,
    });
    reply.extend([chunk("data: [DONE]\n"), last_chunk()]);
    let upstream = Upstream::start(reply);
    let poller = poller();
    let call = start_stream_on(&upstream.url(), poller, 1);
    let mut text = String::new();
    loop {
        match call.next(0) {
            Event::Again => assert_eq!(wait_for(poller, 20_000, 8), [1]),
            Event::Lines(bytes) => text += std::str::from_utf8(&bytes).expect("text"),
            Event::Opened => {}
            Event::Ended => break,
            Event::Refused(status) => panic!("{status}"),
        }
    }
    assert_eq!(text.lines().count(), LINES + 1);
    call.finish().ok();
    free(poller);
}
