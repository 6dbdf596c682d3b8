//! What a host can ask for.

/// The operations, numbered as in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One completion, answered whole.
    Completions = 1,
    /// One completion, answered line by line.
    CompletionsStream = 2,
    /// Can the provider be reached, and does it take the credentials?
    TestConnection = 3,
    /// The GET behind a connection test, with a URL of the host's own.
    HttpProbe = 4,
}

impl Operation {
    /// The operation of this number.
    pub fn from_code(code: u32) -> Option<Operation> {
        match code {
            1 => Some(Operation::Completions),
            2 => Some(Operation::CompletionsStream),
            3 => Some(Operation::TestConnection),
            4 => Some(Operation::HttpProbe),
            _ => None,
        }
    }

    /// The name `info.operation` carries.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Completions => "completions",
            Operation::CompletionsStream => "completions_stream",
            Operation::TestConnection => "test_connection",
            Operation::HttpProbe => "http_probe",
        }
    }
}
