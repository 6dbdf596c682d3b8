//! Where requests go without a base URL, and how the parts of a URL are put together. These
//! are seen through the dry run, since the real hosts are nobody's to test against.

use crate::route::{MODEL, ROUTES};
use crate::support::abi::prepare;
use crate::{KEY, with};
use modelwire::ffi::{MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM};
use serde_json::{Value, json};

fn url_of(provider: &str, config: &Value, body: &Value, operation: u32) -> String {
    let shown = prepare(provider, config, body, operation).ok().json();
    shown["url"].as_str().expect("a URL").to_owned()
}

#[test]
fn without_a_base_url_each_provider_has_its_own_host() {
    for route in ROUTES.iter().filter(|route| !route.origin.is_empty()) {
        let mut config = route.config("http://127.0.0.1:1");
        config["options"]["base_url"] = Value::Null;
        let body = json!({"model": MODEL});
        for (operation, target) in [
            (MODELWIRE_OP_COMPLETIONS, route.unary),
            (MODELWIRE_OP_COMPLETIONS_STREAM, route.stream),
        ] {
            let url = url_of(route.provider, &config, &body, operation);
            assert_eq!(url, format!("{}{target}", route.origin));
        }
    }
}

#[test]
fn a_base_url_is_taken_as_people_write_it() {
    for route in ROUTES {
        let base = json!({"options": {"base_url": "  https://gateway.example/x/y//  "}});
        let config = with(route.config("http://127.0.0.1:1"), base);
        let body = json!({"model": MODEL});
        let url = url_of(route.provider, &config, &body, MODELWIRE_OP_COMPLETIONS);
        let replaced = route.config("")["options"]["base_url"].clone();
        let kept = route
            .unary
            .strip_prefix(replaced.as_str().unwrap_or_default());
        let expected = format!("https://gateway.example/x/y{}", kept.expect("a prefix"));
        assert_eq!(url, expected, "{route:?}");
    }
}

#[test]
fn vertex_puts_its_options_into_the_url() {
    let whole = |location: &str, more: Value| {
        let own = json!({"project": "p", "location": location});
        with(
            json!({"credentials": {"api_key": KEY}, "options": own}),
            more,
        )
    };
    let regional = "https://us-east5-aiplatform.googleapis.com";
    let cases = [
        (
            whole(" US-EAST5 ", json!({})),
            false,
            format!("{regional}/v1/projects/p/locations/us-east5/publishers/google/models/m:generateContent"),
        ),
        (
            whole("global", json!({"options": {"version": "v1beta1"}})),
            false,
            "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/m:generateContent".into(),
        ),
        (
            whole("eu", json!({})),
            true,
            "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/m:streamGenerateContent?alt=sse".into(),
        ),
        (
            whole("us", json!({})),
            false,
            "https://aiplatform.us.rep.googleapis.com/v1/projects/p/locations/us/publishers/google/models/m:generateContent".into(),
        ),
        (
            whole("us-east5", json!({"options": {"publisher": "anthropic", "action": "streamRawPredict"}})),
            true,
            format!("{regional}/v1/projects/p/locations/us-east5/publishers/anthropic/models/m:streamRawPredict?alt=sse"),
        ),
        (
            whole("us-east5", json!({"options": {"publisher": "anthropic", "action": "rawPredict"}})),
            false,
            format!("{regional}/v1/projects/p/locations/us-east5/publishers/anthropic/models/m:rawPredict"),
        ),
        (
            whole("us-east5", json!({"options": {"project": "a/b"}})),
            false,
            format!("{regional}/v1/projects/a%2Fb/locations/us-east5/publishers/google/models/m:generateContent"),
        ),
    ];
    for (config, stream, expected) in cases {
        let operation = match stream {
            true => MODELWIRE_OP_COMPLETIONS_STREAM,
            false => MODELWIRE_OP_COMPLETIONS,
        };
        let url = url_of("vertex", &config, &json!({"model": "m"}), operation);
        assert_eq!(url, expected);
    }
}

#[test]
fn azure_takes_its_endpoint_as_the_portal_shows_it() {
    let tail = "openai/deployments/m/chat/completions";
    for (azure, expected) in [
        (
            json!({"endpoint": "https://n.openai.azure.com/"}),
            format!("https://n.openai.azure.com/{tail}?api-version=2024-10-21"),
        ),
        (
            json!({"endpoint": "https://n.services.ai.azure.com/api/projects/one"}),
            format!("https://n.services.ai.azure.com/{tail}?api-version=2024-10-21"),
        ),
        (
            json!({"endpoint": "https://n.openai.azure.com", "api_version": "2025-01-01-preview"}),
            format!("https://n.openai.azure.com/{tail}?api-version=2025-01-01-preview"),
        ),
        (
            json!({"endpoint": "https://n.openai.azure.com", "api_version": "1&x=y"}),
            format!("https://n.openai.azure.com/{tail}?api-version=1%26x%3Dy"),
        ),
    ] {
        let config = json!({"credentials": {"api_key": KEY, "azure": azure}});
        let body = json!({"model": "m"});
        let url = url_of("azure", &config, &body, MODELWIRE_OP_COMPLETIONS);
        assert_eq!(url, expected);
    }
}
