//! What a connection probe found out, and how an HTTP status is read as an answer to it.

use serde_json::{Value, json};

use crate::error::Error;

/// How far a probe came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The provider could not be reached.
    Connectivity,
    /// The provider was reached and judged the credentials, well or badly.
    Authentication,
    /// The provider was reached and answered something else, or the options are wrong.
    Provider,
    /// There is no such provider.
    Unsupported,
}

impl Stage {
    /// The name in the probe's JSON.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Connectivity => "connectivity",
            Stage::Authentication => "authentication",
            Stage::Provider => "provider",
            Stage::Unsupported => "unsupported",
        }
    }
}

/// A probe's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// True when the provider was reached and took the credentials.
    pub ok: bool,
    /// How far it came.
    pub stage: Stage,
    /// The HTTP status, 0 without one.
    pub status_code: u16,
    /// What was wrong; empty when nothing was.
    pub message: String,
}

impl Verdict {
    /// The credentials were taken.
    pub fn accepted(status_code: u16) -> Verdict {
        Verdict {
            ok: true,
            stage: Stage::Authentication,
            status_code,
            message: String::new(),
        }
    }

    /// Something was wrong.
    pub fn failed(stage: Stage, status_code: u16, message: impl Into<String>) -> Verdict {
        Verdict {
            ok: false,
            stage,
            status_code,
            message: message.into(),
        }
    }

    /// Reads an HTTP status. `bad_request_rejects` says that a 400 is about the key.
    pub fn of_status(status: u16, bad_request_rejects: bool) -> Verdict {
        match status {
            200..=299 => Verdict::accepted(status),
            401 | 403 => rejected(status),
            400 if bad_request_rejects => rejected(status),
            _ => Verdict::failed(
                Stage::Provider,
                status,
                format!("provider returned an unexpected status ({status})"),
            ),
        }
    }

    /// Reads a failure that came before any status. `None` for one that is the host's own
    /// doing (a cancel, a shutdown) and says nothing about the provider; `peer` is what was
    /// to be reached.
    pub fn of_error(error: &Error, peer: &str) -> Option<Verdict> {
        match error {
            Error::Connect(_)
            | Error::Tls(_)
            | Error::Timeout(_)
            | Error::Truncated(_)
            | Error::Protocol(_) => Some(Verdict::failed(
                Stage::Connectivity,
                0,
                format!("could not reach {peer}: {error}"),
            )),
            Error::Credentials(text) => {
                Some(Verdict::failed(Stage::Authentication, 0, text.clone()))
            }
            Error::Config(text) | Error::Request(text) => {
                Some(Verdict::failed(Stage::Provider, 0, text.clone()))
            }
            _ => None,
        }
    }

    /// The result's body: `{"ok", "stage", "status_code", "message"}`.
    pub fn to_json(&self) -> Value {
        json!({
            "ok": self.ok,
            "stage": self.stage.name(),
            "status_code": self.status_code,
            "message": self.message,
        })
    }
}

fn rejected(status: u16) -> Verdict {
    Verdict::failed(
        Stage::Authentication,
        status,
        format!("provider rejected the credentials (status {status})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_the_provider_means_it() {
        for (status, google, stage, ok) in [
            (200, false, Stage::Authentication, true),
            (204, false, Stage::Authentication, true),
            (401, false, Stage::Authentication, false),
            (403, false, Stage::Authentication, false),
            (400, false, Stage::Provider, false),
            (400, true, Stage::Authentication, false),
            (302, false, Stage::Provider, false),
            (500, true, Stage::Provider, false),
        ] {
            let verdict = Verdict::of_status(status, google);
            assert_eq!((verdict.stage, verdict.ok), (stage, ok), "{status}");
            assert_eq!(verdict.message.is_empty(), ok);
        }
    }
}
