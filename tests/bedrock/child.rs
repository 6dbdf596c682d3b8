//! Operations in a process of their own, with an environment of their own. The test binary
//! runs itself: the parent says what to do, the child prints what came of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use modelwire::ffi::{MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM};
use serde_json::{Value, json};

use crate::support::abi::{self, Outcome};

const STEPS: &str = "MODELWIRE_TEST_STEPS";
const MARK: &str = "outcome ";

/// What came of one operation.
#[derive(Debug)]
pub struct Said(pub Value);

impl Said {
    pub fn status(&self) -> i64 {
        self.0["status"].as_i64().expect("a status")
    }

    pub fn message(&self) -> &str {
        self.0["message"].as_str().expect("a message")
    }

    pub fn body(&self) -> &str {
        self.0["body"].as_str().expect("a body")
    }

    pub fn phase(&self) -> &str {
        self.0["info"]["phase"].as_str().expect("a phase")
    }
}

/// One step: `times` operations at once, all to be waited for.
pub fn step(operation: &str, config: &Value, times: usize) -> Value {
    let request = json!({"model": "m", "max_tokens": 1});
    json!({"operation": operation, "config": config, "request": request, "times": times})
}

/// Runs the steps, one after another, in a process whose environment is `environment` and
/// nothing else; nothing outside this machine is asked for keys there.
pub fn run(environment: &[(&str, &str)], steps: &[Value]) -> Vec<Said> {
    let home = Scratch::new();
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "child::child", "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", &home.0)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .env(STEPS, Value::from(steps).to_string())
        .stdin(Stdio::null())
        .output()
        .expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the child failed: {text}{errors}");
    let outcomes = text.lines().filter_map(|line| line.strip_prefix(MARK));
    outcomes
        .map(|line| Said(serde_json::from_str(line).expect("JSON")))
        .collect()
}

#[test]
#[ignore = "runs in a process of its own, started by the other tests"]
fn child() {
    let steps = std::env::var(STEPS).expect("steps");
    let steps: Vec<Value> = serde_json::from_str(&steps).expect("JSON");
    println!();
    for step in &steps {
        let config = &step["config"];
        let run = |_| match step["operation"].as_str() {
            Some("stream") => begin(MODELWIRE_OP_COMPLETIONS_STREAM, step),
            Some("probe") => Run::Over(abi::test_connection("bedrock", config)),
            Some("prepare") => {
                let operation = MODELWIRE_OP_COMPLETIONS;
                Run::Over(abi::prepare("bedrock", config, &step["request"], operation))
            }
            _ => begin(MODELWIRE_OP_COMPLETIONS, step),
        };
        let runs: Vec<_> = (0..step["times"].as_u64().expect("a number"))
            .map(run)
            .collect();
        for run in runs {
            let outcome = match run {
                Run::Over(outcome) => outcome,
                Run::Begun(call) => call.drain().1,
            };
            println!("{MARK}{}", shown(&outcome));
        }
    }
}

enum Run {
    Begun(abi::Call),
    Over(Outcome),
}

fn begin(operation: u32, step: &Value) -> Run {
    Run::Begun(abi::start(
        operation,
        "bedrock",
        &step["config"],
        &step["request"],
    ))
}

fn shown(outcome: &Outcome) -> Value {
    json!({
        "status": outcome.status,
        "message": outcome.message,
        "body": outcome.text(),
        "info": outcome.info,
    })
}

/// A directory that goes when it is dropped.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("modelwire-bedrock-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory");
        Scratch(path)
    }

    /// Writes a file and gives its path.
    #[cfg(feature = "aws-chain")]
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path in UTF-8").to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
