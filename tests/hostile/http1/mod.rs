//! HTTP/1.1 answers that are late, cut, broken, too large or untrue.

mod body;
mod connection;
mod head;

use crate::fault::SOUND;
use crate::support::upstream::{Script, Step, Upstream, json as answer};
use std::sync::atomic::{AtomicBool, Ordering};

/// Two whole lines and a part of a third.
const CUT: &str = "data: 1\n\ndata: {\"half\"";
/// The lines of [`CUT`] that arrived whole.
const WHOLE: &[&str] = &["data: 1", ""];
const EVENT: &str = "data: 1\n\n";
const OK: &str = "HTTP/1.1 200 OK\r\n";

/// A 200 head with these lines in it.
fn ok(lines: &str) -> String {
    format!("{OK}{lines}\r\n")
}

/// A good answer: [`EVENT`] by length.
fn event() -> String {
    ok("content-length: 9\r\n") + EVENT
}

/// A peer that replies so before it reads the first request's body, and soundly afterwards.
fn early(reply: Vec<Step>) -> Upstream {
    let first = AtomicBool::new(true);
    let script = Script::queue([reply, answer(SOUND)]);
    Upstream::start(script.before_body_if(move |_| first.swap(false, Ordering::Relaxed)))
}

/// A request larger than what the system takes on its own.
fn upload() -> String {
    format!(r#"{{"model":"m","x":"{}"}}"#, "x".repeat(8 << 20))
}
