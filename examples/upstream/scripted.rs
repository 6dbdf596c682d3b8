//! Scripts that other processes put and replay over HTTP:
//!
//! - `PUT /__scripts/{id}`: a JSON array of replies, each an array of steps (see
//!   [`steps`](crate::steps)). Replaces a script of that id and forgets its requests.
//! - any request under `/s/{id}/`: the next reply; the last one repeats.
//! - `GET /__scripts/{id}/requests`: what was received, as a JSON array.
//! - `POST /__scripts/{id}/gates/{name}`: opens a gate that a `wait_for` step waits for.
//! - `DELETE /__scripts/{id}`

use crate::steps::JsonStep;
use crate::upstream::{Gate, Received, Step, json, reply, standard_reason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Scripts(Mutex<HashMap<String, Arc<Entry>>>);

struct Entry {
    replies: Vec<Reply>,
    next: AtomicUsize,
    gates: HashMap<String, Gate>,
    received: Mutex<Vec<Received>>,
}

struct Reply {
    steps: Vec<Step>,
    before_body: bool,
}

impl Scripts {
    /// Answers a request under `/__scripts/`.
    pub fn control(&self, request: &Received) -> Vec<Step> {
        let path: Vec<&str> = request.path().split('/').skip(2).collect();
        match (request.method.as_str(), path.as_slice()) {
            ("PUT", [id]) => self.put(id, &request.body),
            ("DELETE", [id]) => match lock(&self.0).remove(*id) {
                Some(_) => json("{}"),
                None => no_script(id),
            },
            ("GET", [id, "requests"]) => match self.entry(id) {
                Some(entry) => json(entry.received_json().to_string()),
                None => no_script(id),
            },
            ("POST", [id, "gates", name]) => match self.entry(id) {
                Some(entry) => entry.open_gate(name),
                None => no_script(id),
            },
            _ => refuse(404, "no such control"),
        }
    }

    /// Answers a request under `/s/{id}/`.
    pub fn replay(&self, request: &Received) -> Vec<Step> {
        let (id, target) = addressed(&request.target);
        let Some(entry) = self.entry(id) else {
            return no_script(id);
        };
        lock(&entry.received).push(Received {
            target: target.to_owned(),
            ..request.clone()
        });
        let index = entry.next.fetch_add(1, Ordering::Relaxed);
        entry
            .reply(index)
            .map(|reply| reply.steps.clone())
            .unwrap_or_default()
    }

    /// Whether the reply this request will get is one that does not wait for its body.
    pub fn replies_before_body(&self, head: &Received) -> bool {
        if !head.target.starts_with("/s/") {
            return false;
        }
        self.entry(addressed(&head.target).0).is_some_and(|entry| {
            entry
                .reply(entry.next.load(Ordering::Relaxed))
                .is_some_and(|reply| reply.before_body)
        })
    }

    fn put(&self, id: &str, body: &[u8]) -> Vec<Step> {
        let replies: Vec<Vec<JsonStep>> = match serde_json::from_slice(body) {
            Ok(replies) => replies,
            Err(error) => return refuse(400, &error.to_string()),
        };
        let entry = Entry::new(replies);
        let count = entry.replies.len();
        lock(&self.0).insert(id.to_owned(), Arc::new(entry));
        json(value!({ "replies": count }).to_string())
    }

    fn entry(&self, id: &str) -> Option<Arc<Entry>> {
        lock(&self.0).get(id).cloned()
    }
}

impl Entry {
    fn new(replies: Vec<Vec<JsonStep>>) -> Entry {
        let mut gates = HashMap::new();
        let mut gate = |name: String| gates.entry(name).or_insert_with(Gate::new).clone();
        let mut reply = |steps: Vec<JsonStep>| Reply {
            before_body: steps
                .iter()
                .any(|step| matches!(step, JsonStep::BeforeBody)),
            steps: steps
                .into_iter()
                .flat_map(|step| step.into_steps(&mut gate))
                .collect(),
        };
        let replies = replies.into_iter().map(&mut reply).collect();
        Entry {
            replies,
            next: AtomicUsize::new(0),
            gates,
            received: Mutex::default(),
        }
    }

    fn reply(&self, index: usize) -> Option<&Reply> {
        self.replies.get(index).or(self.replies.last())
    }

    fn open_gate(&self, name: &str) -> Vec<Step> {
        let Some(gate) = self.gates.get(name) else {
            return refuse(404, "no such gate");
        };
        gate.open();
        json("{}")
    }

    fn received_json(&self) -> Value {
        lock(&self.received)
            .iter()
            .map(|request| {
                value!({
                    "connection": request.connection,
                    "method": request.method,
                    "target": request.target,
                    "version": request.version,
                    "headers": request.headers,
                    "body_base64": STANDARD.encode(&request.body),
                })
            })
            .collect()
    }
}

/// Takes `/s/{id}/rest` apart into the id and `/rest`.
fn addressed(target: &str) -> (&str, &str) {
    let inner = target.strip_prefix("/s/").unwrap_or_default();
    inner.split_at(inner.find(['/', '?']).unwrap_or(inner.len()))
}

fn no_script(id: &str) -> Vec<Step> {
    refuse(404, &format!("no script {id:?}"))
}

fn refuse(status: u16, message: &str) -> Vec<Step> {
    let body = value!({ "error": message }).to_string();
    reply(
        status,
        standard_reason(status),
        &[("content-type", "application/json")],
        body,
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
