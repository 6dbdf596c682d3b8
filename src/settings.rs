//! The library's settings: what `modelwire_init` takes, with the defaults that hold
//! without it. They last from one start of the runtime to its shutdown.

use std::time::Duration;

use serde_json::{Value, json};

use crate::config::{TransportConfig, milliseconds};
use crate::error::Error;
use crate::fields::{Fields, parse_object};

/// Settings of one run of the library.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads that drive the network.
    pub worker_threads: usize,
    /// Total deadline of a unary call.
    pub default_http_timeout: Duration,
    /// Deadline for the response's headers.
    pub response_header_timeout: Duration,
    /// Total deadline of a stream.
    pub stream_timeout: Duration,
    /// Deadline between two pieces of a stream; off where `None`.
    pub idle_timeout: Option<Duration>,
    /// Deadline for TCP and TLS together.
    pub connect_timeout: Duration,
    /// Total deadline of a probe.
    pub probe_timeout: Duration,
    /// Idle connections kept for each host.
    pub max_idle_per_host: usize,
    /// How long an idle connection is kept.
    pub idle_connection: Duration,
    /// The longest line of a stream, in bytes.
    pub max_line_bytes: usize,
    /// The largest unary response body, in bytes.
    pub max_response_bytes: usize,
    /// Bytes of lines that may wait for the reader of one call.
    pub stream_buffer_bytes: usize,
    /// How to reach the network.
    pub transport: TransportConfig,
    /// The `user-agent` header.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            worker_threads: default_workers(),
            default_http_timeout: Duration::from_secs(120),
            response_header_timeout: Duration::from_secs(120),
            stream_timeout: Duration::from_secs(300),
            idle_timeout: None,
            connect_timeout: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(10),
            max_idle_per_host: 20,
            idle_connection: Duration::from_secs(60),
            max_line_bytes: DEFAULT_MAX_LINE_BYTES,
            max_response_bytes: 256 * 1024 * 1024,
            stream_buffer_bytes: 1024 * 1024,
            transport: TransportConfig::default(),
            user_agent: concat!("modelwire/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The longest line where nobody chose another limit: 16 MiB, an image and its JSON.
pub const DEFAULT_MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// A request body over this is refused before any network, in bytes.
pub const MAX_REQUEST_BYTES: usize = 512 * 1024 * 1024;

/// An error body of a stream is read up to this, in bytes; a drain after `[DONE]` too.
pub const ERROR_BODY_BYTES: usize = 64 * 1024;

const MAX_WORKERS: u64 = 256;

/// Half the cores, one to four. A worker moves hundreds of thousands of lines a second, and
/// a connection and its reader cost least on the same one; the other half of the machine is
/// the host's.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 4))
}

impl Settings {
    /// Reads the options of `modelwire_init`; no bytes at all read as `{}`.
    ///
    /// # Errors
    /// `Error::Config` naming the option.
    pub fn parse(bytes: &[u8]) -> Result<Settings, Error> {
        let document = parse_object(bytes, "options")?;
        let root = Fields::new("", &document);
        let base = Settings::default();
        let user_agent = root.text("user_agent")?.unwrap_or(&base.user_agent);
        if http::HeaderValue::from_str(user_agent).is_err() {
            return Err(root.error("user_agent", "holds characters a header cannot carry"));
        }
        let duration = |key, default| Ok(milliseconds(&root, key)?.unwrap_or(default));
        Ok(Settings {
            worker_threads: workers(&root, base.worker_threads)?,
            default_http_timeout: duration("default_http_timeout_ms", base.default_http_timeout)?,
            response_header_timeout: duration(
                "response_header_timeout_ms",
                base.response_header_timeout,
            )?,
            stream_timeout: duration("stream_timeout_ms", base.stream_timeout)?,
            idle_timeout: milliseconds(&root, "idle_timeout_ms")?,
            connect_timeout: duration("connect_timeout_ms", base.connect_timeout)?,
            probe_timeout: duration("probe_timeout_ms", base.probe_timeout)?,
            max_idle_per_host: size(&root, "max_idle_per_host", base.max_idle_per_host)?,
            idle_connection: duration("idle_connection_ms", base.idle_connection)?,
            max_line_bytes: limit(&root, "max_line_bytes", base.max_line_bytes)?,
            max_response_bytes: limit(&root, "max_response_bytes", base.max_response_bytes)?,
            stream_buffer_bytes: limit(&root, "stream_buffer_bytes", base.stream_buffer_bytes)?,
            transport: TransportConfig::read(&root)?,
            user_agent: user_agent.to_owned(),
        })
    }

    /// Every setting by its option name, in the option's unit; what was secret is left out.
    pub fn describe(&self) -> Value {
        json!({
            "worker_threads": self.worker_threads,
            "default_http_timeout_ms": whole_ms(self.default_http_timeout),
            "response_header_timeout_ms": whole_ms(self.response_header_timeout),
            "stream_timeout_ms": whole_ms(self.stream_timeout),
            "idle_timeout_ms": self.idle_timeout.map_or(0, whole_ms),
            "connect_timeout_ms": whole_ms(self.connect_timeout),
            "probe_timeout_ms": whole_ms(self.probe_timeout),
            "max_idle_per_host": self.max_idle_per_host,
            "idle_connection_ms": whole_ms(self.idle_connection),
            "max_line_bytes": self.max_line_bytes,
            "max_response_bytes": self.max_response_bytes,
            "stream_buffer_bytes": self.stream_buffer_bytes,
            "proxy": self.transport.proxy.as_ref().map(|_| crate::secret::REDACTED),
            "no_proxy": self.transport.no_proxy,
            "ca_pem": self.transport.ca_pem.is_some(),
            "client_cert_pem": self.transport.client_cert_pem.is_some(),
            "user_agent": self.user_agent,
        })
    }
}

fn workers(root: &Fields<'_>, default: usize) -> Result<usize, Error> {
    match root.unsigned("worker_threads")? {
        None | Some(0) => Ok(default),
        Some(count) if count <= MAX_WORKERS => Ok(count as usize),
        Some(_) => Err(root.error("worker_threads", "at most 256")),
    }
}

fn size(root: &Fields<'_>, key: &str, default: usize) -> Result<usize, Error> {
    let given = root.unsigned(key)?;
    Ok(given.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX)))
}

/// A size where 0 reads as missing.
fn limit(root: &Fields<'_>, key: &str, default: usize) -> Result<usize, Error> {
    Ok(match size(root, key, default)? {
        0 => default,
        given => given,
    })
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_read_and_described_under_its_name() {
        let given =
            br#"{"worker_threads":3,"default_http_timeout_ms":1,"response_header_timeout_ms":2,
            "stream_timeout_ms":3,"idle_timeout_ms":4,"connect_timeout_ms":5,"probe_timeout_ms":6,
            "max_idle_per_host":7,"idle_connection_ms":8,"max_line_bytes":9,"max_response_bytes":10,
            "stream_buffer_bytes":11,"proxy":"http://user:MARK@p:1","no_proxy":"x","ca_pem":"c",
            "client_cert_pem":"MARK","user_agent":"me/1"}"#;
        let described = Settings::parse(given).expect("valid").describe();
        let expected = json!({"worker_threads":3,"default_http_timeout_ms":1,
            "response_header_timeout_ms":2,"stream_timeout_ms":3,"idle_timeout_ms":4,
            "connect_timeout_ms":5,"probe_timeout_ms":6,"max_idle_per_host":7,"idle_connection_ms":8,
            "max_line_bytes":9,"max_response_bytes":10,"stream_buffer_bytes":11,
            "proxy":"[redacted]","no_proxy":"x","ca_pem":true,"client_cert_pem":true,
            "user_agent":"me/1"});
        assert_eq!(described, expected);
    }

    #[test]
    fn a_wrong_option_is_named() {
        for (text, message) in [
            (
                r#"{"worker_threads":"many"}"#,
                "worker_threads: expected a whole number, zero or more",
            ),
            (r#"{"worker_threads":1000}"#, "worker_threads: at most 256"),
            (
                r#"{"user_agent":"a\nb"}"#,
                "user_agent: holds characters a header cannot carry",
            ),
        ] {
            let error = Settings::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error, Error::Config(message.into()));
        }
    }
}
