//! Signature Version 4, by AWS's own crate; what is signed and how a failed signature is
//! explained is decided here.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sign_http};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};

use super::AwsKeys;
use crate::error::Error;
use crate::transport::Request;

/// AWS refuses signatures that are older or newer than this.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// Signs `request` as it is; nothing that is signed may change on its way afterwards.
///
/// # Errors
/// `Credentials` when the keys hold what a signature or a header cannot carry.
pub(super) fn sign(
    request: &mut Request,
    keys: &AwsKeys,
    region: &str,
    service: &str,
    time: SystemTime,
) -> Result<(), Error> {
    let unusable =
        || Error::Credentials("the AWS keys hold characters that a signature cannot carry".into());
    let identity = keys.clone().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unusable())?
        .into();
    let signed = request.headers.iter().filter(|(name, _)| is_signed(name));
    let signed = signed.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method.as_str(),
        request.url.as_str(),
        signed,
        SignableBody::Bytes(&request.body),
    )
    .map_err(|_| Error::Config("the URL cannot be signed".into()))?;
    let signed = sign_http(signable, &params).map_err(|_| unusable())?;
    let (headers, _) = signed.into_parts().0.into_parts();
    for header in headers {
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| unusable())?;
        let name = HeaderName::from_static(header.name());
        value.set_sensitive(header.sensitive() || name == AUTHORIZATION);
        request.headers.insert(name, value);
    }
    Ok(())
}

/// What gives the request its meaning is signed. Other headers are left to the proxies and
/// gateways on the way, which may change them.
fn is_signed(name: &HeaderName) -> bool {
    *name == CONTENT_TYPE || name.as_str().starts_with("x-amz")
}

/// Says that this machine's clock may be wrong, where AWS refused a signature and its own
/// clock, in the `Date` header, is more than five minutes away from `now`.
pub fn clock_hint(code: Option<&str>, headers: &HeaderMap, now: SystemTime) -> Option<String> {
    const SIGNS: [&str; 6] = [
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "ExpiredTokenException",
    ];
    if !SIGNS.contains(&code?) {
        return None;
    }
    let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let (distance, side) = match now.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    (distance > MAX_SKEW).then(|| {
        let minutes = distance.as_secs() / 60;
        format!("this machine's clock may be wrong: it is {minutes} minutes {side} AWS's")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Method;
    use url::Url;

    const TIME: Duration = Duration::from_secs(1_767_323_045); // 2026-01-02T03:04:05Z

    fn keys() -> AwsKeys {
        AwsKeys::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            Some("tok/en+with=chars".into()),
            None,
            "test",
        )
    }

    fn request(path: &str) -> Request {
        const BODY: &str = "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":5,\
                            \"messages\":[{\"role\":\"user\",\"content\":\"hé\"}]}";
        let url = format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}");
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                http::header::ACCEPT,
                HeaderValue::from_static("application/json"),
            ),
        ];
        Request {
            method: Method::POST,
            url: Url::parse(&url).expect("a URL"),
            headers: headers.into_iter().collect(),
            body: Bytes::from_static(BODY.as_bytes()),
        }
    }

    fn header<'a>(request: &'a Request, name: &str) -> &'a str {
        request.headers[name].to_str().expect("ASCII")
    }

    /// botocore, awscrt and @smithy/signature-v4 make the same signatures of these requests.
    #[test]
    fn model_ids_are_signed_as_other_signers_do() {
        for (path, signature) in [
            (
                "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke-with-response-stream",
                "dfab4740fa09be2b174a12a975b6fd767f785d04eb7f69c666bfa318acad13a4",
            ),
            (
                "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-3/invoke",
                "ec0acf54cd41725174daa78665a10936d09213db437de54043923c6630acbc0b",
            ),
        ] {
            let mut request = request(path);
            let time = SystemTime::UNIX_EPOCH + TIME;
            sign(&mut request, &keys(), "us-east-1", "bedrock", time).expect("signed");
            assert_eq!(header(&request, "x-amz-date"), "20260102T030405Z");
            assert_eq!(
                header(&request, "x-amz-security-token"),
                "tok/en+with=chars"
            );
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, \
                 Signature={signature}"
            );
            assert_eq!(header(&request, "authorization"), expected);
            assert!(request.headers["authorization"].is_sensitive());
            assert!(request.headers["x-amz-security-token"].is_sensitive());
        }
    }

    #[test]
    fn keys_that_no_header_can_carry_are_refused_without_a_panic() {
        for (access_key, token) in [("AK\r\nx: 1", None), ("AK", Some("t\n")), ("AKé\0", None)] {
            let keys = AwsKeys::new(access_key, "s", token.map(str::to_owned), None, "test");
            let mut request = request("/model/m/invoke");
            let result = sign(
                &mut request,
                &keys,
                "us-east-1",
                "bedrock",
                SystemTime::now(),
            );
            assert!(
                matches!(result, Err(Error::Credentials(_))),
                "{access_key:?}"
            );
        }
    }

    #[test]
    fn a_wrong_clock_is_suspected_only_on_evidence() {
        let now = SystemTime::UNIX_EPOCH + TIME;
        let minute = |n: u64| Duration::from_secs(60 * n);
        let ahead = "this machine's clock may be wrong: it is 10 minutes ahead of AWS's";
        let behind = "this machine's clock may be wrong: it is 10 minutes behind AWS's";
        for (code, date, expected) in [
            (
                Some("InvalidSignatureException"),
                now - minute(10),
                Some(ahead),
            ),
            (
                Some("SignatureDoesNotMatch"),
                now + minute(10),
                Some(behind),
            ),
            (Some("RequestExpired"), now + minute(10), Some(behind)),
            (Some("InvalidSignatureException"), now - minute(5), None),
            (Some("AccessDeniedException"), now - minute(10), None),
            (None, now - minute(10), None),
        ] {
            let date = httpdate::fmt_http_date(date).parse().expect("a header");
            let headers = HeaderMap::from_iter([(DATE, date)]);
            assert_eq!(
                clock_hint(code, &headers, now).as_deref(),
                expected,
                "{code:?}"
            );
        }
        assert_eq!(
            clock_hint(Some("RequestExpired"), &HeaderMap::new(), now),
            None
        );
    }
}
