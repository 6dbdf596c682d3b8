//! The authorization server of `tests/peers/tokens.py`, one for all tests of this process.
//! It ends when this process closes its input, however that comes about.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

pub struct Peer {
    /// Where it is.
    pub url: String,
    /// What it said about itself: keys and secrets that it knows.
    pub known: Value,
    _process: Child,
}

/// What one test's name was used for.
#[derive(Debug)]
pub struct Seen {
    pub requests: u64,
    pub tokens: Vec<String>,
}

/// The peer; `None`, said plainly, where this machine has no Python with Authlib. In
/// continuous integration that fails instead.
pub fn peer() -> Option<&'static Peer> {
    static PEER: OnceLock<Option<Peer>> = OnceLock::new();
    let peer = PEER.get_or_init(start).as_ref();
    if peer.is_none() {
        let missing = "skipped: .peers/venv has no Python with authlib and flask";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
        println!("{missing}");
    }
    peer
}

fn start() -> Option<Peer> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".peers/venv/bin/python");
    let able = Command::new(&python)
        .args(["-c", "import authlib, flask"])
        .stderr(Stdio::null())
        .status();
    if !able.is_ok_and(|status| status.success()) {
        return None;
    }
    let mut process = Command::new(&python)
        .arg(root.join("tests/peers/tokens.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut line = String::new();
    let output = process.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let known: Value = serde_json::from_str(&line).expect("the peer says that it is ready");
    Some(Peer {
        url: known["url"].as_str().expect("a URL").to_owned(),
        known,
        _process: process,
    })
}

impl Peer {
    /// A string that the peer knows.
    pub fn text(&self, name: &str) -> &str {
        self.known[name].as_str().expect(name)
    }

    /// A service account's key file whose tokens live for `lifetime` seconds.
    pub fn service_account(&self, name: &str, lifetime: u64, key: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": "project",
            "client_email": self.text("client_email"),
            "private_key_id": self.text("private_key_id"),
            "private_key": self.text(key),
            "token_uri": format!("{}/google/{name}/{lifetime}/token", self.url),
        })
    }

    /// The value of AZURE_AUTHORITY_HOST for tokens that live for `lifetime` seconds.
    pub fn authority(&self, name: &str, lifetime: u64) -> String {
        format!("{}/azure/{name}/{lifetime}", self.url)
    }

    /// What `name` was used for so far.
    pub fn seen(&self, name: &str) -> Seen {
        let address = self.url.strip_prefix("http://").expect("http");
        let mut socket = TcpStream::connect(address).expect("the peer listens");
        let request = format!("GET /seen/{name} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let seen: Value = serde_json::from_str(body).expect("JSON");
        let tokens = seen["tokens"].as_array().expect("a list").iter();
        Seen {
            requests: seen["requests"].as_u64().expect("a number"),
            tokens: tokens
                .map(|token| token.as_str().expect("text").to_owned())
                .collect(),
        }
    }
}
