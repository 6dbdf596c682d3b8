//! Reports: whatever a provider's headers hold, info is JSON, and a wait is one that a person
//! could mean.

use http::{HeaderName, HeaderValue};
use modelwire::call::{Operation, Outcome, Report};
use modelwire::error::Error;
use serde_json::Value;

use super::bytes::Bytes;

const LONGEST_WAIT_MS: u64 = 1_000_000_000_000_000;

pub fn any_headers_make_a_report(data: &[u8]) {
    let mut data = Bytes::new(data);
    let status = u16::from(data.byte()) + 300;
    let mut report = Report::new("openai", Some(Operation::Completions));
    report.http_status = status;
    for line in data.rest().split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            report.headers.append(name, value);
        }
    }
    let text = |name: &str| {
        let value = report.headers.get(name)?.to_str().ok()?;
        Some(value.trim().to_owned())
    };
    let (exact, wait) = (text("retry-after-ms"), text("retry-after"));
    let count = report.headers.len();

    let info = Outcome::failed(Error::Backend(status), report).info();
    let info: Value = serde_json::from_str(&info.to_string()).expect("JSON");
    assert_eq!(info["headers"].as_array().map(Vec::len), Some(count));
    assert_eq!(info["http_status"], status);
    let busy = matches!(status, 408 | 409 | 429 | 500..=599);
    assert_eq!(info["retryable"], busy);

    let ms = &info["retry_after_ms"];
    assert!(
        ms.is_null() || ms.as_u64().is_some_and(|ms| ms < LONGEST_WAIT_MS),
        "{ms}"
    );
    if let Some(expected) = exact.as_deref().and_then(small) {
        assert_eq!(ms.as_u64(), Some(expected));
    } else if exact.is_none()
        && let Some(seconds) = wait.as_deref().and_then(small)
    {
        assert_eq!(ms.as_u64(), Some(seconds * 1000));
    }
}

/// A whole number of at most nine digits.
fn small(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && text.len() <= 9).then(|| text.parse().ok())?
}
