//! The four deadlines. Each case sets one that must pass and leaves the others far away, so
//! that the name of the one that passed is what is tested, not how long it took.

use crate::support::abi::{completions, stream};
use crate::support::upstream::{
    Accept, Script, Step, TlsIdentity, Upstream, chunk, head, json as answer, sse_head,
};
use crate::{check, openai, with};
use modelwire::ffi::{MODELWIRE_E_BACKEND, MODELWIRE_E_TIMEOUT, MODELWIRE_OK};
use serde_json::{Value, json};

/// Deadlines that never pass, but for those in `short`.
fn config(url: &str, short: Value) -> Value {
    let far = json!({"connect_ms": 60_000, "response_header_ms": 60_000, "total_ms": 60_000});
    with(openai(url), json!({"timeouts": with(far, short)}))
}

/// Answers with a stream that says `text` and then nothing more.
fn silent_after(text: &str) -> Upstream {
    Upstream::start(vec![sse_head(), chunk(text), Step::Hang])
}

#[test]
fn a_handshake_that_stalls_is_over_its_connect_deadline() {
    let upstream = Upstream::start_tls(answer("{}"), TlsIdentity::stalled());
    let config = config(&upstream.url(), json!({"connect_ms": 150}));
    let info = json!({"timeout": "connect", "phase": "send", "http_status": 0, "retryable": true,
        "attempts": 1});
    check(
        &completions("openai", &config, "{}"),
        MODELWIRE_E_TIMEOUT,
        info.clone(),
    );
    let (lines, outcome) = stream("openai", &config, "{}");
    check(&outcome, MODELWIRE_E_TIMEOUT, info);
    assert_eq!((lines.len(), &outcome.info["end"]), (0, &json!("error")));
}

/// Linux drops what a full backlog cannot take, so connecting goes on and on.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_does_not_answer_is_over_its_connect_deadline() {
    use socket2::{Domain, Socket, Type};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};
    use std::time::Duration;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("bind on loopback");
    socket.listen(0).expect("listen");
    let address = socket
        .local_addr()
        .ok()
        .and_then(|a| a.as_socket())
        .expect("an address");
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
        assert!(queued.len() < 64, "the backlog has no end");
    }
    // The system gives up by itself after a while, which must not be what is seen.
    let short = json!({"connect_ms": 150, "total_ms": 10_000});
    let config = config(&format!("http://{address}"), short);
    let info = json!({"timeout": "connect", "phase": "send", "retryable": true});
    check(
        &completions("openai", &config, "{}"),
        MODELWIRE_E_TIMEOUT,
        info,
    );
}

#[test]
fn an_answer_that_does_not_begin_is_over_its_header_deadline() {
    for script in [
        Script::always(vec![Step::Hang]),
        Script::always(vec![Step::send("HTTP/1.1 200 OK\r\nconte"), Step::Hang]),
        Script::always(answer("{}")).accept(Accept::NeverRead),
        Script::always(vec![Step::Hang]).before_body(),
    ] {
        let upstream = Upstream::start(script);
        let config = config(&upstream.url(), json!({"response_header_ms": 150}));
        let info = json!({"timeout": "response_header", "phase": "send", "http_status": 0,
            "retryable": true});
        check(
            &completions("openai", &config, "{}"),
            MODELWIRE_E_TIMEOUT,
            info.clone(),
        );
        check(
            &stream("openai", &config, "{}").1,
            MODELWIRE_E_TIMEOUT,
            info,
        );
    }
}

#[test]
fn a_stream_that_falls_silent_is_over_its_idle_deadline() {
    for (text, whole) in [("data: 1\n\ndata: 2", 2), ("", 0), (": ping\n", 1)] {
        let upstream = silent_after(text);
        let config = config(&upstream.url(), json!({"idle_ms": 150}));
        let (lines, outcome) = stream("openai", &config, "{}");
        let info = json!({"timeout": "idle", "phase": "stream", "http_status": 200,
            "end": "error", "retryable": false, "lines": whole});
        check(&outcome, MODELWIRE_E_TIMEOUT, info);
        let expected: Vec<_> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        assert_eq!(lines, expected[..whole]);
    }
}

#[test]
fn a_stream_that_goes_on_is_not_idle() {
    let tick = |n: usize| [chunk(format!("data: {n}\n")), Step::pause(100)];
    let mut steps = vec![sse_head()];
    steps.extend((0..8).flat_map(tick));
    steps.push(chunk("data: [DONE]\n"));
    let upstream = Upstream::start(steps);
    // Eight silences are together longer than the deadline; none is by itself.
    let config = config(&upstream.url(), json!({"idle_ms": 700}));
    let (lines, outcome) = stream("openai", &config, "{}");
    check(&outcome, MODELWIRE_OK, json!({"end": "done"}));
    assert_eq!(lines.len(), 9);
}

#[test]
fn the_total_deadline_is_over_everything() {
    let drip = Step::SendSlowly {
        bytes: b"1\r\n\n\r\n".repeat(100_000),
        size: 6,
        pause: std::time::Duration::from_millis(20),
    };
    let waiting = vec![Step::Hang];
    let dripping = vec![sse_head(), drip];
    let half = vec![
        Step::send(head(200, "OK", &[("content-length", "9")])),
        Step::Hang,
    ];
    for (steps, streamed, phase, http_status) in [
        (waiting.clone(), false, "send", 0),
        (waiting, true, "send", 0),
        (half.clone(), false, "response", 200),
        (half, true, "stream", 200),
        (dripping.clone(), false, "response", 200),
        (dripping, true, "stream", 200),
    ] {
        let upstream = Upstream::start(steps);
        let config = config(&upstream.url(), json!({"total_ms": 300, "idle_ms": 60_000}));
        let outcome = match streamed {
            true => stream("openai", &config, "{}").1,
            false => completions("openai", &config, "{}"),
        };
        let info = json!({"timeout": "total", "phase": phase, "http_status": http_status,
            "retryable": http_status == 0});
        check(&outcome, MODELWIRE_E_TIMEOUT, info);
        assert!(outcome.message.contains("total"), "{outcome:?}");
    }
}

#[test]
fn a_refusal_whose_body_stalls_is_still_a_refusal() {
    let steps = vec![
        Step::send(head(500, "", &[("content-length", "9")])),
        Step::send("half"),
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let config = config(&upstream.url(), json!({"total_ms": 300}));
    for outcome in [
        completions("openai", &config, "{}"),
        stream("openai", &config, "{}").1,
    ] {
        let info = json!({"http_status": 500, "timeout": null, "retryable": true});
        check(&outcome, MODELWIRE_E_BACKEND, info);
        assert_eq!(outcome.text(), "half");
    }
}

#[test]
fn a_deadline_of_zero_is_none_of_its_own() {
    let upstream = Upstream::start(answer("{}"));
    let zero = json!({"connect_ms": 0, "response_header_ms": 0, "idle_ms": 0, "total_ms": 0});
    let config = with(openai(&upstream.url()), json!({"timeouts": zero}));
    completions("openai", &config, "{}").ok();
    let huge = json!({"connect_ms": u64::MAX, "response_header_ms": u64::MAX, "idle_ms": u64::MAX,
        "total_ms": u64::MAX});
    let config = with(openai(&upstream.url()), json!({"timeouts": huge}));
    completions("openai", &config, "{}").ok();
}
