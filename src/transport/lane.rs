//! Lanes: callers that wait for their answer lend their own thread. A lane is a runtime
//! without a thread, and connections of its own; the caller drives both while it waits, so
//! nothing crosses threads, and nobody has to be woken. Lanes are kept for the next caller.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::pool::Pool;
use crate::settings::Settings;

/// The lanes of one run of the library.
#[derive(Debug)]
pub struct Lanes {
    /// Clients like this one's, but for their connections.
    pool: Arc<Pool>,
    /// The library's threads, which close lanes that nobody used for long.
    threads: Handle,
    /// As many as connections may wait for a peer.
    most_idle: usize,
    longest_idle: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one used last comes last.
    idle: Vec<Idle>,
    in_use: usize,
    sweeping: bool,
    closed: bool,
}

#[derive(Debug)]
struct Idle {
    lane: Lane,
    since: Instant,
}

/// A runtime that its user drives.
#[derive(Debug)]
pub struct Lane {
    runtime: Runtime,
    pool: Arc<Pool>,
}

/// A lane that was not used for so long is looked after this often.
const REST: Duration = Duration::from_secs(1);

/// Each takes three descriptors beside its connections; callers beyond these are served by
/// the library's threads.
const MOST: usize = 64;

impl Lanes {
    /// None yet. Their clients are made as `pool` makes them.
    pub fn new(pool: Arc<Pool>, threads: Handle, settings: &Settings) -> Arc<Lanes> {
        Arc::new(Lanes {
            pool,
            threads,
            most_idle: settings.max_idle_per_host,
            longest_idle: settings.idle_connection,
            state: Mutex::default(),
        })
    }

    /// A lane for this thread. `None` when there are enough, when the system gives no
    /// descriptors, and when this thread drives a runtime already, or is ending and can drive
    /// none any more.
    pub fn take(&self) -> Option<Lane> {
        let is_free = Handle::try_current().is_err_and(|error| error.is_missing_context());
        if !is_free {
            return None;
        }
        let idle = {
            let mut state = self.state();
            if state.in_use >= MOST || state.closed {
                return None;
            }
            state.in_use += 1;
            state.idle.pop()
        };
        let lane = match idle {
            Some(idle) => Some(idle.lane),
            None => Lane::new(&self.pool),
        };
        if lane.is_none() {
            self.state().in_use -= 1;
        }
        lane
    }

    /// Keeps a lane for the next caller.
    pub fn give_back(self: &Arc<Self>, lane: Lane) {
        let mut state = self.state();
        state.in_use -= 1;
        if state.closed || state.idle.len() >= self.most_idle {
            drop(state);
            return lane.close();
        }
        let since = Instant::now();
        state.idle.push(Idle { lane, since });
        if !std::mem::replace(&mut state.sweeping, true) {
            self.threads.spawn(self.clone().sweep());
        }
    }

    /// Closes what is idle, and every lane in use when it comes back.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.into_iter().for_each(|idle| idle.lane.close());
    }

    /// Looks after idle lanes until there are none.
    async fn sweep(self: Arc<Self>) {
        let mut some_left = true;
        while some_left {
            sleep(REST).await;
            let lanes = self.clone();
            let tend = move || lanes.tend();
            some_left = self.threads.spawn_blocking(tend).await.unwrap_or(false);
        }
    }

    /// Closes lanes that are old, and drives those that rest for the moment it takes to find
    /// connections closed by their peers. False when nothing is left to look after.
    fn tend(&self) -> bool {
        let resting: Vec<Idle> = {
            let mut state = self.state();
            if state.idle.is_empty() {
                state.sweeping = false;
                return false;
            }
            let rests = |idle: &&Idle| idle.since.elapsed() >= REST;
            let count = state.idle.iter().take_while(rests).count();
            state.idle.drain(..count).collect()
        };
        let is_old = |idle: &Idle| idle.since.elapsed() >= self.longest_idle;
        let (old, kept): (Vec<_>, Vec<_>) = resting.into_iter().partition(is_old);
        old.into_iter().for_each(|idle| idle.lane.close());
        kept.iter().for_each(|idle| idle.lane.catch_up());
        let mut state = self.state();
        if state.closed {
            drop(state);
            kept.into_iter().for_each(|idle| idle.lane.close());
        } else {
            state.idle.splice(..0, kept);
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn new(pool: &Pool) -> Option<Lane> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .ok()?;
        Some(Lane {
            runtime,
            pool: Arc::new(pool.for_one_call()),
        })
    }

    /// The clients whose connections this lane drives.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Lets happen what became possible while nobody drove: a connection whose response was
    /// left is closed, one that served its response is ready for the next. One that the peer
    /// closed is seen to be closed; it goes with the next look or call, which does not use it.
    pub fn catch_up(&self) {
        self.runtime.block_on(yield_now());
    }

    /// Drives `work` on this thread until it ends, which is said, or `enough` is true.
    pub fn drive(
        &self,
        mut work: Pin<&mut impl Future<Output = ()>>,
        enough: impl Fn() -> bool,
    ) -> bool {
        self.runtime.block_on(poll_fn(|cx| {
            if work.as_mut().poll(cx).is_ready() {
                return Poll::Ready(true);
            }
            if enough() {
                return Poll::Ready(false);
            }
            Poll::Pending
        }))
    }

    fn close(self) {
        self.runtime.shutdown_background();
    }
}
