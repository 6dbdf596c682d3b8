//! An operation in flight: handles that name it, the task that drives it, the events a
//! reader takes, pollers that follow many at once, and the library that owns them all.
//!
//! One task does everything of one operation, from reading its config to the last byte: on the
//! library's threads, from where only whole batches of lines cross to the host's, or on the
//! thread of a host that waits for it anyway.

mod configs;
mod engine;
mod library;
mod notices;
mod operation;
mod outcome;
mod poller;
mod probing;
mod pump;
mod registry;
mod signal;
mod state;
mod sync;
mod task;
mod waiting;

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

pub use library::{Library, Start};
pub use operation::Operation;
pub use outcome::{End, Outcome, Phase, Report};
pub use poller::Poller;
pub use state::{Call, Cancel, Event};
pub use task::panic_text;

/// Locks, and takes a poisoned lock as it is: every critical section in this room leaves its
/// state whole at each step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the tasks run that are ready now, the connection's among them, and goes on. tokio's
/// own `yield_now` would also wait for a look at every socket, a system call for each chunk.
async fn one_turn() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
