//! Event-stream frames: the same lines however the bytes are cut, and the same as from AWS's
//! own decoder. Frames are made from the bytes, so that checksums do not end every try.

use std::ops::ControlFlow;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::prelude::{BASE64_STANDARD, Engine};
use modelwire::stream::EventStreamSplitter;
use serde_json::Value;

use super::bytes::{Bytes, pieces};

/// The lines, and how it ended: the statuses of the library.
type Seen = (Vec<Vec<u8>>, Result<(), &'static str>);

pub fn frames_read_as_the_sdk_reads_them(data: &[u8]) {
    let mut data = Bytes::new(data);
    let seed = data.byte();
    let bytes = match data.byte() % 4 {
        0 => data.rest().to_vec(),
        _ => stream(&mut data),
    };
    let expected = by_the_sdk(&bytes);
    assert_eq!(split(&[&bytes]), expected, "in one piece");
    assert_eq!(split(&pieces(&bytes, seed)), expected, "in pieces");
}

/// Frames of every kind, the last of which may be damaged or cut off.
fn stream(data: &mut Bytes<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !data.is_empty() && bytes.len() < 4096 {
        let last = bytes.len();
        write_message_to(&message(data), &mut bytes).expect("within the format's limits");
        match data.byte() % 16 {
            0 => bytes.truncate(last + usize::from(data.byte()) % (bytes.len() - last)),
            1 => {
                let at = last + usize::from(data.byte()) % (bytes.len() - last);
                bytes[at] ^= data.byte();
            }
            _ => {}
        }
    }
    bytes
}

fn message(data: &mut Bytes<'_>) -> Message {
    let payload = match data.byte() % 4 {
        0 => {
            let len = usize::from(data.byte() % 64);
            data.take(len).to_vec()
        }
        _ => {
            let len = usize::from(data.byte() % 64);
            let text = BASE64_STANDARD.encode(data.take(len));
            format!(r#"{{"bytes":"{text}","p":"ab"}}"#).into_bytes()
        }
    };
    let kind = *data.pick(&["event", "event", "event", "exception", "error", "other"]);
    let event = *data.pick(&["chunk", "chunk", "chunk", "later"]);
    let text = |text: &'static str| HeaderValue::String(text.into());
    let mut message = Message::new(payload)
        .add_header(Header::new(":message-type", text(kind)))
        .add_header(Header::new(":event-type", text(event)));
    if data.byte().is_multiple_of(4) {
        let number = data.number() as i64;
        message = message.add_header(Header::new("more", HeaderValue::Int64(number)));
    }
    message
}

fn split(pieces: &[&[u8]]) -> Seen {
    let mut splitter = EventStreamSplitter::new(usize::MAX);
    let mut lines = Vec::new();
    let mut keep = |line: &[u8]| {
        lines.push(line.to_vec());
        ControlFlow::Continue(())
    };
    let mut result = Ok(());
    for piece in pieces {
        if result.is_ok() {
            result = splitter.split(piece, &mut keep).map(drop);
        }
    }
    let result = result.and_then(|()| splitter.finish().map(drop));
    (lines, result.map_err(|error| error.status().name()))
}

fn by_the_sdk(bytes: &[u8]) -> Seen {
    let mut lines = Vec::new();
    let mut rest = bytes;
    let mut decoder = MessageFrameDecoder::new();
    loop {
        if rest.is_empty() {
            return (lines, Ok(()));
        }
        // What the library refuses at once, the decoder would wait for.
        if announces_nonsense(rest) {
            return (lines, Err("protocol"));
        }
        let mut frame = rest;
        let message = match decoder.decode_frame(&mut frame) {
            Ok(DecodedFrame::Complete(message)) => message,
            Ok(DecodedFrame::Incomplete) => return (lines, Err("truncated")),
            Err(_) => return (lines, Err("protocol")),
        };
        rest = frame;
        if let Err(status) = deliver(&message, &mut lines) {
            return (lines, Err(status));
        }
    }
}

/// A length that no frame has, or one whose checksum does not bear it out.
fn announces_nonsense(frame: &[u8]) -> bool {
    const LENGTHS: std::ops::RangeInclusive<u32> = 16..=16 * 1024 * 1024;
    let word = |at: usize| {
        let bytes = frame.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    word(0).is_some_and(|length| !LENGTHS.contains(&length))
        || word(8).is_some_and(|checksum| checksum != crc32fast::hash(&frame[..8]))
}

fn deliver(message: &Message, lines: &mut Vec<Vec<u8>>) -> Result<(), &'static str> {
    let header = |name: &str| {
        let headers = message.headers().iter();
        let mut named = headers.filter(|header| header.name().as_str() == name);
        named
            .next()?
            .value()
            .as_string()
            .ok()
            .map(|text| text.as_str().to_owned())
    };
    match header(":message-type").as_deref() {
        Some("event") => {}
        Some("exception" | "error") => return Err("stream"),
        _ => return Err("protocol"),
    }
    if header(":event-type").as_deref() != Some("chunk") {
        return Ok(());
    }
    let payload: Value = serde_json::from_slice(message.payload()).map_err(|_| "protocol")?;
    let text = payload["bytes"].as_str().ok_or("protocol")?;
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| "protocol")?;
    let text = plain_ends(&bytes);
    for line in text.split(|byte| *byte == b'\n') {
        lines.push([b"data: ", line].concat());
    }
    lines.push(Vec::new());
    Ok(())
}

/// Every kind of line end is one field's end.
fn plain_ends(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => {}
            b'\r' => plain.push(b'\n'),
            byte => plain.push(*byte),
        }
    }
    plain
}
