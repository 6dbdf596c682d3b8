//! Gates let a test and a script wait for each other without measuring time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A door that opens once and stays open. Clones are the same door.
#[derive(Clone, Default)]
pub struct Gate(Arc<Door>);

#[derive(Default)]
struct Door {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub fn new() -> Gate {
        Gate::default()
    }

    pub fn open(&self) {
        *self.lock() = true;
        self.0.changed.notify_all();
    }

    pub fn is_open(&self) -> bool {
        *self.lock()
    }

    /// Waits until the gate opens, at most `limit`; says whether it is open.
    pub fn wait(&self, limit: Duration) -> bool {
        let guard = self.lock();
        *self
            .0
            .changed
            .wait_timeout_while(guard, limit, |open| !*open)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Waits until this gate or `stop` opens. Whoever opens `stop` must [`wake`](Gate::wake)
    /// this gate afterwards.
    pub(super) fn wait_unless(&self, stop: &Gate) {
        let guard = self.lock();
        drop(
            self.0
                .changed
                .wait_while(guard, |open| !*open && !stop.is_open())
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    pub(super) fn wake(&self) {
        let _guard = self.lock();
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
