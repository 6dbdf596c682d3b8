//! Token endpoints that misbehave: what the call ends with, and that the next one works.

use serde_json::{Value, json};

use crate::azure::{application, azure};
use crate::child::{Answer, Process};
use crate::google::with_account;
use crate::peer::peer;
use crate::support::upstream::{Accept, Script, Step, Upstream, json as json_reply, reply};
use crate::{bearer, provider};

const GOOD: &str = r#"{"access_token":"healed","expires_in":3600}"#;
const HTML: &str = "<html>MARK</html>";

/// How an endpoint misbehaves, and what is said of it.
fn cases(elsewhere: &str) -> Vec<(Vec<Step>, &'static str)> {
    let location = [("location", elsewhere)];
    let slow_down = r#"{"error":{"code":"MARK"}}"#;
    vec![
        (
            reply(500, "Internal Server Error", &[], "MARK"),
            "answered with status 500",
        ),
        (
            reply(200, "OK", &[("content-type", "text/html")], HTML),
            "answered with status 200, but its body is not a token response",
        ),
        (
            json_reply(r#"{"access_token":""}"#),
            "answered with status 200, but its body is not a token response",
        ),
        (
            reply(302, "Found", &location, ""),
            "answered with a redirect, which is not followed for credentials (status 302)",
        ),
        (
            reply(307, "Temporary Redirect", &location, ""),
            "answered with a redirect, which is not followed for credentials (status 307)",
        ),
        (
            reply(429, "Too Many Requests", &[], slow_down),
            "answered with status 429",
        ),
        (vec![Step::Hang], "did not answer within 1000 ms"),
        (
            vec![
                Step::send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
                Step::Hang,
            ],
            "did not answer within 1000 ms",
        ),
        (
            vec![Step::send("no http at all\r\n\r\n"), Step::Close],
            "gave an answer that cannot be read",
        ),
    ]
}

/// Two calls in one process whose endpoint misbehaves once.
fn twice(call: impl Fn(&Upstream, &Upstream) -> Vec<Answer>, name: &str) {
    let elsewhere = provider();
    for (misbehaviour, text) in cases(&elsewhere.url()) {
        let endpoint = Upstream::start(vec![misbehaviour, json_reply(GOOD)]);
        let upstream = provider();
        let answers = call(&endpoint, &upstream);
        assert_eq!(answers[0].refused(), format!("{name} {text}"));
        assert_eq!(answers[0].info["phase"], "credentials");
        assert!(!answers[0].everything.contains("MARK"));
        answers[1].ok();
        let requests = upstream.requests();
        assert_eq!(requests.len(), 1, "nothing was sent without a token");
        assert_eq!(bearer(&requests[0]), "healed");
    }
    assert!(elsewhere.requests().is_empty(), "no redirect was followed");
}

fn process() -> Process {
    Process::new().init(json!({"probe_timeout_ms": 1000}))
}

#[test]
fn entra_misbehaves_and_heals() {
    let call = |endpoint: &Upstream, upstream: &Upstream| {
        let process = process().with("AZURE_AUTHORITY_HOST", endpoint.url());
        process.calls("azure", &azure(upstream, application()), 2)
    };
    twice(call, "the Entra token endpoint");
}

#[test]
fn google_misbehaves_and_heals() {
    let Some(peer) = peer() else { return };
    let call = |endpoint: &Upstream, upstream: &Upstream| {
        let mut account = peer.service_account("scripted", 3600, "pkcs8");
        account["token_uri"] = format!("{}/token", endpoint.url()).into();
        process().calls("vertex", &with_account(upstream, &account), 2)
    };
    twice(call, "the Google token endpoint");
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_a_matter_of_credentials() {
    let closing = Upstream::start(Script::always(Vec::new()).accept(Accept::Close));
    let unused = provider().port();
    for (address, reason) in [
        (
            format!("http://127.0.0.1:{unused}"),
            "could not be reached: could not connect to",
        ),
        (closing.url(), "could not be reached: 127.0.0.1"),
    ] {
        let process = process().with("AZURE_AUTHORITY_HOST", address);
        let answer = process.call("azure", &azure(&provider(), application()));
        let expected = format!("the Entra token endpoint {reason}");
        assert!(
            answer.refused().starts_with(&expected),
            "{}",
            answer.message
        );
        assert_eq!(answer.info["phase"], json!("credentials"));
    }
}

#[test]
fn a_call_whose_own_time_is_up_does_not_wait_for_the_endpoint() {
    let endpoint = Upstream::start(Script::always(vec![Step::Hang]));
    let process = Process::new().with("AZURE_AUTHORITY_HOST", endpoint.url());
    let mut config: Value = azure(&provider(), application());
    config["timeouts"] = json!({"total_ms": 500});
    let answer = process.call("azure", &config);
    assert_eq!(
        answer.status,
        modelwire::ffi::MODELWIRE_E_TIMEOUT,
        "{answer:?}"
    );
    assert_eq!(answer.info["timeout"], "total");
    assert_eq!(answer.info["phase"], "credentials");
}
