//! One future of hyper's, which its own task and the reader of what it brings poll in turns.
//! Exactly one of the two is woken for it: the reader while it waits for this connection, the
//! task at any other time. Nothing of the runtime is in here, so that a model checker can try
//! every order in which the two and the network may meet.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::{ArcWake, waker_ref};

use super::driving::named;
use super::sync::{AtomicBool, AtomicU8, AtomicWaker, Mutex, MutexGuard, has_budget_remaining};

pub(super) type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A future and whoever polls it.
pub(super) struct Drive {
    state: AtomicU8,
    future: Mutex<Option<BoxFuture>>,
    /// The future's own task.
    task: AtomicWaker,
    /// Whoever reads from this connection, and is to be woken in its task's place.
    reader: AtomicWaker,
    /// The connection knows what moves it.
    pub(super) known: AtomicBool,
}

/// It was woken, and nobody polled it since.
const QUEUED: u8 = 1;
/// Somebody polls it.
const RUNNING: u8 = 2;
/// A reader is at it, and will look whether it is queued before it lets go.
const HELD: u8 = 4;
/// It is over.
const DONE: u8 = 8;

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
        let polled = named(self, poll);
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
pub(super) struct Task(pub(super) Arc<Drive>);

impl Task {
    pub(super) fn new(future: BoxFuture) -> Task {
        Task(Arc::new(Drive {
            state: AtomicU8::new(QUEUED),
            future: Mutex::new(Some(future)),
            task: AtomicWaker::new(),
            reader: AtomicWaker::new(),
            known: AtomicBool::new(false),
        }))
    }
}

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

/// A reader at the wheel.
pub(super) struct Driver {
    drive: Arc<Drive>,
    /// It let go of the wheel, to be woken in the task's place.
    waits: bool,
}

impl Driver {
    /// From now on the reader is at it.
    pub(super) fn new(drive: Arc<Drive>) -> Driver {
        drive.state.fetch_or(HELD, Ordering::AcqRel);
        Driver {
            drive,
            waits: false,
        }
    }

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

    /// The reader turns to something else, perhaps for long: until it polls again the task
    /// sees to the connection.
    pub(super) fn rest(&mut self) {
        self.waits = true;
        self.drive.reader.take();
        let before = self.drive.state.fetch_and(!HELD, Ordering::AcqRel);
        if before & QUEUED != 0 {
            self.drive.task.wake();
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
        self.rest();
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
