//! Bedrock's bodies: three keys leave a request, token counts enter an answer, and every other
//! byte stays.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use modelwire::config::Config;
use modelwire::provider::{self, Order};
use serde_json::{Value, json};

const METRICS: &str = "amazon-bedrock-invocationMetrics";

pub fn surgery_touches_nothing_else(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let parsed: Option<Value> = serde_json::from_slice(data).ok();
    let object = parsed.as_ref().and_then(Value::as_object);
    request(&body, object);
    answer(&body, object);
}

fn request(body: &Bytes, object: Option<&serde_json::Map<String, Value>>) {
    let config = br#"{"credentials":{"api_key":"k"},"default_model":"chosen"}"#;
    let config = Config::parse(config).expect("a config");
    let order = Order {
        config: &config,
        body: body.clone(),
        stream: true,
    };
    let prepared = provider::find("bedrock")
        .expect("it exists")
        .prepare(&order);
    let (Ok(prepared), Some(object)) = (prepared, object) else {
        return;
    };
    assert!(is_subsequence(&prepared.body, body));
    let mut expected = object.clone();
    let cut: Vec<_> = ["model", "modelId", "stream"]
        .iter()
        .filter_map(|key| expected.remove(*key))
        .collect();
    if cut.is_empty() {
        assert_eq!(prepared.body, body);
    }
    let read: Value = serde_json::from_slice(&prepared.body).expect("still JSON");
    assert_eq!(read, Value::Object(expected));
    let text = |key: &str| {
        let text = object.get(key).and_then(Value::as_str);
        text.filter(|text| !text.trim().is_empty())
    };
    let model = text("modelId").or(text("model")).unwrap_or("chosen");
    assert_eq!(prepared.model.as_deref(), Some(model));
}

fn answer(body: &Bytes, object: Option<&serde_json::Map<String, Value>>) {
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static("x-amzn-bedrock-input-token-count"),
        HeaderValue::from_static("11"),
    )]);
    let bedrock = provider::find("bedrock").expect("it exists");
    let finished = bedrock.finish_answer(&headers, body.clone());
    assert!(is_subsequence(body, &finished));
    let Some(object) = object else {
        return;
    };
    let mut expected = object.clone();
    let counts = expected.entry(METRICS);
    counts.or_insert_with(|| json!({"inputTokenCount": 11}));
    let read: Value = serde_json::from_slice(&finished).expect("still JSON");
    assert_eq!(read, Value::Object(expected));
}

fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}
