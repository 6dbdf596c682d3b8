//! What threads meet through in this room. The handles, the calls and the pollers take it from
//! here alone, so that the models in tests/loom can put a model checker's own in its place and
//! try every order in which threads may meet.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize};
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};

pub(super) use futures_util::task::AtomicWaker;
pub(super) use tokio::sync::Notify;
