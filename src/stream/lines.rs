//! Cutting bytes into lines as server-sent events want them: a line ends with LF, one CR
//! before it belongs to the line end, and nothing else is touched.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
//! also lets a lone CR end a line; no provider does that, and JSON payloads may hold one.

use std::ops::ControlFlow;

use memchr::memchr;

/// Splits bytes that arrive in pieces of any size. Whole lines inside one piece are handed
/// on without a copy; only a line that spans pieces is gathered.
#[derive(Debug)]
pub struct LineSplitter {
    carry: Vec<u8>,
    max_line: usize,
}

/// A line passed the limit; lines before it were handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTooLong {
    /// The limit in bytes.
    pub limit: usize,
}

/// What a gathered line may leave behind for the next one to reuse.
const KEPT_CARRY: usize = 16 * 1024;

impl LineSplitter {
    /// A splitter that refuses lines of more than `max_line` bytes.
    pub fn new(max_line: usize) -> LineSplitter {
        LineSplitter {
            carry: Vec::new(),
            max_line,
        }
    }

    /// Hands every line that `piece` completes to `on_line`, without its terminator, until
    /// `on_line` breaks. Returns what `on_line` last said.
    ///
    /// # Errors
    /// [`LineTooLong`] when a line, finished or not, is over the limit.
    pub fn split(
        &mut self,
        mut piece: &[u8],
        mut on_line: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LineTooLong> {
        while let Some(at) = memchr(b'\n', piece) {
            let (head, rest) = (&piece[..at], &piece[at + 1..]);
            piece = rest;
            if self.emit(head, &mut on_line)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.check(self.carry.len() + piece.len())?;
        self.carry.extend_from_slice(piece);
        Ok(ControlFlow::Continue(()))
    }

    /// The bytes are over: a last line that had no LF is handed on.
    ///
    /// # Errors
    /// None today; the signature is that of [`split`](Self::split).
    pub fn finish(
        &mut self,
        mut on_line: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LineTooLong> {
        if self.carry.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        self.emit(&[], &mut on_line)
    }

    /// Bytes of an unfinished line.
    pub fn pending(&self) -> usize {
        self.carry.len()
    }

    fn emit(
        &mut self,
        head: &[u8],
        on_line: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LineTooLong> {
        if self.carry.is_empty() {
            return Ok(on_line(self.within(without_cr(head))?));
        }
        self.check(self.carry.len() + head.len())?;
        self.carry.extend_from_slice(head);
        let said = on_line(self.within(without_cr(&self.carry))?);
        if self.carry.capacity() > KEPT_CARRY {
            self.carry = Vec::new();
        }
        self.carry.clear();
        Ok(said)
    }

    /// A whole line, unless it is over the limit.
    fn within<'a>(&self, line: &'a [u8]) -> Result<&'a [u8], LineTooLong> {
        let limit = self.max_line;
        let fits = line.len() <= limit;
        fits.then_some(line).ok_or(LineTooLong { limit })
    }

    fn check(&self, length: usize) -> Result<(), LineTooLong> {
        // One byte of grace: the CR of a line end that has not shown itself yet.
        if length > self.max_line.saturating_add(1) {
            return Err(LineTooLong {
                limit: self.max_line,
            });
        }
        Ok(())
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = LineSplitter::new(64);
        let mut lines = Vec::new();
        let mut keep = |line: &[u8]| {
            lines.push(line.to_vec());
            ControlFlow::Continue(())
        };
        for piece in pieces {
            assert_eq!(
                splitter.split(piece, &mut keep),
                Ok(ControlFlow::Continue(()))
            );
        }
        assert_eq!(splitter.finish(&mut keep), Ok(ControlFlow::Continue(())));
        lines
    }

    #[test]
    fn lines_lose_their_terminator_and_nothing_else() {
        let cases: &[(&[u8], &[&[u8]])] = &[
            (b"", &[]),
            (b"\n", &[b""]),
            (b"a", &[b"a"]),
            (b"a\n", &[b"a"]),
            (b"a\r\nb\r\n\r\n", &[b"a", b"b", b""]),
            (b"a\r\r\nb\rc\n", &[b"a\r", b"b\rc"]),
            (b": ping\n\xff\xfe\0\n", &[b": ping", b"\xff\xfe\0"]),
            (b"last\r", &[b"last"]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(&lines_of(&[bytes]), expected, "{bytes:?}");
        }
    }

    #[test]
    fn any_cut_of_the_same_bytes_gives_the_same_lines() {
        let bytes = b"data: one\r\n\r\n: c\n\ndata: tw\xc3\xa4\ndata: [DONE]\r\nx";
        let whole = lines_of(&[bytes]);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let cut = lines_of(&[&bytes[..first], &bytes[first..second], &bytes[second..]]);
                assert_eq!(cut, whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn a_long_line_is_refused_after_the_lines_before_it() {
        let limit = LineTooLong { limit: 4 };
        for pieces in [
            &[b"ab\nabcdef\n".as_slice()] as &[&[u8]],
            &[b"ab\nabc", b"def"],
        ] {
            let mut splitter = LineSplitter::new(4);
            let mut lines = 0;
            let mut last = Ok(ControlFlow::Continue(()));
            for piece in pieces {
                last = splitter.split(piece, |_| {
                    lines += 1;
                    ControlFlow::Continue(())
                });
            }
            assert_eq!((last, lines), (Err(limit), 1));
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_with_either_line_end() {
        for bytes in [b"abcd\n".as_slice(), b"abcd\r\n"] {
            for cut in 0..bytes.len() {
                let mut splitter = LineSplitter::new(4);
                let mut seen = Vec::new();
                for piece in [&bytes[..cut], &bytes[cut..]] {
                    let said = splitter.split(piece, |line| {
                        seen.push(line.to_vec());
                        ControlFlow::Continue(())
                    });
                    assert_eq!(said, Ok(ControlFlow::Continue(())));
                }
                assert_eq!(seen, [b"abcd"]);
            }
        }
    }

    #[test]
    fn a_break_stops_at_once() {
        let mut splitter = LineSplitter::new(64);
        let mut lines = 0;
        let said = splitter.split(b"a\nb\nc\n", |_| {
            lines += 1;
            if lines == 2 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        assert_eq!((said, lines), (Ok(ControlFlow::Break(())), 2));
    }
}
