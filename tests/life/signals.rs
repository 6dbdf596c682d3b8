//! Signals belong to the host: its handlers run on its threads, and a peer that closes
//! raises none in anybody.

use crate::process::{beside, mask_signal, runtime_threads, this_thread, wait_until};
use crate::scene::*;
use crate::support::abi;
use crate::support::upstream::{Script, Step, Upstream, json};
use modelwire::ffi::*;
use std::sync::atomic::{AtomicI32, Ordering};

/// The thread the handler ran on, 0 before.
static HANDLED_BY: AtomicI32 = AtomicI32::new(0);

extern "C" fn handler(_signal: i32) {
    // SAFETY: gettid has no way to go wrong.
    HANDLED_BY.store(unsafe { libc::gettid() }, Ordering::SeqCst);
}

fn handle(signal: i32, action: libc::sighandler_t) {
    // SAFETY: `handler` stores to an atomic and does nothing else; SIG_DFL is no code.
    assert_ne!(unsafe { libc::signal(signal, action) }, libc::SIG_ERR);
}

fn serve_json() -> (Upstream, String) {
    let upstream = Upstream::start(json(ANSWER));
    let url = upstream.url();
    (upstream, url)
}

#[test]
fn the_runtime_is_deaf_and_the_host_is_not() {
    beside(serve_json, |url| {
        mask_signal(libc::SIG_UNBLOCK, libc::SIGUSR1);
        let before = this_thread().blocked;
        // A name to resolve, so that a thread of the blocking pool is there as well.
        let named = url.replace("127.0.0.1", "localhost");
        complete(&named).ok();
        let runtime = runtime_threads();
        let workers = abi::describe()["options"]["worker_threads"].as_u64();
        assert!(
            runtime.len() as u64 > workers.expect("a number"),
            "{runtime:?}"
        );
        for thread in &runtime {
            for signal in [
                libc::SIGHUP,
                libc::SIGINT,
                libc::SIGQUIT,
                libc::SIGUSR1,
                libc::SIGUSR2,
                libc::SIGPIPE,
                libc::SIGALRM,
                libc::SIGTERM,
                libc::SIGCHLD,
                libc::SIGCONT,
                libc::SIGTSTP,
                libc::SIGURG,
                libc::SIGPROF,
                libc::SIGWINCH,
                libc::SIGIO,
            ] {
                let blocks = thread.blocked >> (signal - 1) & 1 == 1;
                assert!(blocks, "signal {signal}: {thread:?}");
            }
            // A fault on a thread is its own, and must not be swallowed.
            for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL] {
                let blocks = thread.blocked >> (signal - 1) & 1 == 1;
                assert!(!blocks, "signal {signal}: {thread:?}");
            }
        }
        assert_eq!(this_thread().blocked, before);
    });
}

#[test]
fn a_signal_to_the_process_is_the_hosts() {
    beside(serve_json, |url| {
        handle(libc::SIGUSR1, handler as *const () as libc::sighandler_t);
        mask_signal(libc::SIG_UNBLOCK, libc::SIGUSR1);
        complete(url).ok();
        // No thread of the host takes it now, so it could only go to the runtime's.
        mask_signal(libc::SIG_BLOCK, libc::SIGUSR1);
        for _ in 0..20 {
            // SAFETY: to this process, which handles it.
            assert_eq!(unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) }, 0);
            complete(url).ok();
        }
        assert_eq!(
            HANDLED_BY.load(Ordering::SeqCst),
            0,
            "another thread took it"
        );
        mask_signal(libc::SIG_UNBLOCK, libc::SIGUSR1);
        wait_until("the signal", || HANDLED_BY.load(Ordering::SeqCst) != 0);
        // SAFETY: gettid has no way to go wrong.
        assert_eq!(HANDLED_BY.load(Ordering::SeqCst), unsafe { libc::gettid() });
    });
}

/// A C host has the default SIGPIPE, which kills.
#[test]
fn a_peer_that_closes_during_an_upload_kills_nobody() {
    let serve = || {
        let upstream = Upstream::start(Script::always(vec![Step::Close]).before_body());
        let url = upstream.url();
        (upstream, url)
    };
    beside(serve, |url| {
        handle(libc::SIGPIPE, libc::SIG_DFL);
        let mut large = br#"{"model":"m","messages":""#.to_vec();
        large.resize(20 << 20, b'x');
        large.extend_from_slice(b"\"}");
        for operation in [MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM] {
            for _ in 0..5 {
                let call = abi::start(operation, PROVIDER, &config(url), &large);
                let outcome = call.finish();
                assert_eq!(outcome.status, MODELWIRE_E_TRUNCATED, "{outcome:?}");
                assert_eq!(outcome.info["attempts"], 1);
            }
        }
    });
}
