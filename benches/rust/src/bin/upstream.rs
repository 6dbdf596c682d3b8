//! The server that the benchmarks run against: one thread, prepared bytes, nothing but
//! enough HTTP/1.1 to be answered. It has to cost less than any client, so it looks at the
//! path and the content-length and at nothing else.
//!
//! - `…/unary/…`: 250 bytes of JSON.
//! - `…/blast/LINES/event/…`: LINES server-sent events of 180 bytes, one HTTP chunk each,
//!   written as fast as the client reads. `…/blast/LINES/block/…`: in chunks of 16 KB.
//! - `…/paced/MS/LINES/…`: one event every MS milliseconds.
//! - `…/idle/…`: one event, and nothing more until the client goes.
//!
//! Prints `listening on http://127.0.0.1:PORT` and ends when its standard input does.

use std::error::Error;
use std::io::Read;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Thousands of clients connect at once.
const BACKLOG: u32 = 4096;
const EVENT_BYTES: usize = 180;
const BLOCK_BYTES: usize = 16 * 1024;
const WRITE_BYTES: usize = 256 * 1024;
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                      transfer-encoding: chunked\r\n\r\n";
const END: &[u8] = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("listening on http://{}", listener.local_addr()?);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(mut stream: TcpStream) -> Outcome {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while let Some(path) = read_request(&mut stream, &mut buffer).await? {
        let mut parts = path.split('/').skip(1);
        let mut number = || parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
        if path.starts_with("/unary") {
            stream.write_all(&unary()).await?;
        } else if path.starts_with("/blast") {
            number();
            let lines = number();
            blast(&mut stream, lines, path.contains("/block/")).await?;
        } else if path.starts_with("/paced") {
            number();
            let (every, lines) = (number(), number());
            paced(&mut stream, every as u64, lines).await?;
        } else if path.starts_with("/idle") {
            return idle(&mut stream, &mut buffer).await;
        } else {
            return Err("no such path".into());
        }
    }
    Ok(())
}

/// The path of the next request, whose body is read and dropped; `None` at the end.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
    buffer.clear();
    let head_len = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = std::str::from_utf8(&buffer[..head_len])?.to_ascii_lowercase();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let length = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Ok(0), str::parse)?;
    if head.contains("expect: 100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut left = length.saturating_sub(buffer.len() - head_len);
    while left > 0 {
        buffer.clear();
        let read = stream.read_buf(buffer).await?;
        if read == 0 {
            return Ok(None);
        }
        left = left.saturating_sub(read);
    }
    Ok(Some(path))
}

fn unary() -> Vec<u8> {
    let text = "x".repeat(250 - 26);
    let body = format!(r#"{{"choices":[{{"text":"{text}"}}]}}"#);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

fn event() -> Vec<u8> {
    let mut event = br#"data: {"choices":[{"delta":{"content":""#.to_vec();
    event.resize(EVENT_BYTES - 6, b'y');
    event.extend_from_slice(b"\"}}]}\n");
    event.truncate(EVENT_BYTES - 1);
    event.push(b'\n');
    event
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

async fn blast(stream: &mut TcpStream, lines: usize, blocks: bool) -> Outcome {
    let per_chunk = if blocks { BLOCK_BYTES / EVENT_BYTES } else { 1 };
    let unit = chunk(&event().repeat(per_chunk));
    let units_per_write = (WRITE_BYTES / unit.len()).max(1);
    let burst = unit.repeat(units_per_write);
    stream.write_all(HEAD).await?;
    let mut units = lines.div_ceil(per_chunk);
    while units > 0 {
        let now = units.min(units_per_write);
        stream.write_all(&burst[..now * unit.len()]).await?;
        units -= now;
    }
    stream.write_all(END).await?;
    Ok(())
}

async fn paced(stream: &mut TcpStream, every_ms: u64, lines: usize) -> Outcome {
    let unit = chunk(&event());
    stream.write_all(HEAD).await?;
    let every = Duration::from_millis(every_ms.max(1));
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..lines {
        ticks.tick().await;
        stream.write_all(&unit).await?;
    }
    stream.write_all(END).await?;
    Ok(())
}

async fn idle(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Outcome {
    stream.write_all(&[HEAD, &chunk(&event())].concat()).await?;
    buffer.clear();
    stream.read_buf(buffer).await?;
    Ok(())
}
