//! Results: inert, owned by the host, readable from any thread until freed, also after
//! shutdown and in a child after fork().

use std::ffi::{CString, c_char};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde_json::Value;

use crate::call::{Operation, Outcome, Phase, Report};
use crate::error::{Error, Status};

/// The outcome of an operation. Owned by the host, which frees it with
/// modelwire_result_free. Any thread may read it; pointers taken from it are valid until it
/// is freed.
#[allow(non_camel_case_types)]
pub struct modelwire_result {
    outcome: Outcome,
    message: OnceLock<CString>,
    info: OnceLock<Vec<u8>>,
}

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Results that were not freed yet.
pub(super) fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Hands an outcome to the host.
pub(super) fn give(outcome: Outcome) -> *mut modelwire_result {
    LIVE.fetch_add(1, Ordering::Relaxed);
    Box::into_raw(Box::new(modelwire_result {
        outcome,
        message: OnceLock::new(),
        info: OnceLock::new(),
    }))
}

/// Hands over what the body of a function returned, or the panic it ended in.
pub(super) fn give_guarded(outcome: Result<Outcome, Error>) -> *mut modelwire_result {
    give(outcome.unwrap_or_else(|error| Outcome::refused(error, "", None)))
}

/// Hands over an answer that took no network.
pub(super) fn give_json(
    answer: Result<Result<Value, Error>, Error>,
    provider: &str,
    operation: Option<Operation>,
) -> *mut modelwire_result {
    let body = answer
        .and_then(|answer| answer)
        .map(|json| Bytes::from(json.to_string()));
    let mut report = Report::new(provider, operation);
    if body.is_ok() {
        report.phase = Phase::Done;
    }
    give(Outcome::ended(body, report))
}

/// The status: MODELWIRE_OK or an error. MODELWIRE_E_ARGUMENT for NULL.
///
/// # Safety
/// `result` is NULL or a result that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_result_status(result: *const modelwire_result) -> i32 {
    // SAFETY: the caller's promise.
    let result = unsafe { result.as_ref() };
    result
        .map_or(Status::Argument, |result| result.outcome.status())
        .code()
}

/// The HTTP status of the provider's response; 0 when no response came, and for NULL.
///
/// # Safety
/// `result` is NULL or a result that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_result_http_status(result: *const modelwire_result) -> i32 {
    // SAFETY: the caller's promise.
    let result = unsafe { result.as_ref() };
    result.map_or(0, |result| i32::from(result.outcome.report.http_status))
}

/// The body: the provider's bytes, verbatim, or the JSON a function promises. Never NULL,
/// also when empty. `len` receives its length in bytes and may be NULL.
///
/// # Safety
/// `result` is NULL or a result that was not freed; `len` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_result_body(
    result: *const modelwire_result,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the caller's promise.
    let result = unsafe { result.as_ref() };
    let body = result.map_or(&[] as &[u8], |result| &result.outcome.body);
    // SAFETY: the caller's promise about `len`.
    unsafe { lend(body, len) }
}

/// What went wrong, for people: UTF-8, NUL-terminated, "" on success. It holds no secret.
/// Match on the status, not on this text.
///
/// # Safety
/// `result` is NULL or a result that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_result_message(
    result: *const modelwire_result,
) -> *const c_char {
    // SAFETY: the caller's promise.
    let Some(result) = (unsafe { result.as_ref() }) else {
        return c"the result is NULL".as_ptr();
    };
    let message = result.message.get_or_init(|| {
        let text = result.outcome.message().replace('\0', " ");
        CString::new(text).unwrap_or_default() // no NUL is left
    });
    message.as_ptr()
}

/// Everything known about the operation as one JSON object, on success and on failure:
/// status, message, provider, operation, phase (prepare, credentials, send, response,
/// stream, done), model, url, http_status, headers ([[name, value], ...]), request_id,
/// content_type, retryable, retry_after_ms, timeout (connect, response_header, idle,
/// total), end (done, terminal, eof, stopped, cancelled, error), error_code, lines,
/// bytes_in, bytes_out, timings {credentials_ms, response_header_ms, first_line_ms,
/// total_ms}, attempts, unused. What does not apply is null; numbers are 0, lists and texts
/// empty. Header names are in lower case. Nothing the host passed as a secret is in it; what
/// the provider sends in its headers is, cookies for example. Made when first asked for. `len` receives the length in bytes and may be NULL; the text is
/// NUL-terminated as well. Never NULL.
///
/// # Safety
/// `result` is NULL or a result that was not freed; `len` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_result_info(
    result: *const modelwire_result,
    len: *mut usize,
) -> *const u8 {
    // SAFETY: the caller's promise.
    let info = unsafe { result.as_ref() }.map(|result| {
        result.info.get_or_init(|| {
            let mut text = result.outcome.info().to_string().into_bytes();
            text.push(0);
            text
        })
    });
    let info = info.map_or(&[] as &[u8], |text| &text[..text.len() - 1]);
    // SAFETY: the caller's promise about `len`.
    unsafe { lend(info, len) }
}

/// Frees a result. NULL is fine. Legal at any time, also after modelwire_shutdown.
///
/// # Safety
/// `result` is NULL or a result that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_result_free(result: *mut modelwire_result) {
    if result.is_null() {
        return;
    }
    LIVE.fetch_sub(1, Ordering::Relaxed);
    // SAFETY: it came from Box::into_raw in `give`, and the caller frees it once.
    drop(unsafe { Box::from_raw(result) });
}

/// # Safety
/// `len` is NULL or writable.
unsafe fn lend(bytes: &[u8], len: *mut usize) -> *const u8 {
    if !len.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *len = bytes.len() };
    }
    if bytes.is_empty() {
        return c"".as_ptr().cast();
    }
    bytes.as_ptr()
}
