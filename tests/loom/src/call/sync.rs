//! The names of `src/call/sync.rs`, by loom. Two it has not: they are made of its mutex here,
//! with the promises that the real ones document.

use std::future::poll_fn;
use std::task::{Poll, Waker};

pub(super) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize};
pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};

/// `futures_util::task::AtomicWaker`: the waker registered last is woken, once.
#[derive(Debug, Default)]
pub(super) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(super) fn new() -> AtomicWaker {
        AtomicWaker::default()
    }

    pub(super) fn register(&self, waker: &Waker) {
        *super::lock(&self.0) = Some(waker.clone());
    }

    pub(super) fn wake(&self) {
        let waker = super::lock(&self.0).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// `tokio::sync::Notify` with one waiter: a notification that nobody waits for is kept for the
/// next who does, and a second one adds nothing to it.
#[derive(Debug, Default)]
pub(super) struct Notify(Mutex<Permit>);

#[derive(Debug, Default)]
struct Permit {
    given: bool,
    waiter: Option<Waker>,
}

impl Notify {
    pub(super) fn new() -> Notify {
        Notify::default()
    }

    pub(super) fn notify_one(&self) {
        let mut permit = super::lock(&self.0);
        permit.given = true;
        let waiter = permit.waiter.take();
        drop(permit);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    pub(super) async fn notified(&self) {
        poll_fn(|cx| {
            let mut permit = super::lock(&self.0);
            if std::mem::take(&mut permit.given) {
                return Poll::Ready(());
            }
            permit.waiter = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
