//! The line splitter by itself, for bytes from any source.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::sync::{Mutex, TryLockError};

use super::constants::modelwire_line_fn;
use super::guard::{guarded, status};
use super::input::bytes;
use crate::error::Error;
use crate::settings::DEFAULT_MAX_LINE_BYTES;
use crate::stream::{Ending, LineSplitter, Marker};

/// Splits any byte stream into SSE lines. Owned by the host, which frees it with
/// modelwire_sse_free. One thread at a time.
#[allow(non_camel_case_types)]
pub struct modelwire_sse {
    state: Mutex<State>,
}

struct State {
    splitter: LineSplitter,
    ending: Ending,
    over: bool,
}

/// Makes a splitter. Lines may have 16 MiB. NULL only for MODELWIRE_E_PANIC.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_sse_new() -> *mut modelwire_sse {
    let made = guarded(|| {
        Box::into_raw(Box::new(modelwire_sse {
            state: Mutex::new(State {
                splitter: LineSplitter::new(DEFAULT_MAX_LINE_BYTES),
                ending: Ending::new(Marker::DoneLine),
                over: false,
            }),
        }))
    });
    made.unwrap_or(std::ptr::null_mut())
}

/// Takes `len` bytes and calls `on_line` on this thread for each line they complete.
/// Returns 1 once the `[DONE]` line was delivered or `on_line` stopped (later bytes are
/// ignored), else 0, or a status: MODELWIRE_E_ARGUMENT; MODELWIRE_E_PROTOCOL for a line over
/// the limit, after the lines before it; MODELWIRE_E_BUSY when called for the same splitter
/// from inside `on_line` or by another thread.
///
/// # Safety
/// `sse` is NULL or a splitter that was not freed; `data` is NULL or points to `len` bytes;
/// `on_line` must be callable with `user_data`, and must return.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_sse_feed(
    sse: *mut modelwire_sse,
    data: *const u8,
    len: usize,
    on_line: modelwire_line_fn,
    user_data: *mut c_void,
) -> i32 {
    status(|| {
        // SAFETY: the caller's promise.
        let piece = unsafe { bytes(data, len, "data") }?;
        // SAFETY: the caller's promise.
        unsafe {
            with_lines(sse, on_line, user_data, |splitter, keep| {
                splitter.split(piece, keep)
            })
        }
    })
}

/// The bytes are over: delivers a last line that had no '\n'. Returns as
/// modelwire_sse_feed.
///
/// # Safety
/// As modelwire_sse_feed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_sse_end(
    sse: *mut modelwire_sse,
    on_line: modelwire_line_fn,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the caller's promise.
    status(|| unsafe {
        with_lines(sse, on_line, user_data, |splitter, keep| {
            splitter.finish(keep)
        })
    })
}

/// Frees a splitter. NULL is fine. Not from inside its own `on_line`.
///
/// # Safety
/// `sse` is NULL or a splitter that was not freed and is not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_sse_free(sse: *mut modelwire_sse) {
    if !sse.is_null() {
        // SAFETY: it came from Box::into_raw in `modelwire_sse_new`, and is freed once.
        drop(unsafe { Box::from_raw(sse) });
    }
}

type Keep<'a> = &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>;

/// # Safety
/// As `modelwire_sse_feed`.
unsafe fn with_lines(
    sse: *mut modelwire_sse,
    on_line: modelwire_line_fn,
    user_data: *mut c_void,
    step: impl FnOnce(
        &mut LineSplitter,
        Keep<'_>,
    ) -> Result<ControlFlow<()>, crate::stream::LineTooLong>,
) -> Result<i32, Error> {
    // SAFETY: the caller's promise.
    let sse = unsafe { sse.as_ref() }.ok_or_else(|| Error::Argument("sse is NULL".into()))?;
    let on_line = on_line.ok_or_else(|| Error::Argument("on_line is NULL".into()))?;
    let mut state = match sse.state.try_lock() {
        Ok(state) => state,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(Error::Busy),
    };
    let State {
        splitter,
        ending,
        over,
    } = &mut *state;
    if *over {
        return Ok(1);
    }
    let mut keep = |line: &[u8]| {
        // SAFETY: the caller's promise about the callback.
        let stop = unsafe { on_line(user_data, line.as_ptr(), line.len()) } != 0;
        if ending.observe(line) || stop {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let said = step(splitter, &mut keep)
        .map_err(|line| Error::Protocol(format!("a line is over {} bytes", line.limit)));
    *over = !matches!(said, Ok(ControlFlow::Continue(())));
    Ok(i32::from(said?.is_break()))
}
