//! The peers as processes that end with the test.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far more than a start takes; only keeps a failure from hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// A server process, ended when dropped.
pub struct Peer {
    process: Child,
    port: u16,
}

impl Peer {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `bedrock.mjs`, or `None` where what it needs is not installed.
pub fn smithy() -> Option<Peer> {
    let modules = installed(
        "node_modules/@smithy/eventstream-codec",
        "@smithy's npm packages",
    )?;
    let directory = modules.ancestors().nth(3)?.to_owned();
    let mut process = Command::new("node")
        .arg(root().join("tests/peers/bedrock.mjs"))
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("node prints its port");
    let port = line
        .trim()
        .rsplit(' ')
        .next()
        .and_then(|port| port.parse().ok());
    let port = port.unwrap_or_else(|| panic!("bedrock.mjs said {line:?}"));
    Some(Peer { process, port })
}

/// A moto server, or `None` where it is not installed.
pub fn moto() -> Option<Peer> {
    let program = installed("venv/bin/moto_server", "moto")?;
    let port = free_port();
    let process = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("moto starts");
    let peer = Peer { process, port };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < LIMIT, "moto does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(peer)
}

/// A user and a role in `moto`, which checks signatures and policies from now on.
pub fn with_iam(moto: &Peer) -> Value {
    let python = root().join(".peers/venv/bin/python");
    let output = Command::new(python)
        .arg(root().join("tests/peers/moto_iam.py"))
        .arg(moto.url())
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "moto_iam.py: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn installed(path: &str, what: &str) -> Option<PathBuf> {
    let path = root().join(".peers").join(path);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "missing: {what}; scripts/peers.sh installs it"
    );
    eprintln!("skipped, for want of {what}; scripts/peers.sh installs it");
    None
}

/// A port that was free a moment ago: moto cannot be asked which one it took.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
