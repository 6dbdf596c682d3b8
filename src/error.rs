//! What can go wrong, typed. [`Status`] is the number a host sees and never changes its
//! meaning; [`Error`] carries what the library knows about one failure. Code matches on
//! these kinds, never on message text, and no message ever holds a secret.

use std::ffi::CStr;
use std::fmt;

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// The outcome of an operation as the C ABI numbers it: 0 is success, errors are
        /// negative and are never renumbered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(i32)]
        pub enum Status {
            $($(#[$doc])* $variant = $code,)*
        }

        impl Status {
            /// Every status, in the order of the header.
            pub const ALL: &[Status] = &[$(Status::$variant),*];

            /// The status's stable lower-case name as a C string.
            pub fn c_name(self) -> &'static CStr {
                match self { $(Status::$variant => $name,)* }
            }

            /// The status with this number, if there is one.
            pub fn from_code(code: i32) -> Option<Status> {
                match code { $($code => Some(Status::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    /// It worked.
    Ok = 0, c"ok";
    /// A NULL pointer, a name that is not UTF-8, an unknown operation.
    Argument = -1, c"argument";
    /// A handle that is stale, freed or was never valid.
    Handle = -2, c"handle";
    /// Config or provider options: bad JSON, a wrong type, a missing field.
    Config = -3, c"config";
    /// The provider's name is not supported.
    Provider = -4, c"provider";
    /// The request body is unusable.
    Request = -5, c"request";
    /// The model is not in `allowed_models`.
    ModelNotAllowed = -6, c"model_not_allowed";
    /// Credentials are missing, or a token could not be had.
    Credentials = -7, c"credentials";
    /// DNS, TCP or a proxy failed.
    Connect = -20, c"connect";
    /// The TLS handshake failed or the certificate was refused.
    Tls = -21, c"tls";
    /// A deadline passed.
    Timeout = -22, c"timeout";
    /// The host cancelled the call.
    Cancelled = -23, c"cancelled";
    /// The provider answered with a status outside 200..299.
    Backend = -40, c"backend";
    /// The connection ended before the HTTP message did.
    Truncated = -41, c"truncated";
    /// The peer broke the protocol, or a line or body passed its limit.
    Protocol = -42, c"protocol";
    /// The provider reported an exception inside a 200 stream.
    Stream = -43, c"stream";
    /// A second thread reads the same call.
    Busy = -90, c"busy";
    /// The library is shutting down.
    Shutdown = -91, c"shutdown";
    /// The handle was made before `fork()` and is used in the child.
    Forked = -92, c"forked";
    /// A bug inside the library was caught at its boundary.
    Panic = -93, c"panic";
}

impl Status {
    /// The number in the header.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The stable lower-case name, for example `model_not_allowed`.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or("unknown") // the names above are ASCII
    }
}

/// The four deadlines of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// TCP and TLS together.
    Connect,
    /// From handing over the request to the response's status line and headers.
    ResponseHeader,
    /// Between two pieces of a response body.
    Idle,
    /// The whole operation, credentials included.
    Total,
}

impl Deadline {
    /// The name `info.timeout` carries.
    pub fn name(self) -> &'static str {
        match self {
            Deadline::Connect => "connect",
            Deadline::ResponseHeader => "response_header",
            Deadline::Idle => "idle",
            Deadline::Total => "total",
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One failure. The text says which field or peer was at fault and what was expected of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The host passed something no call can be made of.
    #[error("{0}")]
    Argument(String),
    /// A handle that names nothing alive.
    #[error("the handle is stale, freed or was never valid")]
    Handle,
    /// Config or options; the text begins with the path of the field.
    #[error("{0}")]
    Config(String),
    /// The provider name is not one of the supported ones.
    #[error("unsupported provider `{0}`")]
    Provider(String),
    /// The request's bytes cannot be sent as they are.
    #[error("{0}")]
    Request(String),
    /// The resolved model is not in `allowed_models`.
    #[error("model `{0}` is not in allowed_models")]
    ModelNotAllowed(String),
    /// A key is missing, or no token could be had.
    #[error("{0}")]
    Credentials(String),
    /// No connection.
    #[error("{0}")]
    Connect(String),
    /// No TLS session.
    #[error("{0}")]
    Tls(String),
    /// A deadline passed.
    #[error("the {0} deadline passed")]
    Timeout(Deadline),
    /// The host asked for the end.
    #[error("the call was cancelled")]
    Cancelled,
    /// The provider refused; its body is kept verbatim beside this error.
    #[error("the provider answered with status {0}")]
    Backend(u16),
    /// The message's end never came.
    #[error("{0}")]
    Truncated(String),
    /// Not HTTP, a bad frame, or something over a limit.
    #[error("{0}")]
    Protocol(String),
    /// The provider said inside a stream that it failed.
    #[error("{message}")]
    Stream {
        /// The provider's own code for the failure, where it gave one.
        code: Option<String>,
        /// What happened, in our words or AWS's.
        message: String,
    },
    /// Two threads read one call.
    #[error("another thread is reading this call")]
    Busy,
    /// Operations are refused while the library stops, or it was stopped under this one.
    #[error("{0}")]
    Shutdown(String),
    /// A handle from before `fork()`.
    #[error("the handle was made before fork() and cannot be used in the child")]
    Forked,
    /// A caught panic.
    #[error("internal error: {0}")]
    Panic(String),
}

impl Error {
    /// The number a host sees for this failure.
    pub fn status(&self) -> Status {
        match self {
            Error::Argument(_) => Status::Argument,
            Error::Handle => Status::Handle,
            Error::Config(_) => Status::Config,
            Error::Provider(_) => Status::Provider,
            Error::Request(_) => Status::Request,
            Error::ModelNotAllowed(_) => Status::ModelNotAllowed,
            Error::Credentials(_) => Status::Credentials,
            Error::Connect(_) => Status::Connect,
            Error::Tls(_) => Status::Tls,
            Error::Timeout(_) => Status::Timeout,
            Error::Cancelled => Status::Cancelled,
            Error::Backend(_) => Status::Backend,
            Error::Truncated(_) => Status::Truncated,
            Error::Protocol(_) => Status::Protocol,
            Error::Stream { .. } => Status::Stream,
            Error::Busy => Status::Busy,
            Error::Shutdown(_) => Status::Shutdown,
            Error::Forked => Status::Forked,
            Error::Panic(_) => Status::Panic,
        }
    }

    /// The key every key-based provider needs was not given.
    pub fn api_key_required() -> Error {
        Error::Credentials("api key is required".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_name_and_comes_back_from_its_number() {
        let names: std::collections::HashSet<_> = Status::ALL.iter().map(|s| s.name()).collect();
        assert_eq!(names.len(), Status::ALL.len());
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(*status));
        }
        assert_eq!(Status::from_code(1), None);
        assert_eq!(Status::from_code(-8), None);
    }
}
