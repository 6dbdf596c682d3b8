//! Operations whose caller waits for them. Where it can be, the caller's own thread does the
//! work, in a lane: then nothing crosses threads. It leaves the work to hand lines to the
//! host, which may take its time without holding up anybody else; its own connection waits
//! meanwhile, an upload that is still under way included.

use std::pin::pin;
use std::sync::Arc;

use super::engine::{Away, Engine};
use super::library::{Begun, Library, Start, Work};
use super::operation::Operation;
use super::outcome::Outcome;
use super::state::{Call, Cancel, Event};
use super::task::run;
use crate::transport::Lane;

/// Bytes of lines that gather before the host gets them.
const AHEAD: usize = 64 * 1024;

impl Library {
    /// Runs an operation and waits for it on this thread; each batch of a stream's lines
    /// goes to `on_line`, one line at a time, until it says to stop.
    pub fn run(&self, start: Start<'_>, on_line: impl FnMut(&[u8]) -> bool) -> Outcome {
        let (provider, operation) = (start.provider, start.operation);
        let Begun { handle, call, work } = self.begin(start, None, AHEAD);
        let mut reader = Reader {
            call: &call,
            on_line,
            delivered: 0,
            stopped: false,
        };
        let seat = work.and_then(|work| match Seat::take(&work) {
            Some(seat) => {
                reader.work(work, &seat);
                Some(seat)
            }
            None => {
                work.spawn();
                None
            }
        });
        if seat.is_none() {
            reader.read();
        }
        let (stopped, delivered) = (reader.stopped, reader.delivered);
        let outcome = call.finish();
        self.forget(handle);
        let refused = |error| Outcome::refused(error, provider, Some(operation));
        let mut outcome = outcome.unwrap_or_else(refused);
        if stopped {
            outcome.stopped_after(delivered);
        }
        if let Some(seat) = seat
            && (stopped || outcome.error.is_some())
        {
            // Whatever the call left unread is not to be kept until the next one comes.
            seat.lane().catch_up();
        }
        outcome
    }
}

/// Takes what the work brings to the host.
struct Reader<'a, F> {
    call: &'a Arc<Call>,
    on_line: F,
    delivered: u64,
    stopped: bool,
}

impl<F: FnMut(&[u8]) -> bool> Reader<'_, F> {
    /// The library's threads do the work.
    fn read(&mut self) {
        while self.next() {}
        if self.stopped {
            self.call.cancel(Cancel::Stopped);
        }
    }

    /// This thread does the work, in turns with the host.
    fn work(&mut self, work: Work, seat: &Seat) {
        let call = self.call;
        let mut task = pin!(run(work.promise, work.job, seat.lane().pool().clone()));
        let mut over = false;
        loop {
            over = over || seat.lane().drive(task.as_mut(), || call.is_readable());
            let _away = seat.leave(over);
            if !self.next() {
                break;
            }
        }
        if self.stopped {
            call.cancel(Cancel::Stopped);
        }
        if !over {
            seat.lane().drive(task, || false);
        }
    }

    /// Takes one event; false after the last that the host wants.
    fn next(&mut self) -> bool {
        let goes_on = self.call.next(None, |event| match event {
            Event::Lines(lines) => {
                self.stopped = !each_line(lines, &mut self.delivered, &mut self.on_line);
                !self.stopped
            }
            Event::Ended => false,
            Event::Opened | Event::Again => true,
        });
        goes_on.unwrap_or(false)
    }
}

/// Hands each line of a batch to `on_line`; false as soon as it says so.
fn each_line(
    mut lines: &[u8],
    delivered: &mut u64,
    on_line: &mut impl FnMut(&[u8]) -> bool,
) -> bool {
    while let Some(at) = memchr::memchr(b'\n', lines) {
        *delivered += 1;
        if !on_line(&lines[..at]) {
            return false;
        }
        lines = &lines[at + 1..];
    }
    true
}

/// A lane while it is this thread's. A shutdown waits until it is given back.
struct Seat {
    lane: Option<Lane>,
    engine: Arc<Engine>,
}

impl Seat {
    /// A seat for this work, if it is of a kind that takes one and there is one.
    fn take(work: &Work) -> Option<Seat> {
        if !matches!(
            work.job.operation,
            Operation::Completions | Operation::CompletionsStream
        ) {
            return None;
        }
        let engine = work.engine.clone();
        let lane = engine.lanes.take()?;
        engine.task_began();
        lane.catch_up();
        let lane = Some(lane);
        Some(Seat { lane, engine })
    }

    /// This thread turns to the host, and so do the tasks that it has: its seat, and the work
    /// unless that is over.
    fn leave(&self, over: bool) -> (Away<'_>, Option<Away<'_>>) {
        let work = (!over).then(|| self.engine.leave());
        (self.engine.leave(), work)
    }

    fn lane(&self) -> &Lane {
        self.lane
            .as_ref()
            .expect("a seat has its lane until it is dropped")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            self.engine.lanes.give_back(lane);
        }
        self.engine.task_ended();
    }
}
