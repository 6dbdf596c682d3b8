//! Reading JSON objects that people wrote: every getter checks the type and, when it is
//! wrong, names the full path and what was expected, never the value that stood there
//! (it may be a secret). A missing field and `null` are the same.

use serde_json::{Map, Value};

use crate::error::Error;

/// The most bytes a config, an options object or a probe request may have.
pub const MAX_CONFIG_BYTES: usize = 4 * 1024 * 1024;

/// Parses `bytes` as one JSON object; no bytes at all read as `{}`.
///
/// # Errors
/// `Error::Config` when the bytes are over [`MAX_CONFIG_BYTES`], not JSON, or not an object.
pub fn parse_object(bytes: &[u8], what: &str) -> Result<Map<String, Value>, Error> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(Error::Config(format!(
            "{what}: over {MAX_CONFIG_BYTES} bytes"
        )));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::Config(format!("{what}: expected an object"))),
        Err(at) => Err(Error::Config(format!(
            "{what}: not valid JSON (line {}, column {})",
            at.line(),
            at.column()
        ))),
    }
}

/// One JSON object and the path that leads to it.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    path: String,
    map: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// The object at `path`; the empty path is the document itself.
    pub fn new(path: &str, map: &'a Map<String, Value>) -> Fields<'a> {
        Fields {
            path: path.to_owned(),
            map: Some(map),
        }
    }

    /// An error about the field `key`.
    pub fn error(&self, key: &str, reason: &str) -> Error {
        Error::Config(format!("{}: {reason}", self.path_of(key)))
    }

    /// The string at `key`.
    pub fn string(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(key, "expected a string")),
        }
    }

    /// The string at `key`, trimmed; blank reads as missing.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        let text = self.string(key)?.map(str::trim);
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// The boolean at `key`.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.error(key, "expected true or false")),
        }
    }

    /// The whole number, zero or more, at `key`.
    pub fn unsigned(&self, key: &str) -> Result<Option<u64>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(key, "expected a whole number, zero or more")),
            },
        }
    }

    /// Any number at `key`.
    pub fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(key, "expected a number")),
            },
        }
    }

    /// The list of strings at `key`; missing reads as empty.
    pub fn strings(&self, key: &str) -> Result<Vec<String>, Error> {
        let items = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.error(key, "expected a list of strings")),
        };
        let string = |(at, item): (usize, &Value)| match item {
            Value::String(text) => Ok(text.clone()),
            _ => Err(self.error(&format!("{key}[{at}]"), "expected a string")),
        };
        items.iter().enumerate().map(string).collect()
    }

    /// The object at `key`; missing reads as an empty one.
    pub fn object(&self, key: &str) -> Result<Fields<'a>, Error> {
        let map = match self.get(key) {
            None => None,
            Some(Value::Object(map)) => Some(map),
            Some(_) => return Err(self.error(key, "expected an object")),
        };
        Ok(Fields {
            path: self.path_of(key),
            map,
        })
    }

    /// The pairs of an object whose values are all strings.
    pub fn string_pairs(&self) -> Result<Vec<(&'a str, &'a str)>, Error> {
        let pair = |(key, value): (&'a String, &'a Value)| match value {
            Value::String(text) => Ok((key.as_str(), text.as_str())),
            _ => Err(self.error(key, "expected a string")),
        };
        self.map.into_iter().flatten().map(pair).collect()
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map?.get(key).filter(|value| !value.is_null())
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail<T>(result: Result<T, Error>) -> String {
        match result {
            Err(Error::Config(text)) => text,
            _ => panic!("expected a config error"),
        }
    }

    #[test]
    fn a_wrong_type_names_the_whole_path_and_not_the_value() {
        let map = parse_object(
            br#"{"a":{"b":{"s":7,"n":"x","l":["x",1]}},"flag":"sk-marker"}"#,
            "config",
        )
        .expect("valid");
        let root = Fields::new("", &map);
        let deep = root
            .object("a")
            .and_then(|a| a.object("b"))
            .expect("objects");
        assert_eq!(fail(deep.string("s")), "a.b.s: expected a string");
        assert_eq!(
            fail(deep.unsigned("n")),
            "a.b.n: expected a whole number, zero or more"
        );
        assert_eq!(fail(deep.strings("l")), "a.b.l[1]: expected a string");
        assert_eq!(fail(root.boolean("flag")), "flag: expected true or false");
    }

    #[test]
    fn null_reads_as_missing() {
        let map = parse_object(br#"{"a":null,"o":null}"#, "config").expect("valid");
        let root = Fields::new("", &map);
        assert_eq!(root.string("a"), Ok(None));
        assert!(
            root.object("o")
                .expect("empty")
                .string_pairs()
                .expect("none")
                .is_empty()
        );
    }

    #[test]
    fn bad_json_says_where() {
        assert_eq!(
            fail(parse_object(b"{\n\"a\": tru}", "config")),
            "config: not valid JSON (line 2, column 9)"
        );
        assert_eq!(
            fail(parse_object(b"[]", "options")),
            "options: expected an object"
        );
    }
}
