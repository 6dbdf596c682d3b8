//! A poller lets one thread, or one descriptor in the host's event loop, follow any number
//! of calls. It is a queue of calls that became readable; a call stands in it at most once
//! and comes again only after its reader was told that nothing is left.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::lock;
use super::signal::Signal;
use super::state::Call;
use super::sync::{Condvar, Mutex, MutexGuard};
use crate::error::Error;

/// Follows calls.
#[derive(Debug, Default)]
pub struct Poller {
    queue: Mutex<Queue>,
    wakeable: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    ready: VecDeque<(Weak<Call>, u64)>,
    woken: bool,
    closed: bool,
    sleepers: usize,
    /// Sleepers that were woken and did not come yet.
    called: usize,
    /// Made when the host first asks for the descriptor.
    signal: Option<Signal>,
}

impl Poller {
    /// Queues a call that became readable; [`notify`](Self::notify) has to follow.
    pub(super) fn push(&self, call: &Arc<Call>, token: u64) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        call.queued.store(true, Ordering::Relaxed);
        queue.ready.push_back((Arc::downgrade(call), token));
    }

    /// Wakes one waiting thread and raises the descriptor, if calls are queued.
    pub(super) fn notify(&self) {
        let mut queue = lock(&self.queue);
        if queue.ready.is_empty() {
            return;
        }
        queue.raise();
        self.call_one(queue);
    }

    /// Wakes a thread that waits and was not woken yet.
    fn call_one(&self, mut queue: MutexGuard<'_, Queue>) {
        if queue.sleepers > queue.called {
            queue.called += 1;
            drop(queue);
            self.wakeable.notify_one();
        }
    }

    /// Takes a call out of which nothing is to be read any more.
    pub(super) fn forget(&self, call: &Call) {
        if !call.queued.load(Ordering::Relaxed) {
            return; // as nearly always, without a search
        }
        let mut queue = lock(&self.queue);
        call.queued.store(false, Ordering::Relaxed);
        let before = queue.ready.len();
        queue
            .ready
            .retain(|(queued, _)| !std::ptr::eq(queued.as_ptr(), call));
        if queue.ready.len() < before {
            queue.settle();
        }
    }

    /// Waits at most `timeout` (`None`: without end) and fills `tokens` from its start.
    /// 0 on timeout, or when [`wake`](Self::wake) ended the wait.
    ///
    /// # Errors
    /// `Handle` when the poller was freed meanwhile.
    pub fn wait(&self, timeout: Option<Duration>, tokens: &mut [u64]) -> Result<usize, Error> {
        let deadline = timeout.map(|timeout| Instant::now().checked_add(timeout));
        let mut queue = lock(&self.queue);
        loop {
            if queue.closed {
                return Err(Error::Handle);
            }
            if !queue.ready.is_empty() {
                let count = queue.ready.len().min(tokens.len());
                for (slot, (call, token)) in tokens.iter_mut().zip(queue.ready.drain(..count)) {
                    *slot = token;
                    if let Some(call) = call.upgrade() {
                        call.queued.store(false, Ordering::Relaxed);
                    }
                }
                queue.woken = false;
                queue.settle();
                if !queue.ready.is_empty() {
                    self.call_one(queue);
                }
                return Ok(count);
            }
            if std::mem::take(&mut queue.woken) {
                queue.settle();
                return Ok(0);
            }
            let left = match deadline {
                None | Some(None) => None,
                Some(Some(at)) => Some(at.saturating_duration_since(Instant::now())),
            };
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(0);
            }
            queue.sleepers += 1;
            queue = match left {
                None => self
                    .wakeable
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let woken = self.wakeable.wait_timeout(queue, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            queue.sleepers -= 1;
            queue.called = queue.called.saturating_sub(1);
        }
    }

    /// Ends one wait, the one that goes on or the next.
    pub fn wake(&self) {
        let mut queue = lock(&self.queue);
        queue.woken = true;
        queue.raise();
        self.wakeable.notify_all();
    }

    /// A descriptor that is readable while tokens or a wake wait.
    ///
    /// # Errors
    /// `Argument` where the platform has none, or the process has none left.
    pub fn descriptor(&self) -> Result<i32, Error> {
        let mut queue = lock(&self.queue);
        if let Some(signal) = &queue.signal {
            return Ok(signal.descriptor());
        }
        let signal = Signal::new()?;
        let descriptor = signal.descriptor();
        queue.signal = Some(signal);
        if queue.woken || !queue.ready.is_empty() {
            queue.raise();
        }
        Ok(descriptor)
    }

    /// Ends every wait with `Handle`, and closes the descriptor.
    pub fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.ready.clear();
        queue.signal = None;
        self.wakeable.notify_all();
    }
}

impl Queue {
    fn raise(&mut self) {
        if let Some(signal) = &mut self.signal {
            signal.raise();
        }
    }

    /// Lowers the descriptor once nothing waits.
    fn settle(&mut self) {
        if self.ready.is_empty()
            && !self.woken
            && let Some(signal) = &mut self.signal
        {
            signal.lower();
        }
    }
}
