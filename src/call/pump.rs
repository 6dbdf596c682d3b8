//! From a response's body to the reader: the pump cuts what arrives into lines, gathers
//! them in a batch and hands the batch over when nothing more is there to add. A lone token
//! is handed over at once; a burst crosses threads once.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::one_turn;
use super::outcome::{End, Report};
use super::state::Call;
use crate::error::{Deadline, Error};
use crate::provider::Framing;
use crate::settings::ERROR_BODY_BYTES;
use crate::stream::{Ending, EventStreamSplitter, LineSplitter, LineTooLong, Marker};
use crate::transport::Body;

/// Moves one stream's lines.
#[derive(Debug)]
pub(super) struct Pump {
    /// Whole lines that were not handed over yet. It outlives a cancelled pump, so that
    /// they still are.
    batch: Vec<u8>,
    lines: u64,
}

/// A batch this large is handed over though more may be ready.
const BATCH_BYTES: usize = 64 * 1024;
/// How long a finished stream's connection may take to become idle and reusable.
const DRAIN: Duration = Duration::from_millis(100);

/// What is known of a stream before its first byte.
#[derive(Debug)]
pub(super) struct Course {
    /// How the bytes carry lines.
    pub(super) framing: Framing,
    /// Which events end it.
    pub(super) marker: Marker,
    /// The longest line.
    pub(super) max_line: usize,
    /// The longest silence.
    pub(super) idle: Option<Duration>,
}

impl Pump {
    pub(super) fn new() -> Pump {
        Pump {
            batch: Vec::new(),
            lines: 0,
        }
    }

    /// Reads `body` to its end and hands every line to `call`.
    ///
    /// # Errors
    /// `Truncated`, `Protocol`, `Timeout(idle)`, and `Stream` when the provider reported an
    /// error inside a stream that is complete otherwise.
    pub(super) async fn run(
        &mut self,
        call: &Arc<Call>,
        body: &mut Body,
        course: &Course,
        report: &mut Report,
    ) -> Result<End, Error> {
        let mut splitter = Splitter::new(course);
        let mut ending = Ending::new(course.marker);
        let mut silence = Silence::new(course.idle);
        loop {
            let Some(piece) = self.next_piece(call, body, &mut silence).await? else {
                let done = splitter.finish(&mut ending, self)?;
                return self.conclude(done, &ending);
            };
            report.bytes_in += piece.len() as u64;
            let done = splitter.split(&piece, &mut ending, self);
            drop(piece);
            if self.lines > 0 && report.first_line.is_none() {
                report.first_line = Some(report.elapsed());
            }
            if done? {
                call.hand_over(&mut self.batch, || body.rest()).await;
                drain(body).await;
                return self.conclude(true, &ending);
            }
            if self.batch.len() >= BATCH_BYTES {
                call.hand_over(&mut self.batch, || body.rest()).await;
            }
        }
    }

    /// What was not handed over, for the end to carry.
    pub(super) fn into_last_lines(self) -> Vec<u8> {
        self.batch
    }

    /// Lines seen.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// The next piece. Before the reader is bothered with what there is, a connection that is
    /// driven by a task of its own gets one turn to bring more.
    async fn next_piece(
        &mut self,
        call: &Arc<Call>,
        body: &mut Body,
        silence: &mut Silence,
    ) -> Result<Option<Bytes>, Error> {
        if let Some(ready) = ready_piece(body).await {
            return ready.transpose();
        }
        if !self.batch.is_empty() {
            if !body.is_driven_here() {
                one_turn().await;
                if let Some(ready) = ready_piece(body).await {
                    return ready.transpose();
                }
            }
            call.hand_over(&mut self.batch, || body.rest()).await;
        }
        silence.limit(body).await?.transpose()
    }

    fn conclude(&self, done: bool, ending: &Ending) -> Result<End, Error> {
        if let Some(code) = ending.reported_error() {
            return Err(Error::Stream {
                code: code.map(str::to_owned),
                message: match code {
                    Some(code) => {
                        format!("the provider reported an error inside the stream: {code}")
                    }
                    None => "the provider reported an error inside the stream".into(),
                },
            });
        }
        Ok(match (done, ending.is_terminal()) {
            (true, _) => End::Done,
            (false, true) => End::Terminal,
            (false, false) => End::Eof,
        })
    }

    fn keep(&mut self, line: &[u8], ending: &mut Ending) -> ControlFlow<()> {
        self.batch.extend_from_slice(line);
        self.batch.push(b'\n');
        self.lines += 1;
        if ending.observe(line) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// How long a stream may be silent. One alarm serves every wait: it is not set anew for each
/// of them, only when it rings too early.
#[derive(Debug)]
struct Silence {
    longest: Option<Duration>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    fn new(longest: Option<Duration>) -> Silence {
        Silence {
            longest,
            alarm: None,
        }
    }

    async fn limit(&mut self, body: &mut Body) -> Result<Option<Result<Bytes, Error>>, Error> {
        let until = self
            .longest
            .and_then(|longest| Instant::now().checked_add(longest));
        let Some(until) = until else {
            return Ok(body.piece().await);
        };
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        poll_fn(|cx| {
            if let Poll::Ready(piece) = body.poll_piece(cx) {
                return Poll::Ready(Ok(piece));
            }
            while alarm.as_mut().poll(cx).is_ready() {
                if Instant::now() >= until {
                    return Poll::Ready(Err(Error::Timeout(Deadline::Idle)));
                }
                alarm.as_mut().reset(until);
            }
            Poll::Pending
        })
        .await
    }
}

/// The splitter of a stream's framing.
#[derive(Debug)]
enum Splitter {
    Lines(LineSplitter),
    Frames(EventStreamSplitter),
}

impl Splitter {
    fn new(course: &Course) -> Splitter {
        match course.framing {
            Framing::Lines => Splitter::Lines(LineSplitter::new(course.max_line)),
            Framing::EventStream => Splitter::Frames(EventStreamSplitter::new(course.max_line)),
        }
    }

    /// Keeps the lines of `piece`; true once `[DONE]` was among them.
    fn split(&mut self, piece: &[u8], ending: &mut Ending, pump: &mut Pump) -> Result<bool, Error> {
        let said = match self {
            Splitter::Lines(lines) => lines
                .split(piece, |line| pump.keep(line, ending))
                .map_err(too_long)?,
            Splitter::Frames(frames) => frames.split(piece, |line| pump.keep(line, ending))?,
        };
        Ok(said.is_break())
    }

    fn finish(&mut self, ending: &mut Ending, pump: &mut Pump) -> Result<bool, Error> {
        let said = match self {
            Splitter::Lines(lines) => lines
                .finish(|line| pump.keep(line, ending))
                .map_err(too_long)?,
            Splitter::Frames(frames) => frames.finish()?,
        };
        Ok(said.is_break())
    }
}

fn too_long(line: LineTooLong) -> Error {
    Error::Protocol(format!(
        "a line of the stream is over max_line_bytes ({} bytes)",
        line.limit
    ))
}

/// A piece that is there already.
async fn ready_piece(body: &mut Body) -> Option<Option<Result<Bytes, Error>>> {
    poll_fn(|cx| {
        Poll::Ready(match body.poll_piece(cx) {
            Poll::Ready(piece) => Some(piece),
            Poll::Pending => None,
        })
    })
    .await
}

/// Reads what follows `[DONE]`, so that the connection can serve the next call.
async fn drain(body: &mut Body) {
    let mut rest = BytesMut::new();
    // Whatever goes wrong here costs the connection, not the stream.
    let _ = timeout(DRAIN, body.read_up_to(ERROR_BODY_BYTES, &mut rest)).await;
}
