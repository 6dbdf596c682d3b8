//! Who moves an HTTP/1 connection. hyper makes of each connection a future that somebody has
//! to poll: normally a task of its own. Then every piece of a body crosses from that task to
//! the one that reads it, by way of the scheduler, which costs more than the piece. So the
//! reader of a body may drive the connection itself: it polls the connection where it would
//! have waited for it. The connection's own task sits by, and takes over again when the
//! reader is gone.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};

use hyper::rt::Executor;

use super::drive::{BoxFuture, Drive, Driver, Task};

/// Runs hyper's futures so that they can be driven from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drives;

thread_local! {
    /// What is being polled here, for a connection that does not know it yet.
    static CURRENT: RefCell<Weak<Drive>> = const { RefCell::new(Weak::new()) };
}

impl Executor<BoxFuture> for Drives {
    fn execute(&self, future: BoxFuture) {
        tokio::spawn(Task::new(future));
    }
}

/// Polls `drive`, so that a connection in it learns its name.
pub(super) fn named<T>(drive: &Arc<Drive>, poll: impl FnOnce() -> T) -> T {
    if drive.known.load(Ordering::Relaxed) {
        return poll();
    }
    let before = CURRENT.replace(Arc::downgrade(drive));
    let polled = poll();
    CURRENT.replace(before);
    polled
}

/// The way from a connection to the future that moves it. The connection is there first.
#[derive(Clone, Default)]
pub(super) struct Wheel(Arc<OnceLock<Weak<Drive>>>);

impl Wheel {
    /// Called wherever the connection is being moved.
    pub(super) fn note(&self) {
        if self.0.get().is_none()
            && let current = CURRENT.with_borrow(Weak::clone)
            && let Some(drive) = current.upgrade()
        {
            drive.known.store(true, Ordering::Relaxed);
            let _ = self.0.set(current);
        }
    }

    /// The wheel of a connection that one reader has for itself.
    pub(super) fn take(&self) -> Option<Driver> {
        self.0.get()?.upgrade().map(Driver::new)
    }
}
