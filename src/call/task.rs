//! The task of one operation: prepare, credentials, send, read, and the one terminal event,
//! whatever happens on the way, a panic included.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::engine::Engine;
use super::operation::Operation;
use super::outcome::{Outcome, Phase, Report};
use super::probing;
use super::pump::{Course, Pump};
use super::state::{Call, Cancel};
use crate::config::Config;
use crate::error::{Deadline, Error};
use crate::provider::{Order, Prepared, Provider};
use crate::settings::{ERROR_BODY_BYTES, MAX_REQUEST_BYTES};
use crate::transport::{Client, Pool, Request, Response};

/// How long a provider may take to finish the body of a refusal.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(10);

/// What one operation was started with.
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) provider: &'static dyn Provider,
    pub(super) config: Vec<u8>,
    pub(super) request: Bytes,
}

/// Ends its call even when the task is dropped unfinished, as a stopping runtime does.
pub(super) struct Promise {
    call: Arc<Call>,
    engine: Arc<Engine>,
    kept: bool,
    provider: &'static str,
    operation: Operation,
}

impl Promise {
    pub(super) fn new(call: Arc<Call>, engine: Arc<Engine>, job: &Job) -> Promise {
        engine.task_began();
        Promise {
            call,
            engine,
            kept: false,
            provider: job.provider.name(),
            operation: job.operation,
        }
    }

    fn keep(mut self, last_lines: Vec<u8>, outcome: Outcome) {
        self.kept = true;
        self.call.end(last_lines, outcome);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept {
            let error = Error::Shutdown("the library was shut down under this call".into());
            let outcome = Outcome::refused(error, self.provider, Some(self.operation));
            self.call.end(Vec::new(), outcome);
        }
        self.engine.task_ended();
    }
}

/// Drives one operation to its end, by way of the clients of `pool`.
pub(super) async fn run(promise: Promise, job: Job, pool: Arc<Pool>) {
    let call = promise.call.clone();
    let engine = promise.engine.clone();
    let mut report = Report::new(job.provider.name(), Some(job.operation));
    let mut pump = Pump::new();
    let (result, body) = {
        let mut stage = Stage {
            engine: &engine,
            pool: &pool,
            call: &call,
            report: &mut report,
            pump: &mut pump,
            body: Bytes::new(),
        };
        let work = AssertUnwindSafe(perform(&mut stage, job)).catch_unwind();
        let result = tokio::select! {
            biased;
            reason = call.cancelled() => ended_by(reason),
            result = work => result.unwrap_or_else(|panic| Err(Error::Panic(panic_text(&*panic)))),
        };
        (result, stage.body)
    };
    report.lines = pump.lines();
    let mut outcome = Outcome::ended(result.map(|()| Bytes::new()), report);
    outcome.body = body;
    drop(call);
    drop(engine);
    drop(pool);
    promise.keep(pump.into_last_lines(), outcome);
}

/// What the steps of one operation share.
pub(super) struct Stage<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) pool: &'a Pool,
    call: &'a Arc<Call>,
    pub(super) report: &'a mut Report,
    pump: &'a mut Pump,
    /// The body of the result, beside whatever error there is.
    pub(super) body: Bytes,
}

/// Probes are boxed: every task has room for the largest thing it might do, and streams wait
/// by the thousand.
async fn perform(stage: &mut Stage<'_>, job: Job) -> Result<(), Error> {
    match job.operation {
        Operation::Completions | Operation::CompletionsStream => completions(stage, job).await,
        Operation::TestConnection => {
            let config = Config::parse(&job.config)?;
            Box::pin(probing::test_connection(stage, job.provider, &config)).await
        }
        Operation::HttpProbe => {
            Box::pin(probing::http_probe(stage, job.provider, &job.request)).await
        }
    }?;
    stage.report.phase = Phase::Done;
    Ok(())
}

async fn completions(stage: &mut Stage<'_>, job: Job) -> Result<(), Error> {
    let streams = job.operation == Operation::CompletionsStream;
    let config = stage.engine.configs.read(job.provider, job.config)?;
    stage.report.unused.clone_from(&config.unused);
    let prepared = prepare(job.provider, &config, job.request, streams)?;
    stage.report.model.clone_from(&prepared.model);
    stage.report.url = Some(prepared.url.to_string());
    let engine = stage.engine;
    let client = stage.pool.client(job.provider.name(), &config)?;
    let total = config.timeouts.total.unwrap_or(match streams {
        true => engine.settings.stream_timeout,
        false => engine.unary_timeout(),
    });
    let deadline = deadline_after(stage.report.started, total);
    let exchange = exchange(stage, job.provider, &config, prepared, client, deadline);
    timeout_at(deadline, exchange)
        .await
        .unwrap_or(Err(Error::Timeout(Deadline::Total)))
}

/// The pure part, which `modelwire_prepare` shows.
pub(super) fn prepare(
    provider: &dyn Provider,
    config: &Config,
    body: Bytes,
    stream: bool,
) -> Result<Prepared, Error> {
    if body.len() > MAX_REQUEST_BYTES {
        return Err(Error::Request(format!(
            "the request body is over {MAX_REQUEST_BYTES} bytes"
        )));
    }
    provider.prepare(&Order {
        config,
        body,
        stream,
    })
}

async fn exchange(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    config: &Config,
    prepared: Prepared,
    client: Arc<Client>,
    deadline: Instant,
) -> Result<(), Error> {
    let streams = stage.report.operation == Some(Operation::CompletionsStream);
    let settings = &stage.engine.settings;
    let (framing, marker) = (prepared.framing, prepared.marker);
    // Boxed, so that a stream that idles for minutes does not keep the room that sending took.
    let mut response = Box::pin(send(stage, provider, config, prepared, client)).await?;
    if !(200..300).contains(&response.status) {
        return Err(refusal(stage, provider, &mut response, deadline).await);
    }
    if streams {
        stage.call.open();
        stage.report.phase = Phase::Stream;
        let (framing, marker) = framing.of_answer(marker, &stage.report.headers);
        let course = Course {
            framing,
            marker,
            max_line: settings.max_line_bytes,
            idle: config.timeouts.idle.or(settings.idle_timeout),
        };
        let end = stage
            .pump
            .run(stage.call, &mut response.body, &course, stage.report)
            .await?;
        stage.report.end = Some(end);
        return Ok(());
    }
    stage.report.phase = Phase::Response;
    let body = response.body.read(settings.max_response_bytes).await?;
    stage.report.bytes_in = body.len() as u64;
    stage.body = provider.finish_answer(&stage.report.headers, body);
    Ok(())
}

async fn send(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    config: &Config,
    prepared: Prepared,
    client: Arc<Client>,
) -> Result<Response, Error> {
    let settings = &stage.engine.settings;
    let wait = config.timeouts.response_header;
    let header_deadline = wait.unwrap_or(settings.response_header_timeout);
    let report = &mut *stage.report;
    let mut request = Request {
        method: prepared.method,
        url: prepared.url,
        headers: prepared.headers,
        body: prepared.body,
    };
    report.phase = Phase::Credentials;
    if !prepared.auth.attach_own(&mut request)? {
        // Tokens are everybody's: they are fetched where everybody can wait for them.
        let means = stage.engine.means(provider, config)?;
        let attach = prepared.auth.attach(&mut request, &means);
        within(&stage.engine.threads, attach).await?;
    }
    report.credentials = Some(report.elapsed());
    report.phase = Phase::Send;
    report.bytes_out = request.body.len() as u64;
    let mut response = client
        .send(&request, header_deadline, &mut report.attempts)
        .await?;
    report.phase = Phase::Response;
    report.response_header = Some(report.elapsed());
    report.http_status = response.status;
    report.headers = std::mem::take(&mut response.headers);
    Ok(response)
}

/// Does `work` here, and leaves what it spawns to `threads`.
async fn within<T>(threads: &Handle, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _entered = threads.enter();
        work.as_mut().poll(cx)
    })
    .await
}

/// The error of a response that is no 2xx. Its body is kept, whole on a unary call; one
/// that breaks off or stalls is kept as far as it came, since the status says all that
/// matters.
async fn refusal(
    stage: &mut Stage<'_>,
    provider: &dyn Provider,
    response: &mut Response,
    deadline: Instant,
) -> Error {
    let limit = match stage.report.operation {
        Some(Operation::CompletionsStream) => ERROR_BODY_BYTES,
        _ => stage.engine.settings.max_response_bytes,
    };
    let patience = deadline.min(Instant::now() + ERROR_BODY_WAIT);
    let mut body = BytesMut::new();
    let _ = timeout_at(patience, response.body.read_up_to(limit, &mut body)).await;
    stage.report.bytes_in = body.len() as u64;
    stage.body = body.freeze();
    let headers = &stage.report.headers;
    stage.report.error_code = provider.error_code(headers, &stage.body);
    stage.report.hint = provider.error_hint(response.status, headers);
    Error::Backend(response.status)
}

/// What an end from outside is: a host that has enough is no error.
fn ended_by(reason: Cancel) -> Result<(), Error> {
    match reason {
        Cancel::Stopped => Ok(()),
        Cancel::Cancelled => Err(Error::Cancelled),
        Cancel::Shutdown => Err(Error::Shutdown(
            "the library was shut down under this call".into(),
        )),
    }
}

/// The text of a panic, as far as it is one.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    let text = panic.downcast_ref::<String>();
    text.cloned()
        .unwrap_or_else(|| "a panic without a text".into())
}

/// `total` after `started`; one too far away to count never comes.
pub(super) fn deadline_after(started: std::time::Instant, total: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    let started = Instant::from_std(started);
    started.checked_add(total).unwrap_or(started + NEVER)
}
