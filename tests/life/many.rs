//! Many at once: calls on one poller, threads at the very start.

use crate::process::{alone, beside, raise_descriptor_limit, runtime_threads, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Call, Event};
use crate::support::upstream::{
    Gate, Received, Script, Step, Upstream, chunk, json, last_chunk, sse_head,
};
use modelwire::ffi::*;
use std::collections::HashMap;
use std::sync::{Arc, Barrier};
use std::thread;

const CALLS: usize = 1000;
/// Lines of one call before its `[DONE]`.
const LINES: usize = 5;

/// Once every request is there: lines that carry the request's own number.
fn numbered(request: &Received, all_there: &Gate) -> Vec<Step> {
    let number = request.json()["number"].clone();
    let mut steps = vec![sse_head(), Step::WaitFor(all_there.clone())];
    for line in 0..LINES {
        steps.push(chunk(format!("data: {number} {line}\n")));
    }
    steps.extend([chunk("data: [DONE]\n"), last_chunk()]);
    steps
}

fn expected(number: usize) -> String {
    let lines = (0..LINES).map(|line| format!("data: {number} {line}\n"));
    lines.collect::<String>() + "data: [DONE]\n"
}

/// What one call has shown so far.
struct Shown {
    call: Call,
    opened: usize,
    text: String,
    ended: bool,
}

impl Shown {
    /// Takes what is there; true once that is the end.
    fn read(&mut self) -> bool {
        loop {
            assert!(!self.ended, "a call that ended was reported again");
            match self.call.next(0) {
                Event::Again => return false,
                Event::Opened => self.opened += 1,
                Event::Lines(bytes) => self.text += std::str::from_utf8(&bytes).expect("text"),
                Event::Ended => {
                    self.ended = true;
                    return true;
                }
                Event::Refused(status) => panic!("{status}"),
            }
        }
    }
}

#[test]
fn a_thousand_calls_on_one_poller_and_one_thread() {
    let serve = || {
        raise_descriptor_limit(4096);
        let all_there = Gate::new();
        let barrier = Arc::new(Barrier::new(CALLS));
        let gate = all_there.clone();
        let upstream = Upstream::start(
            Script::new(move |request| {
                // The last of them lets all of them go on.
                if barrier.wait().is_leader() {
                    gate.open();
                }
                numbered(request, &gate)
            })
            .forgetful(),
        );
        let url = upstream.url();
        ((upstream, all_there), url)
    };
    beside(serve, |url| {
        raise_descriptor_limit(4096);
        let poller = modelwire_poller_new();
        let config = config(url);
        let mut calls: HashMap<u64, Shown> = (0..CALLS)
            .map(|number| {
                let request = format!(r#"{{"model":"m","number":{number}}}"#);
                let token = number as u64 + 1_000_000;
                let call = abi::start_on(
                    MODELWIRE_OP_COMPLETIONS_STREAM,
                    PROVIDER,
                    &config,
                    &request,
                    poller,
                    token,
                );
                let shown = Shown {
                    call,
                    opened: 0,
                    text: String::new(),
                    ended: false,
                };
                (token, shown)
            })
            .collect();
        assert_eq!(alive("calls"), CALLS as u64);

        let mut tokens = [0; 64];
        let mut ended = 0;
        while ended < CALLS {
            // SAFETY: there is room for as many tokens.
            let count =
                unsafe { modelwire_poller_wait(poller, -1, tokens.as_mut_ptr(), tokens.len()) };
            let count = usize::try_from(count).expect("tokens");
            for token in &tokens[..count] {
                let shown = calls.get_mut(token).expect("a token of ours");
                ended += usize::from(shown.read());
            }
        }
        // A thousand streams cost no thread.
        let workers = abi::describe()["options"]["worker_threads"].as_u64();
        assert_eq!(Some(runtime_threads().len() as u64), workers);
        // SAFETY: there is room for as many tokens.
        let more = unsafe { modelwire_poller_wait(poller, 100, tokens.as_mut_ptr(), 64) };
        assert_eq!(more, 0, "nothing follows an end");
        for (token, shown) in calls {
            let number = token as usize - 1_000_000;
            assert_eq!((shown.opened, shown.text), (1, expected(number)));
            assert_eq!(shown.call.next(0), Event::Refused(MODELWIRE_E_ARGUMENT));
            assert_eq!(shown.call.finish().ok().info["end"], "done");
        }
        assert_eq!(alive("calls"), 0);
        assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
    });
}

/// The first use ever, by many threads at the same moment: one runtime, and one client, so
/// that what one thread connected serves the others too.
#[test]
fn first_use_from_sixteen_threads() {
    const THREADS: usize = 16;
    alone(|| {
        // Each round of requests is answered once all of it is there, so that every round
        // takes sixteen connections.
        let barrier = Arc::new(Barrier::new(THREADS));
        let upstream = Upstream::start(Script::new(move |_| {
            barrier.wait();
            json(ANSWER)
        }));
        assert_eq!(
            runtime_threads().len(),
            0,
            "nothing runs before the first use"
        );
        let url = upstream.url();
        for round in 1..=3 {
            let start_line = Arc::new(Barrier::new(THREADS));
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (start_line, url) = (start_line.clone(), url.clone());
                    thread::spawn(move || {
                        start_line.wait();
                        complete(&url).ok();
                    })
                })
                .collect();
            threads.into_iter().for_each(|t| t.join().expect("a call"));
            let requests = (THREADS * round) as u64;
            let (opened, reused) = opened_and_reused();
            assert_eq!(opened + reused, requests);
            // The sixteen of the first round serve every later one; they are back in the
            // pool once their calls have ended.
            assert_eq!(opened, THREADS as u64, "round {round}");
        }
        assert_eq!(upstream.connections(), THREADS);
        let workers = abi::describe()["options"]["worker_threads"].clone();
        wait_until("the workers", || abi::stats()["threads"] == workers);
        assert_eq!(Some(runtime_threads().len() as u64), workers.as_u64());
    });
}
