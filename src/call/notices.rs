//! Telling pollers, a little later. A thread of the library's that makes a call readable goes
//! on with whatever else is ready, and tells the pollers before it rests: so the calls that
//! become readable together wake their host together, once.

use std::cell::RefCell;
use std::sync::Arc;

use super::poller::Poller;

thread_local! {
    /// What this thread has still to tell; `None` on threads that do not rest.
    static NOTICES: RefCell<Option<Notices>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Notices {
    pollers: Vec<Arc<Poller>>,
    put_off: usize,
}

/// A busy thread tells after so many, though it does not rest.
const MOST: usize = 32;

/// From now on this thread says when it [rests](deliver).
pub(super) fn begin() {
    NOTICES.with_borrow_mut(|notices| *notices = Some(Notices::default()));
}

/// Tells `poller` before this thread rests, or at once if it never does.
pub(super) fn soon(poller: &Arc<Poller>) {
    let full = NOTICES.try_with(|notices| {
        let mut notices = notices.borrow_mut();
        let notices = notices.as_mut()?;
        if !notices
            .pollers
            .iter()
            .any(|known| Arc::ptr_eq(known, poller))
        {
            notices.pollers.push(poller.clone());
        }
        notices.put_off += 1;
        Some(notices.put_off >= MOST)
    });
    match full {
        Ok(Some(false)) => {}
        Ok(Some(true)) => deliver(),
        Ok(None) | Err(_) => poller.notify(),
    }
}

/// Tells whoever was not told yet.
pub(super) fn deliver() {
    let pollers = NOTICES.try_with(|notices| {
        let mut notices = notices.borrow_mut();
        let notices = notices.as_mut()?;
        notices.put_off = 0;
        (!notices.pollers.is_empty()).then(|| std::mem::take(&mut notices.pollers))
    });
    if let Ok(Some(pollers)) = pollers {
        pollers.iter().for_each(|poller| poller.notify());
    }
}
