//! The same work with reqwest in plain Rust, everything of an operation in one spawned
//! task and nothing handed to another thread: what is left when the C ABI, the deadlines,
//! the cancelling and the truth about how a stream ended are taken away. Arguments and
//! output are those of `benches/clients/common.h`.

use std::error::Error;
use std::time::Instant;

use memchr::memchr_iter;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PACED_MS: u64 = 50;
const PACED_LINES: usize = 100;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, base, count, rest @ ..] = &arguments[..] else {
        return Err("usage: bench_plain MODE BASE COUNT [BYTES]".into());
    };
    let count: usize = count.parse()?;
    let size = rest.first().map_or(Ok(200), |text| text.parse())?;
    let body = body(size);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let client = Client::builder().build()?;
    let url = match mode.as_str() {
        "unary" => format!("{base}/unary/chat/completions"),
        "paced" => format!("{base}/paced/{PACED_MS}/{PACED_LINES}/chat/completions"),
        shape => format!("{base}/blast/{count}/{shape}/chat/completions"),
    };
    if mode == "unary" {
        runtime.block_on(spawned(unary(client.clone(), url.clone(), body.clone())))?;
    }
    let (cpu, wall) = (cpu_now(), Instant::now());
    let ops = match mode.as_str() {
        "unary" => {
            for _ in 0..count {
                runtime.block_on(spawned(unary(client.clone(), url.clone(), body.clone())))?;
            }
            count
        }
        "paced" => runtime.block_on(async {
            let start = || tokio::spawn(stream(client.clone(), url.clone(), body.clone()));
            let streams: Vec<_> = (0..count).map(|_| start()).collect();
            let mut lines = 0;
            for stream in streams {
                lines += stream.await??;
            }
            Outcome::Ok(lines)
        })?,
        _ => runtime.block_on(spawned(stream(client, url, body)))?,
    };
    println!(
        r#"{{"ops":{ops},"cpu_us":{},"wall_us":{},"rss_kb":{}}}"#,
        cpu_now() - cpu,
        wall.elapsed().as_micros(),
        rss_kb()?
    );
    Ok(())
}

async fn spawned<T: Send + 'static>(
    work: impl Future<Output = Outcome<T>> + Send + 'static,
) -> Outcome<T> {
    tokio::spawn(work).await?
}

async fn unary(client: Client, url: String, body: bytes::Bytes) -> Outcome<usize> {
    let response = send(&client, &url, body).await?;
    Ok(response.bytes().await?.len())
}

async fn stream(client: Client, url: String, body: bytes::Bytes) -> Outcome<usize> {
    let mut response = send(&client, &url, body).await?;
    let mut lines = 0;
    let mut kept = Vec::new();
    while let Some(piece) = response.chunk().await? {
        kept.clear();
        kept.extend_from_slice(&piece);
        lines += memchr_iter(b'\n', &kept).count();
    }
    Ok(lines)
}

async fn send(client: &Client, url: &str, body: bytes::Bytes) -> Outcome<reqwest::Response> {
    let request = client.post(url).header(CONTENT_TYPE, "application/json");
    let request = request.header(AUTHORIZATION, "Bearer k").body(body);
    Ok(request.send().await?)
}

fn body(size: usize) -> bytes::Bytes {
    let text = "z".repeat(size.max(64) - 23);
    format!(r#"{{"model":"m","text":"{text}"}}"#).into()
}

/// CPU time of this process in microseconds.
fn cpu_now() -> u64 {
    // Fields 14 and 15 of /proc/self/stat count ticks, too coarse here; schedstat of every
    // thread counts nanoseconds.
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let spent = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    let nanoseconds: u64 = threads
        .flatten()
        .filter_map(|entry| spent(entry.path()))
        .sum();
    nanoseconds / 1000
}

fn rss_kb() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let text = line.unwrap_or_default().trim().trim_end_matches(" kB");
    Ok(text.parse()?)
}
