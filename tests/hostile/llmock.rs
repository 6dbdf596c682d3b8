//! A mock of providers that others wrote (llmock), its scripted faults, and its verdict on
//! how a client took them. Skipped where it is not installed, unless CI is set.

use crate::fault::{NOTHING, left_alive, settled, turn};
use crate::support::abi::{Outcome, completions, stream};
use modelwire::ffi::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Llmock {
    process: Child,
    port: u16,
}

impl Llmock {
    fn start() -> Option<Llmock> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(".peers/venv/bin/llmock");
        if !program.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no llmock");
            println!("skipped: llmock is not installed: run scripts/peers.sh");
            return None;
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let process = Command::new(program)
            .args([
                "serve",
                "--host",
                "127.0.0.1",
                "--response-style",
                "static",
                "--port",
            ])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("llmock");
        let server = Llmock { process, port };
        // Python takes its time.
        for _ in 0..6 {
            settled(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        }
        Some(server)
    }

    /// One request to its own interface, and the JSON it answers.
    fn admin(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("llmock");
        write!(
            socket,
            "{method} /_llmock/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(" 20"), "{answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    fn behave(&self, behaviors: Value) {
        self.admin("POST", "scenario", &json!({"behaviors": behaviors}));
    }

    fn config(&self, base: &str, timeouts: Value) -> Value {
        json!({
            "credentials": {"api_key": "k"},
            "options": {"base_url": format!("http://127.0.0.1:{}{base}", self.port)},
            "timeouts": timeouts,
        })
    }
}

impl Drop for Llmock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Provider, base, model.
const ROUTES: [(&str, &str, &str); 5] = [
    ("openai", "/v1", "gpt-4o"),
    ("anthropic", "/anthropic", "claude-3-5-haiku-latest"),
    ("google", "/gemini", "gemini-2.0-flash"),
    ("mistral", "/mistral/v1", "mistral-small-latest"),
    ("groq", "/groq/openai/v1", "llama-3.1-8b-instant"),
];

fn request(provider: &str, model: &str, streamed: bool) -> String {
    let body = match provider {
        "google" => {
            json!({"model": model, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
        }
        _ => json!({"model": model, "max_tokens": 64, "stream": streamed,
            "messages": [{"role": "user", "content": "hi"}]}),
    };
    body.to_string()
}

/// A data line that is no JSON.
fn is_malformed(line: &[u8]) -> bool {
    let payload = line.strip_prefix(b"data: ").unwrap_or(b"{}");
    payload != b"[DONE]" && serde_json::from_slice::<Value>(payload).is_err()
}

#[track_caller]
fn ended(outcome: &Outcome, status: i32, info: Value) {
    assert_eq!(outcome.status, status, "{outcome:?}");
    for (name, value) in info.as_object().expect("fields") {
        assert_eq!(&outcome.info[name], value, "info.{name} of {outcome:?}");
    }
}

#[test]
fn every_scenario_on_every_provider() {
    let _turn = turn();
    let Some(server) = Llmock::start() else {
        return;
    };
    for (provider, base, model) in ROUTES {
        let config = server.config(base, json!({"total_ms": 30_000}));
        let streamed = request(provider, model, true);
        let (whole, outcome) = stream(provider, &config, &streamed);
        outcome.ok();
        assert!(whole.len() > 4, "{provider}: {whole:?}");

        let fault = |kind: &str| json!([{"type": "stream_fault", "kind": kind, "after_chunks": 2}]);
        server.behave(fault("disconnect"));
        let (lines, outcome) = stream(provider, &config, &streamed);
        ended(
            &outcome,
            MODELWIRE_E_TRUNCATED,
            json!({"end": "error", "retryable": false}),
        );
        assert!(!lines.is_empty() && lines.len() < whole.len(), "{provider}");

        // The message is whole as HTTP has it; only `end` tells that the answer is not.
        server.behave(fault("truncate"));
        let (lines, outcome) = stream(provider, &config, &streamed);
        ended(&outcome, MODELWIRE_OK, json!({"end": "eof"}));
        assert!(lines.len() < whole.len(), "{provider}");

        // What is inside an event is the host's to read.
        server.behave(fault("malformed"));
        let (lines, outcome) = stream(provider, &config, &streamed);
        assert_eq!(outcome.status, MODELWIRE_OK, "{outcome:?}");
        assert!(lines.iter().any(|line| is_malformed(line)), "{provider}");

        server.behave(
            json!([{"type": "stream_fault", "kind": "stall", "stall_seconds": 20,
            "after_chunks": 2}]),
        );
        let hasty = server.config(base, json!({"total_ms": 30_000, "idle_ms": 300}));
        let (lines, outcome) = stream(provider, &hasty, &streamed);
        ended(
            &outcome,
            MODELWIRE_E_TIMEOUT,
            json!({"timeout": "idle", "end": "error"}),
        );
        assert!(!lines.is_empty(), "{provider}");

        for (status, retryable) in [
            (429, true),
            (500, true),
            (529, true),
            (400, false),
            (401, false),
        ] {
            server.behave(json!([{"type": "fail", "status": status, "times": 1}]));
            let outcome = completions(provider, &config, &request(provider, model, false));
            ended(
                &outcome,
                MODELWIRE_E_BACKEND,
                json!({"http_status": status,
                "retryable": retryable, "attempts": 1}),
            );
        }
        completions(provider, &config, &request(provider, model, false)).ok();
        assert_eq!(left_alive(), NOTHING);
    }
}

/// Its verdict on a host that does what `info` says: it asks again when a failure is
/// retryable, after the wait the provider asked for, and not otherwise.
#[test]
fn its_verdict() {
    let _turn = turn();
    let Some(server) = Llmock::start() else {
        return;
    };
    let (provider, base, model) = ROUTES[0];
    let config = server.config(base, json!({"total_ms": 30_000}));
    let mut asked = 0;
    let mut ask = || {
        asked += 1;
        completions(provider, &config, &request(provider, model, false))
    };
    server.behave(json!([{"type": "fail", "status": 429, "times": 1}]));
    let outcome = ask();
    assert_eq!(
        (outcome.http_status, &outcome.info["retryable"]),
        (429, &json!(true))
    );
    let wait = outcome.info["retry_after_ms"].as_u64().expect("a wait");
    std::thread::sleep(Duration::from_millis(wait));
    ask().ok();
    server.behave(json!([{"type": "fail", "status": 401, "times": 1}]));
    let outcome = ask();
    assert_eq!(
        (outcome.http_status, &outcome.info["retryable"]),
        (401, &json!(false))
    );

    let verdict = server.admin("GET", "verdict", &json!({}));
    assert_eq!(verdict["passed"], true, "{verdict}");
    assert_eq!(verdict["attempts"], asked, "{verdict}");
}
