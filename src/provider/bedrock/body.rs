//! Cutting keys out of a JSON object without touching its other bytes. Bedrock refuses
//! `model`, `modelId` and `stream`, which clients of other APIs send; everything else, down
//! to the white space, goes out as it came.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::provider::model::{self, Named};

/// A body that lost the keys.
#[derive(Debug)]
pub(super) struct Cut {
    /// What remains; the very same bytes where there was nothing to cut.
    pub(super) body: Bytes,
    /// What stood at `model`; the last counts.
    pub(super) model: Named,
    /// What stood at `modelId`; the last counts.
    pub(super) model_id: Named,
}

/// Why nothing was cut.
#[derive(Debug)]
pub(super) enum Uncut {
    /// The body is no JSON object, as the error says.
    NoObject(Error),
    /// A model that is no string.
    WrongType(Error),
}

/// Cuts the three keys, however often they stand at the top level and however they are
/// escaped, out of `body`.
pub(super) fn cut(body: &Bytes) -> Result<Cut, Uncut> {
    let Members(members) = serde_json::from_slice(body).map_err(|_| no_object(body))?;
    let mut found = Cut {
        body: body.clone(),
        model: Named::Missing,
        model_id: Named::Missing,
    };
    let mut unwanted = Vec::with_capacity(members.len());
    for (key, value) in &members {
        match key.as_ref() {
            "model" => found.model = name("model", value)?,
            "modelId" => found.model_id = name("modelId", value)?,
            "stream" => {}
            _ => {
                unwanted.push(false);
                continue;
            }
        }
        unwanted.push(true);
    }
    if unwanted.contains(&true) {
        let spans: Vec<_> = spans(body, &members);
        found.body = without(body, &spans, &unwanted);
    }
    Ok(found)
}

/// The members of an object, in order, their values unread.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A key, borrowed where it holds no escape.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

fn no_object(body: &[u8]) -> Uncut {
    Uncut::NoObject(match model::named(body) {
        Err(error) => error,
        // Readable as far as the model goes, and yet no text as a whole.
        Ok(_) => Error::Request("the request body is not valid JSON".into()),
    })
}

fn name(key: &str, value: &RawValue) -> Result<Named, Uncut> {
    let wrong = |_| Uncut::WrongType(Error::Request(format!("{key}: expected a string")));
    serde_json::from_str(value.get()).map_err(wrong)
}

/// Where each member stands: from its key's quote to its value's end. Values know their
/// place; a key begins at the first quote behind the value before it, for between them is
/// only white space and a comma, or the opening brace.
fn spans(body: &[u8], members: &[(Cow<'_, str>, &RawValue)]) -> Vec<Range<usize>> {
    let origin = body.as_ptr().addr();
    let mut spans = Vec::with_capacity(members.len());
    let mut behind = 0;
    for (_, value) in members {
        let quote = memchr::memchr(b'"', &body[behind..]).unwrap_or_default();
        let end = value.get().as_ptr().addr() - origin + value.get().len();
        spans.push(behind + quote..end);
        behind = end;
    }
    spans
}

/// An unwanted member goes with the comma behind it; the ones at the end, which have none,
/// go with the comma before them.
fn without(body: &[u8], spans: &[Range<usize>], unwanted: &[bool]) -> Bytes {
    let mut kept = Vec::with_capacity(body.len());
    let tail = unwanted
        .iter()
        .rposition(|unwanted| !unwanted)
        .map_or(0, |last| last + 1);
    let mut from = 0;
    for at in (0..tail).filter(|at| unwanted[*at]) {
        kept.extend_from_slice(&body[from..spans[at].start]);
        from = spans[at + 1].start;
    }
    if let (Some(first), Some(last)) = (spans.get(tail), spans.last()) {
        let end = if tail == 0 {
            first.start
        } else {
            spans[tail - 1].end
        };
        kept.extend_from_slice(&body[from..end]);
        from = last.end;
    }
    kept.extend_from_slice(&body[from..]);
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_text(body: &str) -> String {
        let cut = cut(&Bytes::copy_from_slice(body.as_bytes())).expect(body);
        String::from_utf8(cut.body.to_vec()).expect("text")
    }

    #[test]
    fn three_keys_go_and_every_other_byte_stays() {
        for (body, expected) in [
            (r#"{}"#, r#"{}"#),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"model":"m"}"#, r#"{}"#),
            (
                r#" { "model" : "m" , "a" : 1.0e5 } "#,
                r#" { "a" : 1.0e5 } "#,
            ),
            (r#"{"a":1 , "model":"m"}"#, r#"{"a":1}"#),
            (r#"{"a":1,"model":"m" , "b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"model":"m","stream":true,"modelId":null}"#, r#"{}"#),
            (
                r#"{"stream":true,"a":1,"model":"m","modelId":"n"}"#,
                r#"{"a":1}"#,
            ),
            (
                r#"{"model":"m","model":"n","a":1,"model":"o"}"#,
                r#"{"a":1}"#,
            ),
            (r#"{"mod\u0065l":"m","a":"\u00e9"}"#, r#"{"a":"\u00e9"}"#),
            (
                r#"{"a\"":1,"stream":false,"b,\"model\":":"x"}"#,
                r#"{"a\"":1,"b,\"model\":":"x"}"#,
            ),
            (
                r#"{"a":{"model":"in","stream":1},"model":"m","l":[{"modelId":2}]}"#,
                r#"{"a":{"model":"in","stream":1},"l":[{"modelId":2}]}"#,
            ),
            (
                r#"{"Model":1,"models":2,"model":"m"}"#,
                r#"{"Model":1,"models":2}"#,
            ),
            (
                "{\n\t\"model\": \"m\",\n\t\"a\": [1,\n2]\n}\n",
                "{\n\t\"a\": [1,\n2]\n}\n",
            ),
        ] {
            assert_eq!(cut_text(body), expected, "{body}");
        }
    }

    #[test]
    fn a_body_with_nothing_to_cut_is_not_copied() {
        let body = Bytes::from_static(br#"{"a":1}"#);
        assert_eq!(cut(&body).expect("an object").body.as_ptr(), body.as_ptr());
    }

    #[test]
    fn the_last_of_equal_keys_names_the_model() {
        let body =
            Bytes::from_static(br#"{"model":"a","modelId":"b","mod\u0065lId":"c","model":""}"#);
        let cut = cut(&body).expect("an object");
        assert_eq!(
            (cut.model, cut.model_id),
            (Named::Blank, Named::Text("c".into()))
        );
    }

    #[test]
    fn what_is_no_object_is_told_from_a_model_of_the_wrong_type() {
        for body in [
            "",
            "[]",
            "{",
            "text",
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1} x"#,
            r#""model""#,
        ] {
            let result = cut(&Bytes::copy_from_slice(body.as_bytes()));
            assert!(
                matches!(result, Err(Uncut::NoObject(Error::Request(_)))),
                "{body}"
            );
        }
        let latin = cut(&Bytes::from_static(b"{\"a\":\"\xe9\"}"));
        assert!(matches!(latin, Err(Uncut::NoObject(Error::Request(_)))));
        let wrong = cut(&Bytes::from_static(br#"{"model":7}"#));
        let text = "model: expected a string";
        assert!(matches!(wrong, Err(Uncut::WrongType(Error::Request(t))) if t == text));
    }

    /// Objects put together at random are cut as a parser of values would cut them, and
    /// what is kept is the kept members' own bytes.
    #[test]
    fn any_object_keeps_its_other_members_bytes() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut pick = move |n: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % n as u64) as usize
        };
        const KEYS: [&str; 9] = [
            r#""model""#,
            r#""modelId""#,
            r#""stream""#,
            r#""\u006dodel""#,
            r#""a""#,
            r#""b,}""#,
            r#""\"model\"""#,
            r#""""#,
            r#""é""#,
        ];
        const VALUES: [&str; 8] = [
            r#""x""#,
            r#""{\"model\":1,""#,
            "null",
            "null",
            r#""\\""#,
            r#""model""#,
            r#""é,""#,
            r#""""#,
        ];
        const NESTED: [&str; 5] = [
            "1e-7",
            "true",
            r#"{"model":"in" , "stream":{}}"#,
            "[ ]",
            r#"[{"modelId":"n"},"}"]"#,
        ];
        const SPACE: [&str; 4] = ["", " ", "\n\t", "\r\n  "];
        for _ in 0..20_000 {
            let mut body = String::from("{");
            let mut kept = Vec::new();
            let members = pick(6);
            for at in 0..members {
                let key = KEYS[pick(KEYS.len())];
                let cut_away = KEYS[..4].contains(&key);
                let value = match cut_away && key != KEYS[2] || pick(2) == 0 {
                    true => VALUES[pick(VALUES.len())],
                    false => NESTED[pick(NESTED.len())],
                };
                let member = format!("{key}{}:{}{value}", SPACE[pick(4)], SPACE[pick(4)]);
                if !cut_away {
                    kept.push(member.clone());
                }
                body += &format!("{}{member}{}", SPACE[pick(4)], SPACE[pick(4)]);
                if at + 1 < members {
                    body.push(',');
                }
            }
            body.push('}');
            let cut = cut_text(&body);
            let whole: Vec<(String, Box<RawValue>)> = members_of(&cut);
            assert_eq!(whole.len(), kept.len(), "{body} became {cut}");
            let mut rest = cut.as_str();
            for member in &kept {
                let at = rest
                    .find(member.as_str())
                    .unwrap_or_else(|| panic!("{body}: {member}"));
                rest = &rest[at + member.len()..];
            }
        }
    }

    fn members_of(text: &str) -> Vec<(String, Box<RawValue>)> {
        let Members(members) = serde_json::from_str(text).expect(text);
        let owned = |(key, value): (Cow<'_, str>, &RawValue)| (key.into_owned(), value.to_owned());
        members.into_iter().map(owned).collect()
    }
}
