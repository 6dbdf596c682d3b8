//! Pollers: one thread, or one descriptor, follows any number of calls.

use super::calls::timeout;
use super::constants::modelwire_poller;
use super::guard::{guarded, status};
use super::process::library;
use crate::error::Error;

/// Makes a poller. Never 0.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_poller_new() -> modelwire_poller {
    guarded(|| library().new_poller()).unwrap_or(0)
}

/// Waits until calls are readable and fills their tokens in: an opening, lines or an end
/// wait to be taken. `timeout_ms`: 0 returns at once, negative waits without end. A token
/// comes again only after modelwire_next on its call answered MODELWIRE_EVENT_AGAIN; a call
/// that was finished or released is not reported again. Returns how many tokens were
/// filled in, 0 on timeout or wake, or a status: MODELWIRE_E_ARGUMENT for NULL or no
/// capacity, MODELWIRE_E_HANDLE, also when the poller is freed meanwhile,
/// MODELWIRE_E_FORKED. Many threads may wait in one poller.
///
/// # Safety
/// `tokens` is NULL or has room for `capacity` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_poller_wait(
    poller: modelwire_poller,
    timeout_ms: i32,
    tokens: *mut u64,
    capacity: usize,
) -> i32 {
    status(|| {
        let poller = library().poller(poller)?;
        if tokens.is_null() || capacity == 0 {
            return Err(Error::Argument("no room for tokens".into()));
        }
        let capacity = capacity.min(1 << 20);
        // SAFETY: not NULL, and the caller's promise.
        let tokens = unsafe { std::slice::from_raw_parts_mut(tokens, capacity) };
        let count = poller.wait(timeout(timeout_ms), tokens)?;
        Ok(count as i32) // at most `capacity`
    })
}

/// A descriptor that polls readable while tokens, or a wake, wait: for poll, epoll, kqueue
/// or any event loop. Do not read from it; call modelwire_poller_wait with 0 instead. The
/// poller owns it and closes it. MODELWIRE_E_ARGUMENT where there is none (not Unix, or no
/// descriptors left), MODELWIRE_E_HANDLE, MODELWIRE_E_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_poller_fd(poller: modelwire_poller) -> i32 {
    status(|| library().poller(poller)?.descriptor())
}

/// Ends one wait on the poller, the one that goes on or else the next. MODELWIRE_OK,
/// MODELWIRE_E_HANDLE or MODELWIRE_E_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_poller_wake(poller: modelwire_poller) -> i32 {
    status(|| {
        library().poller(poller)?.wake();
        Ok(0)
    })
}

/// Frees a poller. Its calls go on and can be read and finished; they are reported to
/// nobody. Whoever waits in it gets MODELWIRE_E_HANDLE. MODELWIRE_OK, MODELWIRE_E_HANDLE or
/// MODELWIRE_E_FORKED.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_poller_free(poller: modelwire_poller) -> i32 {
    status(|| library().free_poller(poller).map(|()| 0))
}
