//! A string that must not be seen: an API key, a token, a password. It prints as
//! `[redacted]`, and its bytes are wiped when it is dropped.

use std::fmt;

use http::HeaderValue;
use zeroize::Zeroizing;

/// What a secret's place shows instead of its value.
pub const REDACTED: &str = "[redacted]";

/// A secret string. `Debug` never shows it; [`expose`](Secret::expose) is the only way in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value over.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(value.into()))
    }

    /// The value itself, for the wire and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// `prefix` and the value as a header that HPACK never indexes and `Debug` never shows.
    /// `None` when the value holds bytes a header cannot carry, a line break for one.
    pub fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("{prefix}{}", self.expose()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl std::hash::Hash for Secret {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("sk-marker");
        assert_eq!(format!("{secret:?}"), REDACTED);
        let header = secret.header("Bearer ").expect("a plain key fits a header");
        assert!(!format!("{header:?}").contains("marker"));
        assert_eq!(header.as_bytes(), b"Bearer sk-marker");
    }

    #[test]
    fn a_line_break_does_not_fit_a_header() {
        assert!(Secret::new("sk\r\nx-evil: 1").header("").is_none());
    }
}
