//! The library's own handles, calls and pollers under a model checker. The files of `src/call`
//! are compiled here with loom's locks, condition variables and atomics in place of std's, and
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
    mod state;

    mod outcome;
    mod sync;

    mod batches;
    mod cancelling;
    mod handles;
    mod polling;

    use std::sync::PoisonError;

    use sync::{Mutex, MutexGuard};

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At once, for every order is tried anyway.
    mod notices {
        pub(super) fn soon(poller: &std::sync::Arc<super::poller::Poller>) {
            poller.notify();
        }
    }

    /// Runs a model in every order of its threads with at most `preemptions` switches that no
    /// lock forced.
    fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(model);
    }
}
