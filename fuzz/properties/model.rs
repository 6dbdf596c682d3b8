//! The model: the one that a parser of values finds, and a body of which every other byte
//! stays.

use bytes::Bytes;
use modelwire::config::Config;
use modelwire::error::Error;
use modelwire::provider::{self, Order, Prepared};
use serde_json::Value;

pub fn the_model_is_the_one_a_parser_sees(data: &[u8]) {
    let plain = br#"{"credentials":{"api_key":"k"}}"#;
    let chosen = br#"{"credentials":{"api_key":"k"},"default_model":"cho\"sen"}"#;
    let body = Bytes::copy_from_slice(data);

    let untouched = prepare("openai", plain, &body).expect("nothing depends on the body");
    assert_eq!(untouched.body, body);
    // Bodies with numbers or nesting beyond what values hold are read all the same.
    let Ok(Value::Object(object)) = serde_json::from_slice(data) else {
        let _ = prepare("openai", chosen, &body);
        let _ = prepare("google", plain, &body);
        return;
    };

    let in_body = prepare("openai", chosen, &body);
    match object.get("model") {
        None => {
            let prepared = in_body.expect("there is a model now");
            assert_eq!(prepared.model.as_deref(), Some("cho\"sen"));
            let spliced = br#""model":"cho\"sen""#;
            let at = memchr::memmem::find(&prepared.body, spliced).expect("spliced in");
            let rest = &prepared.body[at + spliced.len()..];
            let rest = rest.strip_prefix(b",").unwrap_or(rest);
            assert_eq!([&prepared.body[..at], rest].concat(), data);
            let mut with_model = object.clone();
            with_model.insert("model".into(), "cho\"sen".into());
            let read: Value = serde_json::from_slice(&prepared.body).expect("still JSON");
            assert_eq!(read, Value::Object(with_model));
        }
        Some(Value::String(_) | Value::Null) => assert_eq!(in_body.expect("a body").body, body),
        Some(_) => assert!(matches!(in_body, Err(Error::Request(_)))),
    }

    let named = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(()),
    };
    let in_url = prepare("google", plain, &body);
    match (named("model"), named("modelId")) {
        (Ok(model), Ok(model_id)) => match (in_url, model.or(model_id)) {
            (Ok(prepared), Some(model)) => {
                assert_eq!(prepared.model.as_ref(), Some(model));
                assert_eq!(prepared.body, body);
                assert_eq!(
                    prepared.url.path().matches('/').count(),
                    3,
                    "{}",
                    prepared.url
                );
                assert!(prepared.url.query().is_none() && prepared.url.fragment().is_none());
            }
            (Err(Error::Request(_)), _) => {}
            (other, model) => panic!("{model:?}: {other:?}"),
        },
        // An earlier key of the wrong type may be one that a later key would have replaced.
        _ => assert!(in_url.is_err()),
    }
}

fn prepare(provider: &str, config: &[u8], body: &Bytes) -> Result<Prepared, Error> {
    let config = Config::parse(config).expect("a config");
    let order = Order {
        config: &config,
        body: body.clone(),
        stream: false,
    };
    provider::find(provider)?.prepare(&order)
}
