//! Secrets, injection, redirects and limits: what a hostile input or provider may not do.

use crate::fault::{NOTHING, SOUND, left_alive, turn, with};
use crate::support::abi::{
    self, Outcome, completions, describe, init, prepare, run_http_probe, stats, stream,
    test_connection, validate_provider_options,
};
use crate::support::upstream::{
    Received, Step, Upstream, chunk, head, json as answer, reply, sse, sse_head,
};
use modelwire::ffi::*;
use serde_json::{Value, json};

type Origin = fn(&str) -> Value;

/// Every provider, as a config that sends it to an origin.
const PROVIDERS: [(&str, Origin); 10] = [
    ("openai", |url| json!({"options": {"base_url": url}})),
    (
        "openai_compatible",
        |url| json!({"options": {"base_url": url}}),
    ),
    ("anthropic", |url| json!({"options": {"base_url": url}})),
    ("google", |url| json!({"options": {"base_url": url}})),
    (
        "vertex",
        |url| json!({"options": {"base_url": url, "project": "p", "location": "l"}}),
    ),
    (
        "azure",
        |url| json!({"credentials": {"azure": {"endpoint": url}}}),
    ),
    ("bedrock", |url| json!({"options": {"base_url": url}})),
    ("mistral", |url| json!({"options": {"base_url": url}})),
    ("groq", |url| json!({"options": {"base_url": url}})),
    ("deepseek", |url| json!({"options": {"base_url": url}})),
];
const BODY: &str = r#"{"model":"m"}"#;

/// What all secrets here have in common.
const MARK: &str = "MARK7c41e9";

fn secret(name: &str) -> String {
    format!("{name}-{MARK}-{name}")
}

/// A secret in every place that takes one.
fn loaded(proxy: &str) -> Value {
    json!({
        "credentials": {"api_key": secret("key")},
        "options": {"headers": {
            "x-team-token": secret("token"),
            "cookie": secret("cookie"),
            "x-password": secret("password"),
        }},
        "transport": {"proxy": proxy.replace("http://", &format!("http://user:{}@", secret("proxy")))},
    })
}

#[track_caller]
fn tells_nothing(what: &str, output: &Outcome, body_too: bool) {
    let mut told = format!("{} {}", output.message, output.info);
    if body_too {
        told += &output.text();
    }
    // A secret can be seen in disguise as well.
    let percent = MARK
        .bytes()
        .map(|b| format!("%{b:02X}"))
        .collect::<String>();
    use base64::prelude::{BASE64_STANDARD, Engine};
    let encoded = BASE64_STANDARD.encode(format!("user:{}", secret("proxy")));
    for sign in [MARK, &percent, &encoded] {
        assert!(!told.contains(sign), "{what} tells a secret: {told}");
    }
}

#[test]
fn no_output_tells_a_secret() {
    let _turn = turn();
    // The proxy answers http requests itself, as if it were every provider.
    let ways: [(&str, Vec<Step>); 8] = [
        ("a good answer", answer(SOUND)),
        (
            "a refusal",
            reply(401, "", &[("www-authenticate", "Bearer")], "{}"),
        ),
        (
            "a redirect",
            reply(302, "", &[("location", "http://127.0.0.1:1/")], ""),
        ),
        (
            "a broken message",
            vec![
                Step::send(head(200, "OK", &[("content-length", "9")])),
                Step::Close,
            ],
        ),
        ("no HTTP", vec![Step::send("what?\r\n\r\n"), Step::Close]),
        ("no answer", vec![Step::Close]),
        (
            "an error inside a stream",
            sse("data: {\"error\":{\"type\":\"x\"}}\n\n"),
        ),
        (
            "a stream that breaks",
            vec![sse_head(), chunk("data: 1\n"), Step::Close],
        ),
    ];
    for (way, steps) in &ways {
        let proxy = Upstream::start(steps.clone());
        for (provider, config) in PROVIDERS {
            let what = format!("{provider} after {way}");
            let config = with(config("http://provider.invalid"), loaded(&proxy.url()));
            tells_nothing(&what, &completions(provider, &config, BODY), true);
            let (lines, outcome) = stream(provider, &config, BODY);
            tells_nothing(&what, &outcome, true);
            assert!(!format!("{lines:?}").contains(MARK), "{what}");
            tells_nothing(&what, &test_connection(provider, &config), true);
            for operation in [MODELWIRE_OP_COMPLETIONS, MODELWIRE_OP_COMPLETIONS_STREAM] {
                tells_nothing(&what, &prepare(provider, &config, BODY, operation), true);
            }
            // The body gives the host its own options back, decoded.
            let checked = validate_provider_options(provider, &config["options"]);
            tells_nothing(&what, &checked, false);
        }
        let seen = format!("{:?}", proxy.requests());
        assert!(
            seen.contains(&secret("key")),
            "the secrets were in use at all"
        );
    }
    let told = format!("{} {}", stats(), describe());
    assert!(!told.contains(MARK), "{told}");
    assert_eq!(left_alive(), NOTHING);
}

/// Mistakes are told by the path of the field, not by what stands in it.
#[test]
fn no_mistake_in_a_config_quotes_a_secret() {
    let _turn = turn();
    let mark = secret("x");
    let broken = format!("{mark}\r\nx: {mark}");
    let wrong = [
        json!({"credentials": mark}),
        json!({"credentials": {"api_key": [mark]}}),
        json!({"credentials": {"api_key": broken}}),
        json!({"credentials": {"azure": {"client_secret": [mark], "auth_mode": mark}}}),
        json!({"credentials": {"azure": {"auth_mode": mark}}}),
        json!({"credentials": {"azure": {"endpoint": format!("https://u:{mark}@h")}}}),
        json!({"credentials": {"aws": {"secret_key": 7, "access_key": mark}}}),
        json!({"credentials": {"aws": {"access_key": mark, "secret_key": ""}}}),
        json!({"credentials": {"aws": {"secret_key": mark}}}),
        json!({"credentials": {"aws": {"region": mark, "access_key": "a", "secret_key": mark}}}),
        json!({"credentials": {"gcp": {"service_account_json": mark}}}),
        json!({"credentials": {"gcp": {"service_account_json": format!("{{\"private_key\":\"{mark}\"}}")}}}),
        json!({"credentials": {"gcp": {"service_account_json": format!(
            "{{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"{mark}\"}}")}}}),
        json!({"options": {"base_url": format!("https://user:{mark}@h")}}),
        json!({"options": {"base_url": format!("https://h/?key={mark}")}}),
        json!({"options": {"base_url": mark}}),
        json!({"options": {"headers": {"x-key": broken}}}),
        json!({"options": {"headers": {"x-key": [mark]}}}),
        json!({"options": {"headers": {"authorization": broken}}}),
        json!({"options": {"api": mark}}),
        json!({"transport": {"proxy": format!("ftp://user:{mark}@h")}}),
        json!({"transport": {"proxy": format!("http://user:{mark}@h:99999")}}),
        json!({"transport": {"proxy": [mark]}}),
        json!({"transport": {"client_cert_pem": mark}}),
        json!({"transport": {"client_cert_pem": format!(
            "-----BEGIN PRIVATE KEY-----\n{mark}\n-----END PRIVATE KEY-----\n")}}),
        json!({"transport": {"ca_pem": mark}}),
        json!(mark),
    ];
    for config in &wrong {
        for (provider, _) in PROVIDERS {
            let config = match config {
                Value::Object(_) => with(
                    json!({"credentials": {"api_key": "k"}, "options": {"project": "p", "location": "l"},
                        "timeouts": {"total_ms": 2000, "connect_ms": 500}}),
                    config.clone(),
                ),
                other => other.clone(),
            };
            // Only what is refused before any network is of interest: the dry run.
            let what = format!("{provider} with {config}");
            tells_nothing(
                &what,
                &prepare(provider, &config, BODY, MODELWIRE_OP_COMPLETIONS),
                false,
            );
            if let Some(options) = config.get("options") {
                let checked = validate_provider_options(provider, options);
                tells_nothing(&what, &checked, checked.status != MODELWIRE_OK);
            }
        }
    }
    for text in [
        format!("{{\"api_key\":\"{mark}"),
        mark.clone(),
        format!("[\"{mark}\""),
    ] {
        tells_nothing("bad JSON", &completions("openai", &text, BODY), true);
        tells_nothing(
            "bad JSON",
            &validate_provider_options("openai", &text),
            true,
        );
    }
    for options in [
        json!({"proxy": format!("ftp://u:{mark}@h")}),
        json!({"client_cert_pem": mark}),
        json!({"user_agent": broken}),
        json!({"worker_threads": mark}),
    ] {
        // Each is refused, so the library that the other tests share is not started by it.
        let refused = init(&options);
        assert_ne!(refused.status, MODELWIRE_OK);
        tells_nothing("init", &refused, true);
    }
    for probe in [
        json!({"url": format!("https://u:{mark}@h"), "bearer": mark}),
        json!({"url": "http://127.0.0.1:1", "bearer": broken}),
        json!({"url": "http://127.0.0.1:1", "headers": {"x-key": broken}}),
        json!({"url": format!("http://127.0.0.1:1/?key={mark}"), "bearer": mark}),
    ] {
        tells_nothing("a probe", &run_http_probe("openai", &probe), true);
    }
}

// ---- injection ----

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

// ---- redirects ----

#[test]
fn no_redirect_is_followed() {
    let _turn = turn();
    let elsewhere = Upstream::start(answer("{}"));
    let location = format!("{}/stolen", elsewhere.url());
    for status in [300, 301, 302, 303, 307, 308] {
        for headers in [
            vec![("location", location.as_str())],
            vec![
                ("location", "//127.0.0.1:1/"),
                ("refresh", location.as_str()),
            ],
            vec![("location", "/same-host")],
        ] {
            let upstream = Upstream::start(reply(status, "", &headers, ""));
            for (provider, origin) in PROVIDERS {
                let config = with(
                    origin(&upstream.url()),
                    json!({"credentials": {"api_key": "k"}}),
                );
                let outcome = completions(provider, &config, BODY);
                assert_eq!(
                    (outcome.status, outcome.http_status),
                    (MODELWIRE_E_BACKEND, i32::from(status))
                );
                assert_eq!(
                    stream(provider, &config, BODY).1.http_status,
                    i32::from(status)
                );
            }
            let url = format!("{}/models", upstream.url());
            let probed = run_http_probe("openai", &json!({"url": url, "bearer": "k"}));
            assert_eq!(probed.ok().json()["ok"], false);
            assert!(
                upstream
                    .requests()
                    .iter()
                    .all(|request| request.path() != "/same-host")
            );
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// What a provider sets it does not get back, nor does another.
#[test]
fn no_cookie_is_kept() {
    let _turn = turn();
    let upstream = Upstream::start(reply(
        200,
        "OK",
        &[("set-cookie", "a=b"), ("www-authenticate", "Basic")],
        "{}",
    ));
    let config = with(
        (PROVIDERS[0].1)(&upstream.url()),
        json!({"credentials": {"api_key": "k"}}),
    );
    for _ in 0..2 {
        completions("openai", &config, BODY).ok();
    }
    for request in upstream.requests() {
        assert!(request.header("cookie").is_none() && request.header("referer").is_none());
    }
}

// ---- limits ----

#[test]
fn what_a_host_passes_has_a_limit() {
    let _turn = turn();
    let limits = &describe()["limits"];
    let over = |name: &str| usize::try_from(limits[name].as_u64().expect(name)).expect(name) + 1;
    let config = format!("{{\"x\":\"{}\"}}", "x".repeat(over("max_config_bytes")));
    assert_eq!(
        completions("openai", &config, BODY).status,
        MODELWIRE_E_CONFIG
    );
    assert_eq!(
        validate_provider_options("openai", &config).status,
        MODELWIRE_E_CONFIG
    );
    drop(config);
    // Nothing reads these bytes, so they need not be written either.
    let request = vec![0; over("max_request_bytes")];
    let sound =
        json!({"credentials": {"api_key": "k"}, "options": {"base_url": "http://127.0.0.1:1"}});
    assert_eq!(
        completions("openai", &sound, &request).status,
        MODELWIRE_E_REQUEST
    );

    for depth in [200, 100_000] {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        let config = format!("{{\"options\":{{\"x\":{deep}}}}}");
        assert_eq!(
            completions("openai", &config, BODY).status,
            MODELWIRE_E_CONFIG,
            "{depth}"
        );
        // A body is the provider's to judge, but for the model in it; no depth ends the host.
        let body = format!("{{\"x\":{deep},\"model\":\"m\"}}");
        for (provider, origin) in PROVIDERS {
            let config = with(
                origin("http://127.0.0.1:1"),
                json!({"credentials": {"api_key": "k"}}),
            );
            let outcome = completions(provider, &config, &body);
            let expected = [MODELWIRE_E_CONNECT, MODELWIRE_E_REQUEST];
            assert!(
                expected.contains(&outcome.status),
                "{provider}: {outcome:?}"
            );
        }
    }
}

#[test]
fn what_a_provider_sends_has_a_limit() {
    let _turn = turn();
    let defaults = &describe()["options"];
    let line = defaults["max_line_bytes"].as_u64().expect("a limit");
    let block = "x".repeat(64 * 1024);
    let times = usize::try_from(line).expect("a size") / block.len() + 2;
    let piece = format!("{:x}\r\n{block}\r\n", block.len());
    let steps = vec![
        sse_head(),
        chunk("data: 1\n"),
        Step::Repeat {
            bytes: piece.into_bytes(),
            times,
        },
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let config = with(
        (PROVIDERS[0].1)(&upstream.url()),
        json!({"credentials": {"api_key": "k"}}),
    );
    let (lines, outcome) = stream("openai", &config, BODY);
    assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL, "{outcome:?}");
    assert_eq!(lines, [b"data: 1"]);

    // Bedrock's frames say how long they are: one that says too much is not waited for.
    let mut frame = u32::MAX.to_be_bytes().to_vec();
    frame.extend([0; 12]);
    let kind = ("content-type", "application/vnd.amazon.eventstream");
    let steps = vec![
        Step::send(head(200, "OK", &[kind])),
        Step::Send(frame),
        Step::Hang,
    ];
    let upstream = Upstream::start(steps);
    let config = with(
        (PROVIDERS[6].1)(&upstream.url()),
        json!({"credentials": {"api_key": "k"}}),
    );
    let (_, outcome) = stream("bedrock", &config, BODY);
    assert_eq!(outcome.status, MODELWIRE_E_PROTOCOL, "{outcome:?}");
    assert_eq!(left_alive(), NOTHING);
}

/// A long name in a message is cut: logs are not flooded.
#[test]
fn messages_stay_short() {
    let _turn = turn();
    let long = "m".repeat(1 << 20);
    for (provider, origin) in PROVIDERS {
        let config = with(
            origin("http://127.0.0.1:1"),
            json!({"credentials": {"api_key": "k"}, "allowed_models": ["a"]}),
        );
        let outcome = completions(provider, &config, &json!({"model": long}));
        assert_ne!(outcome.status, MODELWIRE_OK);
        assert!(
            outcome.message.len() < 1000,
            "{provider}: {} bytes",
            outcome.message.len()
        );
        let config = with(
            config,
            json!({"options": {"headers": {long.as_str(): "1"}}}),
        );
        let outcome = completions(provider, &config, BODY);
        assert!(
            outcome.message.len() < 1000,
            "{provider}: {} bytes",
            outcome.message.len()
        );
    }
    let outcome = abi::completions(&long, "{}", BODY);
    assert_eq!(outcome.status, MODELWIRE_E_PROVIDER);
    assert!(
        outcome.message.len() < 1000,
        "{} bytes",
        outcome.message.len()
    );
}
