//! Cancelling against ending: the task always hears of it, the first reason counts, and the
//! outcome is handed over exactly once.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use super::check;
use super::outcome::Outcome;
use super::state::{Call, Cancel, Event};
use crate::error::Error;

/// A task that goes on until it is cancelled.
fn endless(call: Arc<Call>) -> Cancel {
    let reason = block_on(call.cancelled());
    assert_eq!(block_on(call.cancelled()), reason);
    call.end(Vec::new(), Outcome("cancelled"));
    reason
}

#[test]
fn a_cancelled_task_ends_and_so_does_its_reader() {
    check(3, || {
        let call = Arc::new(Call::new(2, None));
        let task = thread::spawn({
            let call = call.clone();
            move || endless(call)
        });
        let canceller = thread::spawn({
            let call = call.clone();
            move || call.cancel(Cancel::Cancelled)
        });
        assert_eq!(call.next(None, |event| event == Event::Ended), Ok(true));
        assert_eq!(task.join().expect("no panic"), Cancel::Cancelled);
        canceller.join().expect("no panic");
    });
}

#[test]
fn of_two_reasons_one_counts() {
    check(3, || {
        let call = Arc::new(Call::new(2, None));
        let task = thread::spawn({
            let call = call.clone();
            move || endless(call)
        });
        let other = thread::spawn({
            let call = call.clone();
            move || call.cancel(Cancel::Shutdown)
        });
        call.cancel(Cancel::Stopped);
        let reason = task.join().expect("no panic");
        assert!(matches!(reason, Cancel::Stopped | Cancel::Shutdown));
        other.join().expect("no panic");
    });
}

/// A shutdown that drops the task, a host that finishes and one that releases, all at once.
#[test]
fn the_outcome_is_handed_over_once() {
    check(2, || {
        let call = Arc::new(Call::new(2, None));
        let task = thread::spawn({
            let call = call.clone();
            move || {
                call.end(b"1\n".to_vec(), Outcome("done"));
                call.end(b"2\n".to_vec(), Outcome("dropped"));
            }
        });
        let releaser = thread::spawn({
            let call = call.clone();
            move || {
                call.cancel(Cancel::Cancelled);
                call.close();
            }
        });
        let here = call.finish();
        assert_eq!(here, Ok(Outcome("done")));
        assert_eq!(call.finish(), Err(Error::Handle));
        task.join().expect("no panic");
        releaser.join().expect("no panic");
    });
}

#[test]
fn of_two_that_finish_one_gets_the_outcome() {
    check(3, || {
        let call = Arc::new(Call::new(2, None));
        let other = thread::spawn({
            let call = call.clone();
            move || call.finish()
        });
        let task = thread::spawn({
            let call = call.clone();
            move || call.end(Vec::new(), Outcome("done"))
        });
        let outcomes = [call.finish(), other.join().expect("no panic")];
        let got = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(got, 1, "{outcomes:?}");
        task.join().expect("no panic");
    });
}
