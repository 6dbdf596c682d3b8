//! Nobody but the one that was asked gets a request, and nothing is kept for the next.

use super::{BODY, PROVIDERS};
use crate::fault::{turn, with};
use crate::support::abi::{completions, run_http_probe, stream};
use crate::support::upstream::{Upstream, json as answer, reply};
use modelwire::ffi::*;
use serde_json::json;

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
