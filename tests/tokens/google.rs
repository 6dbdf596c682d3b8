//! Google: service accounts and application default credentials, on vertex.

use modelwire::ffi::MODELWIRE_OP_COMPLETIONS;
use serde_json::{Value, json};

use crate::child::Process;
use crate::peer::peer;
use crate::support::abi;
use crate::support::upstream::{Script, Upstream, json as json_reply, reply};
use crate::{bearer, provider, refused};

/// A vertex config that leads to `upstream`.
pub fn vertex(upstream: &Upstream, credentials: Value) -> Value {
    json!({
        "credentials": credentials,
        "options": {"project": "p", "location": "global", "base_url": upstream.url()},
        "model": "gemini",
    })
}

pub fn with_account(upstream: &Upstream, account: &Value) -> Value {
    vertex(
        upstream,
        json!({"gcp": {"service_account_json": account.to_string()}}),
    )
}

#[test]
fn a_service_account_buys_a_token_with_a_key_in_either_format() {
    let Some(peer) = peer() else { return };
    for key in ["pkcs8", "pkcs1"] {
        let (upstream, name) = (provider(), format!("account-{key}"));
        let config = with_account(&upstream, &peer.service_account(&name, 3600, key));
        for _ in 0..3 {
            abi::completions("vertex", &config, "{}").ok();
        }
        let seen = peer.seen(&name);
        assert_eq!(seen.requests, 1, "one token for three calls");
        for request in upstream.requests() {
            assert_eq!(bearer(&request), seen.tokens[0]);
        }
    }
}

#[test]
fn a_key_that_google_does_not_know_is_an_invalid_grant() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let account = peer.service_account("unknown", 3600, "unknown_key");
    let outcome = abi::completions("vertex", &with_account(&upstream, &account), "{}");
    assert_eq!(
        refused(&outcome),
        "the Google token endpoint answered with status 400 (invalid_grant)"
    );
    assert_eq!(outcome.info["phase"], "credentials");
    assert!(
        upstream.requests().is_empty(),
        "nothing was sent without a token"
    );
}

#[test]
fn prepare_asks_for_no_token_and_shows_none() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let config = with_account(&upstream, &peer.service_account("prepare", 3600, "pkcs8"));
    let shown = abi::prepare("vertex", &config, "{}", MODELWIRE_OP_COMPLETIONS).ok();
    assert_eq!(shown.json()["headers"]["authorization"], "[redacted]");
    assert_eq!(peer.seen("prepare").requests, 0);
}

#[test]
fn a_connection_test_is_the_token_alone() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let probe = |name, key| {
        let config = with_account(&upstream, &peer.service_account(name, 3600, key));
        abi::test_connection("vertex", &config).ok().json()
    };
    let good = probe("probe-good", "pkcs8");
    assert_eq!(
        (&good["ok"], &good["stage"]),
        (&json!(true), &json!("authentication"))
    );
    let bad = probe("probe-bad", "unknown_key");
    assert_eq!(
        (&bad["ok"], &bad["stage"]),
        (&json!(false), &json!("authentication"))
    );
    assert!(upstream.requests().is_empty());
}

#[test]
fn an_api_key_is_a_ready_token_and_a_service_account_comes_first() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let config = vertex(&upstream, json!({"api_key": "ready"}));
    abi::completions("vertex", &config, "{}").ok();
    let account = peer.service_account("first", 3600, "pkcs8").to_string();
    let both = json!({"api_key": "ready", "gcp": {"service_account_json": account}});
    abi::completions("vertex", &vertex(&upstream, both), "{}").ok();
    let requests = upstream.requests();
    assert_eq!(bearer(&requests[0]), "ready");
    assert_eq!(bearer(&requests[1]), peer.seen("first").tokens[0]);
}

#[test]
fn files_that_can_name_programs_are_refused_wherever_they_stand() {
    let upstream = provider();
    let file = json!({
        "type": "external_account",
        "credential_source": {"executable": {"command": "/bin/true"}},
    });
    let field = abi::completions("vertex", &with_account(&upstream, &file), "{}");
    let process = Process::new();
    let path = process.folder.file("adc.json", &file.to_string());
    let process = process.with("GOOGLE_APPLICATION_CREDENTIALS", path);
    let answer = process.call("vertex", &vertex(&upstream, json!({})));
    let reason = "type external_account is refused: such a file can name a local program to \
                  run or any address to send tokens to; use a service account's key, or pass \
                  an access token as api_key";
    assert_eq!(
        refused(&field),
        format!("credentials.gcp.service_account_json: {reason}")
    );
    assert_eq!(
        answer.refused(),
        format!("GOOGLE_APPLICATION_CREDENTIALS: {reason}")
    );
    assert!(upstream.requests().is_empty());
}

#[test]
fn the_variable_names_a_file_with_a_service_account() {
    let Some(peer) = peer() else { return };
    let (upstream, process) = (provider(), Process::new());
    let account = peer.service_account("adc-account", 3600, "pkcs8");
    let path = process.folder.file("adc.json", &account.to_string());
    let process = process.with("GOOGLE_APPLICATION_CREDENTIALS", path);
    process.call("vertex", &vertex(&upstream, json!({}))).ok();
    assert_eq!(
        bearer(&upstream.requests()[0]),
        peer.seen("adc-account").tokens[0]
    );
}

#[test]
fn a_login_of_gcloud_is_found_and_its_project_pays() {
    let Some(peer) = peer() else { return };
    let (upstream, process) = (provider(), Process::new());
    let login = json!({
        "type": "authorized_user",
        "client_id": "gcloud",
        "client_secret": "secret of gcloud",
        "refresh_token": peer.text("refresh_token"),
        "quota_project_id": "payer",
        "token_uri": format!("{}/google/login/3600/token", peer.url),
    });
    process
        .folder
        .file("application_default_credentials.json", &login.to_string());
    process.call("vertex", &vertex(&upstream, json!({}))).ok();
    let request = &upstream.requests()[0];
    assert_eq!(bearer(request), peer.seen("login").tokens[0]);
    assert_eq!(request.header("x-goog-user-project"), Some("payer"));
}

#[test]
fn the_metadata_server_speaks_for_its_machine() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let host = peer.url.strip_prefix("http://").expect("http");
    let process = Process::new().with("GCE_METADATA_HOST", host);
    process.call("vertex", &vertex(&upstream, json!({}))).ok();
    assert_eq!(
        bearer(&upstream.requests()[0]),
        peer.seen("metadata").tokens[0]
    );
}

#[test]
fn a_server_without_the_metadata_flavor_is_not_believed() {
    let token = r#"{"access_token":"t","expires_in":3600}"#;
    let impostor = Upstream::start(Script::always(json_reply(token)));
    let upstream = provider();
    let process = Process::new().with(
        "GCE_METADATA_HOST",
        format!("127.0.0.1:{}", impostor.port()),
    );
    let answer = process.call("vertex", &vertex(&upstream, json!({})));
    let text = "the Google metadata server answered without its Metadata-Flavor header";
    assert_eq!(answer.refused(), text);
    let asked = &impostor.requests()[0];
    assert_eq!(asked.header("metadata-flavor"), Some("Google"));
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_metadata_server_that_refuses_is_quoted_by_its_status() {
    let flavor = [("metadata-flavor", "Google")];
    let server = Upstream::start(Script::always(reply(
        404,
        "Not Found",
        &flavor,
        "no account",
    )));
    let process = Process::new().with("GCE_METADATA_HOST", format!("127.0.0.1:{}", server.port()));
    let answer = process.call("vertex", &vertex(&provider(), json!({})));
    assert_eq!(
        answer.refused(),
        "the Google metadata server answered with status 404"
    );
}

#[test]
fn a_file_that_the_variable_names_must_be_there_and_usable() {
    let upstream = provider();
    let process = Process::new();
    let bad = process.folder.file("bad.json", "<html>");
    let half = process
        .folder
        .file("half.json", r#"{"type":"authorized_user"}"#);
    let missing = process.folder.path("missing.json");
    let folder = process.folder.path("");
    for (path, reason) in [
        (missing, "the file does not exist"),
        (folder, "it is not a file of text, or is over 1 MiB"),
        (bad, "the file is not a JSON object with a type"),
        (
            half,
            "expected client_id, client_secret and refresh_token, as gcloud writes them",
        ),
    ] {
        let process = Process::new().with("GOOGLE_APPLICATION_CREDENTIALS", path);
        let answer = process.call("vertex", &vertex(&upstream, json!({})));
        assert_eq!(
            answer.refused(),
            format!("GOOGLE_APPLICATION_CREDENTIALS: {reason}")
        );
    }
}

#[test]
fn what_the_config_says_beats_the_environment() {
    let Some(peer) = peer() else { return };
    let (upstream, process) = (provider(), Process::new());
    let poison = peer.service_account("poison", 3600, "pkcs8");
    let path = process.folder.file("adc.json", &poison.to_string());
    let process = process
        .with("GOOGLE_APPLICATION_CREDENTIALS", path)
        .with("GCE_METADATA_HOST", "127.0.0.1:1");
    let account = peer.service_account("explicit", 3600, "pkcs8");
    process
        .call("vertex", &with_account(&upstream, &account))
        .ok();
    process
        .call("vertex", &vertex(&upstream, json!({"api_key": "ready"})))
        .ok();
    let requests = upstream.requests();
    assert_eq!(bearer(&requests[0]), peer.seen("explicit").tokens[0]);
    assert_eq!(bearer(&requests[1]), "ready");
    assert_eq!(peer.seen("poison").requests, 0);
}
