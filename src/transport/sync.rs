//! What a connection's task and its reader meet through. `drive` takes it from here alone, so
//! that the models in tests/loom can put a model checker's own in its place.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8};
pub(super) use std::sync::{Mutex, MutexGuard};

pub(super) use futures_util::task::AtomicWaker;
pub(super) use tokio::task::coop::has_budget_remaining;
