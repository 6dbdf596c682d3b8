//! Callers that wait lend their own threads: more of them than are lent, callbacks that call,
//! stops meanwhile, and what becomes of connections that nobody drives.

use crate::process::{alone, beside, descriptors, runtime_threads, wait_until};
use crate::scene::*;
use crate::support::abi::{self, Event};
use crate::support::upstream::{
    Gate, Received, Script, Step, Upstream, chunk, head, join, json, last_chunk, sse, sse_head,
};
use modelwire::ffi::*;
use std::cell::RefCell;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What a shutdown would wait for a call that never ends; a host's callback is no such call.
const STOP_LIMIT: Duration = Duration::from_secs(10);

fn request_of(number: usize) -> String {
    format!(r#"{{"model":"m","number":{number}}}"#)
}

fn answer_of(number: usize) -> String {
    format!(r#"{{"number":{number}}}"#)
}

fn lines_of(number: usize) -> Vec<Vec<u8>> {
    let lines = [format!("data: {number}"), "data: [DONE]".into()];
    lines.map(String::into_bytes).into()
}

/// Every answer says whose it is, whole or as a stream.
fn own_answer(request: &Received) -> Vec<Step> {
    let request = request.json();
    let number = request["number"].as_u64().expect("a number") as usize;
    if request["stream"] == true {
        return vec![
            sse_head(),
            chunk(format!("data: {number}\n")),
            chunk("data: [DONE]\n"),
            last_chunk(),
        ];
    }
    json(answer_of(number))
}

fn complete_own(url: &str, number: usize) {
    let outcome = abi::completions(PROVIDER, &config(url), &request_of(number)).ok();
    assert_eq!(outcome.text(), answer_of(number));
}

fn stream_own(url: &str, number: usize) {
    let request = format!(r#"{{"model":"m","stream":true,"number":{number}}}"#);
    let (lines, outcome) = abi::stream(PROVIDER, &config(url), &request);
    assert_eq!(outcome.ok().info["end"], "done");
    assert_eq!(lines, lines_of(number));
}

// ---- many ----

/// All of them are inside at the same moment; afterwards no more is kept than may be idle.
#[test]
fn more_callers_than_lanes() {
    const CALLERS: usize = 100;
    let serve = || {
        let all_there = Arc::new(Barrier::new(CALLERS));
        let upstream = Upstream::start(Script::new(move |request| {
            all_there.wait();
            own_answer(request)
        }));
        let url = upstream.url();
        (upstream, url)
    };
    beside(serve, |url| {
        let before = descriptors();
        abi::init(r#"{"worker_threads":1,"max_idle_per_host":2}"#).ok();
        let running = descriptors();
        for call in [complete_own, stream_own] {
            let callers: Vec<_> = (0..CALLERS)
                .map(|number| {
                    let url = url.to_owned();
                    thread::spawn(move || call(&url, number))
                })
                .collect();
            callers.into_iter().for_each(|c| c.join().expect("a call"));
            // Two lanes of three descriptors, each with a connection, and as many connections
            // of the library's threads.
            wait_until("what is not kept to be closed", || {
                descriptors() <= running + 2 * (3 + 1) + 2
            });
        }
        assert_eq!(alive("calls"), 0);
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn eight_threads_and_both_kinds_of_call() {
    alone(|| {
        const THREADS: usize = 8;
        const CALLS: usize = 40;
        let upstream = Upstream::start(Script::new(own_answer).forgetful());
        let callers: Vec<_> = (0..THREADS)
            .map(|caller| {
                let url = upstream.url();
                thread::spawn(move || {
                    for call in 0..CALLS {
                        let number = caller * CALLS + call;
                        complete_own(&url, number);
                        stream_own(&url, number);
                    }
                })
            })
            .collect();
        callers.into_iter().for_each(|c| c.join().expect("calls"));
        let (opened, reused) = opened_and_reused();
        assert_eq!(opened + reused, 2 * (THREADS * CALLS) as u64);
        assert_eq!(upstream.connections() as u64, opened);
        assert!(reused > opened, "{opened} opened, {reused} reused");
    });
}

// ---- callbacks that call ----

/// A stream whose callback waits for an answer and reads a stream, whose callback does too.
fn streams_within(url: &str, depth: usize) -> Vec<i32> {
    let mut statuses = Vec::new();
    let outcome = abi::stream_with(PROVIDER, &config(url), REQUEST, |line| {
        if line == b"data: 1" {
            statuses.push(complete(&format!("{url}/answer")).status);
            if depth > 0 {
                statuses.extend(streams_within(url, depth - 1));
            }
        }
        true
    });
    statuses.push(outcome.status);
    statuses
}

#[test]
fn a_callback_may_wait_for_other_calls() {
    alone(|| {
        let upstream = Upstream::start(Script::new(|request| match request.path() {
            path if path.starts_with("/answer") => json(ANSWER),
            _ => sse(format!("data: 1\n\n{DONE}")),
        }));
        assert_eq!(streams_within(&upstream.url(), 3), [MODELWIRE_OK; 8]);
        assert_eq!(alive("calls"), 0);
    });
}

// ---- stopping ----

/// A stream whose callback stays with its first line until the gate opens.
fn busy_callback(url: &str, gate: &Gate) -> (Gate, thread::JoinHandle<abi::Outcome>) {
    let (inside, gate, url) = (Gate::new(), gate.clone(), url.to_owned());
    let reached = inside.clone();
    let caller = thread::spawn(move || {
        abi::stream_with(PROVIDER, &config(&url), REQUEST, |_| {
            reached.open();
            gate.wait(crate::process::PATIENCE)
        })
    });
    (inside, caller)
}

#[test]
fn a_shutdown_does_not_wait_for_a_callback() {
    let serve = || {
        let upstream = Upstream::start(goes_on());
        let url = upstream.url();
        (upstream, url)
    };
    beside(serve, |url| {
        let before = descriptors();
        let gate = Gate::new();
        let (inside, caller) = busy_callback(url, &gate);
        assert!(inside.wait(crate::process::PATIENCE));
        let begun = Instant::now();
        assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
        assert!(begun.elapsed() < STOP_LIMIT, "it waited for the callback");
        assert!(!caller.is_finished());
        assert_eq!(runtime_threads().len(), 0);

        gate.open();
        let outcome = caller.join().expect("a call");
        assert_eq!(outcome.status, MODELWIRE_E_SHUTDOWN);
        assert_eq!(outcome.info["lines"], 2, "what arrived is delivered");
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn a_shutdown_with_a_grace_waits_for_a_callback() {
    alone(|| {
        let sent = Gate::new();
        sent.open();
        let upstream = Upstream::start(line_by_line(&[sent]));
        let gate = Gate::new();
        let (inside, caller) = busy_callback(&upstream.url(), &gate);
        assert!(inside.wait(crate::process::PATIENCE));
        let stopping = thread::spawn(|| modelwire_shutdown(60_000));
        wait_until("the shutdown to begin", || {
            complete(&upstream.url()).status == MODELWIRE_E_SHUTDOWN
        });
        assert!(!stopping.is_finished());
        gate.open();
        assert_eq!(stopping.join().expect("a shutdown"), MODELWIRE_OK);
        let outcome = caller.join().expect("a call").ok();
        assert_eq!(outcome.info["end"], "done");
        assert_eq!(runtime_threads().len(), 0);
        upstream.wait_open_connections(0);
    });
}

/// What the callback stopped is stopped; what it starts then is as new.
#[test]
fn a_callback_may_stop_the_library_and_start_it_again() {
    alone(|| {
        let upstream = Upstream::start(Script::new(|request| match request.path() {
            path if path.starts_with("/answer") => json(ANSWER),
            _ => goes_on(),
        }));
        let before = descriptors();
        for grace in [0, 50] {
            let url = format!("{}/answer", upstream.url());
            let mut statuses = Vec::new();
            let begun = Instant::now();
            let config = config(&upstream.url());
            let outcome = abi::stream_with(PROVIDER, &config, REQUEST, |line| {
                if line == b"data: 1" {
                    statuses.push(modelwire_shutdown(grace));
                    statuses.push(complete(&url).status);
                }
                true
            });
            assert_eq!(statuses, [MODELWIRE_OK; 2]);
            assert_eq!(outcome.status, MODELWIRE_E_SHUTDOWN);
            assert!(begun.elapsed() < STOP_LIMIT, "it waited for itself");
            complete(&url).ok();
            assert_eq!(modelwire_shutdown(0), MODELWIRE_OK);
            wait_until("all to be closed", || descriptors() == before);
        }
    });
}

// ---- connections that nobody drives ----

/// The connection of a stream that was stopped, and of a call that ran out of time, is closed
/// when the caller has its result, though no call follows.
#[test]
fn what_was_left_is_closed_at_once() {
    let serve = || {
        let upstream = Upstream::start(Script::new(|request| match request.path() {
            path if path.starts_with("/answer") => json(ANSWER),
            path if path.starts_with("/silent") => vec![Step::Hang],
            _ => goes_on(),
        }));
        let url = upstream.url();
        (upstream, url)
    };
    beside(serve, |url| {
        let answer = format!("{url}/answer");
        complete(&answer).ok();
        let connected = descriptors();
        let outcome = abi::stream_with(PROVIDER, &config(url), REQUEST, |_| false).ok();
        assert_eq!(outcome.info["end"], "stopped");
        assert_eq!(descriptors(), connected - 1);

        for left in ["", "/silent"] {
            complete(&answer).ok();
            assert_eq!(descriptors(), connected);
            let mut hasty = config(&format!("{url}{left}"));
            hasty["timeouts"] = serde_json::json!({"total_ms": 100});
            let outcome = abi::completions(PROVIDER, &hasty, REQUEST);
            assert_eq!(outcome.status, MODELWIRE_E_TIMEOUT);
            assert_eq!(descriptors(), connected - 1);
        }
        // What was never answered counts as neither.
        assert_eq!(opened_and_reused(), (3, 2));
    });
}

/// The peer ends its side while nobody calls, and sees the other side end as well.
#[test]
fn a_peers_close_is_noticed_though_nobody_calls() {
    alone(|| {
        let gate = Gate::new();
        let closes = vec![Step::WaitFor(gate.clone()), Step::HalfClose];
        let upstream = Upstream::start(join([json(ANSWER), closes]));
        complete(&upstream.url()).ok();
        assert_eq!(upstream.open_connections(), 1);
        gate.open();
        upstream.wait_open_connections(0);
    });
}

/// The next call finds it closed, and needs no second attempt.
#[test]
fn a_peers_close_is_noticed_by_the_next_call() {
    alone(|| {
        let close = join([json(ANSWER), vec![Step::Close]]);
        let upstream = Upstream::start(close);
        for _ in 0..5 {
            let outcome = complete(&upstream.url()).ok();
            assert_eq!(outcome.info["attempts"], 1);
            upstream.wait_open_connections(0);
        }
        assert_eq!(opened_and_reused(), (5, 0));
    });
}

#[test]
fn an_idle_lane_is_closed_in_time() {
    alone(|| {
        let upstream = Upstream::start(json(ANSWER));
        abi::init(r#"{"idle_connection_ms":1500}"#).ok();
        let running = descriptors();
        complete(&upstream.url()).ok();
        assert_eq!(upstream.open_connections(), 1);
        upstream.wait_open_connections(0);
        wait_until("the lane to be closed", || descriptors() == running);
        complete(&upstream.url()).ok();
        assert_eq!(opened_and_reused(), (2, 0));
    });
}

#[test]
fn nothing_is_kept_where_nothing_may_be() {
    alone(|| {
        let upstream = Upstream::start(Script::new(own_answer));
        abi::init(r#"{"max_idle_per_host":0}"#).ok();
        let running = descriptors();
        for number in 0..3 {
            complete_own(&upstream.url(), number);
            stream_own(&upstream.url(), number);
            upstream.wait_open_connections(0);
            wait_until("the lane to be closed", || descriptors() == running);
        }
        assert_eq!(opened_and_reused(), (6, 0));
    });
}

/// It does not matter which thread calls, and what.
#[test]
fn a_lane_serves_the_next_call_of_any_thread() {
    alone(|| {
        let upstream = Upstream::start(Script::new(own_answer));
        for number in 0..5 {
            let url = upstream.url();
            complete_own(&url, number);
            let other = thread::spawn(move || stream_own(&url, number));
            other.join().expect("a call");
        }
        assert_eq!(opened_and_reused(), (1, 9));
        assert_eq!(upstream.connections(), 1);
    });
}

// ---- hosts that drive a runtime of their own ----

/// A blocking call blocks there as well, and that is all it does.
#[test]
fn inside_a_runtime_of_the_hosts() {
    alone(|| {
        let upstream = Upstream::start(Script::new(own_answer));
        let url = upstream.url();
        let both = |url: &str| {
            complete_own(url, 1);
            stream_own(url, 2);
        };
        let one = tokio::runtime::Builder::new_current_thread().build();
        let one = one.expect("a runtime");
        one.block_on(async { both(&url) });
        let many = tokio::runtime::Runtime::new().expect("a runtime");
        let spawned = url.clone();
        many.block_on(async move {
            let inner = spawned.clone();
            tokio::spawn(async move { both(&inner) })
                .await
                .expect("no panic");
            tokio::task::spawn_blocking(move || both(&spawned))
                .await
                .expect("no panic");
        });
        {
            let _entered = one.enter();
            both(&url);
        }
        both(&url);
        assert_eq!(upstream.requests().len(), 10);
        // So does a stop.
        many.block_on(async { assert_eq!(modelwire_shutdown(0), MODELWIRE_OK) });
        assert_eq!(runtime_threads().len(), 0);
        both(&url);
    });
}

/// A call on a thread that ends: what a runtime needs of the thread is gone already.
struct LastWord {
    url: String,
    said: mpsc::Sender<i32>,
}

impl Drop for LastWord {
    fn drop(&mut self) {
        let _ = self.said.send(complete(&self.url).status);
    }
}

thread_local! {
    static LAST_WORD: RefCell<Option<LastWord>> = const { RefCell::new(None) };
}

#[test]
fn from_the_end_of_a_thread() {
    alone(|| {
        let upstream = Upstream::start(json(ANSWER));
        let (url, (said, heard)) = (upstream.url(), mpsc::channel());
        let ending = thread::spawn(move || {
            // First, so that it goes last.
            LAST_WORD.set(Some(LastWord {
                url: url.clone(),
                said,
            }));
            complete(&url).ok();
        });
        ending.join().expect("no panic");
        assert_eq!(heard.recv(), Ok(MODELWIRE_OK));
    });
}

// ---- a reader that is elsewhere ----

/// A stream's last byte may set its connection free while lines still wait for the host. The
/// next call on it does not wait for that host.
#[test]
fn an_unread_stream_holds_up_nobody() {
    alone(|| {
        let gate = Gate::new();
        let first = format!("data: {}\n", "x".repeat(2000));
        let length = (first.len() + DONE.len()).to_string();
        let head = head(200, "OK", &[("content-length", &length)]);
        let stream = vec![
            Step::Send(head),
            Step::send(&first),
            Step::WaitFor(gate.clone()),
            Step::send(DONE),
        ];
        let upstream = Upstream::start(Script::queue([stream, json(ANSWER)]));
        abi::init(r#"{"worker_threads":1,"stream_buffer_bytes":1000}"#).ok();
        let unread = opened_stream(&upstream);
        // The first line is in the buffer, and leaves no room for the next.
        wait_until("the first line", || alive("calls") == 1);
        thread::sleep(Duration::from_millis(100));
        gate.open();
        thread::sleep(Duration::from_millis(100));

        let mut hasty = config(&upstream.url());
        hasty["timeouts"] = serde_json::json!({"total_ms": 5000});
        let next = abi::start(MODELWIRE_OP_COMPLETIONS, PROVIDER, &hasty, REQUEST);
        let (_, outcome) = next.drain();
        outcome.ok();
        let mut text = String::new();
        while let Event::Lines(bytes) = unread.next(-1) {
            text += std::str::from_utf8(&bytes).expect("text");
        }
        assert!(text == first + "data: [DONE]\n");
        assert_eq!(unread.finish().ok().info["end"], "done");
        assert_eq!(opened_and_reused(), (1, 1));
    });
}
