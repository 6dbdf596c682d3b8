//! The HTTP/1.1 upstream: what it keeps, what it sends and how it ends.

use crate::support::upstream::*;
use crate::{LIMIT, connect, get};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

fn read(mut from: impl Read, length: usize) -> String {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn read_all(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

/// Sends one request and reads all that comes until the upstream closes.
fn exchange(upstream: &Upstream) -> String {
    let mut socket = connect(upstream);
    socket.write_all(get("/").as_bytes()).unwrap();
    read_all(socket)
}

/// What was sent to the peer: `Ok(None)` is a clean end.
fn first_byte(socket: &mut impl Read) -> Result<Option<u8>, ErrorKind> {
    let mut byte = [0];
    match socket.read(&mut byte) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(byte[0])),
        Err(error) => Err(error.kind()),
    }
}

#[test]
fn keeps_requests_as_they_came() {
    let upstream = Upstream::start(json("{}"));
    let mut socket = connect(&upstream);
    socket
        .write_all(b"POST /v1/a?b=c HTTP/1.1\r\nHOST: x\r\nX-Twice: 1\r\nx-twice:  2 \r\nContent-Length: 3\r\n\r\n\x00\xff\n")
        .unwrap();
    upstream.wait_requests(1);
    socket
        .write_all(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")
        .unwrap();
    let mut second = connect(&upstream);
    upstream.wait_requests(2);
    second.write_all(get("/third").as_bytes()).unwrap();

    let requests = upstream.wait_requests(3);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Received {
        connection: 0,
        method: "POST".to_owned(),
        target: "/v1/a?b=c".to_owned(),
        version: "HTTP/1.1".to_owned(),
        headers: vec![
            pair("HOST", "x"),
            pair("X-Twice", "1"),
            pair("x-twice", "2"),
            pair("Content-Length", "3"),
        ],
        body: b"\x00\xff\n".to_vec(),
    };
    assert_eq!(requests[0], expected);
    assert_eq!((requests[0].path(), requests[0].query()), ("/v1/a", "b=c"));
    assert_eq!(requests[0].header("x-TWICE"), Some("1"));
    assert_eq!(
        (requests[1].method.as_str(), requests[1].connection),
        ("PUT", 0)
    );
    assert_eq!(requests[1].body, b"abc0123456789");
    assert_eq!(
        (requests[2].target.as_str(), requests[2].connection),
        ("/third", 1)
    );
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn queue_replies_in_order_on_one_connection_and_repeats_the_last() {
    let upstream = Upstream::start(vec![
        reply(429, "Too Many Requests", &[("Retry-After", "1")], "slow"),
        json("{}"),
    ]);
    let first = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\ncontent-length: 4\r\n\r\nslow";
    let later = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let mut socket = connect(&upstream);
    for expected in [first, later, later] {
        socket.write_all(get("/").as_bytes()).unwrap();
        assert_eq!(read(&socket, expected.len()), expected);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn replies_are_the_bytes_the_script_says() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let close = || vec![Step::Close];
    let cases = [
        (
            join([sse("data: 1\n\n"), close()]),
            format!("{head}9\r\ndata: 1\n\n\r\n0\r\n\r\n"),
        ),
        (join([sse(""), close()]), format!("{head}0\r\n\r\n")),
        (
            join([sse_chunks(&["a", "0123456789abcdef"]), close()]),
            format!("{head}1\r\na\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"),
        ),
        (
            join([chunked_open(&["a"]), close()]),
            format!("{head}1\r\na\r\n"),
        ),
        (
            vec![
                Step::send_bytewise("abc"),
                Step::pause(1),
                Step::send("d"),
                Step::Cut,
            ],
            "abcd".to_owned(),
        ),
        (
            vec![
                Step::Repeat {
                    bytes: b"0123456789".to_vec(),
                    times: 20_000,
                },
                Step::Close,
            ],
            "0123456789".repeat(20_000),
        ),
        (
            vec![
                Step::Repeat {
                    bytes: vec![],
                    times: 5,
                },
                Step::Close,
            ],
            String::new(),
        ),
        (
            reply(
                529,
                "",
                &[("Content-Length", "9"), ("connection", "close")],
                "short",
            )
            .into_iter()
            .chain(close())
            .collect(),
            "HTTP/1.1 529 \r\nContent-Length: 9\r\nconnection: close\r\n\r\nshort".to_owned(),
        ),
    ];
    for (steps, expected) in cases {
        assert_eq!(exchange(&Upstream::start(steps)), expected);
    }
}

#[test]
fn slow_pieces_are_separate_segments() {
    let upstream = Upstream::start(vec![Step::SendSlowly {
        bytes: b"abcdef".to_vec(),
        size: 4,
        pause: Duration::from_millis(50),
    }]);
    let mut socket = connect(&upstream);
    // A reader that is late finds both pieces at once, so it has several tries.
    let mut arrive_apart = || {
        socket.write_all(get("/").as_bytes()).unwrap();
        let mut buffer = [0; 6];
        let first = socket.read(&mut buffer).unwrap();
        socket.read_exact(&mut buffer[first..]).unwrap();
        first == 4
    };
    assert!((0..20).any(|_| arrive_apart()));
}

#[test]
fn closes_when_the_client_asked_for_it() {
    let upstream = Upstream::start(json("{}"));
    for request in [
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    ] {
        let mut socket = connect(&upstream);
        socket.write_all(request.as_bytes()).unwrap();
        assert!(read_all(socket).ends_with("\r\n\r\n{}"));
    }
}

#[test]
fn ends_of_a_reply_reach_the_peer() {
    let cases = [
        (Step::Close, Ok(None)),
        (Step::Cut, Ok(None)),
        (Step::HalfClose, Ok(None)),
        (Step::Reset, Err(ErrorKind::ConnectionReset)),
    ];
    for (step, expected) in cases {
        let read = Gate::new();
        let upstream = Upstream::start(vec![Step::send("x"), Step::WaitFor(read.clone()), step]);
        let mut socket = connect(&upstream);
        socket.write_all(get("/").as_bytes()).unwrap();
        assert_eq!(first_byte(&mut socket), Ok(Some(b'x')));
        read.open();
        assert_eq!(first_byte(&mut socket), expected);
    }
}

#[test]
fn half_closed_and_hanging_connections_last_until_the_peer_closes() {
    for step in [Step::HalfClose, Step::Hang] {
        let reached = Gate::new();
        let steps = vec![Step::Open(reached.clone()), step];
        let upstream = Upstream::start(steps);
        let mut socket = connect(&upstream);
        socket.write_all(get("/").as_bytes()).unwrap();
        assert!(reached.wait(LIMIT));
        socket.write_all(b"more").unwrap();
        assert_eq!(upstream.open_connections(), 1);
        drop(socket);
        upstream.wait_open_connections(0);
    }
}

#[test]
fn gates_order_the_test_and_the_script() {
    let (sent, go) = (Gate::new(), Gate::new());
    let upstream = Upstream::start(vec![
        Step::send("a"),
        Step::Open(sent.clone()),
        Step::WaitFor(go.clone()),
        Step::send("b"),
    ]);
    let mut socket = connect(&upstream);
    socket.write_all(get("/").as_bytes()).unwrap();
    assert!(sent.wait(LIMIT));
    assert_eq!(first_byte(&mut socket), Ok(Some(b'a')));
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let waiting = first_byte(&mut socket).unwrap_err();
    assert!(matches!(
        waiting,
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    go.open();
    assert_eq!(first_byte(&mut socket), Ok(Some(b'b')));
}

#[test]
fn connections_can_be_refused_one_by_one() {
    let script = Script::always(json("{}")).accept_with(|number| match number {
        0 => Accept::Close,
        1 => Accept::Reset,
        2 => Accept::NeverRead,
        _ => Accept::Serve,
    });
    let upstream = Upstream::start(script);
    assert_eq!(first_byte(&mut connect(&upstream)), Ok(None));
    assert_eq!(
        first_byte(&mut connect(&upstream)),
        Err(ErrorKind::ConnectionReset)
    );
    let mut unread = connect(&upstream);
    unread.write_all(get("/").as_bytes()).unwrap();
    upstream.wait_connections(3);
    let mut served = connect(&upstream);
    served.write_all(get("/served").as_bytes()).unwrap();
    assert_eq!(first_byte(&mut served), Ok(Some(b'H')));
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(upstream.connections(), 4);
    assert_eq!(upstream.open_connections(), 2);
    drop(upstream);
    assert!(matches!(
        first_byte(&mut unread),
        Ok(None) | Err(ErrorKind::ConnectionReset)
    ));
}

const UPLOAD_HEAD: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n";

/// Uploads until the peer or `LIMIT` stops it; `None` if it stalled.
fn upload(socket: &mut TcpStream) -> Option<ErrorKind> {
    let block = [0; 65536];
    socket.write_all(UPLOAD_HEAD).unwrap();
    for _ in 0..1500 {
        if let Err(error) = socket.write_all(&block) {
            let stalled = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            return (!stalled).then_some(error.kind());
        }
    }
    panic!("the whole upload was taken");
}

#[test]
fn a_reply_before_the_body_closes_on_an_upload() {
    let upstream =
        Upstream::start(Script::always(join([json("{}"), vec![Step::Close]])).before_body());
    let mut socket = connect(&upstream);
    let error = upload(&mut socket).expect("a refused upload");
    assert!(
        matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        "{error:?}"
    );
    assert_eq!(upstream.requests()[0].body, b"");
}

#[test]
fn an_upload_stalls_against_a_hang_before_the_body_and_ends_with_the_upstream() {
    let upstream = Upstream::start(Script::always(vec![Step::Hang]).before_body());
    let mut socket = connect(&upstream);
    socket
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    assert_eq!(upload(&mut socket), None);
    drop(upstream);
    assert!(
        socket
            .write_all(b"x")
            .and_then(|()| socket.write_all(b"x"))
            .is_err()
    );
}

#[test]
fn a_body_left_by_an_early_reply_is_skipped() {
    let script = Script::always(json("{}")).before_body_if(|head| head.path() == "/early");
    let upstream = Upstream::start(script);
    let mut socket = connect(&upstream);
    let expected =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    socket
        .write_all(b"POST /early HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
        .unwrap();
    assert_eq!(read(&socket, expected.len()), expected);
    socket
        .write_all(b"12345POST /late HTTP/1.1\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    assert_eq!(read(&socket, expected.len()), expected);
    let requests = upstream.requests();
    assert_eq!(
        (requests[0].body.as_slice(), requests[1].body.as_slice()),
        (&b""[..], &b"ok"[..])
    );
}

#[test]
fn asks_for_a_body_that_waits() {
    let upstream = Upstream::start(json("{}"));
    let mut socket = connect(&upstream);
    socket
        .write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .unwrap();
    let go = "HTTP/1.1 100 Continue\r\n\r\n";
    assert_eq!(read(&socket, go.len()), go);
    socket.write_all(b"ok").unwrap();
    assert_eq!(upstream.wait_requests(1)[0].body, b"ok");
}

#[test]
fn dropping_ends_whatever_a_script_does() {
    let forever = Step::Repeat {
        bytes: vec![0; 65536],
        times: usize::MAX / 65536,
    };
    let long = Step::Pause(Duration::from_secs(3600));
    for step in [
        Step::Hang,
        Step::HalfClose,
        long,
        Step::WaitFor(Gate::new()),
        forever,
    ] {
        let reached = Gate::new();
        let upstream = Upstream::start(vec![Step::Open(reached.clone()), step]);
        let mut socket = connect(&upstream);
        socket.write_all(get("/").as_bytes()).unwrap();
        assert!(reached.wait(LIMIT));
        // Lets the step itself begin.
        thread::sleep(Duration::from_millis(20));
        let port = upstream.port();
        drop(upstream);
        // Whatever was under way ends, and nobody listens any more.
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn a_forgetful_script_keeps_nothing() {
    let upstream = Upstream::start(Script::always(vec![Step::send("x")]).forgetful());
    let mut socket = connect(&upstream);
    socket.write_all(get("/").as_bytes()).unwrap();
    assert_eq!(first_byte(&mut socket), Ok(Some(b'x')));
    assert_eq!(upstream.requests(), []);
}
