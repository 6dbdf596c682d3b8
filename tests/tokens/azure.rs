//! Azure: keys and service principals.

use modelwire::ffi::{MODELWIRE_E_CONFIG, MODELWIRE_OP_COMPLETIONS};
use serde_json::{Value, json};

use crate::child::Process;
use crate::peer::peer;
use crate::support::abi;
use crate::support::upstream::Upstream;
use crate::{bearer, provider, refused};

pub const REQUEST: &str = r#"{"model":"gpt"}"#;

/// An azure config that leads to `upstream`.
pub fn azure(upstream: &Upstream, mut fields: Value) -> Value {
    fields["endpoint"] = upstream.url().into();
    json!({"credentials": {"azure": fields}})
}

pub fn application() -> Value {
    json!({
        "tenant_id": "tenant-1",
        "client_id": "application",
        "client_secret": "secret of the application",
    })
}

#[test]
fn a_key_goes_into_its_own_header() {
    let upstream = provider();
    let mut config = azure(&upstream, json!({}));
    config["credentials"]["api_key"] = "the key".into();
    abi::completions("azure", &config, REQUEST).ok();
    let request = &upstream.requests()[0];
    assert_eq!(request.header("api-key"), Some("the key"));
    assert_eq!(request.header("authorization"), None);
}

#[test]
fn without_a_key_or_an_identity_nothing_is_sent() {
    let upstream = provider();
    let outcome = abi::completions("azure", &azure(&upstream, json!({})), REQUEST);
    assert_eq!(refused(&outcome), "api key is required");
}

#[test]
fn a_service_principal_that_lacks_something_says_what() {
    let upstream = provider();
    let config = azure(&upstream, json!({"tenant_id": "t", "client_secret": "s"}));
    let outcome = abi::completions("azure", &config, REQUEST);
    assert_eq!(
        refused(&outcome),
        "credentials.azure: a service principal needs tenant_id, client_id and client_secret; \
         missing: client_id"
    );
}

#[test]
fn a_service_principal_trades_its_secret_for_a_token() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new().with("AZURE_AUTHORITY_HOST", peer.authority("principal", 3600));
    let answers = process.calls("azure", &azure(&upstream, application()), 3);
    answers.iter().for_each(|answer| answer.ok());
    let seen = peer.seen("principal");
    assert_eq!(seen.requests, 1, "one token for three calls");
    for request in upstream.requests() {
        assert_eq!(bearer(&request), seen.tokens[0]);
        assert_eq!(request.header("api-key"), None);
    }
}

#[test]
fn a_wrong_secret_is_an_invalid_client() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new().with("AZURE_AUTHORITY_HOST", peer.authority("wrong", 3600));
    let mut fields = application();
    fields["client_secret"] = "wrong".into();
    let answer = process.call("azure", &azure(&upstream, fields));
    let text = "the Entra token endpoint answered with status 400 (invalid_client)";
    assert_eq!(answer.refused(), text);
    assert_eq!(answer.info["phase"], "credentials");
    assert!(upstream.requests().is_empty());
}

#[test]
fn the_scope_can_be_chosen_and_the_server_has_the_last_word() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new().with("AZURE_AUTHORITY_HOST", peer.authority("scope", 3600));
    let mut config = azure(&upstream, application());
    config["options"] = json!({"token_scope": "api://chosen/.default"});
    process.call("azure", &config).ok();
    config["options"] = json!({"token_scope": "api://other/.default"});
    let refused = process.call("azure", &config);
    let text = "the Entra token endpoint answered with status 400 (invalid_scope)";
    assert_eq!(refused.refused(), text);
    let options = json!({"token_scope": "two scopes"});
    let invalid = abi::validate_provider_options("azure", &options);
    assert_eq!(invalid.status, MODELWIRE_E_CONFIG);
}

#[test]
fn an_authority_without_tls_is_refused_unless_it_is_this_machine() {
    let upstream = provider();
    let process = Process::new().with("AZURE_AUTHORITY_HOST", "http://login.example");
    let answer = process.call("azure", &azure(&upstream, application()));
    let text = "AZURE_AUTHORITY_HOST: expected an https URL, or an http URL on a loopback address";
    assert_eq!(answer.refused(), text);
}

#[test]
fn prepare_shows_which_header_and_not_what_is_in_it() {
    let upstream = provider();
    let config = azure(&upstream, application());
    let shown = abi::prepare("azure", &config, REQUEST, MODELWIRE_OP_COMPLETIONS).ok();
    assert_eq!(shown.json()["headers"]["authorization"], "[redacted]");
    assert!(!shown.text().contains("secret of the application"));
}

#[test]
fn an_authorization_among_the_headers_needs_no_identity() {
    let upstream = provider();
    let mut config = azure(&upstream, application());
    config["options"] = json!({"headers": {"Authorization": "Bearer mine"}});
    abi::completions("azure", &config, REQUEST).ok();
    assert_eq!(bearer(&upstream.requests()[0]), "mine");
}
