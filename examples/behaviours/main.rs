//! Prints the behaviour list, `tests/behaviours.json`, in a form that a program without a JSON
//! parser can follow: the runners for C and C++ read it.
//!
//! An entry is a run of fields, each `KEY LENGTH` and a newline, LENGTH bytes and a newline.
//! It begins with `name` and ends with `end 0`. The keys are those of `tests/behaviours.md`,
//! with these differences:
//!
//! - `request`, `body` and the like are the bytes themselves, and `lines` has them all, each
//!   followed by one LF; both are there only if something is expected of them
//! - `gate` and `gate_after` say when to open a gate
//! - `body_has` and `info_has`, any number: `"key":value`, which must be a member of the
//!   result's JSON, written as the library writes it
//! - `received`: how many requests came; `received_has`, any number: what the upstream's list
//!   of requests must hold exactly once, as it writes it

#[path = "../../tests/behaviours/list.rs"]
mod list;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use list::{Behaviour, CancelAfter, Expect, List, Moment, Operation, Sent};
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};

fn main() -> io::Result<()> {
    let list =
        List::parse(include_str!("../../tests/behaviours.json")).map_err(io::Error::other)?;
    let mut out = Fields(BufWriter::new(io::stdout().lock()));
    for behaviour in &list.behaviours {
        out.behaviour(behaviour)?;
    }
    out.0.flush()
}

struct Fields<W>(W);

impl<W: Write> Fields<W> {
    fn behaviour(&mut self, behaviour: &Behaviour) -> io::Result<()> {
        self.field("name", &behaviour.name)?;
        self.field("provider", &behaviour.provider)?;
        self.field("operation", operation(behaviour.operation))?;
        self.field("config", behaviour.config_template())?;
        self.field("request", &behaviour.request.0)?;
        self.field("script", behaviour.script.to_string())?;
        if let Some(moment) = behaviour.cancel_after {
            self.field("cancel_after", cancel_after(moment))?;
        }
        if let Some(gate) = &behaviour.open_gate {
            self.field("gate", &gate.name)?;
            self.field("gate_after", gate.after_lines.to_string())?;
        }
        self.expect(&behaviour.expect)?;
        self.field("end", "")
    }

    fn expect(&mut self, expect: &Expect) -> io::Result<()> {
        self.field("status", &expect.status)?;
        self.field("http_status", expect.http_status.to_string())?;
        if let Some(lines) = expect.joined_lines() {
            self.field("lines", lines)?;
        }
        if let Some(body) = &expect.body {
            self.field("body", &body.0)?;
        }
        self.members("body_has", &expect.body_json)?;
        self.members("info_has", &expect.info)?;
        match &expect.request {
            None => Ok(()),
            Some(None) => self.field("received", "0"),
            Some(Some(sent)) => self.received(sent),
        }
    }

    fn received(&mut self, sent: &Sent) -> io::Result<()> {
        self.field("received", "1")?;
        let mut member = |name: &str, value: Value| self.field("received_has", text(name, &value));
        if let Some(method) = &sent.method {
            member("method", json!(method))?;
        }
        if let Some(target) = &sent.target {
            member("target", json!(target))?;
        }
        if let Some(body) = &sent.body {
            member("body_base64", json!(STANDARD.encode(&body.0)))?;
        }
        for pair in &sent.headers {
            self.field("received_has", json!(pair).to_string())?;
        }
        Ok(())
    }

    fn members(&mut self, key: &str, members: &Map<String, Value>) -> io::Result<()> {
        for (name, value) in members {
            self.field(key, text(name, value))?;
        }
        Ok(())
    }

    fn field(&mut self, key: &str, value: impl AsRef<[u8]>) -> io::Result<()> {
        let value = value.as_ref();
        writeln!(self.0, "{key} {}", value.len())?;
        self.0.write_all(value)?;
        self.0.write_all(b"\n")
    }
}

/// A member of a JSON object.
fn text(name: &str, value: &Value) -> String {
    format!("{}:{value}", Value::from(name))
}

fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Completions => "completions",
        Operation::CompletionsStream => "completions_stream",
        Operation::TestConnection => "test_connection",
    }
}

fn cancel_after(moment: CancelAfter) -> String {
    match moment {
        CancelAfter::Moment(Moment::Start) => "start".into(),
        CancelAfter::Moment(Moment::Sent) => "sent".into(),
        CancelAfter::Lines(count) => count.to_string(),
    }
}
