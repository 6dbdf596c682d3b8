//! Nothing secret gets out: markers in everything that is secret, endpoints that send all
//! they are sent back, and a search through all a host can read.

use serde_json::{Value, json};

use modelwire::ffi::MODELWIRE_OP_COMPLETIONS;

use crate::azure::{REQUEST, azure};
use crate::bearer;
use crate::child::{Answer, Process};
use crate::google::{vertex, with_account};
use crate::peer::peer;
use crate::provider;
use crate::support::abi;
use crate::support::upstream::{Received, Script, Upstream, json as json_reply, reply};

const MARK: &str = "marker";
const TOKEN: &str = r#"{"access_token":"marker-token","expires_in":3600}"#;

/// Answers with everything it was sent in every field a client might look at.
fn echo() -> Upstream {
    Upstream::start(Script::new(|request: &Received| {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        let sent = format!("{sent} {:?} {}", request.headers, request.target);
        let form: Vec<_> = request.body.split(|b| *b == b'&' || *b == b'=').collect();
        let last = String::from_utf8_lossy(form.last().expect("a form")).into_owned();
        let body = json!({
            "error": if last.is_empty() { sent.clone() } else { last },
            "error_description": sent,
            "error_codes": [7000215],
        });
        reply(401, "marker", &[("x-marker", "marker")], body.to_string())
    }))
}

#[track_caller]
fn no_marker_in(answer: &Answer, also: &[&str]) {
    for secret in also.iter().copied().chain([MARK]) {
        assert!(
            !answer.everything.contains(secret),
            "{secret} in {}",
            answer.everything
        );
    }
}

fn secret_application() -> Value {
    json!({"tenant_id": "t", "client_id": "c", "client_secret": "marker-secret"})
}

#[test]
fn an_azure_secret_stays_secret_when_it_is_refused_and_when_it_works() {
    let endpoint = echo();
    let refused = Process::new().with("AZURE_AUTHORITY_HOST", endpoint.url());
    let answer = refused.call("azure", &azure(&provider(), secret_application()));
    let text = "the Entra token endpoint answered with status 401 (AADSTS7000215)";
    assert_eq!(answer.refused(), text);
    no_marker_in(&answer, &[]);
    let endpoint = Upstream::start(Script::always(json_reply(TOKEN)));
    let upstream = provider();
    let process = Process::new().with("AZURE_AUTHORITY_HOST", endpoint.url());
    let answer = process.call("azure", &azure(&upstream, secret_application()));
    answer.ok();
    assert_eq!(bearer(&upstream.requests()[0]), "marker-token");
    no_marker_in(&answer, &[]);
}

#[test]
fn what_the_environment_holds_stays_there() {
    let endpoint = echo();
    let process = Process::new();
    let assertion = process.folder.file("assertion", "marker-assertion");
    let login = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "marker-secret",
        "refresh_token": "marker-refresh", "token_uri": format!("{}/t", endpoint.url()),
    });
    process
        .folder
        .file("application_default_credentials.json", &login.to_string());
    let google = process.call("vertex", &vertex(&provider(), json!({})));
    google.refused();
    no_marker_in(&google, &[]);
    let process = process
        .with("AZURE_AUTHORITY_HOST", endpoint.url())
        .with("AZURE_FEDERATED_TOKEN_FILE", assertion)
        .with("AZURE_TENANT_ID", "t")
        .with("AZURE_CLIENT_ID", "c");
    let workload = process.call("azure", &azure(&provider(), json!({"use_identity": true})));
    workload.refused();
    no_marker_in(&workload, &[]);
    let process = Process::new()
        .with("IDENTITY_ENDPOINT", format!("{}/msi/token", endpoint.url()))
        .with("IDENTITY_HEADER", "marker-header");
    let app = process.call("azure", &azure(&provider(), json!({"use_identity": true})));
    app.refused();
    no_marker_in(&app, &[]);
    let sent = endpoint.requests();
    let whole = format!("{sent:?}");
    for request in [0, 1] {
        assert!(
            String::from_utf8_lossy(&sent[request].body).contains(MARK),
            "it was sent"
        );
    }
    assert!(whole.contains("marker-header"), "it was sent");
}

#[test]
fn a_google_assertion_stays_secret_and_so_does_a_key_that_is_none() {
    let Some(peer) = peer() else { return };
    let endpoint = echo();
    let mut account = peer.service_account("echo", 3600, "pkcs8");
    account["token_uri"] = format!("{}/t", endpoint.url()).into();
    let answer = Process::new().call("vertex", &with_account(&provider(), &account));
    answer.refused();
    let sent = String::from_utf8(endpoint.requests()[0].body.clone()).expect("a form");
    let (_, assertion) = sent.split_once("assertion=").expect("an assertion");
    assert!(assertion.len() > 100);
    let signature = assertion.rsplit('.').next().expect("a signature");
    no_marker_in(&answer, &[assertion, signature]);
    account["private_key"] = "-----BEGIN PRIVATE KEY-----\nbWFya2Vy\nmarker".into();
    let answer = Process::new().call("vertex", &with_account(&provider(), &account));
    answer.refused();
    no_marker_in(&answer, &["bWFya2Vy"]);
}

#[test]
fn prepare_shows_no_secret() {
    let upstream = provider();
    let config = azure(&upstream, secret_application());
    let azure = abi::prepare("azure", &config, REQUEST, MODELWIRE_OP_COMPLETIONS).ok();
    let account = json!({
        "type": "service_account", "client_email": "a@b", "private_key": "marker-key",
        "private_key_id": "marker-id",
    });
    let config = with_account(&upstream, &account);
    let vertex = abi::prepare("vertex", &config, "{}", MODELWIRE_OP_COMPLETIONS).ok();
    for shown in [azure, vertex] {
        assert_eq!(shown.json()["headers"]["authorization"], "[redacted]");
        assert!(!format!("{shown:?} {}", shown.text()).contains(MARK));
    }
}
