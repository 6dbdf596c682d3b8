//! Stopping and starting again.

use crate::process::{alone, beside, descriptors, runtime_threads, threads, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Event, Outcome};
use crate::support::upstream::{Gate, Script, Upstream, json};
use modelwire::ffi::*;
use std::thread;

fn shut_down() {
    assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
}

/// 200 streams in full flow: each ends once, and nothing of the library is left.
#[test]
fn under_load() {
    const STREAMS: u64 = 200;
    let serve = || {
        let upstream = Upstream::start(Script::always(goes_on()).forgetful());
        let url = upstream.url();
        (upstream, url)
    };
    beside(serve, |url| {
        let before = (descriptors(), threads().len());
        let poller = modelwire_poller_new();
        let calls: Vec<_> = (0..STREAMS)
            .map(|token| start_stream_on(url, poller, token))
            .collect();
        for call in calls.iter().step_by(2) {
            assert_eq!(call.next(-1), Event::Opened);
        }
        // One sleeps in its call, one in a blocking function.
        let sleeper = thread::spawn({
            let url = url.to_owned();
            move || start_stream(&url).drain()
        });
        let blocked = thread::spawn({
            let url = url.to_owned();
            move || abi::stream(PROVIDER, &config(&url), REQUEST)
        });
        wait_until("all of them", || alive("calls") == STREAMS + 2);
        shut_down();

        assert_eq!(runtime_threads().len(), 0);
        for (token, &call) in calls.iter().enumerate() {
            let mut ends = 0;
            loop {
                match call.next(0) {
                    Event::Opened | Event::Lines(_) => {}
                    Event::Ended => ends += 1,
                    Event::Refused(MODELWIRE_E_ARGUMENT) => break,
                    event => panic!("call {token}: {event:?}"),
                }
            }
            assert_eq!(ends, 1);
            assert_eq!(call.finish().status, MODELWIRE_E_SHUTDOWN);
        }
        let (_, outcome) = sleeper.join().expect("a reader");
        assert_eq!(outcome.status, MODELWIRE_E_SHUTDOWN);
        let (_, outcome) = blocked.join().expect("a blocking call");
        assert_eq!(outcome.status, MODELWIRE_E_SHUTDOWN);
        assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
        assert_eq!(alive("calls"), 0);
        assert_eq!((descriptors(), threads().len()), before);
    });
}

/// What ran before is not there after; what runs after is as new.
#[test]
fn used_again_after_shutdown() {
    let serve = || {
        let upstream = Upstream::start(json(ANSWER));
        let url = upstream.url();
        (upstream, url)
    };
    beside(serve, |url| {
        let before = descriptors();
        for _ in 0..5 {
            for _ in 0..3 {
                complete(url).ok();
            }
            assert_eq!(opened_and_reused(), (1, 2));
            shut_down();
            assert_eq!(runtime_threads().len(), 0);
            assert_eq!(descriptors(), before);
            assert_eq!(abi::stats()["threads"], 0);
            assert_eq!(abi::stats()["connections"], serde_json::json!({}));
            assert_eq!(abi::describe()["running"], false);
        }
        abi::init(r#"{"worker_threads":1}"#).ok();
        complete(url).ok();
        shut_down();
        shut_down(); // nothing runs: nothing to do
    });
}

/// What the host was given stays its own.
#[test]
fn results_and_ended_calls_outlive_the_library() {
    alone(|| {
        let upstream = Upstream::start(line_by_line(&[open_gate()]));
        let ended = start_stream(&upstream.url());
        wait_until("the end", || {
            upstream.requests().len() == 1 && opened_and_reused().0 == 1
        });
        // SAFETY: an unknown operation needs no arguments.
        let refused = unsafe {
            modelwire_start(
                77,
                std::ptr::null(),
                std::ptr::null(),
                0,
                std::ptr::null(),
                0,
                0,
                0,
            )
        };
        let kept = modelwire_finish(refused);
        assert_eq!(modelwire_shutdown(60_000), MODELWIRE_OK);

        let mut len = 0;
        // SAFETY: the result was not freed.
        let info = unsafe {
            let info = modelwire_result_info(kept, &mut len);
            std::slice::from_raw_parts(info, len)
        };
        assert!(std::str::from_utf8(info).is_ok_and(|info| info.contains("argument")));
        assert_eq!(Outcome::take(kept).status, MODELWIRE_E_ARGUMENT);

        assert_eq!(ended.next(0), Event::Opened);
        let mut text = String::new();
        while let Event::Lines(bytes) = ended.next(0) {
            text += std::str::from_utf8(&bytes).expect("text");
        }
        assert_eq!(text, "data: 0\ndata: [DONE]\n");
        assert_eq!(ended.finish().ok().info["end"], "done");
        assert_eq!(alive("results"), 0);
        assert_eq!(runtime_threads().len(), 0);
    });
}

fn open_gate() -> Gate {
    let gate = Gate::new();
    gate.open();
    gate
}

/// While it stops, what ran goes on within the grace, and nothing new begins.
#[test]
fn the_grace_is_for_what_runs() {
    alone(|| {
        let gate = Gate::new();
        let gates = [gate.clone()];
        let upstream = Upstream::start(Script::new(move |request| match request.path() {
            path if path.starts_with("/slow") => line_by_line(&gates),
            _ => json(ANSWER),
        }));
        let call = start_stream(&format!("{}/slow", upstream.url()));
        assert_eq!(call.next(-1), Event::Opened);
        let stopping = thread::spawn(|| modelwire_shutdown(60_000));
        wait_until("the shutdown to begin", || {
            let refused = complete(&upstream.url());
            refused.status == MODELWIRE_E_SHUTDOWN
        });
        let seen = upstream.requests().len();
        let late = start(&upstream.url());
        assert_eq!(late.next(-1), Event::Ended);
        assert_eq!(late.finish().status, MODELWIRE_E_SHUTDOWN);
        assert_eq!(modelwire_shutdown(0), MODELWIRE_E_SHUTDOWN);
        assert_eq!(abi::init("{}").status, MODELWIRE_E_SHUTDOWN);
        assert_eq!(upstream.requests().len(), seen, "nothing went out");

        gate.open();
        let (events, outcome) = call.drain();
        assert!(!events.is_empty());
        assert_eq!(outcome.ok().info["end"], "done");
        assert_eq!(stopping.join().expect("a shutdown"), MODELWIRE_OK);
        complete(&upstream.url()).ok();
        shut_down();
    });
}

/// Any function may be called from a line callback, this one too.
#[test]
fn from_within_a_callback() {
    alone(|| {
        let upstream = Upstream::start(goes_on());
        let mut answer = MODELWIRE_E_PANIC;
        let outcome = abi::stream_with(PROVIDER, &config(&upstream.url()), REQUEST, |_| {
            answer = modelwire_shutdown(0);
            true
        });
        assert_eq!(answer, MODELWIRE_OK);
        assert_eq!(outcome.status, MODELWIRE_E_SHUTDOWN);
        assert_eq!(runtime_threads().len(), 0);
    });
}

/// Whoever stops and whoever starts at the same time both get their way or a clear no.
#[test]
fn raced_by_starts() {
    alone(|| {
        let upstream = Upstream::start(Script::always(json(ANSWER)).forgetful());
        let url = upstream.url();
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let url = url.clone();
                thread::spawn(move || {
                    for _ in 0..60 {
                        let status = complete(&url).status;
                        assert!(
                            matches!(status, MODELWIRE_OK | MODELWIRE_E_SHUTDOWN),
                            "{status}"
                        );
                    }
                })
            })
            .collect();
        while callers.iter().any(|caller| !caller.is_finished()) {
            let status = modelwire_shutdown(0);
            assert!(matches!(status, MODELWIRE_OK | MODELWIRE_E_SHUTDOWN));
        }
        callers.into_iter().for_each(|c| c.join().expect("calls"));
        shut_down();
        assert_eq!(runtime_threads().len(), 0);
        assert_eq!(alive("calls"), 0);
    });
}
