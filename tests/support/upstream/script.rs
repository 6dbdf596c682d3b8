//! What a script can say: how a connection is received, which reply a request
//! gets, and the steps a reply is made of.

use super::gate::Gate;
use super::request::Received;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// One act of a reply. Steps run in order; after the last one the connection
/// stays open for the next request unless a step ended it.
#[derive(Clone)]
pub enum Step {
    /// Writes the bytes at once.
    Send(Vec<u8>),
    /// Writes the bytes in pieces of `size`, each its own TCP segment (and TLS
    /// record), with `pause` between them.
    SendSlowly {
        bytes: Vec<u8>,
        size: usize,
        pause: Duration,
    },
    /// Writes the bytes `times` times, as fast as the peer takes them.
    Repeat {
        bytes: Vec<u8>,
        times: usize,
    },
    Pause(Duration),
    /// Goes on once the test opens the gate.
    WaitFor(Gate),
    /// Opens a gate the test waits for: the steps before this one are done.
    Open(Gate),
    /// Closes the connection; over TLS after a close_notify.
    Close,
    /// Closes the connection; over TLS without a close_notify.
    Cut,
    /// Closes with a TCP RST. Some systems drop what the peer has not read yet,
    /// so let it read (a gate, a pause) before this step.
    Reset,
    /// Ends the sending side, then runs the steps that follow; the connection
    /// closes once the peer closes.
    HalfClose,
    /// Nothing more until the peer closes or the upstream is dropped.
    Hang,
}

impl Step {
    pub fn send(bytes: impl AsRef<[u8]>) -> Step {
        Step::Send(bytes.as_ref().to_vec())
    }

    /// One byte per write, without a pause.
    pub fn send_bytewise(bytes: impl AsRef<[u8]>) -> Step {
        Step::SendSlowly {
            bytes: bytes.as_ref().to_vec(),
            size: 1,
            pause: Duration::ZERO,
        }
    }

    pub fn pause(ms: u64) -> Step {
        Step::Pause(Duration::from_millis(ms))
    }
}

/// How an accepted TCP connection is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    Serve,
    /// Closes at once, before anything is read.
    Close,
    /// Resets at once.
    Reset,
    /// Keeps the connection, reads nothing and sends nothing (not even a TLS
    /// handshake) until the upstream is dropped.
    NeverRead,
}

type Chooser<I, O> = Box<dyn Fn(I) -> O + Send + Sync>;
type ReplyTo = dyn Fn(&Received) -> Vec<Step> + Send + Sync;
type Early = dyn Fn(&Received) -> bool + Send + Sync;

/// What the upstream does with its connections and requests.
pub struct Script {
    accept: Chooser<usize, Accept>,
    early: Box<Early>,
    reply: Box<ReplyTo>,
    pub(super) keeps_requests: bool,
}

impl Script {
    /// The closure makes the reply to each request. It runs on the
    /// connection's thread, so several may run at once.
    pub fn new(reply: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static) -> Script {
        Script {
            accept: Box::new(|_| Accept::Serve),
            early: Box::new(|_| false),
            reply: Box::new(reply),
            keeps_requests: true,
        }
    }

    /// The same reply to every request.
    pub fn always(reply: Vec<Step>) -> Script {
        Script::queue([reply])
    }

    /// One reply per request in order of arrival; the last one repeats.
    pub fn queue(replies: impl Into<Vec<Vec<Step>>>) -> Script {
        let replies = replies.into();
        let next = AtomicUsize::new(0);
        Script::new(move |_| {
            let index = next
                .fetch_add(1, Ordering::Relaxed)
                .min(replies.len().saturating_sub(1));
            replies.get(index).cloned().unwrap_or_default()
        })
    }

    /// Receives every connection this way.
    pub fn accept(self, accept: Accept) -> Script {
        self.accept_with(move |_| accept)
    }

    /// Receives connection number n (from 0) the way the closure says.
    pub fn accept_with(
        mut self,
        accept: impl Fn(usize) -> Accept + Send + Sync + 'static,
    ) -> Script {
        self.accept = Box::new(accept);
        self
    }

    /// Replies as soon as the head is read. The body stays unread meanwhile:
    /// `Close` then makes the system reset an upload, `Hang` makes it stall.
    /// If the reply leaves the connection open, the body is read and dropped.
    pub fn before_body(self) -> Script {
        self.before_body_if(|_| true)
    }

    /// Like [`before_body`](Script::before_body), for requests the closure
    /// picks by their head.
    pub fn before_body_if(
        mut self,
        early: impl Fn(&Received) -> bool + Send + Sync + 'static,
    ) -> Script {
        self.early = Box::new(early);
        self
    }

    /// Keeps no requests: for upstreams that serve very many.
    pub fn forgetful(mut self) -> Script {
        self.keeps_requests = false;
        self
    }

    pub(super) fn accept_for(&self, connection: usize) -> Accept {
        (self.accept)(connection)
    }

    pub(super) fn is_early(&self, head: &Received) -> bool {
        (self.early)(head)
    }

    pub(super) fn reply_to(&self, request: &Received) -> Vec<Step> {
        (self.reply)(request)
    }
}

impl From<Vec<Step>> for Script {
    fn from(reply: Vec<Step>) -> Script {
        Script::always(reply)
    }
}

impl From<Vec<Vec<Step>>> for Script {
    fn from(replies: Vec<Vec<Step>>) -> Script {
        Script::queue(replies)
    }
}
