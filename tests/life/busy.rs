//! Several threads on one call.

use crate::process::wait_until;
use crate::scene::*;
use crate::support::abi::Event;
use crate::support::upstream::{Gate, Upstream};
use modelwire::ffi::*;
use std::thread;

#[test]
fn a_second_reader_is_told() {
    let gate = Gate::new();
    let upstream = Upstream::start(line_by_line(std::slice::from_ref(&gate)));
    let call = opened_stream(&upstream);
    let reader = thread::spawn(move || call.next(-1));
    wait_until("the first reader to be inside", || {
        call.next(0) == Event::Refused(MODELWIRE_E_BUSY)
    });
    // It waits for nothing, however long it was ready to wait.
    assert_eq!(call.next(-1), Event::Refused(MODELWIRE_E_BUSY));
    gate.open();
    let first = reader.join().expect("a reader");
    assert!(matches!(first, Event::Lines(_)), "{first:?}");
    // With the first one gone the call is free for the next.
    call.drain().1.ok();
}

/// Every line reaches exactly one of the readers.
#[test]
fn readers_that_take_turns_lose_nothing() {
    let gates = vec![Gate::new(); 200];
    gates[0].open(); // clones of one gate: all are open
    let upstream = Upstream::start(line_by_line(&gates));
    let call = start_stream(&upstream.url());
    let read = move || {
        let mut text = String::new();
        loop {
            match call.next(-1) {
                Event::Lines(bytes) => text += std::str::from_utf8(&bytes).expect("text"),
                Event::Refused(MODELWIRE_E_BUSY) => thread::yield_now(),
                Event::Ended | Event::Refused(MODELWIRE_E_ARGUMENT) => return text,
                Event::Opened | Event::Again => {}
                event => panic!("{event:?}"),
            }
        }
    };
    let readers: Vec<_> = (0..4).map(|_| thread::spawn(read)).collect();
    let text: String = readers
        .into_iter()
        .map(|reader| reader.join().expect("a reader"))
        .collect();
    let mut seen: Vec<&str> = text.lines().collect();
    let mut sent: Vec<String> = (0..200).map(|n| format!("data: {n}")).collect();
    sent.push("data: [DONE]".into());
    seen.sort_unstable();
    sent.sort_unstable();
    assert_eq!(seen, sent);
    call.finish().ok();
}

/// Whoever finishes first has the call; the second finds no handle, and takes nothing away.
#[test]
fn finished_by_two_threads() {
    let gate = Gate::new();
    let upstream = Upstream::start(line_by_line(std::slice::from_ref(&gate)));
    let call = opened_stream(&upstream);
    let finishers: Vec<_> = (0..2)
        .map(|_| thread::spawn(move || call.finish().status))
        .collect();
    wait_until("one to be turned away", || {
        finishers.iter().any(|finisher| finisher.is_finished())
    });
    // The call that is being finished can still be cancelled.
    assert_eq!(call.cancel(), MODELWIRE_OK);
    let mut statuses: Vec<i32> = finishers
        .into_iter()
        .map(|finisher| finisher.join().expect("a finisher"))
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [MODELWIRE_E_CANCELLED, MODELWIRE_E_HANDLE]);
}
