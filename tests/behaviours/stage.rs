//! The upstream of the list's scripts, in this process, and the control requests of a runner.

use crate::scripted::Scripts;
use crate::support::upstream::{Received, Script, Step, Upstream};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

pub struct Stage(Upstream);

impl Stage {
    pub fn start() -> Stage {
        let scripts = Arc::new(Scripts::default());
        let early = scripts.clone();
        let script = Script::new(move |request| answer(&scripts, request))
            .before_body_if(move |head| early.replies_before_body(head))
            .forgetful();
        Stage(Upstream::start(script))
    }

    /// What `{base}` stands for.
    pub fn base(&self, id: &str) -> String {
        format!("{}/s/{id}", self.0.url())
    }

    pub fn put_script(&self, id: &str, script: &Value) {
        self.control("PUT", &format!("/__scripts/{id}"), &script.to_string());
    }

    pub fn open_gate(&self, id: &str, gate: &str) {
        self.control("POST", &format!("/__scripts/{id}/gates/{gate}"), "");
    }

    /// What was received under the id.
    pub fn requests(&self, id: &str) -> Vec<Value> {
        let answer = self.control("GET", &format!("/__scripts/{id}/requests"), "");
        serde_json::from_str(&answer).expect("a JSON array")
    }

    fn control(&self, method: &str, path: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.0.port())).expect("the upstream");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.starts_with("HTTP/1.1 200 "),
            "{method} {path}: {answer}"
        );
        body.to_owned()
    }
}

fn answer(scripts: &Scripts, request: &Received) -> Vec<Step> {
    if request.path().starts_with("/__scripts/") {
        return scripts.control(request);
    }
    scripts.replay(request)
}
