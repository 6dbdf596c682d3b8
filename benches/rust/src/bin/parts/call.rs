//! The room of calls, without what needs a network.

#[path = "../../../../../src/call/poller.rs"]
mod poller;
#[path = "../../../../../src/call/registry.rs"]
mod registry;
#[path = "../../../../../src/call/signal.rs"]
mod signal;
#[path = "../../../../../src/call/state.rs"]
mod state;
#[path = "../../../../../src/call/sync.rs"]
mod sync;

/// How an operation ended; none ends here.
mod outcome {
    #[derive(Debug)]
    pub struct Outcome;
}

use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use poller::Poller;
use registry::{Kind, Registry};
use state::{Call, Event};

const ALIVE: usize = 1000;
const BUFFER_LIMIT: usize = 1024 * 1024;
const TOKEN: u64 = 7;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// At once: no thread here rests.
mod notices {
    pub(super) fn soon(poller: &std::sync::Arc<super::Poller>) {
        poller.notify();
    }
}

/// Finds a call by its handle among a thousand.
pub fn look_up(count: usize) {
    let registry = Registry::new(Kind::Call, 0);
    let calls = (0..ALIVE).map(|_| Arc::new(Call::new(BUFFER_LIMIT, None)));
    let handles: Vec<u64> = calls.map(|call| registry.insert(call)).collect();
    for at in 0..count {
        let found = registry.get(black_box(handles[at % ALIVE]));
        drop(black_box(found.expect("alive")));
    }
}

/// Hands one line over to a reader that is there to take it.
pub fn hand_over(line: &[u8], count: usize) {
    let call = Arc::new(Call::new(BUFFER_LIMIT, None));
    let mut batch = Vec::new();
    for _ in 0..count {
        give(&call, &mut batch, line);
        assert!(take(&call));
    }
}

/// Hands one line over to a host that learns of it from a poller, takes it, and hears
/// that nothing more is there.
pub fn hand_over_polled(line: &[u8], count: usize) {
    let poller = Arc::new(Poller::default());
    let call = Arc::new(Call::new(BUFFER_LIMIT, Some((poller.clone(), TOKEN))));
    let mut batch = Vec::new();
    let mut tokens = [0; 256];
    for _ in 0..count {
        give(&call, &mut batch, line);
        let ready = poller.wait(Some(Duration::ZERO), &mut tokens);
        assert!(ready.is_ok_and(|ready| ready == 1) && tokens[0] == TOKEN);
        assert!(take(&call) && !take(&call));
    }
}

fn give(call: &Arc<Call>, batch: &mut Vec<u8>, line: &[u8]) {
    batch.extend_from_slice(line);
    let mut context = Context::from_waker(Waker::noop());
    let handed = pin!(call.hand_over(batch, || ())).poll(&mut context);
    assert_eq!(handed, Poll::Ready(()));
}

fn take(call: &Call) -> bool {
    let taken = call.next(Some(Duration::ZERO), |event| match event {
        Event::Lines(lines) => black_box(lines).len() > 1,
        _ => false,
    });
    taken.expect("one reader")
}
