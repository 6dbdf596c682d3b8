//! A connection, its task, its reader and the network, all at once: whatever arrives is brought
//! to the reader or, once it is gone, to the task, and the two are never at the connection
//! together.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use loom::future::block_on;
use loom::sync::Mutex;
use loom::thread::{self, JoinHandle};

use super::drive::{Drive, Driver, Task};
use super::sync::{Budget, set_budget, somebody_waited};
use super::{check, lock};

/// A connection finds its own way here.
pub(super) fn named<T>(_: &Arc<Drive>, poll: impl FnOnce() -> T) -> T {
    poll()
}

/// What arrives last; the connection is over then.
const LAST: usize = 2;
/// The connection was dropped.
const CLOSED: usize = 9;

/// A number and who waits for it to grow.
#[derive(Default)]
struct Mark(Mutex<(usize, Option<Waker>)>);

impl Mark {
    fn set(&self, value: usize) {
        let mut mark = lock(&self.0);
        mark.0 = value;
        let waiter = mark.1.take();
        drop(mark);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn poll_at_least(&self, value: usize, cx: &mut Context<'_>) -> Poll<usize> {
        let mut mark = lock(&self.0);
        if mark.0 >= value {
            return Poll::Ready(mark.0);
        }
        mark.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Both sides of a connection.
#[derive(Default)]
struct Sides {
    /// What the network has brought.
    arrived: Mark,
    /// What the connection has brought to its reader.
    brought: Mark,
}

/// A connection as hyper makes them: polled, it brings to its reader what arrived.
struct Connection {
    sides: Arc<Sides>,
    seen: usize,
    /// It wakes itself once between what arrived and what it brings, as hyper does after long
    /// work.
    pauses: bool,
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sides = self.sides.clone();
        while self.seen < LAST {
            let arrived = ready!(sides.arrived.poll_at_least(self.seen + 1, cx));
            if std::mem::take(&mut self.pauses) {
                cx.waker().wake_by_ref();
                thread::yield_now();
                return Poll::Pending;
            }
            self.seen = arrived;
            sides.brought.set(arrived);
        }
        Poll::Ready(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.seen < LAST {
            self.sides.brought.set(CLOSED);
        }
    }
}

/// A connection's task, and a reader of it.
fn connection(pauses: bool) -> (Arc<Sides>, Task, Driver) {
    let sides = Arc::<Sides>::default();
    let connection = Connection {
        sides: sides.clone(),
        seen: 0,
        pauses,
    };
    let task = Task::new(Box::pin(connection));
    let reader = Driver::new(task.0.clone());
    (sides, task, reader)
}

fn network(
    sides: &Arc<Sides>,
    brings: impl IntoIterator<Item = usize> + Send + 'static,
) -> JoinHandle<()> {
    let sides = sides.clone();
    thread::spawn(move || brings.into_iter().for_each(|mark| sides.arrived.set(mark)))
}

/// Reads until `value` was brought.
fn read(reader: &mut Driver, sides: &Sides, value: usize) -> usize {
    block_on(poll_fn(|cx| {
        reader.poll(cx, |cx| sides.brought.poll_at_least(value, cx))
    }))
}

/// Looks whether something was brought, and waits for nothing.
fn glance(reader: &mut Driver, sides: &Sides) {
    block_on(poll_fn(|cx| {
        let _ = reader.poll(cx, |cx| sides.brought.poll_at_least(1, cx));
        Poll::Ready(())
    }));
}

fn run(task: Task) -> JoinHandle<()> {
    thread::spawn(move || block_on(task))
}

fn over(task: JoinHandle<()>, network: JoinHandle<()>) {
    task.join().expect("no panic");
    network.join().expect("no panic");
    assert!(!somebody_waited(), "two polled at once");
}

#[test]
fn the_reader_gets_all_that_arrives() {
    check(1, || {
        let (sides, task, mut reader) = connection(false);
        let network = network(&sides, [1, LAST]);
        let task = run(task);
        assert_eq!(read(&mut reader, &sides, LAST), LAST);
        over(task, network);
    });
}

#[test]
fn a_connection_that_wakes_itself_is_polled_again() {
    check(1, || {
        let (sides, task, mut reader) = connection(true);
        let network = network(&sides, [LAST]);
        let task = run(task);
        assert_eq!(read(&mut reader, &sides, LAST), LAST);
        over(task, network);
    });
}

/// Its turn is over, which must neither end nor go on for ever.
#[test]
fn a_reader_out_of_budget_comes_back() {
    for budget in [Budget::Left, Budget::Used] {
        check(1, move || {
            set_budget(budget);
            let (sides, task, mut reader) = connection(false);
            let network = network(&sides, [LAST]);
            let task = run(task);
            assert_eq!(read(&mut reader, &sides, LAST), LAST);
            set_budget(Budget::Endless);
            over(task, network);
        });
    }
}

#[test]
fn the_task_takes_over_when_the_reader_is_gone() {
    check(1, || {
        let (sides, task, mut reader) = connection(false);
        let network = network(&sides, [1]);
        let task = run(task);
        assert_eq!(read(&mut reader, &sides, 1), 1);
        drop(reader);
        sides.arrived.set(LAST);
        over(task, network);
    });
}

#[test]
fn the_task_takes_over_from_a_reader_that_waited() {
    check(2, || {
        let (sides, task, mut reader) = connection(false);
        let network = network(&sides, [LAST]);
        let task = run(task);
        glance(&mut reader, &sides);
        drop(reader);
        over(task, network);
    });
}

#[test]
fn the_task_goes_on_while_the_reader_rests() {
    check(2, || {
        let (sides, task, mut reader) = connection(false);
        let network = network(&sides, [LAST]);
        let task = run(task);
        glance(&mut reader, &sides);
        reader.rest();
        // Nobody but the task can bring this.
        task.join().expect("no panic");
        assert_eq!(read(&mut reader, &sides, LAST), LAST);
        network.join().expect("no panic");
        assert!(!somebody_waited(), "two polled at once");
    });
}

#[test]
fn a_reader_that_was_away_drives_again() {
    check(1, || {
        let (sides, task, mut reader) = connection(false);
        glance(&mut reader, &sides);
        reader.rest();
        let network = network(&sides, [LAST]);
        let task = run(task);
        assert_eq!(read(&mut reader, &sides, LAST), LAST);
        over(task, network);
    });
}

#[test]
fn a_reader_that_comes_back_does_not_disturb_the_task() {
    check(2, || {
        let (sides, task, mut reader) = connection(true);
        glance(&mut reader, &sides);
        reader.rest();
        let network = network(&sides, [LAST]);
        let task = run(task);
        network.join().expect("no panic");
        assert_eq!(read(&mut reader, &sides, LAST), LAST);
        task.join().expect("no panic");
        assert!(!somebody_waited(), "two polled at once");
    });
}

/// A runtime that stops drops the task wherever the reader is.
#[test]
fn the_reader_hears_of_a_task_that_was_dropped() {
    check(2, || {
        let (sides, task, mut reader) = connection(false);
        let network = network(&sides, [1]);
        let stopping = thread::spawn(move || {
            let mut task = pin!(Some(task));
            task.set(None);
        });
        assert_eq!(read(&mut reader, &sides, LAST), CLOSED);
        drop(reader);
        stopping.join().expect("no panic");
        network.join().expect("no panic");
        somebody_waited(); // whoever drops the task may find the reader at it
    });
}
