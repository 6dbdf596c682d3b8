//! Handles that name nothing.

use crate::process::alone;
use crate::scene::*;
use crate::support::abi::{Call, Event};
use crate::support::upstream::{Upstream, json};
use modelwire::ffi::*;

/// Every function that takes a call says the same of one that is none.
#[track_caller]
fn names_no_call(handle: u64) {
    let call = Call(handle);
    assert_eq!(call.next(0), Event::Refused(MODELWIRE_E_HANDLE));
    assert_eq!(call.next(-1), Event::Refused(MODELWIRE_E_HANDLE));
    assert_eq!(call.cancel(), MODELWIRE_E_HANDLE);
    assert_eq!(call.release(), MODELWIRE_E_HANDLE);
    let outcome = call.finish();
    assert_eq!(outcome.status, MODELWIRE_E_HANDLE);
    assert_eq!(outcome.info["status"], "handle");
}

#[track_caller]
fn names_no_poller(handle: u64) {
    let mut tokens = [0; 4];
    // SAFETY: there is room for four tokens.
    let waited = unsafe { modelwire_poller_wait(handle, -1, tokens.as_mut_ptr(), 4) };
    assert_eq!(waited, MODELWIRE_E_HANDLE);
    assert_eq!(modelwire_poller_fd(handle), MODELWIRE_E_HANDLE);
    assert_eq!(modelwire_poller_wake(handle), MODELWIRE_E_HANDLE);
    assert_eq!(modelwire_poller_free(handle), MODELWIRE_E_HANDLE);
}

#[test]
fn invented_handles() {
    alone(|| {
        let upstream = Upstream::start(goes_on());
        let call = opened_stream(&upstream);
        let poller = modelwire_poller_new();
        for handle in [0, 2, 0xdead_beef, u64::MAX, u64::MAX >> 1, 1 << 63] {
            names_no_call(handle);
            names_no_poller(handle);
        }
        // The only handles alive, with one bit wrong.
        for bit in 0..64 {
            names_no_call(call.0 ^ (1 << bit));
            names_no_poller(poller ^ (1 << bit));
        }
        // One kind is not taken for the other.
        names_no_call(poller);
        names_no_poller(call.0);
        assert_eq!(lines(call), "data: 1\n\n");
        assert_eq!(call.release(), MODELWIRE_OK);
        assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
    });
}

/// Slots are used again, handles are not.
#[test]
fn stale_handles() {
    let upstream = Upstream::start(json(ANSWER));
    let mut gone = Vec::new();
    for round in 0..40 {
        let call = start(&upstream.url());
        assert!(!gone.contains(&call.0), "a handle came twice");
        match round % 2 {
            0 => drop(call.finish().ok()),
            _ => assert_eq!(call.release(), MODELWIRE_OK),
        }
        gone.push(call.0);
    }
    gone.into_iter().for_each(names_no_call);

    let pollers: Vec<u64> = (0..40).map(|_| modelwire_poller_new()).collect();
    for &poller in &pollers {
        assert_eq!(modelwire_poller_free(poller), MODELWIRE_OK);
    }
    let again = modelwire_poller_new();
    assert!(!pollers.contains(&again), "a handle came twice");
    pollers.into_iter().for_each(names_no_poller);
    assert_eq!(modelwire_poller_free(again), MODELWIRE_OK);
}

/// What is wrong with the poller is the result of the call.
#[test]
fn a_call_on_a_poller_that_is_none() {
    let upstream = Upstream::start(json(ANSWER));
    let freed = modelwire_poller_new();
    assert_eq!(modelwire_poller_free(freed), MODELWIRE_OK);
    for poller in [freed, 1, u64::MAX] {
        let call = start_stream_on(&upstream.url(), poller, 1);
        assert_eq!(call.next(-1), Event::Ended);
        assert_eq!(call.finish().status, MODELWIRE_E_HANDLE);
    }
    assert_eq!(upstream.requests(), []);
}
