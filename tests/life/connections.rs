//! Connections: when one serves the next call, and when a request may go out twice.

use crate::process::alone;
use crate::scene::*;
use crate::support::abi;
use crate::support::upstream::{
    Script, Step, Upstream, chunk, chunked_open, head, join, json, last_chunk, reply, sse,
};
use modelwire::ffi::*;

const CALLS: usize = 50;

/// Runs calls one after another, each started the moment the one before has ended, and
/// expects one connection to serve them all.
fn one_connection_serves(reply: Vec<Step>, status: i32, call: fn(&str) -> i32) {
    let upstream = Upstream::start(reply);
    for _ in 0..CALLS {
        assert_eq!(call(&upstream.url()), status);
    }
    assert_eq!(upstream.requests().len(), CALLS);
    assert_eq!(upstream.connections(), 1);
    assert_eq!(opened_and_reused(), (1, CALLS as u64 - 1));
}

fn unary(url: &str) -> i32 {
    complete(url).status
}

fn stream(url: &str) -> i32 {
    abi::stream(PROVIDER, &config(url), REQUEST).1.status
}

fn stream_by_events(url: &str) -> i32 {
    start_stream(url).drain().1.status
}

fn error_body() -> String {
    format!(r#"{{"error":"{}"}}"#, "x".repeat(3000))
}

#[test]
fn reused_after_an_answer() {
    alone(|| one_connection_serves(json(ANSWER), MODELWIRE_OK, unary));
}

#[test]
fn reused_after_a_large_answer_in_chunks() {
    alone(|| {
        let piece = "x".repeat(50_000);
        let pieces = [&piece; 6];
        let reply = join([chunked_open(&pieces), vec![last_chunk()]]);
        one_connection_serves(reply, MODELWIRE_OK, unary);
    });
}

#[test]
fn reused_after_done() {
    alone(|| one_connection_serves(sse(format!("data: 1\n\n{DONE}")), MODELWIRE_OK, stream));
}

/// The message's end comes in a segment of its own, after `[DONE]` was delivered.
#[test]
fn reused_after_done_and_a_late_end() {
    alone(|| {
        let end = vec![Step::pause(5), last_chunk()];
        let reply = join([chunked_open(&["data: 1\n\n", DONE]), end]);
        one_connection_serves(reply, MODELWIRE_OK, stream_by_events);
    });
}

#[test]
fn reused_after_data_behind_done() {
    alone(|| {
        let rest = "x".repeat(40_000);
        let reply = join([chunked_open(&[DONE, &rest]), vec![last_chunk()]]);
        one_connection_serves(reply, MODELWIRE_OK, stream);
    });
}

#[test]
fn reused_after_a_stream_without_done() {
    alone(|| one_connection_serves(sse("data: 1\n\n"), MODELWIRE_OK, stream_by_events));
}

#[test]
fn reused_after_an_error_body() {
    alone(|| {
        let refusal = reply(429, "Slow Down", &[("retry-after", "1")], error_body());
        one_connection_serves(refusal, MODELWIRE_E_BACKEND, unary);
    });
}

#[test]
fn reused_after_an_error_body_of_a_stream() {
    alone(|| {
        let head = head(500, "Oops", &[("transfer-encoding", "chunked")]);
        let refusal = vec![Step::Send(head), chunk(error_body()), last_chunk()];
        one_connection_serves(refusal, MODELWIRE_E_BACKEND, stream);
    });
}

#[test]
fn reused_after_an_empty_error() {
    alone(|| {
        let refusal = reply(503, "Busy", &[], "");
        one_connection_serves(refusal, MODELWIRE_E_BACKEND, stream);
    });
}

/// What the host broke off is not used again: its rest is still on the wire.
#[test]
fn not_reused_after_a_cancel() {
    alone(|| {
        let upstream = Upstream::start(goes_on());
        for n in 1..=3 {
            let call = opened_stream(&upstream);
            lines(call);
            call.cancel();
            assert_eq!(call.finish().status, MODELWIRE_E_CANCELLED);
            assert_eq!(opened_and_reused(), (n, 0));
        }
        upstream.wait_open_connections(0);
    });
}

// ---- a connection that died while it was idle ----

/// What the upstream does with the second request on the connection it answered once.
fn dies_on_second_request(ways: Vec<Step>, last: Vec<Step>) -> Upstream {
    Upstream::start(Script::queue([json(ANSWER), ways, last]))
}

#[test]
fn a_stale_connection_costs_one_retry() {
    for way in [Step::Close, Step::Reset] {
        for (operation, last) in [
            (MODELWIRE_OP_COMPLETIONS, json(ANSWER)),
            (MODELWIRE_OP_COMPLETIONS_STREAM, sse(DONE)),
        ] {
            let upstream = dies_on_second_request(vec![way.clone()], last);
            let config = config(&upstream.url());
            let (_, first) = start(&upstream.url()).drain();
            assert_eq!(first.ok().info["attempts"], 1);

            let (_, outcome) = abi::start(operation, PROVIDER, &config, REQUEST).drain();
            assert_eq!(outcome.ok().info["attempts"], 2);
            let requests = upstream.requests();
            assert_eq!(requests.len(), 3);
            assert_eq!(upstream.connections(), 2);
            let connections: Vec<_> = requests.iter().map(|r| r.connection).collect();
            assert_eq!(connections, [0, 0, 1]);
            // The same request, to the byte.
            assert_eq!(requests[1].body, REQUEST.as_bytes());
            assert_eq!(requests[1].body, requests[2].body);
            assert_eq!(requests[1].headers, requests[2].headers);
            assert_eq!(requests[1].target, requests[2].target);
        }
    }
}

#[test]
fn a_retry_is_not_retried() {
    let upstream = dies_on_second_request(vec![Step::Close], vec![Step::Close]);
    complete(&upstream.url()).ok();
    let outcome = complete(&upstream.url());
    assert_eq!(outcome.status, MODELWIRE_E_TRUNCATED, "{outcome:?}");
    assert_eq!(outcome.info["attempts"], 2);
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn a_fresh_connection_that_closes_is_not_retried() {
    for way in [Step::Close, Step::Reset] {
        let upstream = Upstream::start(vec![way]);
        for (number, operation) in [MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM]
            .into_iter()
            .enumerate()
        {
            let config = config(&upstream.url());
            let (events, outcome) = abi::start(operation, PROVIDER, &config, REQUEST).drain();
            assert_eq!(events, []);
            assert_eq!(outcome.status, MODELWIRE_E_TRUNCATED, "{outcome:?}");
            assert_eq!(outcome.info["attempts"], 1);
            assert_eq!(upstream.requests().len(), number + 1);
        }
    }
}

/// An answer was begun: the provider has taken the request, so it is not sent again.
#[test]
fn what_was_answered_is_not_retried() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    for begun in [head.to_owned(), format!("{head}{{}}")] {
        let breaks_off = vec![Step::send(&begun), Step::pause(50), Step::Close];
        let upstream = dies_on_second_request(breaks_off, json(ANSWER));
        complete(&upstream.url()).ok();
        let outcome = complete(&upstream.url());
        assert_eq!(
            outcome.status, MODELWIRE_E_TRUNCATED,
            "{begun:?}: {outcome:?}"
        );
        assert_eq!(outcome.info["attempts"], 1, "{begun:?}");
        assert_eq!(upstream.requests().len(), 2, "{begun:?}");
    }
}

/// A server that closed in good time is noticed: nothing is lost and nothing is sent twice.
#[test]
fn a_connection_closed_while_idle_is_not_used() {
    let close = join([json(ANSWER), vec![Step::Close]]);
    let upstream = Upstream::start(close);
    for n in 1..=5 {
        complete(&upstream.url()).ok();
        upstream.wait_open_connections(0);
        assert_eq!(upstream.requests().len(), n);
    }
}
