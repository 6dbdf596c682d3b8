//! Lines: the same however the bytes are cut, and the same as the plainest way to split them.

use std::ops::ControlFlow;

use modelwire::stream::LineSplitter;

use super::bytes::{Bytes, pieces};

/// The lines, and whether they came to an end without one that was too long.
type Seen = (Vec<Vec<u8>>, bool);

pub fn any_split_gives_the_same_lines(data: &[u8]) {
    let mut data = Bytes::new(data);
    let seed = data.byte();
    let limit = match data.byte() {
        small @ 0..128 => usize::from(small),
        _ => usize::MAX,
    };
    let bytes = data.rest();
    let expected = plainly(bytes, limit);
    assert_eq!(split(&[bytes], limit), expected, "in one piece");
    assert_eq!(split(&pieces(bytes, seed), limit), expected, "in pieces");
}

fn split(pieces: &[&[u8]], limit: usize) -> Seen {
    let mut splitter = LineSplitter::new(limit);
    let mut lines = Vec::new();
    let mut keep = |line: &[u8]| {
        lines.push(line.to_vec());
        ControlFlow::Continue(())
    };
    let whole = pieces
        .iter()
        .all(|piece| splitter.split(piece, &mut keep).is_ok())
        && splitter.finish(&mut keep).is_ok();
    (lines, whole)
}

fn plainly(bytes: &[u8], limit: usize) -> Seen {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let lines = lines
        .into_iter()
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let fitting: Vec<Vec<u8>> = lines
        .clone()
        .take_while(|line| line.len() <= limit)
        .map(<[u8]>::to_vec)
        .collect();
    let whole = fitting.len() == lines.count();
    (fitting, whole)
}
