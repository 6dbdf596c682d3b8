//! One call as the host and the task that drives it both see it. The task hands over whole
//! lines in batches and, exactly once, an outcome; the reader takes them. Nobody is woken
//! without need: the task wakes a reader only if one sleeps, and reports to a poller only
//! if the host was told before that nothing was there.

use std::future::poll_fn;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, TryLockError};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::lock;
use super::notices;
use super::outcome::Outcome;
use super::poller::Poller;
use super::sync::{AtomicBool, AtomicU8, AtomicWaker, Condvar, Mutex, MutexGuard, Notify};
use crate::error::Error;

/// An operation in flight.
#[derive(Debug)]
pub struct Call {
    mailbox: Mutex<Mailbox>,
    readable: Condvar,
    /// What the reader holds: the batch it was handed last.
    reader: Mutex<Vec<u8>>,
    /// Bytes of lines that may wait in the mailbox.
    buffer_limit: usize,
    room: Notify,
    cancel_reason: AtomicU8,
    cancel_waker: AtomicWaker,
    finishing: AtomicBool,
    /// It stands in its poller's queue; written under the queue's lock.
    pub(super) queued: AtomicBool,
    poller: Option<(Arc<Poller>, u64)>,
}

/// What waits for the reader.
#[derive(Debug, Default)]
struct Mailbox {
    opened: bool,
    lines: Vec<u8>,
    outcome: Option<Outcome>,
    ended: bool,
    ended_taken: bool,
    /// The host will not read any more: lines are dropped.
    closed: bool,
    sleepers: usize,
    /// The pump waits until lines were taken.
    full: bool,
    /// The next thing to arrive is reported to the poller.
    armed: bool,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing new in the time given.
    Again,
    /// The provider answered 2xx.
    Opened,
    /// Whole lines, each ended by one LF.
    Lines(&'a [u8]),
    /// The outcome is there; nothing follows.
    Ended,
}

/// Why a call is being ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// The host cancelled.
    Cancelled = 1,
    /// The host's line callback had enough.
    Stopped = 2,
    /// The library shuts down.
    Shutdown = 3,
}

/// A buffer larger than this is not kept for the next batch.
const KEPT_BUFFER: usize = 64 * 1024;
/// What an idle stream's reader may keep.
const IDLE_BUFFER: usize = 4 * 1024;

impl Call {
    /// A call that has not begun; `poller` gets its token when something can be read.
    pub fn new(buffer_limit: usize, poller: Option<(Arc<Poller>, u64)>) -> Call {
        Call {
            mailbox: Mutex::new(Mailbox {
                armed: true,
                ..Mailbox::default()
            }),
            readable: Condvar::new(),
            reader: Mutex::default(),
            buffer_limit,
            room: Notify::new(),
            cancel_reason: AtomicU8::new(0),
            cancel_waker: AtomicWaker::new(),
            finishing: AtomicBool::new(false),
            queued: AtomicBool::new(false),
            poller,
        }
    }

    // ---- the task's side ----

    /// The provider answered 2xx.
    pub(super) fn open(self: &Arc<Self>) {
        let mut mailbox = lock(&self.mailbox);
        mailbox.opened = true;
        self.announce(mailbox);
        self.notify_poller();
    }

    /// Hands `batch` over, as soon as less waits than may. `before_waiting` is called before
    /// each wait for that.
    pub(super) async fn hand_over(
        self: &Arc<Self>,
        batch: &mut Vec<u8>,
        mut before_waiting: impl FnMut(),
    ) {
        while !self.try_hand_over(batch) {
            before_waiting();
            self.room.notified().await;
        }
        self.notify_poller();
    }

    /// Publishes the outcome after the last lines. Whatever the task still holds beyond its
    /// own frame must be dropped before: the host may tear everything down at once.
    pub(super) fn end(self: &Arc<Self>, mut last_lines: Vec<u8>, outcome: Outcome) {
        let mut mailbox = lock(&self.mailbox);
        if mailbox.ended {
            return;
        }
        if !mailbox.closed {
            mailbox.take_in(&mut last_lines);
        }
        mailbox.outcome = Some(outcome);
        mailbox.ended = true;
        self.announce(mailbox);
        self.notify_poller();
    }

    /// Completes when the call is to end before its time.
    pub(super) async fn cancelled(&self) -> Cancel {
        poll_fn(|cx| {
            if self.cancel_reason().is_none() {
                self.cancel_waker.register(cx.waker());
            }
            // Looked at again, since it may have come before the waker was there.
            self.cancel_reason().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn try_hand_over(self: &Arc<Self>, batch: &mut Vec<u8>) -> bool {
        let mut mailbox = lock(&self.mailbox);
        if mailbox.closed {
            batch.clear();
            return true;
        }
        // A line longer than the whole buffer passes when nothing else waits.
        let waiting = mailbox.lines.len();
        if waiting > 0 && waiting + batch.len() > self.buffer_limit {
            mailbox.full = true;
            return false;
        }
        mailbox.take_in(batch);
        self.announce(mailbox);
        true
    }

    /// Wakes a sleeping reader and queues the call with its poller, whose own wait is ended
    /// by `notify`. The poller is told under the mailbox's lock, so that a call that is
    /// closed right after is never reported again.
    fn announce(self: &Arc<Self>, mut mailbox: MutexGuard<'_, Mailbox>) {
        if mailbox.armed
            && !mailbox.closed
            && let Some((poller, token)) = &self.poller
        {
            mailbox.armed = false;
            poller.push(self, *token);
        }
        let sleepers = mailbox.sleepers;
        drop(mailbox);
        if sleepers > 0 {
            self.readable.notify_all();
        }
    }

    fn notify_poller(&self) {
        if let Some((poller, _)) = &self.poller {
            notices::soon(poller);
        }
    }

    // ---- the host's side ----

    /// Waits at most `timeout` (`None`: without end) and hands the next event to `take`.
    ///
    /// # Errors
    /// `Busy` when another thread is inside, `Handle` when the call was finished or
    /// released meanwhile, `Argument` when the end was taken already.
    pub fn next<R>(
        &self,
        timeout: Option<Duration>,
        take: impl FnOnce(Event<'_>) -> R,
    ) -> Result<R, Error> {
        let mut held = match self.reader.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Error::Busy),
        };
        let deadline = timeout.map(|timeout| Instant::now().checked_add(timeout));
        let mut mailbox = lock(&self.mailbox);
        loop {
            if mailbox.closed {
                return Err(Error::Handle);
            }
            if mem::take(&mut mailbox.opened) {
                return Ok(take(Event::Opened));
            }
            if !mailbox.lines.is_empty() {
                renew(&mut held);
                mem::swap(&mut mailbox.lines, &mut *held);
                let full = mem::take(&mut mailbox.full);
                drop(mailbox);
                if full {
                    self.room.notify_one();
                }
                return Ok(take(Event::Lines(&held)));
            }
            if mailbox.ended {
                if mem::replace(&mut mailbox.ended_taken, true) {
                    return Err(Error::Argument("the end of this call was taken".into()));
                }
                return Ok(take(Event::Ended));
            }
            let left = match deadline {
                None | Some(None) => None,
                Some(Some(at)) => Some(at.saturating_duration_since(Instant::now())),
            };
            if left.is_some_and(|left| left.is_zero()) {
                mailbox.armed = true;
                if let Some((poller, _)) = &self.poller {
                    poller.forget(self);
                }
                if held.capacity() > IDLE_BUFFER {
                    *held = Vec::new();
                }
                return Ok(take(Event::Again));
            }
            mailbox = self.sleep(mailbox, left);
        }
    }

    /// Whether [`next`](Self::next) would have something at once.
    pub(super) fn is_readable(&self) -> bool {
        let mailbox = lock(&self.mailbox);
        mailbox.opened || mailbox.ended || !mailbox.lines.is_empty()
    }

    /// Ends the call early; the first reason counts, and one after the end changes nothing.
    pub fn cancel(&self, reason: Cancel) {
        let first = self.cancel_reason.compare_exchange(
            0,
            reason as u8,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if first.is_ok() {
            self.cancel_waker.wake();
        }
    }

    /// Waits for the end and hands the outcome over; lines that were not read are dropped.
    ///
    /// # Errors
    /// `Handle` when another thread finishes this call already.
    pub fn finish(&self) -> Result<Outcome, Error> {
        if self.finishing.swap(true, Ordering::AcqRel) {
            return Err(Error::Handle);
        }
        self.close();
        let mut mailbox = lock(&self.mailbox);
        loop {
            if let Some(outcome) = mailbox.outcome.take() {
                return Ok(outcome);
            }
            mailbox = self.sleep(mailbox, None);
        }
    }

    /// Nobody reads any more: drops what waits, lets the pump run, and takes the call out
    /// of its poller.
    pub fn close(&self) {
        let mut mailbox = lock(&self.mailbox);
        mailbox.closed = true;
        mailbox.lines = Vec::new();
        let sleepers = mailbox.sleepers;
        drop(mailbox);
        self.room.notify_one();
        if sleepers > 0 {
            self.readable.notify_all();
        }
        if let Some((poller, _)) = &self.poller {
            poller.forget(self);
        }
    }

    fn cancel_reason(&self) -> Option<Cancel> {
        match self.cancel_reason.load(Ordering::Acquire) {
            1 => Some(Cancel::Cancelled),
            2 => Some(Cancel::Stopped),
            3 => Some(Cancel::Shutdown),
            _ => None,
        }
    }

    fn sleep<'a>(
        &self,
        mut mailbox: MutexGuard<'a, Mailbox>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, Mailbox> {
        mailbox.sleepers += 1;
        let mut mailbox = match left {
            None => self
                .readable
                .wait(mailbox)
                .unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                let woken = self.readable.wait_timeout(mailbox, left);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        mailbox.sleepers -= 1;
        mailbox
    }
}

impl Mailbox {
    /// Moves `batch` in. An empty mailbox swaps buffers, so that nothing is copied; the
    /// buffer that comes back is the next batch's.
    fn take_in(&mut self, batch: &mut Vec<u8>) {
        if self.lines.is_empty() {
            mem::swap(&mut self.lines, batch);
            return;
        }
        self.lines.append(batch);
        renew(batch);
    }
}

/// Empties a buffer, and gives back what is more than the next batch will need.
fn renew(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT_BUFFER {
        *buffer = Vec::new();
    }
    buffer.clear();
}
