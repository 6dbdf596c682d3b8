//! Operations in flight: start, follow, cancel, finish.

use std::ffi::c_char;
use std::time::Duration;

use super::blocking::Borrowed;
use super::constants::{
    MODELWIRE_EVENT_AGAIN, MODELWIRE_EVENT_ENDED, MODELWIRE_EVENT_LINES, MODELWIRE_EVENT_OPENED,
    modelwire_call, modelwire_poller,
};
use super::guard::{guarded, status};
use super::process::library;
use super::results::{give_guarded, modelwire_result};
use crate::call::{Cancel, Event, Operation, Outcome};
use crate::error::Error;

/// Starts an operation and returns at once. It never fails: whatever is wrong with the
/// arguments is the result of the call it returns. `poller` is 0 or a poller that gets
/// `token` whenever the call becomes readable. The inputs are copied before it returns.
/// The call must be given back with modelwire_finish or modelwire_release.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string; `config` and `request` are NULL or point
/// to as many bytes as their lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_start(
    operation: u32,
    provider: *const c_char,
    config: *const u8,
    config_len: usize,
    request: *const u8,
    request_len: usize,
    poller: modelwire_poller,
    token: u64,
) -> modelwire_call {
    let started = guarded(|| {
        let Some(operation) = Operation::from_code(operation) else {
            let error = Error::Argument("unknown operation".into());
            return library().start(Err(Outcome::refused(error, "", None)), poller, token);
        };
        let given = Borrowed {
            operation,
            provider,
            config: (config, config_len),
            request: (request, request_len),
        };
        // SAFETY: the caller's promise.
        library().start(unsafe { given.take() }, poller, token)
    });
    started.unwrap_or_else(|error| {
        let outcome = Outcome::refused(error, "", None);
        guarded(|| library().start(Err(outcome), 0, 0)).unwrap_or(0)
    })
}

/// Takes the next event of a call. `timeout_ms`: 0 returns at once, negative waits without
/// end. Returns an event (>= 0) or a status (< 0). On MODELWIRE_EVENT_LINES `data` and
/// `data_len` receive one or more whole lines, each ended by one '\n'; they are valid until
/// the next modelwire_next, modelwire_finish or modelwire_release of this call. On anything
/// else they receive NULL and 0.
///
/// Errors: MODELWIRE_E_ARGUMENT for NULL (nothing is taken) and after
/// MODELWIRE_EVENT_ENDED was taken; MODELWIRE_E_HANDLE; MODELWIRE_E_FORKED;
/// MODELWIRE_E_BUSY while another thread is inside.
///
/// # Safety
/// `data` and `data_len` are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_next(
    call: modelwire_call,
    timeout_ms: i32,
    data: *mut *const u8,
    data_len: *mut usize,
) -> i32 {
    if data.is_null() || data_len.is_null() {
        return crate::error::Status::Argument.code();
    }
    let mut lines: (*const u8, usize) = (std::ptr::null(), 0);
    let event = status(|| {
        let call = library().call(call)?;
        call.next(timeout(timeout_ms), |event| match event {
            Event::Again => MODELWIRE_EVENT_AGAIN,
            Event::Opened => MODELWIRE_EVENT_OPENED,
            Event::Ended => MODELWIRE_EVENT_ENDED,
            Event::Lines(bytes) => {
                lines = (bytes.as_ptr(), bytes.len());
                MODELWIRE_EVENT_LINES
            }
        })
    });
    // SAFETY: not NULL, and the caller's promise. The lines live in the call, which keeps
    // them until its next event is taken.
    unsafe {
        *data = lines.0;
        *data_len = lines.1;
    }
    event
}

/// Asks for the end of a call, from any thread, any number of times. What arrived whole
/// can still be read, and MODELWIRE_EVENT_ENDED still comes. MODELWIRE_OK, also when the
/// call ended already; MODELWIRE_E_HANDLE; MODELWIRE_E_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_cancel(call: modelwire_call) -> i32 {
    status(|| {
        library().call(call)?.cancel(Cancel::Cancelled);
        Ok(0)
    })
}

/// Waits for the end of a call (cancel it first to hurry it), hands over its result and
/// frees the call. Lines that were not read are dropped. For a handle that names nothing
/// the result is MODELWIRE_E_HANDLE or MODELWIRE_E_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_finish(call: modelwire_call) -> *mut modelwire_result {
    give_guarded(guarded(|| library().finish(call)))
}

/// Cancels a call, frees it and waits for nothing. MODELWIRE_OK, MODELWIRE_E_HANDLE or
/// MODELWIRE_E_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_release(call: modelwire_call) -> i32 {
    status(|| library().release(call).map(|()| 0))
}

/// Milliseconds as the ABI counts them; `None` waits without end.
pub(super) fn timeout(timeout_ms: i32) -> Option<Duration> {
    let ms = u64::try_from(timeout_ms).ok()?;
    Some(Duration::from_millis(ms))
}
