//! Headers that a host adds through `options.headers`.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;
use crate::fields::Fields;

/// Headers that frame the message; a host that set them could make two peers disagree on
/// where a request ends (RFC 9112, sections 6.3 and 11.2).
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The headers in `options.headers`.
///
/// # Errors
/// `Config` naming the header, when its name or value is not one HTTP can carry (a line
/// break for example), or when it belongs to the connection.
pub fn option_headers(options: &Fields<'_>) -> Result<HeaderMap, Error> {
    headers_of(&options.object("headers")?)
}

/// The headers in an object of strings.
///
/// # Errors
/// As [`option_headers`].
pub fn headers_of(object: &Fields<'_>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in object.string_pairs()? {
        let key = name.trim();
        let wrong = |reason| object.error(&super::shown(key), reason);
        let parsed = HeaderName::from_bytes(key.as_bytes())
            .map_err(|_| wrong("not a usable header name"))?;
        if FRAMING.contains(&parsed.as_str()) {
            return Err(wrong("is set by the library"));
        }
        let mut content = HeaderValue::from_str(value.trim())
            .or_else(|_| HeaderValue::from_bytes(value.trim().as_bytes()))
            .map_err(|_| wrong("holds characters that a header cannot carry"))?;
        content.set_sensitive(is_secret_header(parsed.as_str()));
        headers.insert(parsed, content);
    }
    Ok(headers)
}

/// True for a header whose name says that its value is a credential. Its value is never
/// shown.
pub fn is_secret_header(name: &str) -> bool {
    const SIGNS: [&str; 9] = [
        "auth",
        "key",
        "token",
        "secret",
        "cookie",
        "password",
        "credential",
        "signature",
        "session",
    ];
    let name = name.to_ascii_lowercase();
    SIGNS.iter().any(|sign| name.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::parse_object;

    fn headers(json: &str) -> Result<HeaderMap, Error> {
        let map = parse_object(json.as_bytes(), "options").expect("valid JSON");
        option_headers(&Fields::new("options", &map))
    }

    #[test]
    fn what_no_header_can_carry_is_refused_by_name() {
        for (json, message) in [
            (
                r#"{"headers":{"x-a":"1\r\nx-b: 2"}}"#,
                "options.headers.x-a: holds characters that a header cannot carry",
            ),
            (
                r#"{"headers":{"x a":"1"}}"#,
                "options.headers.x a: not a usable header name",
            ),
            (
                r#"{"headers":{"Content-Length":"1"}}"#,
                "options.headers.Content-Length: is set by the library",
            ),
            (
                r#"{"headers":{"x-a":7}}"#,
                "options.headers.x-a: expected a string",
            ),
            (r#"{"headers":[]}"#, "options.headers: expected an object"),
        ] {
            assert_eq!(headers(json), Err(Error::Config(message.into())), "{json}");
        }
    }

    #[test]
    fn credentials_are_marked() {
        let map = headers(r#"{"headers":{"X-Api-Key":"a","x-team":"blue","Cookie":"c"}}"#)
            .expect("valid");
        assert!(map["x-api-key"].is_sensitive() && map["cookie"].is_sensitive());
        assert!(!map["x-team"].is_sensitive());
    }
}
