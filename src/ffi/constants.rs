//! The numbers and types of the header.

/// The version of this ABI. It changes only when a program built against an older header
/// would misbehave with a newer library.
pub const MODELWIRE_ABI_VERSION: u32 = 1;

/// It worked.
pub const MODELWIRE_OK: i32 = 0;
/// The host's input: a NULL pointer, a name that is not UTF-8, an unknown operation.
pub const MODELWIRE_E_ARGUMENT: i32 = -1;
/// A handle that is stale, freed or was never valid.
pub const MODELWIRE_E_HANDLE: i32 = -2;
/// Config or provider options: bad JSON, a wrong type, a missing field. The message names
/// the provider and the field's path.
pub const MODELWIRE_E_CONFIG: i32 = -3;
/// The provider's name is not supported.
pub const MODELWIRE_E_PROVIDER: i32 = -4;
/// The request body is unusable: no model where one is needed, not JSON where it must be
/// read, over a limit.
pub const MODELWIRE_E_REQUEST: i32 = -5;
/// The model is not in allowed_models.
pub const MODELWIRE_E_MODEL_NOT_ALLOWED: i32 = -6;
/// Credentials are missing, or the token exchange failed.
pub const MODELWIRE_E_CREDENTIALS: i32 = -7;
/// The network: DNS, TCP or a proxy.
pub const MODELWIRE_E_CONNECT: i32 = -20;
/// The TLS handshake failed or the certificate was refused.
pub const MODELWIRE_E_TLS: i32 = -21;
/// A deadline passed; info.timeout says which: connect, response_header, idle, total.
pub const MODELWIRE_E_TIMEOUT: i32 = -22;
/// The host cancelled the call.
pub const MODELWIRE_E_CANCELLED: i32 = -23;
/// The provider answered with a status outside 200..299; the result's body is the
/// provider's, verbatim.
pub const MODELWIRE_E_BACKEND: i32 = -40;
/// The connection ended before the HTTP message did.
pub const MODELWIRE_E_TRUNCATED: i32 = -41;
/// Not HTTP, a bad event-stream checksum, a line or body over its limit.
pub const MODELWIRE_E_PROTOCOL: i32 = -42;
/// The provider reported an error inside a 200 stream; info.error_code is its code.
pub const MODELWIRE_E_STREAM: i32 = -43;
/// A second thread reads the same call.
pub const MODELWIRE_E_BUSY: i32 = -90;
/// The library is shutting down, or was shut down under the call.
pub const MODELWIRE_E_SHUTDOWN: i32 = -91;
/// A handle made before fork() is used in the child.
pub const MODELWIRE_E_FORKED: i32 = -92;
/// A bug inside the library, caught at its boundary. The library stays usable.
pub const MODELWIRE_E_PANIC: i32 = -93;

/// Operation: one completion, answered whole.
pub const MODELWIRE_OP_COMPLETIONS: u32 = 1;
/// Operation: one completion, answered line by line.
pub const MODELWIRE_OP_COMPLETIONS_STREAM: u32 = 2;
/// Operation: a connection test; the request is ignored.
pub const MODELWIRE_OP_TEST_CONNECTION: u32 = 3;
/// Operation: the GET behind a connection test; the config is ignored, the request is that
/// of modelwire_run_http_probe.
pub const MODELWIRE_OP_HTTP_PROBE: u32 = 4;

/// Event: nothing new within the time given.
pub const MODELWIRE_EVENT_AGAIN: i32 = 0;
/// Event: the provider answered 2xx. Streams only, at most once, before the first line.
pub const MODELWIRE_EVENT_OPENED: i32 = 1;
/// Event: one or more whole lines, each ended by one '\n'.
pub const MODELWIRE_EVENT_LINES: i32 = 2;
/// Event: the operation ended. Exactly once, nothing follows.
pub const MODELWIRE_EVENT_ENDED: i32 = 3;

/// An operation in flight. Never 0. Lives from modelwire_start to modelwire_finish or
/// modelwire_release.
#[allow(non_camel_case_types)]
pub type modelwire_call = u64;

/// Waits for many calls at once. Never 0. Lives from modelwire_poller_new to
/// modelwire_poller_free.
#[allow(non_camel_case_types)]
pub type modelwire_poller = u64;

/// Takes one line, without its terminator; `line` is valid during the callback only. Runs on
/// the thread that made the call. Returns 0 to go on; anything else ends the stream, which
/// is no error. Any modelwire function may be called from it. It must return: a C++
/// exception out of it ends the process, a longjmp out of it is undefined behaviour.
#[allow(non_camel_case_types)]
pub type modelwire_line_fn = Option<
    unsafe extern "C-unwind" fn(
        user_data: *mut std::ffi::c_void,
        line: *const u8,
        line_len: usize,
    ) -> i32,
>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    #[test]
    fn the_constants_are_the_statuses() {
        let constants = [
            MODELWIRE_OK,
            MODELWIRE_E_ARGUMENT,
            MODELWIRE_E_HANDLE,
            MODELWIRE_E_CONFIG,
            MODELWIRE_E_PROVIDER,
            MODELWIRE_E_REQUEST,
            MODELWIRE_E_MODEL_NOT_ALLOWED,
            MODELWIRE_E_CREDENTIALS,
            MODELWIRE_E_CONNECT,
            MODELWIRE_E_TLS,
            MODELWIRE_E_TIMEOUT,
            MODELWIRE_E_CANCELLED,
            MODELWIRE_E_BACKEND,
            MODELWIRE_E_TRUNCATED,
            MODELWIRE_E_PROTOCOL,
            MODELWIRE_E_STREAM,
            MODELWIRE_E_BUSY,
            MODELWIRE_E_SHUTDOWN,
            MODELWIRE_E_FORKED,
            MODELWIRE_E_PANIC,
        ];
        assert_eq!(
            Status::ALL.iter().map(|s| s.code()).collect::<Vec<_>>(),
            constants
        );
        assert_eq!(MODELWIRE_ABI_VERSION, crate::ABI_VERSION);
    }
}
