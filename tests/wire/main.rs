//! What goes over the wire and what comes back, through the C ABI: requests, answers,
//! streams, errors and probes of every key-based provider, against a scripted upstream and
//! against a server that others wrote. Every test runs beside the others in one process
//! with one library, so none initialises it or shuts it down.

mod aimock;
mod errors;
mod prepare;
mod probes;
mod providers;
mod route;
mod streams;
#[path = "../support/mod.rs"]
mod support;

use modelwire::ffi::{MODELWIRE_OK, modelwire_status_name};
use serde_json::{Value, json};
use std::ffi::CStr;
use support::abi::Outcome;

/// The key in every config here. It may go to the upstream and nowhere else.
const KEY: &str = "sk-mark-5b1e";

/// A config for `openai` against an upstream.
fn openai(url: &str) -> Value {
    json!({"credentials": {"api_key": KEY}, "options": {"base_url": url}})
}

/// Asserts how an operation ended: its status, the fields of `info` that are named, and
/// what holds for every outcome.
#[track_caller]
fn check(outcome: &Outcome, status: i32, info: Value) {
    assert_eq!(outcome.status, status, "{outcome:?}");
    for (name, value) in info.as_object().expect("an object of fields") {
        assert_eq!(&outcome.info[name], value, "info.{name} of {outcome:?}");
    }
    // SAFETY: a static string.
    let name = unsafe { CStr::from_ptr(modelwire_status_name(status)) };
    assert_eq!(outcome.info["status"], json!(name.to_str().unwrap()));
    assert_eq!(outcome.info["message"], json!(outcome.message));
    assert_eq!(outcome.info["http_status"], json!(outcome.http_status));
    assert_eq!(outcome.message.is_empty(), status == MODELWIRE_OK);
    let told = format!("{} {}", outcome.message, outcome.info);
    assert!(!told.contains(KEY), "the key is told: {told}");
}

/// `value` with the fields of `other` laid over it, objects inside objects included.
fn with(mut value: Value, other: Value) -> Value {
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
