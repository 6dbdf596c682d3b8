//! aimock as a child process on a port of its own choice.

use serde_json::Value;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A running aimock; dropping it ends it.
pub struct Aimock {
    child: Child,
    url: String,
    fixtures: PathBuf,
}

impl Aimock {
    /// Starts a server that knows `fixtures` and takes `key` alone. `None`, with a word on
    /// stderr, where it is not installed; a panic where it has to be.
    pub fn start(fixtures: &Value, key: &str) -> Option<Aimock> {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join(".peers");
        let script = peers.join("node_modules/@copilotkit/aimock/dist/cli.js");
        if !script.exists() {
            return missing("aimock is not installed: run scripts/peers.sh");
        }
        let fixtures = written(fixtures);
        let started = Command::new("node")
            .arg(&script)
            .args(["--port", "0", "--host", "127.0.0.1", "--validate-on-load"])
            .arg("--fixtures")
            .arg(&fixtures)
            .env("AIMOCK_API_KEYS", key)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            return missing("node is not installed");
        };
        let mut server = Aimock {
            child,
            url: String::new(),
            fixtures,
        };
        let stdout = server.child.stdout.take().expect("a pipe");
        server.url = announced(stdout);
        Some(server)
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.fixtures);
    }
}

fn missing(why: &str) -> Option<Aimock> {
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    // Not `eprintln`, which a test that passes does not show.
    static SAID: Once = Once::new();
    SAID.call_once(|| drop(writeln!(io::stderr(), "aimock tests skipped: {why}")));
    None
}

fn written(fixtures: &Value) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("aimock-{}-{number}.json", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, fixtures.to_string()).expect("a file of fixtures");
    path
}

/// The URL that the server says it listens on. What it says later is read and dropped, so
/// that it never waits for a full pipe.
fn announced(stdout: ChildStdout) -> String {
    let mut output = BufReader::new(stdout);
    let mut said = String::new();
    loop {
        let begin = said.len();
        let read = output.read_line(&mut said).expect("the server's output");
        assert!(read > 0, "aimock ended: {said}");
        if let Some((_, url)) = said[begin..].split_once("listening on ") {
            let url = url.trim().to_owned();
            std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
            return url;
        }
    }
}
