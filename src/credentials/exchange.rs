//! One exchange with an endpoint that hands out bearer tokens (RFC 6749, section 5), and
//! what its answer says. Errors name the endpoint and its status; of the answer's text only
//! error codes that the standards define get through, for an endpoint may echo anything.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::Means;
use super::cache::Lease;
use crate::error::{Deadline, Error};
use crate::secret::Secret;
use crate::transport::{Answer, Request};

/// A bearer token and what has to go with it.
#[derive(Debug)]
pub struct Token {
    /// The access token.
    pub secret: Secret,
    /// The Google project that pays, where the identity names one: `x-goog-user-project`.
    pub quota_project: Option<String>,
}

/// An endpoint that hands out tokens.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// What messages call it: `the Google token endpoint`.
    pub name: &'static str,
    /// The means to reach it.
    pub means: &'a Means,
}

/// Where an answer says nothing about its token's life.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// No token is kept longer, whatever its answer says.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

const MAX_ANSWER_BYTES: usize = 1024 * 1024;

impl Endpoint<'_> {
    /// POSTs a form and reads the token.
    ///
    /// # Errors
    /// `Credentials`.
    pub async fn post_form(&self, url: Url, form: &[(&str, &str)]) -> Result<Lease<Token>, Error> {
        let mut headers = HeaderMap::new();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form_type);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: encode(form),
        };
        let answer = self.fetch(&request, self.means.deadline).await?;
        self.token(&answer)
    }

    /// GETs `url` with one header: how metadata services are asked.
    ///
    /// # Errors
    /// `Credentials` when no answer came within `deadline`.
    pub async fn get(
        &self,
        url: Url,
        header: Option<(HeaderName, HeaderValue)>,
        deadline: Duration,
    ) -> Result<Answer, Error> {
        let request = Request {
            method: Method::GET,
            url,
            headers: header.into_iter().collect(),
            body: Bytes::new(),
        };
        self.fetch(&request, deadline).await
    }

    /// The token in `answer`.
    ///
    /// # Errors
    /// `Credentials` when there is none.
    pub fn token(&self, answer: &Answer) -> Result<Lease<Token>, Error> {
        if answer.status != 200 {
            return Err(self.refused(answer));
        }
        parse_token(&answer.body).ok_or_else(|| {
            self.error("answered with status 200, but its body is not a token response")
        })
    }

    /// An error about this endpoint.
    pub fn error(&self, what: &str) -> Error {
        Error::Credentials(format!("{} {what}", self.name))
    }

    async fn fetch(&self, request: &Request, deadline: Duration) -> Result<Answer, Error> {
        let answer = self
            .means
            .client
            .fetch(request, deadline, MAX_ANSWER_BYTES)
            .await;
        answer.map_err(|error| match error {
            Error::Timeout(Deadline::Connect) => self.error("could not be connected to in time"),
            Error::Timeout(_) => self.error(&format!(
                "did not answer within {} ms",
                deadline.as_millis()
            )),
            Error::Protocol(_) => self.error("gave an answer that cannot be read"),
            other => self.error(&format!("could not be reached: {other}")),
        })
    }

    fn refused(&self, answer: &Answer) -> Error {
        let status = answer.status;
        if (300..400).contains(&status) {
            let text = "answered with a redirect, which is not followed for credentials";
            return self.error(&format!("{text} (status {status})"));
        }
        let reason = serde_json::from_slice::<Refusal>(&answer.body).unwrap_or_default();
        match reason.shown() {
            Some(reason) => self.error(&format!("answered with status {status} ({reason})")),
            None => self.error(&format!("answered with status {status}")),
        }
    }
}

/// The form as a body that is wiped when the last reference to it goes.
fn encode(form: &[(&str, &str)]) -> Bytes {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(form);
    Bytes::from_owner(Zeroizing::new(text.finish().into_bytes()))
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(alias = "accessToken")]
    access_token: String,
    expires_in: Option<Value>,
    expires_on: Option<Value>,
}

/// A token as RFC 6749, Azure's metadata services and its CLI write it: times are seconds,
/// as numbers or as strings.
pub fn parse_token(body: &[u8]) -> Option<Lease<Token>> {
    let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
    let secret = Secret::new(answer.access_token);
    if secret.is_blank() || secret.header("").is_none() {
        return None;
    }
    let left = answer.expires_in.as_ref().and_then(seconds);
    let until = || answer.expires_on.as_ref().and_then(seconds).map(from_now);
    let lifetime = left.or_else(until).unwrap_or(UNSTATED_LIFETIME);
    Some(Lease {
        value: Token {
            secret,
            quota_project: None,
        },
        lifetime: lifetime.min(MAX_LIFETIME),
    })
}

fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}

fn from_now(since_epoch: Duration) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since_epoch.saturating_sub(now)
}

#[derive(Default, Deserialize)]
struct Refusal {
    error: Option<Value>,
    /// Entra's numbers, which its documentation explains as `AADSTS` codes.
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// Codes of RFC 6749, OpenID Connect, Entra and Google.
const ERROR_CODES: &[&str] = &[
    "access_denied",
    "account_restricted",
    "admin_policy_enforced",
    "consent_required",
    "deleted_client",
    "disabled_client",
    "interaction_required",
    "internal_failure",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_resource",
    "invalid_scope",
    "login_required",
    "org_internal",
    "rate_limit_exceeded",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];

impl Refusal {
    fn shown(&self) -> Option<String> {
        let code = self.error.as_ref().and_then(Value::as_str);
        let code = code
            .filter(|code| ERROR_CODES.contains(code))
            .map(str::to_owned);
        let number = self
            .error_codes
            .first()
            .map(|number| format!("AADSTS{number}"));
        let parts: Vec<_> = code.into_iter().chain(number).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Where secrets may be sent: https, or http that does not leave this machine.
///
/// # Errors
/// `Credentials` naming `what`, without quoting it.
pub fn secure_url(what: &str, text: &str) -> Result<Url, Error> {
    let wrong = || {
        let rule = "expected an https URL, or an http URL on a loopback address";
        Error::Credentials(format!("{what}: {rule}"))
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let bare = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        "https" if bare => Ok(url),
        "http" if bare && is_loopback(&url) => Ok(url),
        _ => Err(wrong()),
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read_in_every_notation() {
        let soon = epoch_now() + 1000;
        let cases = [
            (
                r#"{"access_token":"t","expires_in":3599}"#.to_owned(),
                3599..=3599,
            ),
            (
                r#"{"access_token":"t","expires_in":"3599"}"#.to_owned(),
                3599..=3599,
            ),
            (
                format!(r#"{{"access_token":"t","expires_on":"{soon}"}}"#),
                990..=1000,
            ),
            (
                format!(r#"{{"accessToken":"t","expires_on":{soon}}}"#),
                990..=1000,
            ),
            (r#"{"access_token":"t","expires_on":"1"}"#.to_owned(), 0..=0),
            (r#"{"access_token":"t","expires_in":-5}"#.to_owned(), 0..=0),
            (r#"{"access_token":"t"}"#.to_owned(), 300..=300),
            (
                r#"{"access_token":"t","expires_in":1e300}"#.to_owned(),
                300..=86400,
            ),
        ];
        for (body, expected) in cases {
            let lease = parse_token(body.as_bytes()).expect(&body);
            assert!(expected.contains(&lease.lifetime.as_secs()), "{body}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"access_token":7}"#,
            r#"{"access_token":" "}"#,
            r#"{"access_token":"a\r\nx-evil: 1"}"#,
        ] {
            assert!(parse_token(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn only_known_error_codes_are_shown() {
        for (body, shown) in [
            (
                r#"{"error":"invalid_grant","error_description":"MARK"}"#,
                Some("invalid_grant"),
            ),
            (
                r#"{"error":"invalid_client","error_codes":[7000215]}"#,
                Some("invalid_client, AADSTS7000215"),
            ),
            (r#"{"error":"MARK"}"#, None),
            (r#"{"error":{"message":"MARK"}}"#, None),
        ] {
            let refusal: Refusal = serde_json::from_str(body).expect(body);
            assert_eq!(refusal.shown().as_deref(), shown, "{body}");
        }
    }

    #[test]
    fn secrets_go_over_https_or_stay_on_the_machine() {
        for good in [
            "https://login.microsoftonline.com",
            "http://127.0.0.1:8080/token",
            "http://[::1]:80/",
            "http://localhost/",
        ] {
            assert!(secure_url("x", good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example/",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "https://user:pw@login.example/",
            "ftp://127.0.0.1/",
            "login.example",
            "",
        ] {
            let error = secure_url("token_uri", bad).expect_err(bad);
            let text = "token_uri: expected an https URL, or an http URL on a loopback address";
            assert_eq!(error, Error::Credentials(text.into()));
        }
    }

    fn epoch_now() -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs()
    }
}
