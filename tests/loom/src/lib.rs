//! The library's own handles, calls, pollers and drives under a model checker. Files of
//! `src/call` and `src/transport` are compiled here with loom's locks, condition variables and atomics in place of std's, and
//! every model is run in each order in which its threads may meet (up to a bound of
//! preemptions). A wake-up that is lost anywhere leaves a thread asleep, which loom reports as
//! a deadlock.

#![cfg(test)]

#[path = "../../../src/error.rs"]
#[allow(dead_code)]
mod error;

mod call {
    #[path = "../../../../src/call/poller.rs"]
    mod poller;
    #[path = "../../../../src/call/registry.rs"]
    #[allow(dead_code)]
    mod registry;
    #[path = "../../../../src/call/signal.rs"]
    mod signal;
    #[path = "../../../../src/call/state.rs"]
    #[allow(dead_code)]
    mod state;

    mod outcome;
    mod sync;

    mod batches;
    mod cancelling;
    mod handles;
    mod polling;

    use super::{check, lock};

    /// At once, for every order is tried anyway.
    mod notices {
        pub(super) fn soon(poller: &std::sync::Arc<super::poller::Poller>) {
            poller.notify();
        }
    }
}

mod transport {
    #[path = "../../../../src/transport/drive.rs"]
    #[allow(dead_code)]
    mod drive;

    mod sync;

    mod driving;

    use super::{check, lock};
}

use std::sync::PoisonError;

use loom::sync::{Mutex, MutexGuard};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a model in every order of its threads with at most `preemptions` switches that no
/// lock forced.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
