//! Replies most scripts need, as steps. Each function returns a list, so that
//! [`join`] can put a failure or a gate after it.

use super::script::Step;

/// A whole reply. `content-length` is added unless the headers frame the body
/// themselves; nothing else is.
pub fn reply(
    status: u16,
    reason: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Vec<Step> {
    let body = body.as_ref();
    let length = body.len().to_string();
    let framed = headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    });
    let mut all = headers.to_vec();
    if !framed {
        all.push(("content-length", &length));
    }
    let mut message = head(status, reason, &all);
    message.extend_from_slice(body);
    vec![Step::Send(message)]
}

/// 200 with a JSON body.
pub fn json(body: impl AsRef<[u8]>) -> Vec<Step> {
    reply(200, "OK", &[("content-type", "application/json")], body)
}

/// 200 with a whole event stream in one write, one HTTP chunk and the last chunk.
pub fn sse(stream: impl AsRef<[u8]>) -> Vec<Step> {
    let mut message = event_stream_head();
    message.extend(framed(stream.as_ref()));
    message.extend_from_slice(LAST_CHUNK);
    vec![Step::Send(message)]
}

/// 200 with an event stream, one HTTP chunk and one write per piece, and the last chunk.
pub fn sse_chunks<P: AsRef<[u8]>>(pieces: &[P]) -> Vec<Step> {
    join([chunked_open(pieces), vec![last_chunk()]])
}

/// Like [`sse_chunks`] without the last chunk: the message is not over.
pub fn chunked_open<P: AsRef<[u8]>>(pieces: &[P]) -> Vec<Step> {
    let mut steps = vec![sse_head()];
    steps.extend(pieces.iter().map(chunk));
    steps
}

/// The head of a chunked 200 event stream.
pub fn sse_head() -> Step {
    Step::Send(event_stream_head())
}

/// One HTTP chunk. Empty bytes send nothing, for an empty chunk would end the message.
pub fn chunk(bytes: impl AsRef<[u8]>) -> Step {
    Step::Send(framed(bytes.as_ref()))
}

/// The chunk that ends a chunked message.
pub fn last_chunk() -> Step {
    Step::send(LAST_CHUNK)
}

/// Puts lists of steps one after another.
pub fn join<const N: usize>(parts: [Vec<Step>; N]) -> Vec<Step> {
    parts.into_iter().flatten().collect()
}

/// A status line and headers.
pub fn head(status: u16, reason: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// The reason phrase RFC 9110 gives a status, empty if it gives none.
pub fn standard_reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

fn event_stream_head() -> Vec<u8> {
    head(
        200,
        "OK",
        &[
            ("content-type", "text/event-stream"),
            ("transfer-encoding", "chunked"),
        ],
    )
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
