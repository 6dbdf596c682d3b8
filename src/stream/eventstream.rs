//! Bedrock's streams: AWS event-stream frames, each around one JSON event, turned into the
//! `data:` lines that every other provider sends. Frames are checked and taken apart by
//! AWS's own crate; what it lacks, a limit on the length a peer may announce, stands here.
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>

use std::borrow::Cow;
use std::ops::ControlFlow;

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;

use crate::error::Error;

/// Takes frames that arrive in pieces of any size apart. A frame that lies whole inside one
/// piece is read in place; only one that spans pieces is gathered.
#[derive(Debug)]
pub struct EventStreamSplitter {
    carry: Vec<u8>,
    /// The line at hand, kept for its memory.
    line: Vec<u8>,
    max_line: usize,
}

/// The largest frame that is waited for.
const MAX_FRAME: usize = 16 * 1024 * 1024;
/// Total length, headers' length, and a checksum of the two.
const PRELUDE: usize = 12;
/// A prelude, no headers, no payload, and the frame's checksum.
const MIN_FRAME: usize = PRELUDE + 4;
/// What one frame may leave behind for the next one to reuse.
const KEPT_BUFFER: usize = 64 * 1024;
/// How much of AWS's words an error repeats, in characters.
const MAX_MESSAGE: usize = 1024;

type OnLine<'a> = &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>;

impl EventStreamSplitter {
    /// A splitter that refuses lines of more than `max_line` bytes.
    pub fn new(max_line: usize) -> EventStreamSplitter {
        EventStreamSplitter {
            carry: Vec::new(),
            line: Vec::new(),
            max_line,
        }
    }

    /// Hands the lines of every frame that `piece` completes to `on_line`, until `on_line`
    /// breaks. Returns what `on_line` last said.
    ///
    /// # Errors
    /// `Stream` when a frame reports a failure; `Protocol` when a frame is damaged, too
    /// large or not what Bedrock sends, or a line is over the limit.
    pub fn split(
        &mut self,
        mut piece: &[u8],
        mut on_line: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        while !self.carry.is_empty() && !piece.is_empty() {
            let wanted = frame_length(&self.carry)?.unwrap_or(PRELUDE);
            let (head, rest) = piece.split_at(piece.len().min(wanted - self.carry.len()));
            self.carry.extend_from_slice(head);
            piece = rest;
            if frame_length(&self.carry)? == Some(self.carry.len()) {
                let frame = std::mem::take(&mut self.carry);
                let said = self.emit(&frame, &mut on_line)?;
                self.reuse(frame);
                if said.is_break() {
                    return Ok(said);
                }
            }
        }
        while let Some(length) = frame_length(piece)?
            && let Some((frame, rest)) = piece.split_at_checked(length)
        {
            piece = rest;
            if self.emit(frame, &mut on_line)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.carry.extend_from_slice(piece);
        Ok(ControlFlow::Continue(()))
    }

    /// The bytes are over.
    ///
    /// # Errors
    /// `Truncated` when they stopped inside a frame.
    pub fn finish(&mut self) -> Result<ControlFlow<()>, Error> {
        if self.carry.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        Err(Error::Truncated("the stream ended inside a frame".into()))
    }

    fn reuse(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_BUFFER {
            buffer.clear();
            self.carry = buffer;
        }
    }

    fn emit(&mut self, frame: &[u8], on_line: OnLine<'_>) -> Result<ControlFlow<()>, Error> {
        let damaged = |_| Error::Protocol("a frame of the event stream is damaged".into());
        let message = read_message_from(frame).map_err(damaged)?;
        match header(&message, ":message-type") {
            Some("event") if header(&message, ":event-type") == Some("chunk") => {
                self.emit_chunk(message.payload(), on_line)
            }
            // Kinds of events to come are not for this API's hosts.
            Some("event") => Ok(ControlFlow::Continue(())),
            Some("exception") => Err(exception(&message)),
            Some("error") => Err(Error::Stream {
                code: header(&message, ":error-code").map(plain),
                message: said(header(&message, ":error-message")),
            }),
            _ => Err(Error::Protocol(
                "a frame of the event stream has no known type".into(),
            )),
        }
    }

    /// `{"bytes":"…"}`, beside padding that hides the length of a token. The JSON inside is
    /// one line; were it more, each would be a `data:` line of its own, as server-sent
    /// events want it, so that no event can smuggle in another.
    fn emit_chunk(
        &mut self,
        payload: &[u8],
        on_line: OnLine<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        const FIELD: &[u8] = b"data: ";
        #[derive(Deserialize)]
        struct Chunk<'a> {
            #[serde(borrow)]
            bytes: Cow<'a, str>,
        }
        let unreadable = || Error::Protocol("a chunk of the event stream holds no bytes".into());
        let chunk: Chunk<'_> = serde_json::from_slice(payload).map_err(|_| unreadable())?;
        self.line.clear();
        self.line.extend_from_slice(FIELD);
        BASE64_STANDARD
            .decode_vec(chunk.bytes.as_bytes(), &mut self.line)
            .map_err(|_| unreadable())?;
        if self.line.len() > self.max_line {
            return Err(Error::Protocol(format!(
                "a line of the stream is over max_line_bytes ({} bytes)",
                self.max_line
            )));
        }
        let mut said = ControlFlow::Continue(());
        if memchr::memchr2(b'\n', b'\r', &self.line).is_none() {
            said = on_line(&self.line);
        } else {
            for part in broken_lines(&self.line[FIELD.len()..]) {
                if said.is_continue() {
                    said = on_line(&[FIELD, part].concat());
                }
            }
        }
        if said.is_continue() {
            said = on_line(b"");
        }
        if self.line.capacity() > KEPT_BUFFER {
            self.line = Vec::new();
        }
        Ok(said)
    }
}

/// The length of the frame that `bytes` begin with, once its prelude is there. The prelude
/// has its own checksum, so that a damaged length is found before anybody waits for it.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some((length, _)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*length) as usize;
    if !(MIN_FRAME..=MAX_FRAME).contains(&length) {
        return Err(Error::Protocol(format!(
            "a frame of the event stream announces {length} bytes"
        )));
    }
    let Some((checked, checksum)) = bytes.get(..PRELUDE).and_then(<[u8]>::split_last_chunk) else {
        return Ok(None);
    };
    if crc32fast::hash(checked) != u32::from_be_bytes(*checksum) {
        return Err(Error::Protocol(
            "a frame of the event stream is damaged".into(),
        ));
    }
    Ok(Some(length))
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let found = message
        .headers()
        .iter()
        .find(|header| header.name().as_str() == name)?;
    Some(found.value().as_string().ok()?.as_str())
}

fn exception(message: &Message) -> Error {
    #[derive(Deserialize)]
    struct Exception<'a> {
        #[serde(borrow, alias = "Message")]
        message: Option<Cow<'a, str>>,
    }
    let parsed = serde_json::from_slice::<Exception<'_>>(message.payload());
    let text = parsed.ok().and_then(|exception| exception.message);
    Error::Stream {
        code: header(message, ":exception-type").map(plain),
        message: said(text.as_deref()),
    }
}

fn said(text: Option<&str>) -> String {
    match text.map(plain).filter(|text| !text.is_empty()) {
        Some(text) => text,
        None => "the provider reported an error inside the stream".into(),
    }
}

/// A peer's words, fit for one line of an error.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_MESSAGE)
        .collect()
}

/// The lines of `text`, each ended by CR, LF or both.
fn broken_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr2(b'\n', b'\r', text);
        rest = end.map(|at| match &text[at..] {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => &[], // something ended the line
        });
        Some(&text[..end.unwrap_or(text.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue};

    const LIMIT: usize = 1024;

    fn frame(headers: &[(&'static str, &'static str)], payload: impl Into<Vec<u8>>) -> Vec<u8> {
        let mut message = Message::new(payload.into());
        for (name, value) in headers {
            message = message.add_header(Header::new(*name, HeaderValue::String((*value).into())));
        }
        let mut bytes = Vec::new();
        write_message_to(&message, &mut bytes).expect("within the format's limits");
        bytes
    }

    fn chunk(text: &str) -> Vec<u8> {
        let bytes = BASE64_STANDARD.encode(text);
        let payload = format!(r#"{{"bytes":"{bytes}","p":"abcd"}}"#);
        frame(
            &[(":event-type", "chunk"), (":message-type", "event")],
            payload,
        )
    }

    type Seen = (Vec<String>, Result<(), Error>);

    fn read(pieces: &[&[u8]]) -> Seen {
        let mut splitter = EventStreamSplitter::new(LIMIT);
        let mut lines = Vec::new();
        let mut keep = |line: &[u8]| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            ControlFlow::Continue(())
        };
        let mut result = Ok(());
        for piece in pieces {
            if result.is_ok() {
                result = splitter.split(piece, &mut keep).map(drop);
            }
        }
        let result = result.and_then(|()| splitter.finish().map(drop));
        (lines, result)
    }

    #[test]
    fn a_chunk_is_a_data_line_and_an_empty_line_however_the_bytes_are_cut() {
        let mut bytes = chunk(r#"{"a":"ä"}"#);
        bytes.extend(frame(
            &[(":event-type", "later"), (":message-type", "event")],
            "{}",
        ));
        bytes.extend(chunk("2"));
        let lines = [r#"data: {"a":"ä"}"#, "", "data: 2", ""].map(str::to_owned);
        let expected = (lines.to_vec(), Ok(()));
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&pieces), expected, "cut at {first} and {second}");
            }
        }
        let bytewise: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read(&bytewise), expected);
    }

    #[test]
    fn no_line_break_is_smuggled_in() {
        let (lines, result) = read(&[&chunk("{\n\"a\":1,\r\n\"b\":\r2\n\n}")]);
        let expected = [
            "data: {",
            "data: \"a\":1,",
            "data: \"b\":",
            "data: 2",
            "data: ",
            "data: }",
            "",
        ];
        assert_eq!(
            (lines, result),
            (expected.map(str::to_owned).to_vec(), Ok(()))
        );
    }

    #[test]
    fn failures_inside_the_stream_come_after_the_lines_before_them() {
        let stream = |code: Option<&str>, message: &str| Error::Stream {
            code: code.map(str::to_owned),
            message: message.into(),
        };
        let unsaid = "the provider reported an error inside the stream";
        let exception = [
            (":exception-type", "throttlingException"),
            (":message-type", "exception"),
        ];
        let error = [
            (":error-code", "InternalFailure"),
            (":error-message", "it\nbroke"),
            (":message-type", "error"),
        ];
        let event = [(":event-type", "chunk"), (":message-type", "event")];
        let no_bytes = Error::Protocol("a chunk of the event stream holds no bytes".into());
        let no_type = Error::Protocol("a frame of the event stream has no known type".into());
        let cases = [
            (
                frame(&exception, r#"{"message":"Too many"}"#),
                stream(Some("throttlingException"), "Too many"),
            ),
            (
                frame(
                    &exception,
                    r#"{"Message":"Too many","originalStatusCode":424}"#,
                ),
                stream(Some("throttlingException"), "Too many"),
            ),
            (
                frame(&exception, "<html>"),
                stream(Some("throttlingException"), unsaid),
            ),
            (
                frame(&error, ""),
                stream(Some("InternalFailure"), "itbroke"),
            ),
            (
                frame(&[(":message-type", "error")], ""),
                stream(None, unsaid),
            ),
            (frame(&event, r#"{"choices":[]}"#), no_bytes.clone()),
            (frame(&event, r#"{"bytes":"***"}"#), no_bytes),
            (frame(&[], "{}"), no_type),
        ];
        for (last, expected) in cases {
            let mut bytes = chunk("1");
            bytes.extend(last);
            let before = vec!["data: 1".to_owned(), String::new()];
            assert_eq!(read(&[&bytes]), (before, Err(expected)));
        }
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let mut bytes = chunk("1");
        let whole = bytes.len();
        bytes.extend(chunk(r#"{"the":"second"}"#));
        for at in whole..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            let (lines, result) = read(&[&damaged]);
            assert_eq!(lines.len(), 2, "damage at {at}");
            assert!(
                matches!(result, Err(Error::Protocol(_))),
                "damage at {at}: {result:?}"
            );
        }
    }

    #[test]
    fn a_stream_cut_inside_a_frame_is_truncated() {
        let mut bytes = chunk("1");
        let whole = bytes.len();
        bytes.extend(chunk("2"));
        for at in 0..=bytes.len() {
            let (lines, result) = read(&[&bytes[..at]]);
            let frames = at / whole;
            assert_eq!(lines.len(), frames * 2, "cut at {at}");
            assert_eq!(result.is_ok(), at == frames * whole, "cut at {at}");
            assert!(matches!(result, Ok(()) | Err(Error::Truncated(_))));
        }
    }

    #[test]
    fn an_announced_length_is_believed_within_limits_only() {
        for length in [0_u32, 15, MAX_FRAME as u32 + 1, u32::MAX] {
            let result = read(&[&length.to_be_bytes()]).1;
            assert!(
                matches!(result, Err(Error::Protocol(_))),
                "{length}: {result:?}"
            );
        }
    }

    #[test]
    fn a_line_over_the_limit_is_refused() {
        let fits = "x".repeat(LIMIT - "data: ".len());
        assert_eq!(read(&[&chunk(&fits)]).1, Ok(()));
        let result = read(&[&chunk(&(fits + "x"))]).1;
        assert!(matches!(result, Err(Error::Protocol(_))));
    }

    #[test]
    fn a_break_stops_at_once() {
        let mut bytes = chunk("1");
        bytes.extend(chunk("2"));
        for stop_at in 1..=4 {
            for cut in [0, 5, bytes.len() - 5] {
                let mut splitter = EventStreamSplitter::new(LIMIT);
                let mut lines = 0;
                let mut stop = |_: &[u8]| {
                    lines += 1;
                    match lines == stop_at {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                };
                let mut said = splitter.split(&bytes[..cut], &mut stop);
                if said == Ok(ControlFlow::Continue(())) {
                    said = splitter.split(&bytes[cut..], &mut stop);
                }
                assert_eq!((said, lines), (Ok(ControlFlow::Break(())), stop_at));
            }
        }
    }
}
