//! Bedrock's probe asks STS who the caller is: no model is run, no permission is needed, and
//! a wrong key is told from a wrong network.

use crate::credentials::Auth;
use crate::credentials::aws::{AwsIdentity, sts};
use crate::error::Error;
use crate::probe::{Stage, Verdict};
use crate::provider::Probe;

/// The question, and how its answer is read.
pub(super) fn caller_identity(identity: Box<AwsIdentity>) -> Result<Probe, Error> {
    let request = sts::caller_identity(identity.region())?;
    Ok(Probe::Exchange {
        request: Box::new(request),
        auth: Auth::Aws {
            identity,
            service: sts::SERVICE,
        },
        judge,
    })
}

/// Codes by which AWS refuses credentials, whatever status comes with them.
const REJECTIONS: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

fn judge(status: u16, body: &[u8]) -> Verdict {
    if (200..300).contains(&status) {
        return Verdict::accepted(status);
    }
    let code = sts::error_code(body);
    let rejected = code
        .as_deref()
        .is_some_and(|code| REJECTIONS.contains(&code));
    if rejected || matches!(status, 401 | 403) {
        let text = "AWS rejected the credentials";
        return Verdict::failed(Stage::Authentication, status, text);
    }
    match code {
        Some(code) => Verdict::failed(Stage::Provider, status, format!("AWS error: {code}")),
        None => Verdict::failed(Stage::Connectivity, status, "could not reach AWS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_aws_means_them() {
        let xml = |code: &str| {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>"
            )
        };
        let rejected = "AWS rejected the credentials";
        for (status, body, stage, message) in [
            (200, String::new(), Stage::Authentication, ""),
            (
                403,
                xml("InvalidClientTokenId"),
                Stage::Authentication,
                rejected,
            ),
            (400, xml("ExpiredToken"), Stage::Authentication, rejected),
            (
                400,
                xml("UnrecognizedClientException"),
                Stage::Authentication,
                rejected,
            ),
            (403, "<html>".into(), Stage::Authentication, rejected),
            (401, String::new(), Stage::Authentication, rejected),
            (
                400,
                xml("Throttling"),
                Stage::Provider,
                "AWS error: Throttling",
            ),
            (
                503,
                xml("ServiceUnavailable"),
                Stage::Provider,
                "AWS error: ServiceUnavailable",
            ),
            (
                502,
                "<html>Bad gateway</html>".into(),
                Stage::Connectivity,
                "could not reach AWS",
            ),
        ] {
            let verdict = judge(status, body.as_bytes());
            assert_eq!(
                (verdict.stage, verdict.message.as_str()),
                (stage, message),
                "{status} {body}"
            );
            assert_eq!(verdict.ok, message.is_empty());
        }
    }
}
