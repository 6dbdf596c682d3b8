//! The buffer between the task and the reader: every line once, in order, then the end, and
//! nobody left asleep.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;

use super::check;
use super::outcome::Outcome;
use super::state::{Call, Event};
use crate::error::Error;

/// What a reader sees until the end, as text.
fn read(call: &Call) -> String {
    let mut seen = String::new();
    loop {
        let ended = call.next(None, |event| {
            match event {
                Event::Again => panic!("there was time without end"),
                Event::Opened => seen.push_str("opened "),
                Event::Lines(lines) => seen.push_str(&String::from_utf8_lossy(lines)),
                Event::Ended => seen.push_str("ended"),
            }
            event == Event::Ended
        });
        if ended.expect("nobody else reads") {
            return seen;
        }
    }
}

/// What the task does: two batches, of which one line at a time fits in, and the end.
async fn pump(call: Arc<Call>) {
    call.open();
    call.hand_over(&mut b"1\n".to_vec(), || ()).await;
    call.hand_over(&mut b"2\n".to_vec(), || ()).await;
    call.end(b"3\n".to_vec(), Outcome("done"));
}

#[test]
fn every_line_arrives_once_and_in_order_through_a_full_buffer() {
    check(3, || {
        let call = Arc::new(Call::new(2, None));
        let task = thread::spawn({
            let call = call.clone();
            move || block_on(pump(call))
        });
        assert_eq!(read(&call), "opened 1\n2\n3\nended");
        assert!(matches!(call.next(None, |_| ()), Err(Error::Argument(_))));
        assert_eq!(call.finish(), Ok(Outcome("done")));
        task.join().expect("no panic");
    });
}

#[test]
fn a_reader_that_leaves_does_not_hold_the_task_up() {
    check(3, || {
        let call = Arc::new(Call::new(2, None));
        let task = thread::spawn({
            let call = call.clone();
            move || block_on(pump(call))
        });
        let _ = call.next(None, |_| ());
        call.close();
        assert_eq!(call.next(None, |_| ()), Err(Error::Handle));
        task.join().expect("no panic");
    });
}

#[test]
fn finishing_ends_a_read_that_another_thread_is_in() {
    check(2, || {
        let call = Arc::new(Call::new(2, None));
        let task = thread::spawn({
            let call = call.clone();
            move || block_on(pump(call))
        });
        let reader = thread::spawn({
            let call = call.clone();
            move || while call.next(None, |_| ()).is_ok() {}
        });
        assert_eq!(call.finish(), Ok(Outcome("done")));
        reader.join().expect("no panic");
        task.join().expect("no panic");
        assert_eq!(call.finish(), Err(Error::Handle));
    });
}

#[test]
fn of_two_readers_one_is_told_that_the_other_is_inside() {
    check(2, || {
        let call = Arc::new(Call::new(2, None));
        call.end(b"1\n".to_vec(), Outcome("done"));
        let take = |call: &Call| match call.next(None, |event| match event {
            Event::Lines(b"1\n") => 'l',
            Event::Ended => 'e',
            _ => panic!("{event:?}"),
        }) {
            Ok(seen) => Some(seen),
            Err(Error::Busy) => None,
            Err(error) => panic!("{error}"),
        };
        let other = thread::spawn({
            let call = call.clone();
            move || take(&call)
        });
        let here = take(&call);
        let mut seen: Vec<char> = [here, other.join().expect("no panic")]
            .into_iter()
            .flatten()
            .collect();
        seen.sort_unstable();
        assert!(seen == ['l'] || seen == ['e', 'l'], "{seen:?}");
    });
}
