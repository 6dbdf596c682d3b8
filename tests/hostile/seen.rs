//! What one operation shows of a fault, and the words for it on the page.

use modelwire::ffi::{MODELWIRE_E_TIMEOUT, MODELWIRE_OK, modelwire_status_name};
use std::ffi::CStr;

/// What one operation shows of a fault.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: i32,
    pub phase: &'static str,
    pub http_status: u16,
    pub timeout: Option<&'static str>,
    pub retryable: bool,
    pub attempts: u32,
    /// How a stream ended.
    pub end: &'static str,
    /// The lines of a stream, or a unary body as one.
    pub text: Vec<String>,
}

impl Seen {
    pub fn attempts(mut self, attempts: u32) -> Seen {
        self.attempts = attempts;
        self
    }

    pub fn http_status(mut self, status: u16) -> Seen {
        self.http_status = status;
        self
    }

    pub fn retryable(mut self) -> Seen {
        self.retryable = true;
        self
    }

    /// What arrived before the end.
    pub fn text(mut self, lines: &[&str]) -> Seen {
        self.text = lines.iter().map(|&line| line.to_owned()).collect();
        self
    }
}

/// An operation that fails in `phase`.
pub fn fails(status: i32, phase: &'static str) -> Seen {
    Seen {
        status,
        phase,
        http_status: if phase == "send" { 0 } else { 200 },
        timeout: None,
        retryable: false,
        attempts: 1,
        end: "error",
        text: Vec::new(),
    }
}

/// An operation whose `deadline` passes in `phase`.
pub fn runs_out(deadline: &'static str, phase: &'static str) -> Seen {
    Seen {
        timeout: Some(deadline),
        retryable: phase == "send",
        ..fails(MODELWIRE_E_TIMEOUT, phase)
    }
}

/// A unary call that gets this body.
pub fn gets(body: &str) -> Seen {
    let whole = fails(MODELWIRE_OK, "done");
    whole.text(&[body])
}

/// A stream that comes to an end of its own.
pub fn ends(end: &'static str, lines: &[&str]) -> Seen {
    let whole = fails(MODELWIRE_OK, "done");
    Seen { end, ..whole }.text(lines)
}

impl Seen {
    /// The cell of a row; `end` for a stream.
    pub fn cell(&self, end: Option<&str>) -> String {
        if self.status == MODELWIRE_OK {
            return end.map_or("`ok`".into(), |end| format!("`ok`, end `{end}`"));
        }
        let mut cell = format!("`{}`", name_of(self.status));
        match self.timeout {
            Some(deadline) => cell += &format!(" `{deadline}` in `{}`", self.phase),
            None => cell += &format!(" in `{}`", self.phase),
        }
        if end.is_some() && self.phase == "stream" {
            cell += &format!(" after {} lines", self.text.len());
        }
        if self.retryable {
            cell += ", retryable";
        }
        cell
    }
}

/// The name of a status.
pub fn name_of(status: i32) -> &'static str {
    // SAFETY: a static string.
    let name = unsafe { CStr::from_ptr(modelwire_status_name(status)) };
    name.to_str().expect("ASCII")
}
