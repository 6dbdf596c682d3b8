//! Names and values that try to be more: another path, host, header or request.

use super::{BODY, Origin, PROVIDERS};
use crate::fault::{turn, with};
use crate::support::abi::{completions, prepare};
use crate::support::upstream::{Received, Upstream, json as answer};
use modelwire::ffi::*;
use serde_json::{Value, json};

/// Values that try to be more than a value.
const EVIL: [&str; 20] = [
    "m\r\nx-evil: 1",
    "m\nx-evil: 1",
    "m\rx-evil: 1",
    "m\r\n\r\nGET /evil HTTP/1.1\r\nhost: evil\r\n\r\n",
    "m\0evil",
    "..",
    ".",
    "../../evil",
    "a/../../evil",
    "%2e%2e",
    "%2e%2e%2fevil",
    "..%2fevil",
    "m?evil=1",
    "m#evil",
    "m@evil.example",
    "//evil.example",
    "m;evil",
    "m\\..\\evil",
    "m\u{2028}é\u{202e}漢\u{ff0f}evil",
    "m evil&api-version=evil",
];

/// What no request may show, whoever made up its parts.
fn is_clean(request: &Received, plain: &Received) {
    let shape = |request: &Received| {
        let path = request.path().matches('/').count();
        let query = request.query().matches(['&', '=']).count();
        (request.method.clone(), path, query, request.headers.len())
    };
    assert_eq!(shape(request), shape(plain), "{request:?}");
    assert!(request.header("x-evil").is_none(), "{request:?}");
    assert!(!request.target.contains(['#', '\\', ' ']), "{request:?}");
    assert!(request.target.is_ascii(), "{request:?}");
    assert!(
        !request.path().split('/').any(|part| {
            let part = part.to_ascii_lowercase().replace("%2e", ".");
            part == "." || part == ".."
        }),
        "{request:?}"
    );
    assert_eq!(
        request.header("host"),
        plain
            .header("host")
            .map(|_| request.header("host").unwrap())
    );
}

/// Sends `config` and `body`: it goes out clean, or it does not go out.
fn refused_or_clean(provider: &str, origin: Origin, more: &Value, body: &Value) {
    let upstream = Upstream::start(answer("{}"));
    let key = json!({"credentials": {"api_key": "k"}});
    let sound = with(origin(&upstream.url()), key);
    completions(provider, &sound, BODY).ok();
    let outcome = completions(provider, &with(sound, more.clone()), body);
    let requests = upstream.requests();
    let what = format!("{provider} with {more} {body}");
    match outcome.status {
        MODELWIRE_OK => {
            assert_eq!(requests.len(), 2, "{what}");
            is_clean(&requests[1], &requests[0]);
        }
        MODELWIRE_E_CONFIG | MODELWIRE_E_REQUEST | MODELWIRE_E_CREDENTIALS => {
            assert_eq!(requests.len(), 1, "{what} was sent: {requests:?}");
            assert_eq!(outcome.info["attempts"], 0, "{what}");
        }
        _ => panic!("{what}: {outcome:?}"),
    }
    // An error that quotes the name keeps its lines together: logs are not forged either.
    assert!(
        !outcome.message.contains(['\r', '\n', '\0']),
        "{:?}",
        outcome.message
    );
}

#[test]
fn a_model_name_names_a_model() {
    let _turn = turn();
    for (provider, origin) in PROVIDERS {
        for evil in EVIL {
            let nothing = json!({});
            refused_or_clean(provider, origin, &nothing, &json!({"model": evil}));
            refused_or_clean(
                provider,
                origin,
                &nothing,
                &json!({"modelId": evil, "model": evil}),
            );
            let chosen = json!({"model": evil});
            refused_or_clean(provider, origin, &chosen, &json!({}));
            let chosen = json!({"default_model": evil});
            refused_or_clean(provider, origin, &chosen, &json!({}));
        }
    }
}

#[test]
fn options_and_credentials_stay_in_their_place() {
    let _turn = turn();
    for evil in EVIL {
        let body = json!({"model": "m"});
        for (provider, origin) in PROVIDERS {
            let key = json!({"credentials": {"api_key": evil}});
            refused_or_clean(provider, origin, &key, &body);
        }
        let vertex = PROVIDERS[4].1;
        for option in ["project", "location", "publisher", "version", "action"] {
            refused_or_clean("vertex", vertex, &json!({"options": {option: evil}}), &body);
        }
        let azure = PROVIDERS[5].1;
        let version = json!({"credentials": {"azure": {"api_version": evil}}});
        refused_or_clean("azure", azure, &version, &body);
    }
}

/// What a region, a location or an endpoint says decides which host gets the credentials.
#[test]
fn no_name_moves_a_request_to_another_host() {
    let _turn = turn();
    let url_of = |provider: &str, config: &Value| {
        let outcome = prepare(provider, config, BODY, MODELWIRE_OP_COMPLETIONS);
        (outcome.status == MODELWIRE_OK)
            .then(|| outcome.json()["url"].as_str().expect("a URL").to_owned())
    };
    for evil in EVIL.into_iter().chain([
        "evil.example/",
        "evil.example#",
        "evil.example?",
        "evil.example:443/",
        "x@evil.example/",
        "evil.example\\",
        "[::1]/",
        "127.0.0.1/",
        "evil.example%2f",
    ]) {
        let aws = json!({"access_key": "a", "secret_key": "s", "region": evil});
        for (provider, config, suffix) in [
            (
                "bedrock",
                json!({"credentials": {"aws": aws}}),
                ".amazonaws.com",
            ),
            (
                "vertex",
                json!({"credentials": {"api_key": "k"}, "options": {"project": "p", "location": evil}}),
                "aiplatform.googleapis.com",
            ),
        ] {
            if let Some(url) = url_of(provider, &config) {
                let host = url
                    .strip_prefix("https://")
                    .and_then(|rest| rest.split('/').next());
                assert!(
                    host.expect("https").ends_with(suffix),
                    "{provider} {evil:?}: {url}"
                );
                assert!(
                    !url.contains(['@', '\\', '#']),
                    "{provider} {evil:?}: {url}"
                );
            }
        }
    }
    for base in [
        "http://good.example@evil.example",
        "http://evil.example#good.example",
        "http://evil.example?x",
        "http://evil.example\\@good.example",
        "http://good.example\r\nhost: evil",
        "javascript:x",
        "file:///etc/passwd",
        "http://",
        "//evil.example",
        "http://good.example:99999",
    ] {
        for (provider, config) in PROVIDERS {
            let config = with(config(base), json!({"credentials": {"api_key": "k"}}));
            let outcome = prepare(provider, &config, BODY, MODELWIRE_OP_COMPLETIONS);
            assert_eq!(
                outcome.status, MODELWIRE_E_CONFIG,
                "{provider} {base:?}: {outcome:?}"
            );
        }
    }
}

#[test]
fn headers_carry_one_line_and_no_framing() {
    let _turn = turn();
    for (provider, origin) in PROVIDERS {
        for (name, value) in [
            ("x-a", "1\r\nx-evil: 1"),
            ("x-a", "1\nx-evil: 1"),
            ("x-a", "1\0"),
            ("x-a\r\nx-evil", "1"),
            ("x-a: 1\r\nx-evil", "1"),
            ("x a", "1"),
            ("", "1"),
            ("x-é", "1"),
            ("transfer-encoding", "chunked"),
            ("Content-Length", "0"),
            ("Host", "evil.example"),
            ("Connection", "x-api-key"),
            ("Expect", "100-continue"),
            ("Upgrade", "h2c"),
            ("TE", "trailers"),
            (":path", "/evil"),
        ] {
            let upstream = Upstream::start(answer("{}"));
            let key =
                json!({"credentials": {"api_key": "k"}, "options": {"headers": {name: value}}});
            let config = with(origin(&upstream.url()), key);
            let outcome = completions(provider, &config, BODY);
            assert_eq!(
                outcome.status, MODELWIRE_E_CONFIG,
                "{provider} {name:?}: {value:?} {outcome:?}"
            );
            assert_eq!(upstream.connections(), 0);
        }
    }
}
