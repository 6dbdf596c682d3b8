//! What real providers, gateways and proxies send, none of which is a fault of the caller.

use crate::fault::{Fault, REQUEST, Then, ends, fails, gets, play, turn};
use crate::support::abi::{completions, stream};
use crate::support::upstream::{Step, Upstream, chunk, head, last_chunk, reply, sse};
use modelwire::ffi::*;
use serde_json::json;

const EVENTS: (&str, &str) = ("content-type", "text/event-stream");

/// A 200 stream that says `text`, whole.
fn says(name: &'static str, text: &str) -> Fault {
    let [whole] = sse(text).try_into().ok().expect("one step");
    Fault::reply(name, [whole])
        .unary(gets(text))
        .then(Then::Same)
}

fn refuses(name: &'static str, status: u16, reason: &str, kind: &str, body: &str) -> Fault {
    let [whole] = reply(status, reason, &[("content-type", kind)], body)
        .try_into()
        .ok()
        .expect("one step");
    let seen = fails(MODELWIRE_E_BACKEND, "response").http_status(status);
    let retryable = status == 429 || status >= 500;
    Fault::reply(name, [whole])
        .both(if retryable { seen.retryable() } else { seen })
        .then(Then::Same)
}

#[test]
fn streams() {
    let fails_inside = |lines: &[&str]| fails(MODELWIRE_E_STREAM, "stream").text(lines);
    let error = r#"{"error":{"type":"overloaded_error","message":"busy"}}"#;
    let data_error = format!("data: {error}");
    play(vec![
        says(
            "lines that end with CRLF",
            "data: 1\r\n\r\ndata: [DONE]\r\n\r\n",
        )
        .stream(ends("done", &["data: 1", "", "data: [DONE]"])),
        says(
            "`: ping` and `event: ping`",
            ": ping\n\nevent: ping\ndata: {}\n\ndata: [DONE]\n\n",
        )
        .stream(ends(
            "done",
            &[": ping", "", "event: ping", "data: {}", "", "data: [DONE]"],
        )),
        says("no `[DONE]`", "data: 1\n\n").stream(ends("eof", &["data: 1", ""])),
        says("a last line without its end", "data: 1\n\ndata: 2")
            .stream(ends("eof", &["data: 1", "", "data: 2"])),
        says("a stream without a byte", "").stream(ends("eof", &[])),
        says("data after `[DONE]`", "data: [DONE]\n\ndata: late\n\n")
            .stream(ends("done", &["data: [DONE]"])),
        says(
            "`event: error` in a 200",
            &format!("event: error\n{data_error}\n\n"),
        )
        .stream(fails_inside(&["event: error", &data_error, ""])),
        says(
            "`data: {\"error\": …}` in a 200",
            &format!("{data_error}\n\n"),
        )
        .stream(fails_inside(&[&data_error, ""])),
        says(
            "a numeric `error.code` in a 200",
            "data: {\"error\":{\"code\":429}}\n\n",
        )
        .stream(fails_inside(&["data: {\"error\":{\"code\":429}}", ""])),
        says(
            "lone surrogates in JSON escapes",
            "data: {\"t\":\"\\ud83d\"}\n\ndata: [DONE]\n\n",
        )
        .stream(ends(
            "done",
            &["data: {\"t\":\"\\ud83d\"}", "", "data: [DONE]"],
        )),
        says("a stream that is one JSON object", "{\"choices\":[]}")
            .stream(ends("eof", &["{\"choices\":[]}"])),
    ]);
}

#[test]
fn refusals() {
    play(vec![
        refuses(
            "500 that calls itself an event stream",
            500,
            "Oops",
            "text/event-stream",
            "data: {}\n\n",
        ),
        refuses(
            "529 without a reason phrase",
            529,
            "",
            "application/json",
            "{}",
        ),
        refuses(
            "an error page in HTML",
            502,
            "Bad Gateway",
            "text/html",
            "<h1>Bad Gateway</h1>",
        ),
        refuses("an error in plain text", 503, "Busy", "text/plain", "busy"),
        refuses(
            "a flat JSON error",
            422,
            "",
            "application/json",
            r#"{"object":"error","code":"1500"}"#,
        ),
        refuses("an error without a body", 500, "Oops", "", ""),
        refuses(
            "a rate limit",
            429,
            "Too Many Requests",
            "application/json",
            "{}",
        ),
        refuses(
            "a redirect",
            307,
            "Temporary Redirect",
            "text/plain",
            "moved",
        ),
    ]);
}

#[test]
fn bodies() {
    let kept_alive = "\n\n\n{\"choices\":[]}";
    let gzip = "\u{1f}\u{8b}not really";
    play(vec![
        Fault::reply(
            "blank lines that keep the connection alive before a JSON body",
            [
                Step::send(head(200, "OK", &[("transfer-encoding", "chunked")])),
                chunk("\n"),
                Step::pause(30),
                chunk("\n"),
                Step::pause(30),
                chunk("\n{\"choices\":[]}"),
                last_chunk(),
            ],
        )
        .unary(gets(kept_alive))
        .stream(ends("eof", &["", "", "", "{\"choices\":[]}"]))
        .then(Then::Same),
        Fault::reply(
            "gzip that nobody asked for: passed on as it is",
            [Step::send(
                String::from_utf8_lossy(&head(
                    200,
                    "OK",
                    &[
                        EVENTS,
                        ("content-encoding", "gzip"),
                        ("content-length", &gzip.len().to_string()),
                    ],
                ))
                .into_owned()
                    + gzip,
            )],
        )
        .unary(gets(gzip))
        .stream(ends("eof", &[gzip]))
        .then(Then::Same),
    ]);
}

/// Images come as one line of megabytes, and what one sent whole arrives whole.
#[test]
fn lines_of_megabytes() {
    let _turn = turn();
    let line = format!("data: {}", "A".repeat(10 << 20));
    let upstream = Upstream::start(sse(format!("{line}\n\ndata: [DONE]\n\n")));
    let config = json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
    let (lines, outcome) = stream("openai", &config, REQUEST);
    assert_eq!(outcome.ok().info["end"], "done");
    assert!(lines.len() == 3 && lines[0] == line.as_bytes());
}

/// Bytes that are no text are delivered as they came, streamed or not.
#[test]
fn invalid_utf8() {
    let _turn = turn();
    let line = b"data: \xff\xfe\x80 \xed\xa0\xbd";
    let mut text = line.to_vec();
    text.extend_from_slice(b"\n\n");
    let upstream = Upstream::start(sse(&text));
    let config = json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
    let (lines, outcome) = stream("openai", &config, REQUEST);
    assert_eq!(outcome.ok().info["end"], "eof");
    assert_eq!(lines, [line.to_vec(), vec![]]);
    assert_eq!(completions("openai", &config, REQUEST).ok().body, text);
}

/// The real client of these is a gateway: an error body is relayed to the byte.
#[test]
fn error_bodies_are_verbatim() {
    let _turn = turn();
    for body in [
        "<html>\r\n<h1>502</h1>",
        "no",
        r#"{"error":{"code":429}}"#,
        "\u{0}\u{1}",
        "",
    ] {
        let upstream = Upstream::start(reply(502, "", &[EVENTS], body));
        let config =
            json!({"credentials": {"api_key": "k"}, "options": {"base_url": upstream.url()}});
        assert_eq!(completions("openai", &config, REQUEST).text(), body);
        assert_eq!(stream("openai", &config, REQUEST).1.text(), body);
    }
}
