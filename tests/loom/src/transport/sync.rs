//! The names of `src/transport/sync.rs`, by loom, and what the models have to know of them.

use std::cell::Cell;
use std::sync::{LockResult, TryLockError};
use std::task::Waker;

pub(super) use loom::sync::MutexGuard;
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU8};

use super::lock;

std::thread_local! {
    /// All threads of a model are one thread to the system.
    static BUDGET: Cell<Budget> = const { Cell::new(Budget::Endless) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    Endless,
    /// There and gone by turns.
    Left,
    Used,
}

/// Sets what a model's reader may still do.
pub(super) fn set_budget(budget: Budget) {
    BUDGET.set(budget);
}

/// `tokio::task::coop::has_budget_remaining`.
pub(super) fn has_budget_remaining() -> bool {
    let budget = BUDGET.get();
    BUDGET.set(match budget {
        Budget::Endless => Budget::Endless,
        Budget::Left => Budget::Used,
        Budget::Used => Budget::Left,
    });
    budget != Budget::Used
}

/// A mutex that knows whether anybody ever had to wait for it.
#[derive(Debug)]
pub(super) struct Mutex<T> {
    inner: loom::sync::Mutex<T>,
}

std::thread_local! {
    static WAITED: Cell<bool> = const { Cell::new(false) };
}

impl<T> Mutex<T> {
    pub(super) fn new(value: T) -> Mutex<T> {
        Mutex {
            inner: loom::sync::Mutex::new(value),
        }
    }

    pub(super) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.inner.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Err(poisoned),
            Err(TryLockError::WouldBlock) => {
                WAITED.set(true);
                self.inner.lock()
            }
        }
    }
}

/// Whether two were at one mutex since this was asked last.
pub(super) fn somebody_waited() -> bool {
    WAITED.replace(false)
}

/// `futures_util::task::AtomicWaker`, step by step: whoever takes while another registers gets
/// nothing, and the other is woken at once; who registers while another takes is woken too.
#[derive(Debug, Default)]
pub(super) struct AtomicWaker(loom::sync::Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    registering: bool,
    taking: bool,
    waker: Option<Waker>,
}

impl AtomicWaker {
    pub(super) fn new() -> AtomicWaker {
        AtomicWaker::default()
    }

    pub(super) fn register(&self, waker: &Waker) {
        let mut slot = lock(&self.0);
        assert!(!slot.registering, "one registers at a time");
        if slot.taking {
            drop(slot);
            waker.wake_by_ref();
            // The other is to get on, or this one would come back for ever.
            return loom::thread::yield_now();
        }
        slot.registering = true;
        drop(slot);
        let mut slot = lock(&self.0);
        slot.registering = false;
        if std::mem::take(&mut slot.taking) {
            slot.waker = None;
            drop(slot);
            return waker.wake_by_ref();
        }
        slot.waker = Some(waker.clone());
    }

    pub(super) fn take(&self) -> Option<Waker> {
        let mut slot = lock(&self.0);
        let busy = slot.registering || slot.taking;
        slot.taking = true;
        if busy {
            return None;
        }
        drop(slot);
        let mut slot = lock(&self.0);
        slot.taking = false;
        slot.waker.take()
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}
