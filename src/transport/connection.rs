//! A connection as hyper's client knows it: bytes in and out, and what hyper has to know of
//! the way they take.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection as Described};
use hyper_util::rt::TokioIo;

use super::driving::Wheel;
use super::wire::Wire;

/// An open connection.
pub(super) struct Connection {
    io: TokioIo<Wire>,
    /// Requests go to a proxy, and name their target in full (RFC 9112, section 3.2.2).
    forwarded: bool,
    wheel: Wheel,
}

impl Connection {
    pub(super) fn new(wire: Wire, forwarded: bool) -> Connection {
        Connection {
            io: TokioIo::new(wire),
            forwarded,
            wheel: Wheel::default(),
        }
    }
}

impl Described for Connection {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.forwarded);
        if self.io.inner().speaks_http2() {
            return connected.negotiated_h2();
        }
        // Responses bring it along. One connection of HTTP/2 has many readers, and none of
        // them may have it for itself.
        connected.extra(self.wheel.clone())
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.wheel.note();
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
