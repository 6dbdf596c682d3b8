//! Where a provider is, and how its URLs are put together. What a host or a body names goes
//! into a path percent-encoded, so it can never change which resource is meant.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::Error;
use crate::fields::Fields;

/// A provider's base: scheme, host, optional path, no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

/// With the longest path behind it a URL still fits HTTP's limit of 64 KiB.
const MAX_BASE_BYTES: usize = 8192;

/// The longest names, ARNs of inference profiles, have less than 2048.
const MAX_SEGMENT_BYTES: usize = 2048;

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl BaseUrl {
    /// `options.base_url`, else `default`.
    ///
    /// # Errors
    /// `Config` when the option is not a plain http or https URL.
    pub fn from_options(options: &Fields<'_>, default: &str) -> Result<BaseUrl, Error> {
        match options.text("base_url")? {
            Some(text) => BaseUrl::parse(text).map_err(|reason| options.error("base_url", reason)),
            None => Ok(BaseUrl(default.to_owned())),
        }
    }

    /// Reads a base URL as people write it.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it.
    pub fn parse(text: &str) -> Result<BaseUrl, &'static str> {
        let trimmed = text.trim().trim_end_matches('/');
        if trimmed.len() > MAX_BASE_BYTES {
            return Err("is too long for a URL");
        }
        let url = Url::parse(trimmed).map_err(|_| "expected an http or https URL")?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("expected an http or https URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password; use headers");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must not hold a query or a fragment");
        }
        if trimmed.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err("holds characters that a URL cannot carry");
        }
        Ok(BaseUrl(trimmed.to_owned()))
    }

    /// The base as text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The base with `rest`, which begins with a slash, behind it.
    ///
    /// # Errors
    /// `Config` when the two make no URL.
    pub fn join(&self, rest: &str) -> Result<Url, Error> {
        let text = format!("{}{rest}", self.0);
        Url::parse(&text).map_err(|_| Error::Config("options.base_url: not a usable URL".into()))
    }
}

/// `value` as one segment of a path.
///
/// # Errors
/// `Request` for a name that a URL would take for a step: `.` and `..` cannot be encoded
/// away (WHATWG URL, section 4.1, treats `%2e` alike).
pub fn segment(what: &str, value: &str) -> Result<String, Error> {
    if matches!(value, "." | "..") || value.chars().any(char::is_control) {
        return Err(Error::Request(format!("{what} is not a usable name")));
    }
    if value.len() > MAX_SEGMENT_BYTES {
        return Err(Error::Request(format!(
            "{what} is over {MAX_SEGMENT_BYTES} bytes"
        )));
    }
    Ok(utf8_percent_encode(value, SEGMENT).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_trimmed_and_checked() {
        let good = [
            (" https://a.example/v1/ ", "https://a.example/v1"),
            ("http://127.0.0.1:80///", "http://127.0.0.1:80"),
        ];
        for (text, expected) in good {
            assert_eq!(BaseUrl::parse(text), Ok(BaseUrl(expected.into())));
        }
        for bad in [
            "",
            "ftp://a",
            "a.example/v1",
            "https://",
            "https://user:pw@a.example",
            "https://a.example/?key=x",
            "https://a.example/#x",
            "https://a.ex\nample/",
            "file:///etc/passwd",
            "https://a.example\\@b",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_segment_stays_one_segment() {
        for (value, encoded) in [
            ("gpt-4o_mini.2~", "gpt-4o_mini.2~"),
            ("a/b", "a%2Fb"),
            ("a?b#c@d:e%", "a%3Fb%23c%40d%3Ae%25"),
            ("é ", "%C3%A9%20"),
            ("...", "..."),
        ] {
            assert_eq!(segment("model", value), Ok(encoded.into()));
        }
        for bad in [".", "..", "a\r\nb", &"m".repeat(3000)] {
            assert!(segment("model", bad).is_err());
        }
    }
}
