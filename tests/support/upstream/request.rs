//! Reads HTTP/1.1 requests off a connection and keeps them as they came.

use std::io::{self, BufRead, Read};

/// A request as the upstream received it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Number of the TCP connection, from 0 in order of acceptance.
    pub connection: usize,
    pub method: String,
    /// Path and query as sent (the whole URL when sent to a proxy).
    pub target: String,
    pub version: String,
    /// In order, names in their original case.
    pub headers: Vec<(String, String)>,
    /// The body without its transfer coding; empty if the script replied before it.
    pub body: Vec<u8>,
}

impl Received {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query without its `?`, empty if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The body as JSON; `Null` if it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn expects_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|v| v.eq_ignore_ascii_case("100-continue"))
    }

    /// Whether the client wants the connection closed after the reply.
    pub(super) fn is_last(&self) -> bool {
        match self.header("connection") {
            Some(value) => value.eq_ignore_ascii_case("close"),
            None => self.version == "HTTP/1.0",
        }
    }
}

/// Reads a request line and headers. `None` at a clean end of the connection.
pub(super) fn read_head(
    wire: &mut impl BufRead,
    connection: usize,
) -> io::Result<Option<Received>> {
    let Some(first) = read_line(wire)? else {
        return Ok(None);
    };
    let mut words = first.splitn(3, ' ').map(str::to_owned);
    let mut word = || words.next().ok_or_else(|| malformed("request line"));
    let mut head = Received {
        connection,
        method: word()?,
        target: word()?,
        version: word()?,
        ..Received::default()
    };
    loop {
        let line = read_line(wire)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(Some(head));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("header"))?;
        head.headers
            .push((name.to_owned(), value.trim().to_owned()));
    }
}

/// Reads the body that `head` announces.
pub(super) fn read_body(wire: &mut impl BufRead, head: &Received) -> io::Result<Vec<u8>> {
    let chunked = head
        .header("transfer-encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
    if chunked {
        return read_chunks(wire);
    }
    let Some(length) = head.header("content-length") else {
        return Ok(Vec::new());
    };
    let length = length.parse().map_err(|_| malformed("content-length"))?;
    let mut body = Vec::new();
    read_exactly(wire, length, &mut body)?;
    Ok(body)
}

fn read_chunks(wire: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(wire)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed("chunk size"))?;
        if size == 0 {
            break;
        }
        read_exactly(wire, size, &mut body)?;
        if read_line(wire)?.as_deref() != Some("") {
            return Err(malformed("chunk end"));
        }
    }
    // Trailers, up to the empty line.
    while read_line(wire)?.is_some_and(|line| !line.is_empty()) {}
    Ok(body)
}

fn read_exactly(wire: &mut impl BufRead, length: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let read = wire.take(length).read_to_end(into)?;
    if (read as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// A line without its end. `None` at the end of the stream.
fn read_line(wire: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if wire.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

fn malformed(part: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed {part}"))
}
