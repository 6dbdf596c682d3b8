//! The one library of this process. A child after `fork()` has none of the parent's threads,
//! so it gets a library of its own: the inherited one is left as it lies, locks and all, and
//! never touched again.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use super::guard::silence_panics;
use crate::call::Library;

static LIBRARY: AtomicPtr<Library> = AtomicPtr::new(ptr::null_mut());
static FORKS: AtomicU8 = AtomicU8::new(0);

/// This process's library, made on first use.
pub(super) fn library() -> &'static Library {
    let present = LIBRARY.load(Ordering::Acquire);
    if present.is_null() {
        return make();
    }
    // SAFETY: what the pointer holds came from Box::into_raw in `make` and is never freed.
    unsafe { &*present }
}

#[cold]
fn make() -> &'static Library {
    silence_panics();
    watch_forks();
    let made = Box::into_raw(Box::new(Library::new(FORKS.load(Ordering::Acquire))));
    let exchange =
        LIBRARY.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
    match exchange {
        // SAFETY: just made, published, never freed.
        Ok(_) => unsafe { &*made },
        Err(present) => {
            // SAFETY: `made` was not published; `present` was, as in `library`.
            unsafe {
                drop(Box::from_raw(made));
                &*present
            }
        }
    }
}

/// Asks to be told, in the child, of every fork from now on.
fn watch_forks() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if WATCHING.swap(true, Ordering::AcqRel) {
        return;
    }
    #[cfg(unix)]
    // SAFETY: `in_child` touches two atomics and nothing else, which is safe in a child of
    // a threaded process; it stays mapped, since the library is linked `-z nodelete`.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    }
}

#[cfg(unix)]
extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::AcqRel);
    LIBRARY.store(ptr::null_mut(), Ordering::Release);
}
