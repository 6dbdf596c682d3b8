//! The same work with reqwest in plain Rust, everything of an operation in one spawned
//! task and nothing handed to another thread: what is left when the C ABI, the deadlines,
//! the cancelling and the truth about how a stream ended are taken away. Arguments and
//! output are those of `benches/clients/common.h`.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use memchr::memchr_iter;
use modelwire_bench::{Lines, Measure, Outcome};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Response};
use tokio::task::JoinHandle;

/// What one run does.
struct Work {
    client: Client,
    base: String,
    body: Bytes,
    count: usize,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, base, count, rest @ ..] = &arguments[..] else {
        return Err("usage: plain MODE BASE COUNT [NUMBER [LINES]]".into());
    };
    let mut numbers = rest.iter().map(|text| text.parse::<usize>());
    let mut number = |otherwise| numbers.next().unwrap_or(Ok(otherwise));
    let (size, every_ms) = match mode.as_str() {
        "paced" => (200, number(50)?),
        _ => (number(200)?, 0),
    };
    let lines = number(100)?;
    let body = body(size);
    let mut measure = Measure::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let work = Work {
        client: Client::builder().build()?,
        base: base.clone(),
        body,
        count: count.parse()?,
    };
    let ops = runtime.block_on(async {
        if mode != "once" {
            work.unary().await?;
            measure.begin();
        }
        match mode.as_str() {
            "once" | "unary" => work.unaries().await,
            "paced" => work.paced(every_ms, lines, &mut measure).await,
            "first" => work.first(&mut measure).await,
            "cancel" => work.cancel(&mut measure).await,
            "idle" => work.idle(&mut measure).await,
            shape => work.blast(format!("blast/{count}/{shape}")).await,
        }
    })?;
    measure.end(ops)
}

impl Work {
    async fn unary(&self) -> Outcome<usize> {
        let sent = self.send("unary".into());
        tokio::spawn(async move { Ok(sent.await?.bytes().await?.len()) }).await?
    }

    async fn unaries(&self) -> Outcome<usize> {
        for _ in 0..self.count {
            self.unary().await?;
        }
        Ok(self.count)
    }

    /// Reads a stream to its end and counts its lines; `opened` is called before the first.
    fn stream(
        &self,
        path: String,
        lines: &Arc<Lines>,
        opened: impl FnOnce() + Send + 'static,
    ) -> JoinHandle<Outcome<()>> {
        let (sent, lines) = (self.send(path), lines.clone());
        tokio::spawn(async move {
            let mut response = sent.await?;
            let mut opened = Some(opened);
            let mut kept = Vec::new();
            while let Some(piece) = response.chunk().await? {
                kept.clear();
                kept.extend_from_slice(&piece);
                if let Some(opened) = opened.take() {
                    opened();
                }
                lines.take(memchr_iter(b'\n', &kept).count());
            }
            Ok(())
        })
    }

    async fn blast(&self, path: String) -> Outcome<usize> {
        let lines = Lines::of(1);
        self.stream(path, &lines, || ()).await??;
        Ok(lines.taken())
    }

    async fn paced(&self, every_ms: usize, length: usize, measure: &mut Measure) -> Outcome<usize> {
        let lines = Lines::of(self.count);
        let start = || {
            let path = format!("paced/{every_ms}/{length}");
            let opening = lines.clone();
            self.stream(path, &lines, move || opening.opened())
        };
        let streams: Vec<_> = (0..self.count).map(|_| start()).collect();
        for stream in streams {
            stream.await??;
        }
        measure.steady(&lines);
        Ok(lines.taken())
    }

    async fn first(&self, measure: &mut Measure) -> Outcome<usize> {
        let lines = Lines::of(self.count);
        for _ in 0..self.count {
            let begun = Instant::now();
            let (first, line) = tokio::sync::oneshot::channel();
            let stream = self.stream("blast/1/event".into(), &lines, move || {
                let _ = first.send(begun.elapsed());
            });
            measure.latency(line.await?);
            stream.await??;
        }
        Ok(self.count)
    }

    async fn cancel(&self, measure: &mut Measure) -> Outcome<usize> {
        let lines = Lines::of(self.count);
        for _ in 0..self.count {
            let (first, line) = tokio::sync::oneshot::channel();
            let stream = self.stream("idle".into(), &lines, move || {
                let _ = first.send(());
            });
            line.await?;
            let begun = Instant::now();
            stream.abort();
            let _ = stream.await;
            measure.latency(begun.elapsed());
        }
        Ok(self.count)
    }

    async fn idle(&self, measure: &mut Measure) -> Outcome<usize> {
        let lines = Lines::of(self.count);
        let mut opened = Vec::new();
        measure.idle_from()?;
        for _ in 0..self.count {
            let (first, line) = tokio::sync::oneshot::channel();
            self.stream("idle".into(), &lines, move || {
                let _ = first.send(());
            });
            opened.push(line);
        }
        for line in opened {
            line.await?;
        }
        measure.pause();
        tokio::time::sleep(Duration::from_millis(300)).await;
        measure.idle_until()?;
        Ok(self.count)
    }

    fn send(&self, path: String) -> impl Future<Output = Outcome<Response>> + Send + 'static {
        let url = format!("{}/{path}/chat/completions", self.base);
        let request = self.client.post(url);
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.header(AUTHORIZATION, "Bearer k");
        let sent = request.body(self.body.clone()).send();
        async { sent.await.map_err(Box::<dyn Error + Send + Sync>::from) }
    }
}

fn body(size: usize) -> Bytes {
    let text = "z".repeat(size.max(64) - 23);
    format!(r#"{{"model":"m","text":"{text}"}}"#).into()
}
