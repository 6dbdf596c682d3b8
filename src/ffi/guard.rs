//! The panic boundary: no panic leaves an exported function, and none prints.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

thread_local! {
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Runs the body of an exported function. A panic becomes an error.
pub(super) fn guarded<R>(body: impl FnOnce() -> R) -> Result<R, Error> {
    INSIDE.with(|inside| inside.set(inside.get() + 1));
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.with(|inside| inside.set(inside.get() - 1));
    result.map_err(|panic| Error::Panic(crate::call::panic_text(&*panic)))
}

/// Runs the body of an exported function that answers with a status.
pub(super) fn status(body: impl FnOnce() -> Result<i32, Error>) -> i32 {
    match guarded(body) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) | Err(error) => error.status().code(),
    }
}

/// Keeps panics of ours from printing to the host's stderr. Panics elsewhere, which exist
/// only where a Rust program links the crate, go on to the hook that was there before.
pub(super) fn silence_panics() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::AcqRel) {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        if !ours() {
            before(info);
        }
    }));
}

fn ours() -> bool {
    let inside = INSIDE.try_with(|inside| inside.get() > 0).unwrap_or(true);
    inside
        || std::thread::current()
            .name()
            .is_some_and(|name| name.starts_with("modelwire-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_status() {
        silence_panics();
        assert_eq!(
            status(|| panic!("a bug")),
            crate::error::Status::Panic.code()
        );
        assert_eq!(
            guarded(|| panic!("a bug")),
            Err::<(), _>(Error::Panic("a bug".into()))
        );
        assert_eq!(status(|| Ok(7)), 7);
    }
}
