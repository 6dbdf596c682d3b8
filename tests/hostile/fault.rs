//! One fault of a peer and what a host sees of it. A fault is played against a unary call and
//! against a stream; each time the status, the telling fields of `info`, the body or lines,
//! the fate of the connection, the call after it and what is left alive are looked at.

pub use crate::seen::{Seen, ends, fails, gets, runs_out};

use crate::seen::name_of;
use crate::support::abi::{self, Outcome};
use crate::support::http2::Http2Upstream;
use crate::support::upstream::{Script, Step, TlsIdentity, Upstream, join, json as answer};
use modelwire::ffi::MODELWIRE_OK;
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The page that lists every fault.
const PAGE: &str = include_str!("../../docs/reliability.md");

/// The key in every config here. It may go to the peer and nowhere else.
pub const KEY: &str = "sk-mark-7d40";
pub const REQUEST: &str = r#"{"model":"m","messages":[]}"#;
/// What a peer answers once its fault is over.
pub const SOUND: &str = r#"{"sound":true}"#;

/// A fault, and what it looks like from inside the host.
pub struct Fault {
    name: &'static str,
    peer: Box<dyn Fn() -> Box<dyn Peer>>,
    config: Value,
    request: String,
    unary: Seen,
    stream: Seen,
    then: Then,
    /// Whether the peer sees that its connection was closed.
    watches: bool,
}

/// What the call after the fault goes out on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Same,
    New,
}

/// Whoever plays the provider.
pub trait Peer {
    /// How a config reaches it.
    fn config(&self) -> Value;
    /// How the call after the fault reaches it.
    fn next_config(&self) -> Value {
        self.config()
    }
    /// TCP connections it accepted.
    fn connections(&self) -> usize;
    /// Connections that are open now.
    fn open_connections(&self) -> usize;
}

impl Peer for Upstream {
    fn config(&self) -> Value {
        let base = json!({"options": {"base_url": self.url()}});
        let ca = json!({"transport": {"ca_pem": self.ca_pem()}});
        with(
            base,
            if self.ca_pem().is_empty() {
                json!({})
            } else {
                ca
            },
        )
    }

    fn connections(&self) -> usize {
        Upstream::connections(self)
    }

    fn open_connections(&self) -> usize {
        Upstream::open_connections(self)
    }
}

impl Peer for Http2Upstream {
    fn config(&self) -> Value {
        json!({"options": {"base_url": self.url()}, "transport": {"ca_pem": self.ca_pem()}})
    }

    fn connections(&self) -> usize {
        Http2Upstream::connections(self)
    }

    fn open_connections(&self) -> usize {
        Http2Upstream::open_connections(self)
    }
}

impl Fault {
    /// A fault of this peer, which answers [`SOUND`] to the request after it.
    pub fn of<P: Peer + 'static>(name: &'static str, peer: impl Fn() -> P + 'static) -> Fault {
        Fault {
            name,
            peer: Box::new(move || Box::new(peer())),
            config: json!({}),
            request: REQUEST.into(),
            unary: fails(MODELWIRE_OK, "done"),
            stream: fails(MODELWIRE_OK, "done"),
            then: Then::New,
            watches: true,
        }
    }

    /// The peer does not look at its socket any more, so it cannot tell when it is closed.
    pub fn unwatched(mut self) -> Fault {
        self.watches = false;
        self
    }

    /// A fault in the reply to the first request.
    pub fn reply<const N: usize>(name: &'static str, steps: [Step; N]) -> Fault {
        let steps = steps.to_vec();
        Fault::of(name, move || Upstream::start(then_sound(steps.clone())))
    }

    /// The same over TLS.
    pub fn reply_tls<const N: usize>(name: &'static str, steps: [Step; N]) -> Fault {
        let steps = steps.to_vec();
        Fault::of(name, move || {
            Upstream::start_tls(then_sound(steps.clone()), TlsIdentity::valid())
        })
    }

    /// Lays this over the config; the deadlines are far away otherwise.
    pub fn config(mut self, config: Value) -> Fault {
        self.config = config;
        self
    }

    pub fn request(mut self, request: String) -> Fault {
        self.request = request;
        self
    }

    pub fn unary(mut self, seen: Seen) -> Fault {
        self.unary = seen;
        self
    }

    pub fn stream(mut self, seen: Seen) -> Fault {
        self.stream = seen;
        self
    }

    /// What a unary call and a stream see alike.
    pub fn both(self, seen: Seen) -> Fault {
        self.unary(seen.clone()).stream(seen)
    }

    pub fn then(mut self, then: Then) -> Fault {
        self.then = then;
        self
    }

    /// A connection is back in the pool a moment after its answer's end, so that a busy
    /// machine's next call can be too early for it: such a case is played again.
    fn play(&self, streamed: bool, wrong: &mut Vec<String>) {
        for _ in 0..10 {
            let before = wrong.len();
            if self.play_once(streamed, wrong) == self.then || self.then == Then::New {
                return;
            }
            wrong.truncate(before);
        }
        let name = self.name;
        wrong.push(format!(
            "{name} (stream: {streamed}): the connection is not used again"
        ));
    }

    /// Collects what differs, and gives what the next call went out on.
    fn play_once(&self, streamed: bool, wrong: &mut Vec<String>) -> Then {
        let peer = (self.peer)();
        let far = json!({"connect_ms": 60_000, "response_header_ms": 60_000, "total_ms": 60_000});
        let patient = json!({"credentials": {"api_key": KEY}, "timeouts": far});
        let config = with(with(patient.clone(), peer.config()), self.config.clone());
        let (expected, (text, outcome)) = match streamed {
            true => (&self.stream, stream(&config, &self.request)),
            false => (&self.unary, unary(&config, &self.request)),
        };
        let mut differs = |what: &str, seen: String, expected: String| {
            if seen != expected {
                let name = self.name;
                let way = if streamed { "stream" } else { "unary" };
                wrong.push(format!(
                    "{name} ({way}): {what} is {seen}, not {expected} [{}]",
                    outcome.message
                ));
            }
        };
        let end = if streamed {
            json!(expected.end)
        } else {
            Value::Null
        };
        for (field, value) in [
            ("status", json!(name_of(expected.status))),
            ("phase", json!(expected.phase)),
            ("http_status", json!(expected.http_status)),
            ("timeout", json!(expected.timeout)),
            ("retryable", json!(expected.retryable)),
            ("attempts", json!(expected.attempts)),
            ("end", end),
            (
                "lines",
                json!(if streamed { expected.text.len() } else { 0 }),
            ),
        ] {
            differs(field, outcome.info[field].to_string(), value.to_string());
        }
        differs(
            "status",
            outcome.status.to_string(),
            expected.status.to_string(),
        );
        differs("text", format!("{text:?}"), format!("{:?}", expected.text));
        let told = format!("{} {}", outcome.message, outcome.info);
        differs(
            "the key told",
            told.contains(KEY).to_string(),
            "false".into(),
        );

        let connections = peer.connections();
        let (body, next) = unary(&with(patient, peer.next_config()), REQUEST);
        differs(
            "the next call",
            format!("{body:?} {}", next.message),
            format!("[{SOUND:?}] "),
        );
        let then = match peer.connections() == connections {
            true => Then::Same,
            false => Then::New,
        };
        differs(
            "the next connection",
            format!("{then:?}"),
            format!("{:?}", self.then),
        );
        differs("left alive", left_alive(), NOTHING.into());
        // The next call's own stays, idle.
        let one_open = || !self.watches || peer.open_connections() <= 1;
        if then == self.then {
            settled(one_open);
            differs(
                "one connection at most",
                one_open().to_string(),
                "true".into(),
            );
        }
        then
    }

    /// The row that stands for this fault on the page.
    fn row(&self) -> String {
        let then = match self.then {
            Then::Same => "same",
            Then::New => "new",
        };
        let (unary, stream) = (
            self.unary.cell(None),
            self.stream.cell(Some(self.stream.end)),
        );
        format!("| {} | {unary} | {stream} | {then} |", self.name)
    }
}

/// Plays every fault both ways, one after another, and panics with all that differs.
#[track_caller]
pub fn play(faults: Vec<Fault>) {
    let _turn = turn();
    let mut wrong = Vec::new();
    for fault in &faults {
        fault.play(false, &mut wrong);
        fault.play(true, &mut wrong);
        let row = fault.row();
        if !PAGE.lines().any(|line| line == row) {
            wrong.push(format!("docs/reliability.md lacks this row:\n{row}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// One test at a time: what is alive is counted for the whole process.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What [`left_alive`] says when all is over.
pub const NOTHING: &str = "0 calls, 0 pollers, 0 results";

/// What is still alive, after the time that a task which was cut off needs to notice.
pub fn left_alive() -> String {
    let counts = || {
        let stats = abi::stats();
        ["calls", "pollers", "results"].map(|what| stats[what].as_u64().expect("a count"))
    };
    settled(|| counts() == [0; 3]);
    let [calls, pollers, results] = counts();
    format!("{calls} calls, {pollers} pollers, {results} results")
}

/// Waits until `reached`, or long enough to be sure that it will not come.
pub fn settled(reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !reached() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// These steps for the first request, [`SOUND`] for every one after it.
pub fn then_sound(steps: Vec<Step>) -> Script {
    Script::queue([steps, join([answer(SOUND)])])
}

/// `value` with the fields of `other` laid over it, objects inside objects included.
pub fn with(mut value: Value, other: Value) -> Value {
    overlay(&mut value, other);
    value
}

fn overlay(value: &mut Value, other: Value) {
    match (value, other) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, item) in from {
                overlay(into.entry(key).or_insert(Value::Null), item);
            }
        }
        (value, other) => *value = other,
    }
}

/// A unary call, its body as the only line where there is one.
fn unary(config: &Value, request: &str) -> (Vec<String>, Outcome) {
    let outcome = abi::completions("openai", config, request);
    let body = outcome.text().into_owned();
    let text = if outcome.status == MODELWIRE_OK {
        vec![body]
    } else {
        vec![]
    };
    (text, outcome)
}

fn stream(config: &Value, request: &str) -> (Vec<String>, Outcome) {
    let (lines, outcome) = abi::stream("openai", config, request);
    let text = |line: &Vec<u8>| String::from_utf8_lossy(line).into_owned();
    (lines.iter().map(text).collect(), outcome)
}
