//! One connection: reads requests, plays the replies.

use super::request::{Received, read_body, read_head};
use super::script::{Accept, Step};
use super::server::Shared;
use super::wire::{Wire, reset_on_close};
use std::io::{self, BufReader};
use std::net::TcpStream;
use std::time::Duration;

/// How often a connection that must not be read is checked for its peer's end.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);
/// Repeated bytes are gathered into writes of about this size.
const WRITE_SIZE: usize = 64 * 1024;

/// Lives a whole connection. An error ends it and is nobody's: what the peer
/// saw is what a test asserts.
pub(super) fn serve(shared: &Shared, number: usize, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    match shared.script.accept_for(number) {
        Accept::Close => return Ok(()),
        Accept::Reset => return reset_on_close(&socket),
        Accept::NeverRead => {
            shared.stop.wait(Duration::MAX);
            return Ok(());
        }
        Accept::Serve => {}
    }
    if shared.stalls_handshake {
        shared.stop.wait(Duration::MAX);
        return Ok(());
    }
    let wire = Wire::new(socket, shared.tls.as_ref())?;
    Connection {
        shared,
        number,
        wire: BufReader::new(wire),
        body_waits: false,
    }
    .serve()
}

struct Connection<'a> {
    shared: &'a Shared,
    number: usize,
    wire: BufReader<Wire>,
    /// The reply is being played before the request's body was read.
    body_waits: bool,
}

/// What a played reply leaves behind.
#[derive(PartialEq)]
enum After {
    KeepAlive,
    /// The sending side is closed.
    Drain,
    Over,
}

impl Connection<'_> {
    fn serve(mut self) -> io::Result<()> {
        while let Some(request) = self.next_request()? {
            let reply = self.shared.script.reply_to(&request);
            match self.play(reply)? {
                After::Over => return Ok(()),
                After::Drain => return self.drain(),
                After::KeepAlive => {}
            }
            if self.body_waits {
                read_body(&mut self.wire, &request)?;
                self.body_waits = false;
            }
            if request.is_last() {
                return self.wire.get_mut().notify_end();
            }
        }
        self.wire.get_mut().notify_end()
    }

    fn next_request(&mut self) -> io::Result<Option<Received>> {
        let Some(mut request) = read_head(&mut self.wire, self.number)? else {
            return Ok(None);
        };
        self.body_waits = self.shared.script.is_early(&request);
        if !self.body_waits {
            if request.expects_continue() {
                self.wire.get_mut().send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            request.body = read_body(&mut self.wire, &request)?;
        }
        self.shared.keep(&request);
        Ok(Some(request))
    }

    fn play(&mut self, reply: Vec<Step>) -> io::Result<After> {
        let mut after = After::KeepAlive;
        for step in reply {
            match step {
                Step::Send(bytes) => self.wire.get_mut().send(&bytes)?,
                Step::SendSlowly { bytes, size, pause } => self.send_slowly(&bytes, size, pause)?,
                Step::Repeat { bytes, times } => self.repeat(&bytes, times)?,
                Step::Pause(time) => self.pause(time)?,
                Step::WaitFor(gate) => {
                    self.shared.wait_for(&gate);
                    self.pause(Duration::ZERO)?;
                }
                Step::Open(gate) => gate.open(),
                Step::Close => {
                    self.wire.get_mut().notify_end()?;
                    return Ok(After::Over);
                }
                Step::Cut => return Ok(After::Over),
                Step::Reset => {
                    reset_on_close(self.wire.get_ref().socket())?;
                    return Ok(After::Over);
                }
                Step::HalfClose => {
                    self.wire.get_mut().end_sending()?;
                    after = After::Drain;
                }
                Step::Hang => {
                    self.hang()?;
                    return Ok(After::Over);
                }
            }
        }
        Ok(after)
    }

    fn send_slowly(&mut self, bytes: &[u8], size: usize, pause: Duration) -> io::Result<()> {
        for (index, piece) in bytes.chunks(size.max(1)).enumerate() {
            if index > 0 {
                self.pause(pause)?;
            }
            self.wire.get_mut().send(piece)?;
        }
        Ok(())
    }

    fn repeat(&mut self, bytes: &[u8], times: usize) -> io::Result<()> {
        let per_write = (WRITE_SIZE / bytes.len().max(1)).clamp(1, times.max(1));
        let block = bytes.repeat(per_write);
        let mut left = times;
        while left > 0 {
            let now = left.min(per_write);
            self.wire.get_mut().send(&block[..now * bytes.len()])?;
            left -= now;
        }
        Ok(())
    }

    /// An error means the upstream is being dropped.
    fn pause(&self, time: Duration) -> io::Result<()> {
        if self.shared.stop.wait(time) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    fn hang(&mut self) -> io::Result<()> {
        if self.body_waits {
            return self.hang_unread();
        }
        self.drain()
    }

    /// Reads until the peer closes or the upstream is dropped, which shuts the socket.
    fn drain(&mut self) -> io::Result<()> {
        io::copy(&mut self.wire, &mut io::sink())?;
        Ok(())
    }

    /// Takes nothing off the socket. While data waits in it, only a reset by the
    /// peer shows.
    fn hang_unread(&mut self) -> io::Result<()> {
        let socket = self.wire.get_ref().socket();
        while socket.peek(&mut [0])? > 0 && !self.shared.stop.wait(WATCH_INTERVAL) {}
        Ok(())
    }
}
