//! The tokio runtime and its threads. They are guests in the host's process: named, counted,
//! and deaf to signals, so that the host's handlers run on the host's threads and a closed
//! peer raises no SIGPIPE in anybody.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use crate::error::Error;

/// A running tokio runtime.
#[derive(Debug)]
pub struct Runtime {
    inner: tokio::runtime::Runtime,
    threads: Arc<AtomicUsize>,
}

/// Name resolution is all that blocks; threads of this pool end after ten idle seconds.
const MAX_BLOCKING_THREADS: usize = 64;

impl Runtime {
    /// Starts `workers` threads named `modelwire-N`. Each calls `begins` first, and `rests`
    /// whenever nothing is left to do.
    ///
    /// # Errors
    /// `Error::Shutdown` when the system gives no threads or descriptors.
    pub fn start(workers: usize, begins: fn(), rests: fn()) -> Result<Runtime, Error> {
        let threads = Arc::new(AtomicUsize::new(0));
        let (started, stopped) = (threads.clone(), threads.clone());
        let numbers = AtomicUsize::new(0);
        // The new threads inherit this thread's mask; on_thread_start covers those that
        // come later.
        let _deaf = signals::Blocked::on_this_thread();
        let no_threads = || Error::Shutdown("the runtime could not start: no threads".into());
        if !threads_can_be_had(workers) {
            return Err(no_threads());
        }
        let inner = Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .thread_name_fn(move || {
                format!("modelwire-{}", numbers.fetch_add(1, Ordering::Relaxed))
            })
            .on_thread_start(move || {
                signals::block_for_good();
                begins();
                started.fetch_add(1, Ordering::Relaxed);
            })
            .on_thread_stop(move || {
                stopped.fetch_sub(1, Ordering::Relaxed);
            })
            .on_thread_park(rests)
            .enable_io()
            .enable_time()
            .build()
            .map_err(|_| no_threads())?;
        Ok(Runtime { inner, threads })
    }

    /// A handle to spawn with.
    pub fn handle(&self) -> &Handle {
        self.inner.handle()
    }

    /// Threads alive now.
    pub fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Stops and joins every thread. One that sits in the system's resolver longer than
    /// `limit` is left to end by itself.
    pub fn stop(self, limit: Duration) {
        let stop = move || self.inner.shutdown_timeout(limit);
        if Handle::try_current().is_err() {
            return stop();
        }
        // A thread that drives a runtime of the host's may not wait for another.
        let _deaf = signals::Blocked::on_this_thread();
        let name = "modelwire-stop".to_owned();
        if let Ok(stopping) = thread::Builder::new().name(name).spawn(stop) {
            let _ = stopping.join();
        }
    }
}

/// Whether the system gives `count` threads at once. Tokio waits without end for the workers
/// it has when it cannot get the next one, so they are had here first.
fn threads_can_be_had(count: usize) -> bool {
    let gate = Arc::new(RwLock::new(()));
    let held = gate.write();
    let waits = || {
        let gate = gate.clone();
        thread::Builder::new()
            .name("modelwire-start".into())
            .spawn(move || drop(gate.read()))
    };
    let tried: Vec<_> = (0..count).map(|_| waits()).collect();
    drop(held);
    let mut all = true;
    for thread in tried {
        all &= thread.is_ok_and(|thread| thread.join().is_ok());
    }
    all
}

#[cfg(unix)]
mod signals {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal};

    /// While it lives, this thread takes no asynchronous signal.
    pub(super) struct Blocked {
        before: Option<SigSet>,
    }

    impl Blocked {
        pub(super) fn on_this_thread() -> Blocked {
            let before = asynchronous().thread_swap_mask(SigmaskHow::SIG_BLOCK).ok();
            Blocked { before }
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                let _ = before.thread_set_mask();
            }
        }
    }

    pub(super) fn block_for_good() {
        let _ = asynchronous().thread_block();
    }

    /// Every signal but those a thread raises against itself by a fault.
    fn asynchronous() -> SigSet {
        let mut set = SigSet::all();
        for fault in [
            Signal::SIGSEGV,
            Signal::SIGBUS,
            Signal::SIGFPE,
            Signal::SIGILL,
            Signal::SIGTRAP,
            Signal::SIGABRT,
            Signal::SIGSYS,
        ] {
            set.remove(fault);
        }
        set
    }
}

#[cfg(not(unix))]
mod signals {
    /// Nothing to block here.
    pub(super) struct Blocked;

    impl Blocked {
        pub(super) fn on_this_thread() -> Blocked {
            Blocked
        }
    }

    pub(super) fn block_for_good() {}
}
