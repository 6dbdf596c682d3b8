//! The two exchanges with AWS's Security Token Service that are made here: assuming a role,
//! and asking who one is. STS speaks forms and XML, whatever else AWS speaks.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::{AwsKeys, Role, environment, sign};
use crate::credentials::Means;
use crate::error::{Deadline, Error};
use crate::transport::{Answer, Request};

/// The service's name in a signature.
pub const SERVICE: &str = "sts";

const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Asks who signed it: an answer in the 200s means that AWS knows the keys. No permission
/// is needed for it.
///
/// # Errors
/// `Config` when the environment names an endpoint that is no URL.
pub fn caller_identity(region: &str) -> Result<Request, Error> {
    request(region, &[("Action", "GetCallerIdentity")])
}

/// Temporary keys of `role`, lent to the identity of `keys`.
pub(super) async fn assume_role(
    role: &Role,
    keys: &AwsKeys,
    region: &str,
    means: &Means,
) -> Result<AwsKeys, Error> {
    let mut form = vec![
        ("Action", "AssumeRole"),
        ("RoleArn", &role.arn),
        ("RoleSessionName", &role.session_name),
    ];
    if let Some(external_id) = &role.external_id {
        form.push(("ExternalId", external_id));
    }
    let mut request = request(region, &form)?;
    sign::sign(&mut request, keys, region, SERVICE, SystemTime::now())?;
    let answer = means
        .client
        .fetch(&request, means.deadline, MAX_ANSWER_BYTES)
        .await;
    let answer = answer.map_err(|error| match error {
        Error::Timeout(Deadline::Total) => error_text(&format!(
            "AWS STS did not answer within {} ms",
            means.deadline.as_millis()
        )),
        error => error_text(&format!("AWS STS could not be reached: {error}")),
    })?;
    if answer.status != 200 {
        return Err(refused(&answer, SystemTime::now()));
    }
    let keys = lent_keys(&answer.body);
    keys.ok_or_else(|| error_text("AWS STS answered with status 200, but lent no keys"))
}

/// The code in an STS error's XML, if that is what `body` is. Some stand-ins for AWS wrap
/// the error once more, as EC2 does.
pub fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Response {
        #[serde(rename = "Error")]
        error: Option<Inner>,
        #[serde(rename = "Errors")]
        errors: Option<Wrapped>,
    }
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(rename = "Error")]
        error: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(rename = "Code")]
        code: String,
    }
    let response: Response = quick_xml::de::from_str(std::str::from_utf8(body).ok()?).ok()?;
    let wrapped = response.errors.map(|errors| errors.error);
    let code = response.error.or(wrapped)?.code;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    (code.len() <= 96 && !code.is_empty() && code.chars().all(plain)).then_some(code)
}

fn request(region: &str, form: &[(&str, &str)]) -> Result<Request, Error> {
    let url = environment::endpoint_url("STS")
        .unwrap_or_else(|| format!("https://sts.{region}.amazonaws.com"));
    let wrong = |_| Error::Config("AWS_ENDPOINT_URL_STS: expected an http or https URL".into());
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form).append_pair("Version", "2011-06-15");
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Ok(Request {
        method: Method::POST,
        url: Url::parse(&url).map_err(wrong)?,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, form_type)]),
        body: Bytes::from(body.finish()),
    })
}

/// An STS error's own message can repeat the request, session token and all, so only its
/// code is shown.
fn refused(answer: &Answer, now: SystemTime) -> Error {
    let status = answer.status;
    let Some(code) = error_code(&answer.body) else {
        return error_text(&format!("AWS STS answered with status {status}"));
    };
    let clock = sign::clock_hint(Some(&code), &answer.headers, now);
    let meaning = match code.as_str() {
        "AccessDenied" => {
            Some("the role's trust policy does not let this identity assume it".to_owned())
        }
        _ => clock,
    };
    let what = format!("AWS STS refused to assume the role: {code} (status {status})");
    error_text(&match meaning {
        Some(meaning) => format!("{what}; {meaning}"),
        None => what,
    })
}

fn lent_keys(body: &[u8]) -> Option<AwsKeys> {
    #[derive(Deserialize)]
    struct Response {
        #[serde(rename = "AssumeRoleResult")]
        result: Outcome,
    }
    #[derive(Deserialize)]
    struct Outcome {
        #[serde(rename = "Credentials")]
        credentials: Lent,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Lent {
        access_key_id: String,
        secret_access_key: String,
        session_token: String,
        expiration: String,
    }
    let response: Response = quick_xml::de::from_str(std::str::from_utf8(body).ok()?).ok()?;
    let lent = response.result.credentials;
    let end = DateTime::from_str(lent.expiration.trim(), Format::DateTimeWithOffset).ok()?;
    Some(AwsKeys::new(
        lent.access_key_id,
        lent.secret_access_key,
        Some(lent.session_token),
        Some(SystemTime::try_from(end).ok()?),
        "AssumeRole",
    ))
}

fn error_text(text: &str) -> Error {
    Error::Credentials(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENT: &str = r#"<?xml version="1.0"?>
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleResult>
            <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
            <Credentials>
              <SessionToken>tok/en==</SessionToken>
              <SecretAccessKey>se&amp;cret</SecretAccessKey>
              <Expiration>2026-01-02T03:04:05Z</Expiration>
              <AccessKeyId>ASIA</AccessKeyId>
            </Credentials>
            <PackedPolicySize>6</PackedPolicySize>
          </AssumeRoleResult>
          <ResponseMetadata><RequestId>c6</RequestId></ResponseMetadata>
        </AssumeRoleResponse>"#;

    fn refusal(code: &str, status: u16, date: &'static str) -> Error {
        let body = format!(
            r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
               <Type>Sender</Type><Code>{code}</Code><Message>MARK</Message></Error>
               <RequestId>x</RequestId></ErrorResponse>"#
        );
        let date = HeaderValue::from_static(date);
        let answer = Answer {
            status,
            headers: HeaderMap::from_iter([(http::header::DATE, date)]),
            body: body.into(),
        };
        let now = httpdate::parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT").expect("a date");
        refused(&answer, now)
    }

    #[test]
    fn lent_keys_are_read() {
        let keys = lent_keys(LENT.as_bytes()).expect("keys");
        assert_eq!(keys.access_key_id(), "ASIA");
        assert_eq!(keys.secret_access_key(), "se&cret");
        assert_eq!(keys.session_token(), Some("tok/en=="));
        let end = httpdate::parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT").expect("a date");
        assert_eq!(keys.expiry(), Some(end));
    }

    #[test]
    fn what_lends_nothing_is_no_answer() {
        for body in [
            "",
            "<html>",
            "{}",
            "<AssumeRoleResponse/>",
            &LENT.replace("2026-", "soon-"),
        ] {
            assert!(lent_keys(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn an_error_is_found_in_either_wrapping() {
        for (body, code) in [
            (
                "<ErrorResponse><Error><Code>A</Code></Error></ErrorResponse>",
                Some("A"),
            ),
            (
                "<R><Errors><Error><Code>B</Code></Error></Errors></R>",
                Some("B"),
            ),
            ("<R><Error><Code>a b</Code></Error></R>", None),
            ("<R/>", None),
            ("", None),
        ] {
            assert_eq!(error_code(body.as_bytes()).as_deref(), code, "{body}");
        }
    }

    #[test]
    fn a_refusal_shows_its_code_and_nothing_that_repeats_the_request() {
        let (right, wrong) = (
            "Fri, 02 Jan 2026 03:04:00 GMT",
            "Fri, 02 Jan 2026 02:54:05 GMT",
        );
        for (code, status, date, expected) in [
            (
                "AccessDenied",
                403,
                right,
                "AWS STS refused to assume the role: AccessDenied (status 403); \
                 the role's trust policy does not let this identity assume it",
            ),
            (
                "SignatureDoesNotMatch",
                403,
                wrong,
                "AWS STS refused to assume the role: SignatureDoesNotMatch (status 403); \
                 this machine's clock may be wrong: it is 10 minutes ahead of AWS's",
            ),
            (
                "ExpiredToken",
                403,
                right,
                "AWS STS refused to assume the role: ExpiredToken (status 403)",
            ),
            ("a b", 500, right, "AWS STS answered with status 500"),
        ] {
            assert_eq!(
                refusal(code, status, date),
                Error::Credentials(expected.into())
            );
        }
    }
}
