//! Pollers: whatever becomes readable is reported, once until the reader was told that nothing
//! is left, and never after it was closed.

use std::sync::Arc;
use std::time::Duration;

use loom::future::block_on;
use loom::thread;

use super::check;
use super::outcome::Outcome;
use super::poller::Poller;
use super::state::{Call, Event};
use crate::error::Error;

fn followed(poller: &Arc<Poller>, token: u64) -> Arc<Call> {
    Arc::new(Call::new(2, Some((poller.clone(), token))))
}

/// Takes everything that is there; true once that was the end.
fn drain(call: &Call, lines: &mut Vec<u8>) -> bool {
    loop {
        let went_on = call.next(Some(Duration::ZERO), |event| match event {
            Event::Lines(more) => {
                lines.extend_from_slice(more);
                None
            }
            Event::Opened => None,
            Event::Again => Some(false),
            Event::Ended => Some(true),
        });
        if let Some(ended) = went_on.expect("nobody else reads") {
            return ended;
        }
    }
}

fn wait(poller: &Poller) -> u64 {
    let mut tokens = [0];
    assert_eq!(poller.wait(None, &mut tokens), Ok(1));
    tokens[0]
}

fn nothing_waits(poller: &Poller) -> bool {
    poller.wait(Some(Duration::ZERO), &mut [0; 4]) == Ok(0)
}

#[test]
fn a_stream_is_followed_to_its_end() {
    check(3, || {
        let poller = Arc::new(Poller::default());
        let call = followed(&poller, 7);
        let task = thread::spawn({
            let call = call.clone();
            move || {
                call.open();
                block_on(call.hand_over(&mut b"1\n".to_vec(), || ()));
                block_on(call.hand_over(&mut b"2\n".to_vec(), || ()));
                call.end(Vec::new(), Outcome("done"));
            }
        });
        let mut lines = Vec::new();
        loop {
            assert_eq!(wait(&poller), 7);
            if drain(&call, &mut lines) {
                break;
            }
        }
        assert_eq!(lines, b"1\n2\n");
        task.join().expect("no panic");
        assert!(call.finish().is_ok());
        assert!(nothing_waits(&poller));
    });
}

#[test]
fn two_calls_share_a_poller_with_room_for_one_token() {
    check(2, || {
        let poller = Arc::new(Poller::default());
        let calls = [followed(&poller, 0), followed(&poller, 1)];
        let tasks = calls.clone().map(|call| {
            thread::spawn(move || {
                block_on(call.hand_over(&mut b"1\n".to_vec(), || ()));
                call.end(Vec::new(), Outcome("done"));
            })
        });
        let mut left = [true; 2];
        while left.contains(&true) {
            let at = wait(&poller) as usize;
            assert!(left[at], "reported after its end");
            left[at] = !drain(&calls[at], &mut Vec::new());
        }
        for task in tasks {
            task.join().expect("no panic");
        }
    });
}

#[test]
fn two_threads_wait_and_each_gets_a_call() {
    check(2, || {
        let poller = Arc::new(Poller::default());
        let calls = [followed(&poller, 1), followed(&poller, 2)];
        let waiter = thread::spawn({
            let poller = poller.clone();
            move || wait(&poller)
        });
        let task = thread::spawn(move || {
            for call in calls {
                call.end(Vec::new(), Outcome("done"));
            }
        });
        let here = wait(&poller);
        assert_eq!(here + waiter.join().expect("no panic"), 3);
        task.join().expect("no panic");
    });
}

#[test]
fn a_closed_call_is_not_reported_again() {
    check(3, || {
        let poller = Arc::new(Poller::default());
        let call = followed(&poller, 7);
        let task = thread::spawn({
            let call = call.clone();
            move || {
                block_on(call.hand_over(&mut b"1\n".to_vec(), || ()));
                call.end(Vec::new(), Outcome("done"));
            }
        });
        call.close();
        assert!(nothing_waits(&poller));
        task.join().expect("no panic");
        assert!(nothing_waits(&poller));
    });
}

#[test]
fn a_wake_and_a_call_both_end_a_wait() {
    check(3, || {
        let poller = Arc::new(Poller::default());
        let call = followed(&poller, 7);
        let waker = thread::spawn({
            let poller = poller.clone();
            move || poller.wake()
        });
        let task = thread::spawn(move || {
            call.end(Vec::new(), Outcome("done"));
            call // which a poller does not keep alive
        });
        let mut tokens = [0];
        if poller.wait(None, &mut tokens) == Ok(0) {
            assert_eq!(poller.wait(None, &mut tokens), Ok(1));
        }
        assert_eq!(tokens, [7]);
        waker.join().expect("no panic");
        task.join().expect("no panic");
    });
}

#[test]
fn freeing_a_poller_ends_its_waits() {
    check(3, || {
        let poller = Arc::new(Poller::default());
        let call = followed(&poller, 7);
        let waiter = thread::spawn({
            let poller = poller.clone();
            move || poller.wait(None, &mut [0])
        });
        let task = thread::spawn({
            let call = call.clone();
            move || call.end(Vec::new(), Outcome("done"))
        });
        poller.close();
        let waited = waiter.join().expect("no panic");
        assert!(matches!(waited, Ok(1) | Err(Error::Handle)));
        assert_eq!(poller.wait(None, &mut [0]), Err(Error::Handle));
        task.join().expect("no panic");
        assert!(call.finish().is_ok());
    });
}

/// The descriptor is readable exactly while something waits, whatever the order.
#[test]
fn the_descriptor_tells_the_truth() {
    check(2, || {
        let poller = Arc::new(Poller::default());
        let call = followed(&poller, 7);
        let task = thread::spawn({
            let call = call.clone();
            move || {
                block_on(call.hand_over(&mut b"1\n".to_vec(), || ()));
                call.end(Vec::new(), Outcome("done"));
            }
        });
        let descriptor = poller.descriptor().expect("one is left");
        let mut ended = false;
        if poller.wait(Some(Duration::ZERO), &mut [0]) == Ok(1) {
            ended = drain(&call, &mut Vec::new());
        }
        task.join().expect("no panic");
        assert_eq!(readable(descriptor), !ended);
        if !ended {
            assert_eq!(wait(&poller), 7);
            assert!(drain(&call, &mut Vec::new()));
        }
        assert!(!readable(descriptor));
    });
}

fn readable(descriptor: i32) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // SAFETY: the poller that owns the descriptor outlives this call.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    let mut polled = [PollFd::new(&borrowed, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut polled, Some(&at_once)).expect("poll") > 0
}
