//! What Bedrock says in headers and other providers say in bodies: token counts, and the
//! code of an error.

use bytes::Bytes;
use http::HeaderMap;

/// The counts of a unary answer's headers as the answer's first member, in the shape that
/// Bedrock's streams carry them. A later member of the same name wins, as in every common
/// parser; a body that does not begin an object stays as it is.
pub(super) fn with_token_counts(headers: &HeaderMap, body: Bytes) -> Bytes {
    let counts = [
        (
            "inputTokenCount",
            count(headers, "x-amzn-bedrock-input-token-count"),
        ),
        (
            "outputTokenCount",
            count(headers, "x-amzn-bedrock-output-token-count"),
        ),
    ];
    let counts = counts
        .iter()
        .filter_map(|(name, count)| Some(format!("\"{name}\":{}", (*count)?)));
    let counts: Vec<_> = counts.collect();
    let Some(open) = object_start(&body).filter(|_| !counts.is_empty()) else {
        return body;
    };
    let (before, rest) = body.split_at(open + 1);
    let mut member = format!(
        "\"amazon-bedrock-invocationMetrics\":{{{}}}",
        counts.join(",")
    );
    if rest.trim_ascii_start().first() != Some(&b'}') {
        member.push(',');
    }
    [before, member.as_bytes(), rest].concat().into()
}

/// The code in `x-amzn-errortype`, which stands before a colon and a URL, or behind a
/// namespace and a hash.
pub(super) fn error_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-amzn-errortype")?.to_str().ok()?;
    let name = text.split(':').next().unwrap_or(text);
    let name = name.rsplit('#').next().unwrap_or(name).trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (!name.is_empty() && name.len() <= 96 && name.chars().all(plain)).then(|| name.to_owned())
}

fn count(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Where the object's brace is, if the body is an object from there to its end.
fn object_start(body: &[u8]) -> Option<usize> {
    let open = body.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let whole = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    (body[open] == b'{' && whole()).then_some(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn counts_become_the_first_member() {
        const INPUT: (&str, &str) = ("x-amzn-bedrock-input-token-count", "11");
        const OUTPUT: (&str, &str) = ("x-amzn-bedrock-output-token-count", "7");
        const BOTH: &str =
            r#""amazon-bedrock-invocationMetrics":{"inputTokenCount":11,"outputTokenCount":7}"#;
        let both = format!("\n {{{BOTH}, \"a\" : 1.0}}\n");
        let empty = format!("{{{BOTH} }}");
        let half = r#"{"amazon-bedrock-invocationMetrics":{"outputTokenCount":7},"a":1}"#;
        for (given, body, expected) in [
            (&[INPUT, OUTPUT][..], "\n { \"a\" : 1.0}\n", both.as_str()),
            (&[INPUT, OUTPUT], "{ }", &empty),
            (&[OUTPUT], r#"{"a":1}"#, half),
            (&[], r#"{"a":1}"#, r#"{"a":1}"#),
            (&[("x-amzn-bedrock-input-token-count", "many")], "{}", "{}"),
            (&[INPUT, OUTPUT], "[1]", "[1]"),
            (&[INPUT, OUTPUT], r#"{"a":"#, r#"{"a":"#),
            (&[INPUT, OUTPUT], "{} {}", "{} {}"),
            (&[INPUT, OUTPUT], "", ""),
        ] {
            let finished = with_token_counts(&headers(given), Bytes::from_static(body.as_bytes()));
            assert_eq!(finished, expected);
        }
    }

    #[test]
    fn an_error_type_is_read_in_every_notation() {
        for (text, code) in [
            ("ThrottlingException", Some("ThrottlingException")),
            (
                "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
                Some("ValidationException"),
            ),
            (
                "com.amazon.coral.service#AccessDeniedException",
                Some("AccessDeniedException"),
            ),
            ("", None),
            ("a sentence", None),
        ] {
            assert_eq!(
                error_type(&headers(&[("x-amzn-errortype", text)])).as_deref(),
                code
            );
        }
        assert_eq!(error_type(&HeaderMap::new()), None);
    }
}
