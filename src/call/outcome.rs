//! How an operation ended: the error or none, the body, and a report of everything a host
//! may want to log, retry on or relay. The report becomes JSON only when it is asked for.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::operation::Operation;
use crate::error::{Error, Status};

/// The outcome of an operation.
#[derive(Debug)]
pub struct Outcome {
    /// What went wrong, if anything did.
    pub error: Option<Error>,
    /// The provider's bytes, or our JSON where an operation promises that.
    pub body: Bytes,
    /// What happened on the way.
    pub report: Box<Report>,
}

/// How far an operation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading the config, making the request.
    Prepare,
    /// Getting a token or a signature.
    Credentials,
    /// Sending, up to the response's head.
    Send,
    /// Reading a unary answer or an error's body.
    Response,
    /// Reading a stream.
    Stream,
    /// Everything.
    Done,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By `[DONE]`.
    Done,
    /// After the provider's own last event.
    Terminal,
    /// Cleanly, without either.
    Eof,
    /// The host's callback stopped it.
    Stopped,
    /// Somebody cancelled it.
    Cancelled,
    /// By a failure.
    Error,
}

/// What happened on the way. Times are `None` for what never came.
#[derive(Debug)]
pub struct Report {
    /// The provider's name as it was passed.
    pub provider: String,
    /// The operation; `None` for a number that is none.
    pub operation: Option<Operation>,
    /// How far it came.
    pub phase: Phase,
    /// The model, where one was looked up.
    pub model: Option<String>,
    /// The URL, which holds no secret.
    pub url: Option<String>,
    /// The response's status, 0 without one.
    pub http_status: u16,
    /// The response's headers as received.
    pub headers: HeaderMap,
    /// How a stream ended.
    pub end: Option<End>,
    /// The provider's own code for its error.
    pub error_code: Option<String>,
    /// What to look at first, where the answer does not say it.
    pub hint: Option<String>,
    /// Lines handed to the host.
    pub lines: u64,
    /// Bytes of the response's body.
    pub bytes_in: u64,
    /// Bytes of the request's body.
    pub bytes_out: u64,
    /// How often the request went out.
    pub attempts: u32,
    /// Config fields that were set and change nothing.
    pub unused: Vec<&'static str>,
    /// When it began.
    pub started: Instant,
    /// When it ended, by the calendar: what a date in `retry-after` is measured from.
    pub ended: SystemTime,
    /// From the start to having the credentials.
    pub credentials: Option<Duration>,
    /// From the start to the response's head.
    pub response_header: Option<Duration>,
    /// From the start to the first line.
    pub first_line: Option<Duration>,
    /// From the start to the end.
    pub total: Duration,
}

const REQUEST_IDS: [&str; 7] = [
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ms-request-id",
    "x-goog-request-id",
    "x-groq-request-id",
];

impl Report {
    /// A report of something that just began.
    pub fn new(provider: &str, operation: Option<Operation>) -> Report {
        Report {
            provider: provider.to_owned(),
            operation,
            phase: Phase::Prepare,
            model: None,
            url: None,
            http_status: 0,
            headers: HeaderMap::new(),
            end: None,
            error_code: None,
            hint: None,
            lines: 0,
            bytes_in: 0,
            bytes_out: 0,
            attempts: 0,
            unused: Vec::new(),
            started: Instant::now(),
            ended: SystemTime::UNIX_EPOCH,
            credentials: None,
            response_header: None,
            first_line: None,
            total: Duration::ZERO,
        }
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn request_id(&self) -> Option<&str> {
        REQUEST_IDS.iter().find_map(|name| self.header(name))
    }

    /// How long the provider asks to wait: `retry-after-ms`, else `retry-after` in seconds
    /// or as a date (RFC 9110, section 10.2.3).
    fn retry_after_ms(&self, now: SystemTime) -> Option<u64> {
        let exact = self.header("retry-after-ms");
        if let Some(ms) = exact.and_then(|text| whole(text.trim().parse().ok()?)) {
            return Some(ms);
        }
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return whole(seconds * 1000.0);
        }
        let date = httpdate::parse_http_date(text).ok()?;
        let wait = date.duration_since(now).unwrap_or_default();
        u64::try_from(wait.as_millis()).ok()
    }
}

/// A count of milliseconds that a person could mean.
fn whole(ms: f64) -> Option<u64> {
    (ms.is_finite() && (0.0..1e15).contains(&ms)).then_some(ms as u64)
}

impl Outcome {
    /// An operation that failed before it began.
    pub fn refused(error: Error, provider: &str, operation: Option<Operation>) -> Outcome {
        Outcome::failed(error, Report::new(provider, operation))
    }

    /// An operation that failed.
    pub fn failed(error: Error, report: Report) -> Outcome {
        Outcome::ended(Err(error), report)
    }

    /// An operation that ended as `result` says.
    pub fn ended(result: Result<Bytes, Error>, mut report: Report) -> Outcome {
        report.total = report.elapsed();
        report.ended = SystemTime::now();
        if report.operation == Some(Operation::CompletionsStream) {
            report.end = report.end.or(Some(End::of(&result)));
        }
        let (error, body) = match result {
            Ok(body) => (None, body),
            Err(error) => (Some(error), Bytes::new()),
        };
        Outcome {
            error,
            body,
            report: Box::new(report),
        }
    }

    /// A stream whose host had enough after `lines` lines; what the task saw beyond them
    /// was not delivered.
    pub(super) fn stopped_after(&mut self, lines: u64) {
        if matches!(self.error, None | Some(Error::Cancelled)) {
            self.error = None;
            self.report.end = Some(End::Stopped);
        }
        self.report.lines = lines;
    }

    /// The status a host sees.
    pub fn status(&self) -> Status {
        self.error.as_ref().map_or(Status::Ok, Error::status)
    }

    /// The message a host sees: empty on success. A mistake in what the host passed is said
    /// together with the provider it was meant for.
    pub fn message(&self) -> String {
        match &self.error {
            None => String::new(),
            Some(
                error @ (Error::Config(_)
                | Error::Request(_)
                | Error::ModelNotAllowed(_)
                | Error::Credentials(_)),
            ) if !self.report.provider.is_empty() => {
                format!("{}: {error}", self.report.provider)
            }
            Some(error) => match &self.report.hint {
                Some(hint) => format!("{error}; {hint}"),
                None => error.to_string(),
            },
        }
    }

    /// True when the same request may succeed later: the provider is busy or failing, or no
    /// answer was begun.
    pub fn is_retryable(&self) -> bool {
        match &self.error {
            Some(Error::Backend(status)) => matches!(status, 408 | 409 | 429 | 500..=599),
            Some(Error::Connect(_)) => true,
            Some(Error::Timeout(_)) => self.report.http_status == 0,
            _ => false,
        }
    }

    /// The info object of the ABI.
    pub fn info(&self) -> Value {
        let report = &self.report;
        let headers: Vec<[String; 2]> = report.headers.iter().map(pair).collect();
        let timeout = match &self.error {
            Some(Error::Timeout(deadline)) => Some(deadline.name()),
            _ => None,
        };
        let error_code = match &self.error {
            Some(Error::Stream { code, .. }) => code.as_ref(),
            _ => report.error_code.as_ref(),
        };
        json!({
            "status": self.status().name(),
            "message": self.message(),
            "provider": report.provider,
            "operation": report.operation.map(Operation::name),
            "phase": report.phase.name(),
            "model": report.model,
            "url": report.url,
            "http_status": report.http_status,
            "headers": headers,
            "request_id": report.request_id(),
            "content_type": report.header("content-type"),
            "retryable": self.is_retryable(),
            "retry_after_ms": report.retry_after_ms(report.ended),
            "timeout": timeout,
            "end": report.end.map(End::name),
            "error_code": error_code,
            "lines": report.lines,
            "bytes_in": report.bytes_in,
            "bytes_out": report.bytes_out,
            "timings": timings(report),
            "attempts": report.attempts,
            "unused": report.unused,
        })
    }
}

/// A header as a pair; bytes that are not UTF-8 are replaced, as JSON demands.
fn pair((name, value): (&http::HeaderName, &http::HeaderValue)) -> [String; 2] {
    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
    [name.to_string(), value]
}

fn timings(report: &Report) -> Map<String, Value> {
    let ms = |duration: Duration| json!((duration.as_secs_f64() * 1e6).round() / 1e3);
    let optional = |duration: Option<Duration>| duration.map_or(Value::Null, ms);
    Map::from_iter([
        ("credentials_ms".into(), optional(report.credentials)),
        (
            "response_header_ms".into(),
            optional(report.response_header),
        ),
        ("first_line_ms".into(), optional(report.first_line)),
        ("total_ms".into(), ms(report.total)),
    ])
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Prepare => "prepare",
            Phase::Credentials => "credentials",
            Phase::Send => "send",
            Phase::Response => "response",
            Phase::Stream => "stream",
            Phase::Done => "done",
        }
    }
}

impl End {
    /// How a stream ended that did not come to an end of its own.
    fn of(result: &Result<Bytes, Error>) -> End {
        match result {
            Ok(_) => End::Stopped,
            Err(Error::Cancelled | Error::Shutdown(_)) => End::Cancelled,
            Err(_) => End::Error,
        }
    }

    fn name(self) -> &'static str {
        match self {
            End::Done => "done",
            End::Terminal => "terminal",
            End::Eof => "eof",
            End::Stopped => "stopped",
            End::Cancelled => "cancelled",
            End::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Deadline;

    fn report(headers: &[(&'static str, &str)]) -> Report {
        let mut report = Report::new("openai", Some(Operation::Completions));
        for (name, value) in headers {
            report
                .headers
                .append(*name, value.parse().expect("a header"));
        }
        report
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let date = "Sun, 06 Nov 1994 08:49:47 GMT"; // ten seconds later
        for (headers, expected) in [
            (&[("retry-after", "7")] as &[_], Some(7000)),
            (&[("retry-after", "1.5")], Some(1500)),
            (&[("retry-after", date)], Some(10_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
            (
                &[("retry-after-ms", "250"), ("retry-after", "7")],
                Some(250),
            ),
            (
                &[("retry-after-ms", "soon"), ("retry-after", "7")],
                Some(7000),
            ),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "inf")], None),
            (&[], None),
        ] {
            assert_eq!(report(headers).retry_after_ms(now), expected, "{headers:?}");
        }
    }

    #[test]
    fn only_what_may_pass_is_retryable() {
        for (error, http_status, expected) in [
            (Error::Backend(429), 429, true),
            (Error::Backend(529), 529, true),
            (Error::Backend(400), 400, false),
            (Error::Backend(302), 302, false),
            (Error::Connect("x".into()), 0, true),
            (Error::Timeout(Deadline::ResponseHeader), 0, true),
            (Error::Timeout(Deadline::Idle), 200, false),
            (Error::Truncated("x".into()), 200, false),
            (Error::Config("x".into()), 0, false),
        ] {
            let mut report = report(&[]);
            report.http_status = http_status;
            let outcome = Outcome::failed(error.clone(), report);
            assert_eq!(outcome.is_retryable(), expected, "{error:?}");
        }
    }
}
