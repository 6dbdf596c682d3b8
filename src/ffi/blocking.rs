//! Operations that block the caller's thread. Completions are done on that very thread, as
//! long as there are lanes for it; probes, and what exceeds the lanes, on the library's, while
//! this one sleeps until a whole batch, or the end, is there.

use std::ffi::{c_char, c_void};

use super::constants::modelwire_line_fn;
use super::guard::guarded;
use super::input::{bytes, copied, name, shared};
use super::process::library;
use super::results::{give_guarded, modelwire_result};
use crate::call::{Operation, Outcome, Start};
use crate::error::Error;

/// Sends `request` and waits for the answer. On success the body is the provider's answer,
/// verbatim; on MODELWIRE_E_BACKEND it is the provider's error. `config` is the JSON config,
/// `request` the provider's own request body.
///
/// Errors: every status of an operation.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string; `config` and `request` are NULL or point
/// to as many bytes as their lengths say. All are borrowed during the call only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_completions(
    provider: *const c_char,
    config: *const u8,
    config_len: usize,
    request: *const u8,
    request_len: usize,
) -> *mut modelwire_result {
    let given = Borrowed {
        operation: Operation::Completions,
        provider,
        config: (config, config_len),
        request: (request, request_len),
    };
    // SAFETY: the caller's promise.
    unsafe { run(given, |_| true) }
}

/// Sends `request` and calls `on_line` on this thread for each line of the streamed answer,
/// byte for byte as the provider sent it, without its line end. The provider decides by the
/// request whether it streams; an answer that is no stream is delivered line by line all
/// the same. The result says how the stream ended: info.end is done, terminal or eof on
/// MODELWIRE_OK, stopped when `on_line` returned something else than 0.
///
/// Errors: every status of an operation. Lines that arrived whole before a failure are
/// delivered first.
///
/// # Safety
/// As modelwire_completions. `on_line` must be callable with `user_data`, and must return.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_completions_stream(
    provider: *const c_char,
    config: *const u8,
    config_len: usize,
    request: *const u8,
    request_len: usize,
    on_line: modelwire_line_fn,
    user_data: *mut c_void,
) -> *mut modelwire_result {
    let given = Borrowed {
        operation: Operation::CompletionsStream,
        provider,
        config: (config, config_len),
        request: (request, request_len),
    };
    let Some(on_line) = on_line else {
        let error = Error::Argument("on_line is NULL".into());
        // SAFETY: the caller's promise.
        let provider = unsafe { name(provider) }.unwrap_or_default();
        let operation = Some(Operation::CompletionsStream);
        return give_guarded(Ok(Outcome::refused(error, provider, operation)));
    };
    // SAFETY: the caller's promises about the inputs and the callback.
    unsafe {
        run(given, |line| {
            on_line(user_data, line.as_ptr(), line.len()) == 0
        })
    }
}

/// Tests whether the provider can be reached and takes the credentials of `config`. The
/// body is JSON {"ok", "stage", "status_code", "message"}; stage is connectivity,
/// authentication, provider or unsupported. A probe that came to a verdict is MODELWIRE_OK,
/// whatever the verdict.
///
/// Errors: MODELWIRE_E_ARGUMENT, MODELWIRE_E_PROVIDER (with a verdict as the body),
/// MODELWIRE_E_CONFIG for a config that cannot be read, MODELWIRE_E_SHUTDOWN.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string; `config` is NULL or points to
/// `config_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_test_connection(
    provider: *const c_char,
    config: *const u8,
    config_len: usize,
) -> *mut modelwire_result {
    let given = Borrowed {
        operation: Operation::TestConnection,
        provider,
        config: (config, config_len),
        request: (std::ptr::null(), 0),
    };
    // SAFETY: the caller's promise.
    unsafe { run(given, |_| true) }
}

/// The GET behind modelwire_test_connection, with a URL of the host's own. `request` is
/// JSON {"url": "...", "headers": {"name": "value"}, "bearer": "key"}; headers and bearer
/// are optional. The body is the verdict, as for modelwire_test_connection.
///
/// Errors: MODELWIRE_E_ARGUMENT, MODELWIRE_E_PROVIDER, MODELWIRE_E_CONFIG for a request that
/// cannot be read, MODELWIRE_E_SHUTDOWN.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string; `request` is NULL or points to
/// `request_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_run_http_probe(
    provider: *const c_char,
    request: *const u8,
    request_len: usize,
) -> *mut modelwire_result {
    let given = Borrowed {
        operation: Operation::HttpProbe,
        provider,
        config: (std::ptr::null(), 0),
        request: (request, request_len),
    };
    // SAFETY: the caller's promise.
    unsafe { run(given, |_| true) }
}

/// What a host lent for one operation.
pub(super) struct Borrowed {
    pub(super) operation: Operation,
    pub(super) provider: *const c_char,
    pub(super) config: (*const u8, usize),
    pub(super) request: (*const u8, usize),
}

impl Borrowed {
    /// Checks and copies; what is wrong becomes the operation's outcome.
    ///
    /// # Safety
    /// The pointers are as `modelwire_completions` asks, for as long as `'a`.
    pub(super) unsafe fn take<'a>(&self) -> Result<Start<'a>, Outcome> {
        // SAFETY: the caller's promise.
        let provider = unsafe { name(self.provider) };
        let operation = self.operation;
        let refused = |error, provider| Outcome::refused(error, provider, Some(operation));
        let provider = provider.map_err(|error| refused(error, ""))?;
        let copies = || {
            // SAFETY: the caller's promise.
            let (config, request) = unsafe {
                (
                    bytes(self.config.0, self.config.1, "config")?,
                    bytes(self.request.0, self.request.1, "request")?,
                )
            };
            Ok((copied(config, "config")?, shared(request, "request")?))
        };
        let (config, request) = copies().map_err(|error| refused(error, provider))?;
        Ok(Start {
            operation,
            provider,
            config,
            request,
        })
    }
}

/// # Safety
/// As [`Borrowed::take`].
unsafe fn run(given: Borrowed, on_line: impl FnMut(&[u8]) -> bool) -> *mut modelwire_result {
    give_guarded(guarded(|| {
        // SAFETY: the caller's promise.
        match unsafe { given.take() } {
            Ok(start) => library().run(start, on_line),
            Err(outcome) => outcome,
        }
    }))
}
