//! Finding the model in a request's body, and adding one. The body can be megabytes of
//! images: it is scanned once with everything but two keys skipped, and never rebuilt.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::Error;

/// What a body says about its model; of a key that stands twice the last counts, as in
/// every common JSON parser.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NamedModel {
    /// The key `model`.
    pub model: Named,
    /// The key `modelId`.
    pub model_id: Named,
}

/// One key's value.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Named {
    /// The key is not there.
    #[default]
    Missing,
    /// There, and null or empty.
    Blank,
    /// There.
    Text(String),
}

impl Named {
    /// The text, if there is one.
    pub fn text(self) -> Option<String> {
        match self {
            Named::Text(text) => Some(text),
            Named::Missing | Named::Blank => None,
        }
    }
}

/// Reads the model keys at the top level of `body`.
///
/// # Errors
/// `Request` when the body is not a JSON object, or a model is not a string.
pub fn named(body: &[u8]) -> Result<NamedModel, Error> {
    serde_json::from_slice::<NamedModel>(body).map_err(|error| {
        use serde_json::error::Category;
        Error::Request(match error.classify() {
            Category::Data => "model: expected a JSON object whose model is a string".into(),
            Category::Syntax | Category::Eof | Category::Io => format!(
                "the request body is not valid JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
        })
    })
}

impl<'de> Deserialize<'de> for NamedModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NamedModel, D::Error> {
        struct Body;
        impl<'de> Visitor<'de> for Body {
            type Value = NamedModel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedModel, A::Error> {
                let mut found = NamedModel::default();
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Model => found.model = map.next_value()?,
                        Key::ModelId => found.model_id = map.next_value()?,
                        Key::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Body)
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(match text {
            None => Named::Blank,
            Some(text) if text.trim().is_empty() => Named::Blank,
            Some(text) => Named::Text(text),
        })
    }
}

#[derive(Deserialize)]
enum Key {
    #[serde(rename = "model")]
    Model,
    #[serde(rename = "modelId")]
    ModelId,
    #[serde(other)]
    Other,
}

/// `body` with `"model":"…"` as its first key and every other byte as it was.
///
/// # Errors
/// `Request` when the body does not begin with an object.
pub fn splice(body: &[u8], model: &str) -> Result<Bytes, Error> {
    let open = body.iter().position(|byte| !byte.is_ascii_whitespace());
    let open = open
        .filter(|at| body[*at] == b'{')
        .ok_or_else(|| Error::Request("the request body is not a JSON object".into()))?;
    let (before, rest) = body.split_at(open + 1);
    let empty = rest.trim_ascii_start().first() == Some(&b'}');
    let name = serde_json::Value::from(model).to_string();
    let mut spliced = Vec::with_capacity(body.len() + name.len() + 10);
    spliced.extend_from_slice(before);
    spliced.extend_from_slice(b"\"model\":");
    spliced.extend_from_slice(name.as_bytes());
    if !empty {
        spliced.push(b',');
    }
    spliced.extend_from_slice(rest);
    Ok(spliced.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_wherever_it_stands_at_the_top() {
        let cases: &[(&str, &str)] = &[
            (r#"{"model":"a"}"#, "a"),
            (r#"{"messages":[{"model":"inner"}],"model":"b"}"#, "b"),
            (r#"{"mod\u0065l":"c"}"#, "c"),
            (r#"{"model":"first","model":"last"}"#, "last"),
            (" \n{\"model\" : \"d\"} ", "d"),
        ];
        for (body, model) in cases {
            let found = named(body.as_bytes()).expect(body);
            assert_eq!(found.model, Named::Text((*model).into()), "{body}");
        }
        let found = named(br#"{"modelId":"x","model":null}"#).expect("valid");
        assert_eq!(
            (found.model, found.model_id),
            (Named::Blank, Named::Text("x".into()))
        );
        assert_eq!(
            named(br#"{"model":" "}"#).expect("valid").model,
            Named::Blank
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_without_quoting_it() {
        for body in ["", "[]", "{", r#"{"model":7}"#, "sk-secret", r#"{"a":1} x"#] {
            let error = named(body.as_bytes()).expect_err(body);
            assert!(matches!(&error, Error::Request(text) if !text.contains("secret")));
        }
    }

    #[test]
    fn splicing_keeps_every_other_byte() {
        for (body, expected) in [
            ("{}", r#"{"model":"m\"x"}"#),
            (" { } ", r#" {"model":"m\"x" } "#),
            (
                "\n{ \"a\" : 1.0e5 }\n",
                "\n{\"model\":\"m\\\"x\", \"a\" : 1.0e5 }\n",
            ),
        ] {
            assert_eq!(splice(body.as_bytes(), "m\"x").expect(body), expected);
        }
        assert!(splice(b"[]", "m").is_err());
    }
}
