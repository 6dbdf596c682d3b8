//! A response's body, piece by piece, in the buffers it arrived in.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body as HttpBody;
use hyper::body::Incoming;

use super::drive::Driver;
use super::failure::body_failure;
use super::returning::{Origin, Returning};
use crate::error::Error;

/// The bytes of one response as they come in. Dropping it before its end closes an HTTP/1
/// connection, or resets an HTTP/2 stream.
#[derive(Debug)]
pub struct Body {
    inner: Incoming,
    /// Drives the connection, where this body has one for itself.
    driver: Option<Driver>,
    /// Hears of the message's proper end, which sets the connection free.
    connection: Option<(Arc<Returning>, Origin)>,
}

impl Body {
    pub(super) fn new(
        inner: Incoming,
        driver: Option<Driver>,
        connection: Option<(Arc<Returning>, Origin)>,
    ) -> Body {
        Body {
            inner,
            driver,
            connection,
        }
    }

    /// Whether asking for a piece moves the connection, so that one that is there already is
    /// never missed.
    pub fn is_driven_here(&self) -> bool {
        self.driver.is_some()
    }

    /// The reader turns to something else, perhaps for long: until it asks again the connection
    /// goes on without it.
    pub fn rest(&mut self) {
        if let Some(driver) = &mut self.driver {
            driver.rest();
        }
    }

    /// The next piece; `None` at the message's proper end.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            let inner = &mut self.inner;
            let mut next = |cx: &mut Context<'_>| Pin::new(&mut *inner).poll_frame(cx);
            let polled = match &mut self.driver {
                Some(driver) => driver.poll(cx, next),
                None => next(cx),
            };
            let frame = match ready!(polled) {
                None => {
                    self.driver = None;
                    if let Some((returning, origin)) = self.connection.take() {
                        returning.expect(origin);
                    }
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(body_failure(&error)))),
                Some(Ok(frame)) => frame,
            };
            // Anything but data is trailers, which no provider uses.
            if let Ok(piece) = frame.into_data()
                && !piece.is_empty()
            {
                return Poll::Ready(Some(Ok(piece)));
            }
        }
    }

    /// Waits for the next piece; `None` at the message's proper end.
    pub async fn piece(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }

    /// Reads to the end. A body that arrived in one piece is handed out in its own buffer.
    ///
    /// # Errors
    /// `Error::Protocol` over `limit` bytes; whatever ended the message early otherwise.
    pub async fn read(&mut self, limit: usize) -> Result<Bytes, Error> {
        let expected = usize::try_from(self.inner.size_hint().lower()).unwrap_or(usize::MAX);
        if expected > limit {
            return Err(too_large(limit));
        }
        let Some(first) = self.piece().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.piece().await.transpose()? else {
            return within(first, limit);
        };
        let mut whole = Vec::new();
        let at_once = expected.saturating_sub(first.len() + second.len());
        append(&mut whole, &first, at_once + second.len())?;
        append(&mut whole, &second, 0)?;
        drop((first, second));
        while let Some(piece) = self.piece().await.transpose()? {
            if whole.len() + piece.len() > limit {
                return Err(too_large(limit));
            }
            append(&mut whole, &piece, 0)?;
        }
        within(whole.into(), limit)
    }

    /// Reads at most `limit` bytes, and stops there or at the end, whichever comes first.
    /// What was read is kept even when the message then breaks.
    pub async fn read_up_to(&mut self, limit: usize, into: &mut BytesMut) -> Result<(), Error> {
        while into.len() < limit {
            let Some(piece) = self.piece().await.transpose()? else {
                return Ok(());
            };
            let room = (limit - into.len()).min(piece.len());
            into.extend_from_slice(&piece[..room]);
        }
        Ok(())
    }
}

/// Appends `piece` and leaves room for `more`; refused, not aborted, where memory is short,
/// since how much it takes is the peer's to say.
fn append(whole: &mut Vec<u8>, piece: &[u8], more: usize) -> Result<(), Error> {
    whole
        .try_reserve(piece.len() + more)
        .map_err(|_| Error::Protocol("no memory for a response body of this size".into()))?;
    whole.extend_from_slice(piece);
    Ok(())
}

fn within(body: Bytes, limit: usize) -> Result<Bytes, Error> {
    if body.len() > limit {
        return Err(too_large(limit));
    }
    Ok(body)
}

fn too_large(limit: usize) -> Error {
    Error::Protocol(format!(
        "the response body is over max_response_bytes ({limit} bytes)"
    ))
}
