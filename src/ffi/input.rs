//! Borrowing what the host passes.

use std::ffi::{CStr, c_char};
use std::slice;

use bytes::Bytes;

use crate::error::Error;

/// The bytes at `data`; NULL with length 0 is empty.
///
/// # Safety
/// `data` is NULL or points to `len` bytes that stay unchanged while the slice lives.
pub(super) unsafe fn bytes<'a>(data: *const u8, len: usize, what: &str) -> Result<&'a [u8], Error> {
    if data.is_null() {
        return match len {
            0 => Ok(&[]),
            _ => Err(Error::Argument(format!(
                "{what} is NULL with a length of {len}"
            ))),
        };
    }
    if isize::try_from(len).is_err() {
        return Err(Error::Argument(format!(
            "{what} is longer than any object can be"
        )));
    }
    // SAFETY: not NULL, a possible length, and the caller's promise.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// The NUL-terminated UTF-8 name at `name`.
///
/// # Safety
/// `name` is NULL or a NUL-terminated string that stays unchanged while the str lives.
pub(super) unsafe fn name<'a>(name: *const c_char) -> Result<&'a str, Error> {
    if name.is_null() {
        return Err(Error::Argument("provider is NULL".into()));
    }
    // SAFETY: not NULL, and the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str()
        .map_err(|_| Error::Argument("provider is not UTF-8".into()))
}

/// A copy of what the host lent; refused, not aborted, where memory is short.
pub(super) fn copied(bytes: &[u8], what: &str) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Error::Request(format!("no memory for a copy of the {what}")))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// As [`copied`], to be shared from then on.
pub(super) fn shared(bytes: &[u8], what: &str) -> Result<Bytes, Error> {
    copied(bytes, what).map(Bytes::from)
}
