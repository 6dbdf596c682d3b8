//! A process of its own for tests that need an environment: the environment of a test
//! process belongs to all of its threads. The child is this test program again, running
//! the one test [`serve`], which takes the calls to make from a variable.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::support::abi;
use crate::without_provider;

const CALLS: &str = "MODELWIRE_TEST_CALLS";
const ANSWERS: &str = "MODELWIRE_TEST_ANSWERS";

/// Set: the child ignores SIGCHLD, as hosts may.
#[cfg(unix)]
pub const IGNORE_CHILDREN: &str = "MODELWIRE_TEST_IGNORE_CHILDREN";

/// Identities that the machine of the test itself may have.
const FOREIGN: [&str; 14] = [
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CONFIG_DIR",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "GCE_METADATA_HOST",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "CLOUDSDK_CONFIG",
];

/// A process to be, and the calls it is to make.
pub struct Process {
    variables: Vec<(String, String)>,
    init: Value,
    pub folder: Folder,
}

/// What a call ended with.
#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub message: String,
    pub info: Value,
    /// Everything a host can read of it, and of the library afterwards.
    pub everything: String,
}

impl Process {
    /// A process with an empty home and none of the machine's identities.
    pub fn new() -> Process {
        let folder = Folder::new();
        let home = folder.path("");
        let variables = [("HOME", &home), ("CLOUDSDK_CONFIG", &home)];
        Process {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .to_vec(),
            init: json!({}),
            folder,
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Process {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub fn init(mut self, options: Value) -> Process {
        self.init = options;
        self
    }

    /// Makes one completion.
    pub fn call(&self, provider: &str, config: &Value) -> Answer {
        self.calls(provider, config, 1).remove(0)
    }

    /// Makes the same completion several times, one after the other.
    pub fn calls(&self, provider: &str, config: &Value, times: usize) -> Vec<Answer> {
        let answers = self.folder.path("answers.json");
        let calls = json!({
            "init": self.init, "provider": provider, "config": config, "times": times,
        });
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        FOREIGN.iter().for_each(|name| {
            command.env_remove(name);
        });
        let output = command
            .args(["child::serve", "--exact", "--ignored"])
            .envs(self.variables.iter().cloned())
            .env(CALLS, calls.to_string())
            .env(ANSWERS, &answers)
            .output()
            .expect("this program runs");
        assert!(output.status.success(), "{output:?}");
        let answers = std::fs::read(answers).expect("the child answers");
        let answers: Vec<Value> = serde_json::from_slice(&answers).expect("JSON");
        answers.into_iter().map(Answer::of).collect()
    }
}

impl Answer {
    fn of(value: Value) -> Answer {
        Answer {
            status: value["status"].as_i64().expect("a number") as i32,
            message: value["message"].as_str().expect("text").to_owned(),
            info: value["info"].clone(),
            everything: value.to_string(),
        }
    }

    #[track_caller]
    pub fn ok(&self) {
        assert_eq!(self.status, modelwire::ffi::MODELWIRE_OK, "{self:?}");
    }

    /// Asserts that no credentials were to be had, and gives the message.
    #[track_caller]
    pub fn refused(&self) -> &str {
        assert_eq!(
            self.status,
            modelwire::ffi::MODELWIRE_E_CREDENTIALS,
            "{self:?}"
        );
        without_provider(&self.message, &self.info)
    }
}

/// The child's part.
#[test]
#[ignore = "run by other tests, as a process of its own"]
fn serve() {
    let (Ok(calls), Ok(answers)) = (std::env::var(CALLS), std::env::var(ANSWERS)) else {
        return;
    };
    #[cfg(unix)]
    if std::env::var_os(IGNORE_CHILDREN).is_some() {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: no handler is installed, and none was.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.expect("set");
    }
    let calls: Value = serde_json::from_str(&calls).expect("JSON");
    abi::init(&calls["init"]).ok();
    let provider = calls["provider"].as_str().expect("a name");
    let times = calls["times"].as_u64().expect("a number");
    let made: Vec<_> = (0..times)
        .map(|_| {
            let outcome = abi::completions(provider, &calls["config"], r#"{"model":"m"}"#);
            json!({
                "status": outcome.status,
                "message": outcome.message,
                "info": outcome.info,
                "body": outcome.text(),
                "stats": abi::stats(),
                "describe": abi::describe(),
            })
        })
        .collect();
    std::fs::write(answers, Value::from(made).to_string()).expect("written");
}

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tokens-{}-{number}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file, and gives its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
