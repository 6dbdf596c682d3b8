//! An operation in flight: handles that name it, the task that drives it, the events a
//! reader takes, pollers that follow many at once, and the library that owns them all.
//!
//! One task on the runtime does everything of one operation, from reading its config to the
//! last byte; only whole batches of lines cross to the host's threads.

mod library;
mod operation;
mod outcome;
mod poller;
mod probing;
mod pump;
mod registry;
mod signal;
mod state;
mod task;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use library::{Library, Start};
pub use operation::Operation;
pub use outcome::{Outcome, Report};
pub use poller::Poller;
pub use state::{Call, Cancel, Event};
pub use task::panic_text;

/// Locks, and takes a poisoned lock as it is: every critical section in this room leaves its
/// state whole at each step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
