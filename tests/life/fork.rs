//! A process that forks while the library runs: the child has none of the parent's threads.

use crate::process::{alone, runtime_threads, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Call, Event, Outcome};
use crate::support::upstream::{Gate, Script, Upstream, json};
use modelwire::ffi::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `child` in a fork of this process and waits until it has ended well.
fn in_a_fork(child: impl FnOnce()) {
    // SAFETY: the child runs `child` on its only thread and leaves by _exit.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no fork");
    if pid == 0 {
        let code = i32::from(catch_unwind(AssertUnwindSafe(child)).is_err());
        // SAFETY: ends the process at once, and nothing of the parent's with it.
        unsafe { libc::_exit(code) };
    }
    let mut status = -1;
    // SAFETY: the child is ours, and the status lives here.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert_eq!(status, 0, "the child failed");
}

/// Every function says of the parent's handles what they are.
fn knows_the_parents_handles(call: Call, poller: modelwire_poller) {
    let mut token = 0;
    assert_eq!(call.next(-1), Event::Refused(MODELWIRE_E_FORKED));
    assert_eq!(call.cancel(), MODELWIRE_E_FORKED);
    assert_eq!(call.finish().status, MODELWIRE_E_FORKED);
    assert_eq!(call.release(), MODELWIRE_E_FORKED);
    // SAFETY: there is room for one token.
    let waited = unsafe { modelwire_poller_wait(poller, -1, &mut token, 1) };
    assert_eq!(waited, MODELWIRE_E_FORKED);
    assert_eq!(modelwire_poller_fd(poller), MODELWIRE_E_FORKED);
    assert_eq!(modelwire_poller_wake(poller), MODELWIRE_E_FORKED);
    assert_eq!(modelwire_poller_free(poller), MODELWIRE_E_FORKED);
}

fn upstream(gate: &Gate) -> Upstream {
    let gates = [gate.clone()];
    Upstream::start(Script::new(move |request| match request.path() {
        path if path.starts_with("/slow") => line_by_line(&gates),
        _ => json(ANSWER),
    }))
}

#[test]
fn the_child_starts_afresh_and_the_parent_goes_on() {
    alone(|| {
        let gate = Gate::new();
        let upstream = upstream(&gate);
        let url = upstream.url();
        complete(&url).ok();
        let poller = modelwire_poller_new();
        let call = start_stream_on(&format!("{url}/slow"), poller, 1);
        assert_eq!(call.next(-1), Event::Opened);
        let kept = modelwire_describe();

        in_a_fork(|| {
            assert_eq!(runtime_threads().len(), 0, "no thread came along");
            knows_the_parents_handles(call, poller);
            // What was invented is still that.
            assert_eq!(Call(0).cancel(), MODELWIRE_E_HANDLE);
            assert_eq!(Call(u64::MAX).cancel(), MODELWIRE_E_HANDLE);
            // A result is the child's as well.
            Outcome::take(kept).ok();
            assert_eq!(alive("calls"), 0);
            complete(&url).ok();
            assert_eq!(opened_and_reused(), (1, 0), "a connection of its own");
            wait_until("its threads", || !runtime_threads().is_empty());
            let own = modelwire_poller_new();
            let (_, outcome) = start_stream_on(&url, own, 1).drain();
            outcome.ok();
            knows_the_parents_handles(call, poller);
            assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        });

        assert_eq!(call.next(0), Event::Again);
        gate.open();
        let (events, outcome) = call.drain();
        assert!(!events.is_empty());
        assert_eq!(outcome.ok().info["end"], "done");
        Outcome::take(kept).ok();
        assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
        complete(&url).ok();
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
    });
}

/// In the child, init comes before the first operation again.
#[test]
fn the_child_may_init() {
    alone(|| {
        let upstream = upstream(&Gate::new());
        complete(&upstream.url()).ok();
        in_a_fork(|| {
            abi::init(r#"{"worker_threads":1}"#).ok();
            complete(&upstream.url()).ok();
            // The call needed no thread of the library's, so that it may be late.
            wait_until("its one thread", || runtime_threads().len() == 1);
        });
        assert_eq!(abi::init("{}").status, MODELWIRE_E_ARGUMENT);
    });
}

#[test]
fn a_child_of_the_child() {
    alone(|| {
        let upstream = upstream(&Gate::new());
        let url = upstream.url();
        let of_parent = start(&url);
        in_a_fork(|| {
            let of_child = start(&url);
            in_a_fork(|| {
                for call in [of_parent, of_child] {
                    assert_eq!(call.next(0), Event::Refused(MODELWIRE_E_FORKED));
                }
                complete(&url).ok();
            });
            of_child.finish().ok();
        });
        of_parent.finish().ok();
    });
}

/// Forking before the first use is as if nothing had happened.
#[test]
fn a_fork_before_the_first_use() {
    alone(|| {
        let upstream = upstream(&Gate::new());
        let url = upstream.url();
        in_a_fork(|| drop(complete(&url).ok()));
        complete(&url).ok();
    });
}

/// A fork while other threads are inside the library, again and again.
#[test]
fn a_fork_under_load() {
    alone(|| {
        let upstream = upstream(&Gate::new());
        let url = upstream.url();
        let stop = Gate::new();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let (url, stop) = (url.clone(), stop.clone());
                std::thread::spawn(move || {
                    while !stop.is_open() {
                        complete(&url).ok();
                    }
                })
            })
            .collect();
        for _ in 0..20 {
            in_a_fork(|| drop(complete(&url).ok()));
        }
        stop.open();
        callers.into_iter().for_each(|c| c.join().expect("calls"));
    });
}
