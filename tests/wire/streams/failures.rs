//! Streams that fail on the way: the message breaks off, the provider says so itself. What
//! arrived whole before is delivered first, what is half a line is not.

use super::lines;
use crate::route::{Dialect, ROUTES};
use crate::support::abi::{stream, stream_with};
use crate::support::http2::{Http2Step, Http2Upstream};
use crate::support::upstream::{
    Gate, Step, TlsIdentity, Upstream, chunk, head, reply, sse, sse_head,
};
use crate::{check, openai, with};
use modelwire::ffi::{
    MODELWIRE_E_BACKEND, MODELWIRE_E_PROTOCOL, MODELWIRE_E_STREAM, MODELWIRE_E_TRUNCATED,
    MODELWIRE_OK,
};
use serde_json::{Value, json};

const EVENTS: (&str, &str) = ("content-type", "text/event-stream");
const TEXT: &str = "data: 1\n\ndata: {\"half\"";

fn truncated() -> Value {
    json!({"end": "error", "phase": "stream", "http_status": 200, "retryable": false, "lines": 2,
        "timeout": null})
}

#[test]
fn a_message_that_breaks_off_is_truncated() {
    let short = vec![
        Step::send(head(200, "OK", &[EVENTS, ("content-length", "1000")])),
        Step::send(TEXT),
        Step::Close,
    ];
    let no_last_chunk = vec![sse_head(), chunk(TEXT), Step::Close];
    let half_closed = vec![sse_head(), chunk(TEXT), Step::HalfClose];
    let inside_a_chunk = vec![
        sse_head(),
        Step::send("ff\r\n"),
        Step::send(TEXT),
        Step::Close,
    ];
    let last_chunk_cut = vec![sse_head(), chunk(TEXT), Step::send("0\r\n"), Step::Close];
    for steps in [
        short,
        no_last_chunk,
        half_closed,
        inside_a_chunk,
        last_chunk_cut,
    ] {
        for route in ROUTES {
            let upstream = Upstream::start(steps.clone());
            let config = route.config(&upstream.url());
            let (seen, outcome) = stream(route.provider, &config, r#"{"model":"m"}"#);
            check(&outcome, MODELWIRE_E_TRUNCATED, truncated());
            assert_eq!(seen, lines(&["data: 1", ""]), "{route:?}");
        }
    }
}

#[test]
fn a_reset_is_truncated() {
    let chunked = vec![sse_head(), chunk(TEXT)];
    let sized = head(200, "OK", &[EVENTS, ("content-length", "1000")]);
    let by_length = vec![Step::Send(sized), Step::send(TEXT)];
    let to_the_close = vec![Step::send(head(200, "OK", &[EVENTS])), Step::send(TEXT)];
    for mut steps in [chunked, by_length, to_the_close] {
        let read = Gate::new();
        // The system may drop what waits when a reset comes, so the reader is first.
        steps.extend([Step::WaitFor(read.clone()), Step::Reset]);
        let upstream = Upstream::start(steps);
        let mut seen = Vec::new();
        let outcome = stream_with("openai", &openai(&upstream.url()), "{}", |line| {
            seen.push(line.to_vec());
            if seen.len() == 2 {
                read.open();
            }
            true
        });
        check(&outcome, MODELWIRE_E_TRUNCATED, truncated());
        assert_eq!(seen, lines(&["data: 1", ""]));
    }
}

#[test]
fn tls_that_ends_without_a_notice_is_truncated() {
    let bare = vec![Step::send(head(200, "OK", &[EVENTS])), Step::send(TEXT)];
    let chunked = vec![sse_head(), chunk(TEXT)];
    for (steps, end, status) in [
        (&bare, Step::Cut, MODELWIRE_E_TRUNCATED),
        (&bare, Step::Close, MODELWIRE_OK),
        (&chunked, Step::Cut, MODELWIRE_E_TRUNCATED),
        (&chunked, Step::Close, MODELWIRE_E_TRUNCATED),
    ] {
        let mut steps = steps.clone();
        steps.push(end);
        let upstream = Upstream::start_tls(steps, TlsIdentity::valid());
        let trust = json!({"transport": {"ca_pem": upstream.ca_pem()}});
        let (seen, outcome) = stream("openai", &with(openai(&upstream.url()), trust), "{}");
        if status == MODELWIRE_OK {
            check(&outcome, status, json!({"end": "eof"}));
            assert_eq!(seen, lines(&["data: 1", "", "data: {\"half\""]));
            continue;
        }
        check(&outcome, status, truncated());
        assert_eq!(seen, lines(&["data: 1", ""]));
    }
}

#[test]
fn http2_streams_break_in_their_own_ways() {
    use h2::Reason;
    let data = || Http2Step::Data(TEXT.into());
    for (after, status) in [
        (Http2Step::End, MODELWIRE_OK),
        (
            Http2Step::ResetStream(Reason::INTERNAL_ERROR),
            MODELWIRE_E_TRUNCATED,
        ),
        (
            Http2Step::ResetStream(Reason::CANCEL),
            MODELWIRE_E_TRUNCATED,
        ),
        (
            Http2Step::Abort(Reason::ENHANCE_YOUR_CALM),
            MODELWIRE_E_TRUNCATED,
        ),
    ] {
        let read = Gate::new();
        let waiting = Http2Step::WaitFor(read.clone());
        let upstream = Http2Upstream::start(move |_| {
            let head = Http2Step::Head(200, vec![EVENTS]);
            vec![head, data(), waiting.clone(), after.clone()]
        });
        let trust = json!({"transport": {"ca_pem": upstream.ca_pem()}});
        let mut seen = Vec::new();
        let config = with(openai(&upstream.url()), trust);
        let outcome = stream_with("openai", &config, "{}", |line| {
            seen.push(line.to_vec());
            if seen.len() == 2 {
                read.open();
            }
            true
        });
        if status == MODELWIRE_OK {
            check(&outcome, status, json!({"end": "eof", "lines": 3}));
            continue;
        }
        check(&outcome, status, truncated());
        assert_eq!(seen, lines(&["data: 1", ""]));
    }
}

#[test]
fn broken_framing_is_a_broken_protocol() {
    let steps = vec![sse_head(), chunk(TEXT), Step::send("zz\r\n"), Step::Hang];
    let upstream = Upstream::start(steps);
    let (seen, outcome) = stream("openai", &openai(&upstream.url()), "{}");
    check(&outcome, MODELWIRE_E_PROTOCOL, truncated());
    assert_eq!(seen, lines(&["data: 1", ""]));
}

#[test]
fn the_last_event_does_not_excuse_a_message_that_breaks_off() {
    let text = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let upstream = Upstream::start(vec![sse_head(), chunk(text), Step::Close]);
    let (seen, outcome) = stream("anthropic", &openai(&upstream.url()), "{}");
    check(
        &outcome,
        MODELWIRE_E_TRUNCATED,
        json!({"end": "error", "lines": 3}),
    );
    assert_eq!(seen.len(), 3);
}

#[test]
fn an_error_the_provider_reports_inside_a_stream_is_one() {
    let named = |payload: &str| format!("data: 1\n\nevent: error\ndata: {payload}\n\n");
    let plain = |payload: &str| format!("data: 1\n\ndata: {payload}\n\n");
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
    let failed = r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#;
    let google = r#"{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}"#;
    for (text, code) in [
        (named(overloaded), json!("overloaded_error")),
        (
            named(overloaded).replace('\n', "\r\n"),
            json!("overloaded_error"),
        ),
        (plain(overloaded), json!("overloaded_error")),
        (plain(failed), json!("server_error")),
        (plain(google), json!("UNAVAILABLE")),
        (
            plain(r#"{ "error" : {"type":"slow_down"}}"#),
            json!("slow_down"),
        ),
        (
            plain(r#"{"error":{"code":502,"message":"x"}}"#),
            json!("502"),
        ),
        (
            plain(r#"{"error":{"message":"x","type":"server_error"}}"#) + "data: [DONE]\n",
            json!("server_error"),
        ),
        (named("not JSON"), json!(null)),
        (named(r#"{"message":"x"}"#), json!(null)),
    ] {
        for route in ROUTES {
            let upstream = Upstream::start(sse(&text));
            let config = route.config(&upstream.url());
            let (seen, outcome) = stream(route.provider, &config, r#"{"model":"m"}"#);
            let info = json!({"error_code": code, "end": "error", "phase": "stream",
                "http_status": 200, "retryable": false, "lines": text.lines().count()});
            check(&outcome, MODELWIRE_E_STREAM, info);
            // The host sees the error's own lines, verbatim.
            let expected: Vec<_> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
            assert_eq!(seen, expected, "{route:?}");
        }
    }
}

#[test]
fn words_about_errors_are_no_errors() {
    for text in [
        "data: {\"error\":null,\"choices\":[]}\n\ndata: [DONE]\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"error\\\":1}\"}}]}\n\ndata: [DONE]\n",
        ": error\n\ndata: error\n\nerror\n\ndata: [DONE]\n",
        "event: errors\ndata: {}\n\ndata: [DONE]\n",
    ] {
        for route in ROUTES.iter().filter(|route| route.dialect == Dialect::Chat) {
            let upstream = Upstream::start(sse(text));
            let config = route.config(&upstream.url());
            let (_, outcome) = stream(route.provider, &config, r#"{"model":"m"}"#);
            check(
                &outcome,
                MODELWIRE_OK,
                json!({"end": "done", "error_code": null}),
            );
        }
    }
}

#[test]
fn a_refusal_that_calls_itself_a_stream_is_a_refusal() {
    let body = "data: {\"error\":{\"type\":\"server_error\"}}\n\n";
    let upstream = Upstream::start(reply(500, "Internal Server Error", &[EVENTS], body));
    let (seen, outcome) = stream("openai", &openai(&upstream.url()), "{}");
    check(
        &outcome,
        MODELWIRE_E_BACKEND,
        json!({"http_status": 500, "end": "error", "lines": 0}),
    );
    assert!(seen.is_empty());
    assert_eq!(outcome.text(), body);
}
