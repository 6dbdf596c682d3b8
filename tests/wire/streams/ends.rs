//! How a stream ends when nothing goes wrong: by `[DONE]`, after the provider's own last
//! event, at a clean end of the bytes, or because the host had enough.

use super::{lines, play};
use crate::route::{Dialect, ROUTES};
use crate::support::abi::{self, Event, stream, stream_with};
use crate::support::upstream::{
    Gate, Step, Upstream, chunk, head, last_chunk, reply, sse, sse_head,
};
use crate::{check, openai};
use modelwire::ffi::{
    MODELWIRE_E_CANCELLED, MODELWIRE_OK, MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM,
};
use serde_json::json;
use std::time::Duration;

#[test]
fn each_dialect_has_its_own_last_event() {
    let typed = |name: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\",\"x\":1}}\n\n");
    let gemini = "data: {\"candidates\":[{\"content\":{},\"finishReason\": \"STOP\"}]}\r\n\r\n";
    for (dialect, text, end) in [
        (Dialect::Messages, typed("message_stop"), "terminal"),
        (
            Dialect::Messages,
            typed("message_stop").replace("event: message_stop\n", ""),
            "terminal",
        ),
        (Dialect::Messages, typed("message_delta"), "eof"),
        (
            Dialect::Messages,
            typed("message_stop") + &typed("ping"),
            "eof",
        ),
        (Dialect::Responses, typed("response.completed"), "terminal"),
        (Dialect::Responses, typed("response.incomplete"), "terminal"),
        (
            Dialect::Responses,
            typed("response.output_text.delta"),
            "eof",
        ),
        (
            Dialect::Responses,
            typed("response.completed") + "data: [DONE]\n",
            "done",
        ),
        (Dialect::Gemini, gemini.to_owned(), "terminal"),
        (
            Dialect::Gemini,
            "data: {\"candidates\":[{\"content\":{}}]}\n\n".to_owned(),
            "eof",
        ),
        (
            Dialect::Gemini,
            "data: {\"text\":\"a \\\"finishReason\\\" b\"}\n\n".to_owned(),
            "eof",
        ),
        (
            Dialect::Chat,
            "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n".to_owned(),
            "eof",
        ),
        (Dialect::Chat, typed("message_stop"), "eof"),
    ] {
        for route in ROUTES.iter().filter(|route| route.dialect == dialect) {
            let upstream = Upstream::start(sse(&text));
            let config = route.config(&upstream.url());
            let (_, outcome) = stream(route.provider, &config, r#"{"model":"m"}"#);
            check(&outcome, MODELWIRE_OK, json!({"end": end, "phase": "done"}));
            assert_eq!(
                outcome.info["lines"],
                json!(text.lines().count()),
                "{route:?}"
            );
        }
    }
}

#[test]
fn bytes_may_end_by_length_or_by_the_close() {
    let events = ("content-type", "text/event-stream");
    let text = "data: 1\n\ndata: 2";
    let by_length = reply(200, "OK", &[events], text);
    let by_close = vec![
        Step::send(head(200, "OK", &[events])),
        Step::send(text),
        Step::Close,
    ];
    let half_closed = vec![
        Step::send(head(200, "OK", &[events])),
        Step::send(text),
        Step::HalfClose,
    ];
    for steps in [by_length, by_close, half_closed] {
        let (seen, outcome) = play("openai", steps);
        check(&outcome, MODELWIRE_OK, json!({"end": "eof"}));
        assert_eq!(seen, lines(&["data: 1", "", "data: 2"]));
    }
    let empty = reply(200, "OK", &[events], "");
    let (seen, outcome) = play("openai", empty);
    check(
        &outcome,
        MODELWIRE_OK,
        json!({"end": "eof", "lines": 0, "bytes_in": 0}),
    );
    assert!(seen.is_empty());
}

#[test]
fn after_done_it_does_not_matter_what_becomes_of_the_connection() {
    let done = || vec![sse_head(), chunk("data: 1\n\ndata: [DONE]\n\n")];
    for after in [
        Step::Hang,
        Step::Close,
        Step::Cut,
        Step::send("garbage\r\n"),
    ] {
        let mut steps = done();
        steps.push(after);
        steps.push(Step::Hang);
        let (seen, outcome) = play("openai", steps);
        check(&outcome, MODELWIRE_OK, json!({"end": "done", "lines": 3}));
        assert_eq!(seen, lines(&["data: 1", "", "data: [DONE]"]));
    }
    let flood = Step::Repeat {
        bytes: b"5\r\nlate\n\r\n".to_vec(),
        times: 1_000_000,
    };
    let (seen, outcome) = play(
        "openai",
        vec![sse_head(), chunk("data: [DONE]\n"), flood, Step::Hang],
    );
    check(&outcome, MODELWIRE_OK, json!({"end": "done", "lines": 1}));
    assert_eq!(seen, lines(&["data: [DONE]"]));
}

#[test]
fn a_host_that_has_enough_stops_without_an_error() {
    for stop_after in [1, 2, 3] {
        // The upstream goes on for ever: only the stop can end this.
        let endless = Step::SendSlowly {
            bytes: b"8\r\ndata: 1\n\r\n".repeat(1_000_000),
            size: 13,
            pause: Duration::from_millis(1),
        };
        let upstream = Upstream::start(vec![sse_head(), endless]);
        let mut seen = 0;
        let outcome = stream_with("openai", &openai(&upstream.url()), "{}", |_| {
            seen += 1;
            seen < stop_after
        });
        check(
            &outcome,
            MODELWIRE_OK,
            json!({"end": "stopped", "lines": stop_after}),
        );
        assert_eq!(seen, stop_after);
        upstream.wait_open_connections(0);
    }
}

#[test]
fn a_stop_on_the_last_line_is_a_stop() {
    let upstream = Upstream::start(sse("data: 1\ndata: [DONE]\n"));
    let outcome = stream_with("openai", &openai(&upstream.url()), "{}", |line| {
        line != b"data: [DONE]"
    });
    check(
        &outcome,
        MODELWIRE_OK,
        json!({"end": "stopped", "lines": 2}),
    );
}

#[test]
fn a_cancelled_stream_gives_what_arrived_and_says_so() {
    let upstream = Upstream::start(vec![sse_head(), chunk("data: 1\n\ndata: 2"), Step::Hang]);
    let config = openai(&upstream.url());
    let call = abi::start(MODELWIRE_OP_COMPLETIONS_STREAM, "openai", &config, "{}");
    assert_eq!(call.next(-1), Event::Opened);
    assert_eq!(call.next(-1), Event::Lines(b"data: 1\n\n".to_vec()));
    assert_eq!(call.cancel(), MODELWIRE_OK);
    assert_eq!(call.next(-1), Event::Ended);
    let outcome = call.finish();
    let info = json!({"end": "cancelled", "phase": "stream", "lines": 2, "http_status": 200,
        "retryable": false});
    check(&outcome, MODELWIRE_E_CANCELLED, info);
    upstream.wait_open_connections(0);
}

#[test]
fn a_call_cancelled_while_it_waits_says_so() {
    for operation in [MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM] {
        let upstream = Upstream::start(vec![Step::Hang]);
        let config = openai(&upstream.url());
        let call = abi::start(operation, "openai", &config, "{}");
        upstream.wait_requests(1);
        assert_eq!(call.next(0), Event::Again);
        assert_eq!(call.cancel(), MODELWIRE_OK);
        assert_eq!(call.next(-1), Event::Ended);
        let streamed = operation == MODELWIRE_OP_COMPLETIONS_STREAM;
        let end = if streamed {
            json!("cancelled")
        } else {
            json!(null)
        };
        check(
            &call.finish(),
            MODELWIRE_E_CANCELLED,
            json!({"end": end, "http_status": 0}),
        );
        upstream.wait_open_connections(0);
    }
}

#[test]
fn a_cancel_from_the_callback_ends_the_stream() {
    let gate = Gate::new();
    let steps = vec![
        sse_head(),
        chunk("data: 1\n"),
        Step::WaitFor(gate.clone()),
        chunk("data: 2\n"),
        last_chunk(),
    ];
    let upstream = Upstream::start(steps);
    let config = openai(&upstream.url());
    // Another call is followed from inside the callback of this one.
    let other = Upstream::start(vec![Step::Hang]);
    let second = abi::start(
        MODELWIRE_OP_COMPLETIONS,
        "openai",
        &openai(&other.url()),
        "{}",
    );
    let mut cancelled = Vec::new();
    let outcome = stream_with("openai", &config, "{}", |_| {
        cancelled.push(second.cancel());
        gate.open();
        true
    });
    check(&outcome, MODELWIRE_OK, json!({"end": "eof", "lines": 2}));
    assert_eq!(cancelled, [MODELWIRE_OK, MODELWIRE_OK]);
    check(&second.finish(), MODELWIRE_E_CANCELLED, json!({}));
}
