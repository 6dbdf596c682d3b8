//! Who moves an HTTP/1 connection. hyper makes of each connection a future that somebody has
//! to poll: normally a task of its own. Then every piece of a body crosses from that task to
//! the one that reads it, by way of the scheduler, which costs more than the piece. So the
//! reader of a body may drive the connection itself: it polls the connection where it would
//! have waited for it. The connection's own task sits by, and takes over again when the
//! reader is gone.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_util::task::{ArcWake, AtomicWaker, waker_ref};
use hyper::rt::Executor;
use tokio::task::coop::has_budget_remaining;

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs hyper's futures so that they can be driven from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drives;

/// One future of hyper's.
struct Drive {
    state: AtomicU8,
    future: Mutex<Option<BoxFuture>>,
    /// The future's own task.
    task: AtomicWaker,
    /// Whoever reads from this connection, and is to be woken in its task's place.
    reader: AtomicWaker,
    /// The connection knows what moves it.
    known: AtomicBool,
}

/// It was woken, and nobody polled it since.
const QUEUED: u8 = 1;
/// Somebody polls it.
const RUNNING: u8 = 2;
/// A reader is at it, and will look whether it is queued before it lets go.
const HELD: u8 = 4;
/// It is over.
const DONE: u8 = 8;

thread_local! {
    /// What is being polled here, for a connection that does not know it yet.
    static CURRENT: RefCell<Weak<Drive>> = const { RefCell::new(Weak::new()) };
}

impl Executor<BoxFuture> for Drives {
    fn execute(&self, future: BoxFuture) {
        tokio::spawn(Task(Arc::new(Drive {
            state: AtomicU8::new(QUEUED),
            future: Mutex::new(Some(future)),
            task: AtomicWaker::new(),
            reader: AtomicWaker::new(),
            known: AtomicBool::new(false),
        })));
    }
}

impl ArcWake for Drive {
    fn wake_by_ref(drive: &Arc<Self>) {
        if drive.state.fetch_or(QUEUED, Ordering::AcqRel) == 0 {
            drive.dispatch();
        }
    }
}

impl Drive {
    fn dispatch(&self) {
        match self.reader.take() {
            Some(reader) => reader.wake(),
            None => self.task.wake(),
        }
    }

    /// Polls the future if it was woken and nobody else polls it; says whether it did.
    fn run(self: &Arc<Self>) -> bool {
        let begin = |state| {
            (state & (QUEUED | RUNNING | DONE) == QUEUED).then_some(state ^ (QUEUED | RUNNING))
        };
        let begun = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, begin);
        if begun.is_err() {
            return false;
        }
        if self.poll_future().is_ready() {
            self.state.fetch_or(DONE, Ordering::AcqRel);
            self.task.wake();
        }
        let before = self.state.fetch_and(!RUNNING, Ordering::AcqRel);
        if before & (QUEUED | HELD | DONE) == QUEUED {
            self.dispatch();
        }
        true
    }

    fn poll_future(self: &Arc<Self>) -> Poll<()> {
        let mut slot = self.future();
        let Some(future) = slot.as_mut() else {
            return Poll::Ready(());
        };
        let waker = waker_ref(self);
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        // A panic ends this connection and nothing else, whoever drives it.
        let poll = || catch_unwind(AssertUnwindSafe(poll)).unwrap_or(Poll::Ready(()));
        let polled = if self.known.load(Ordering::Relaxed) {
            poll()
        } else {
            let before = CURRENT.replace(Arc::downgrade(self));
            let polled = poll();
            CURRENT.replace(before);
            polled
        };
        if polled.is_ready() {
            *slot = None;
        }
        polled
    }

    fn future(&self) -> MutexGuard<'_, Option<BoxFuture>> {
        self.future.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future's own task.
struct Task(Arc<Drive>);

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let drive = &self.0;
        drive.task.register(cx.waker());
        let state = drive.state.load(Ordering::Acquire);
        if state & (HELD | DONE) == 0 {
            drive.run();
        }
        if drive.state.load(Ordering::Acquire) & DONE != 0 {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.state.fetch_or(DONE, Ordering::AcqRel);
        let unfinished = self.0.future().take();
        drop(unfinished);
    }
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
        let drive = self.0.get()?.upgrade()?;
        drive.state.fetch_or(HELD, Ordering::AcqRel);
        Some(Driver {
            drive,
            waits: false,
        })
    }
}

/// A reader at the wheel.
pub(super) struct Driver {
    drive: Arc<Drive>,
    /// It let go of the wheel, to be woken in the task's place.
    waits: bool,
}

impl Driver {
    /// Polls for something that the connection brings, and drives the connection instead of
    /// waiting for it.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.take_hold();
        loop {
            // Driven first: what it brought before was taken, or it would not be queued. What
            // it brings now is seen here, unannounced.
            let may_go_on = has_budget_remaining();
            let went_on = may_go_on && self.drive.run();
            let there = poll(&mut Context::from_waker(Waker::noop()));
            if there.is_ready() {
                return there;
            }
            if went_on {
                continue;
            }
            self.drive.reader.register(cx.waker());
            let there = poll(cx);
            if there.is_ready() {
                return there;
            }
            if self.let_go() {
                return Poll::Pending;
            }
            if !may_go_on {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    fn take_hold(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.drive.state.fetch_or(HELD, Ordering::AcqRel);
        }
    }

    /// Leaves the connection to be woken, unless it was meanwhile.
    fn let_go(&mut self) -> bool {
        let quiet = |state| (state & (QUEUED | RUNNING | DONE) != QUEUED).then_some(state & !HELD);
        let left = self
            .drive
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, quiet);
        self.waits = left.is_ok();
        self.waits
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let drive = &self.drive;
        drive.reader.take();
        let before = drive.state.fetch_and(!HELD, Ordering::AcqRel);
        if before & QUEUED != 0 {
            drive.task.wake();
        }
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
