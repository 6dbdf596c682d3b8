//! Connections on their way back. hyper returns a connection to its pool on a task of its
//! own, a moment after the last byte of a response was read. A request that comes in that
//! moment finds the pool empty, and would connect although waiting is quicker; so it is
//! known here which connections are due.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The connections of one client that are due.
#[derive(Debug)]
pub(super) struct Returning {
    due: Mutex<VecDeque<Due>>,
    /// The pool keeps no more than this.
    most: usize,
}

/// Where a connection leads to, as a number.
pub(super) type Origin = u64;

#[derive(Debug)]
struct Due {
    origin: Origin,
    /// After this it is not coming: the peer closed it.
    until: Instant,
}

/// Far longer than a return takes, unless the machine is very busy; less than a new
/// connection costs over any real network.
const MOMENT: Duration = Duration::from_millis(10);

impl Returning {
    pub(super) fn new(most: usize) -> Returning {
        Returning {
            due: Mutex::default(),
            most,
        }
    }

    /// A response was read to its end, and its connection may be used again.
    pub(super) fn expect(&self, origin: Origin) {
        let mut due = self.due();
        if due.len() < self.most {
            let until = Instant::now() + MOMENT;
            due.push_back(Due { origin, until });
        }
    }

    /// Takes one that is due, and says how long to wait for it.
    pub(super) fn claim(&self, origin: Origin) -> Option<Instant> {
        let mut due = self.due();
        let at = due.iter().position(|due| due.origin == origin)?;
        due.remove(at).map(|due| due.until)
    }

    fn due(&self) -> MutexGuard<'_, VecDeque<Due>> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while due.front().is_some_and(|due| due.until <= now) {
            due.pop_front();
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_is_claimed_once_and_soon() {
        let returning = Returning::new(3);
        assert_eq!(returning.claim(1), None);
        returning.expect(1);
        returning.expect(2);
        assert_eq!(returning.claim(2), Some(Instant::now() + MOMENT));
        assert_eq!(returning.claim(2), None);
        tokio::time::advance(MOMENT).await;
        assert_eq!(returning.claim(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_due_than_the_pool_keeps() {
        let returning = Returning::new(1);
        returning.expect(1);
        returning.expect(1);
        assert!(returning.claim(1).is_some());
        assert_eq!(returning.claim(1), None);
    }
}
