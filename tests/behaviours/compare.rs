//! Compares what came out with what an entry expects.

use crate::list::{Expect, Sent};
use crate::perform::Performed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelwire::ffi::modelwire_status_name;
use serde_json::{Map, Value};
use std::ffi::CStr;
use std::fmt::Debug;

/// Everything that differs, in words; empty when nothing does.
#[derive(Default)]
pub struct Differences(Vec<String>);

impl Differences {
    pub fn of(expect: &Expect, performed: &Performed, received: &[Value]) -> Vec<String> {
        let mut differences = Differences::default();
        differences.outcome(expect, performed);
        match &expect.request {
            None => {}
            Some(None) => differences.equal("requests", &received.len(), &0),
            Some(Some(sent)) => {
                differences.equal("requests", &received.len(), &1);
                if let Some(received) = received.first() {
                    differences.request(sent, received);
                }
            }
        }
        differences.0
    }

    fn outcome(&mut self, expect: &Expect, performed: &Performed) {
        let outcome = &performed.outcome;
        self.equal("status", &status_name(outcome.status), &expect.status);
        self.equal("http_status", &outcome.http_status, &expect.http_status);
        if let Some(lines) = expect.joined_lines() {
            self.bytes("lines", &performed.lines, &lines);
        }
        if let Some(body) = &expect.body {
            self.bytes("body", &outcome.body, &body.0);
        }
        if !expect.body_json.is_empty() {
            let body = serde_json::from_slice(&outcome.body).unwrap_or_default();
            self.members("body", &body, &expect.body_json);
        }
        self.members("info", &outcome.info, &expect.info);
    }

    fn request(&mut self, sent: &Sent, received: &Value) {
        if let Some(method) = &sent.method {
            self.equal("method", &received["method"], &method.as_str().into());
        }
        if let Some(target) = &sent.target {
            self.equal("target", &received["target"], &target.as_str().into());
        }
        for (name, value) in &sent.headers {
            self.equal(name, &headers(received, name), &vec![value.clone()]);
        }
        if let Some(body) = &sent.body {
            let text = received["body_base64"].as_str().unwrap_or_default();
            let received = STANDARD.decode(text).expect("base64");
            self.bytes("the request's body", &received, &body.0);
        }
    }

    fn members(&mut self, what: &str, actual: &Value, expected: &Map<String, Value>) {
        for (name, value) in expected {
            self.equal(&format!("{what}.{name}"), &actual.get(name), &Some(value));
        }
    }

    fn bytes(&mut self, what: &str, actual: &[u8], expected: &[u8]) {
        let shown = |bytes: &[u8]| format!("{} bytes: {}", bytes.len(), bytes.escape_ascii());
        if actual != expected {
            self.differ(what, &shown(actual), &shown(expected));
        }
    }

    fn equal<T: PartialEq + Debug>(&mut self, what: &str, actual: &T, expected: &T) {
        if actual != expected {
            self.differ(what, &format!("{actual:?}"), &format!("{expected:?}"));
        }
    }

    fn differ(&mut self, what: &str, actual: &str, expected: &str) {
        self.0
            .push(format!("{what}: {actual:.300}, not {expected:.300}"));
    }
}

fn status_name(status: i32) -> String {
    let name = modelwire_status_name(status);
    // SAFETY: a static, NUL-terminated string.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().expect("UTF-8").to_owned()
}

/// The values of every header of that name, whatever its case.
fn headers(received: &Value, name: &str) -> Vec<String> {
    let pairs: Vec<(String, String)> =
        serde_json::from_value(received["headers"].clone()).expect("pairs");
    let of_that_name = |pair: &(String, String)| pair.0.eq_ignore_ascii_case(name);
    let found = pairs.into_iter().filter(of_that_name);
    found.map(|(_, value)| value).collect()
}
