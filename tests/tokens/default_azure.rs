//! Azure's default chain: each source alone, and their order.

use serde_json::{Value, json};

use crate::azure::{application, azure};
use crate::child::Process;
use crate::peer::{Peer, peer};
use crate::support::upstream::{Script, Upstream, json as json_reply, reply};
use crate::{bearer, provider};

const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const IMDS: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";

fn chain(upstream: &Upstream) -> Value {
    azure(upstream, json!({"use_identity": true}))
}

/// A metadata service that knows no identity.
fn no_identity() -> Upstream {
    Upstream::start(Script::always(reply(400, "Bad Request", &[], "{}")))
}

trait Identities {
    fn with_environment(self) -> Self;
    fn with_workload(self, peer: &Peer) -> Self;
}

impl Identities for Process {
    fn with_environment(self) -> Process {
        let application = application();
        let text = |name: &str| application[name].as_str().expect("text").to_owned();
        self.with("AZURE_TENANT_ID", text("tenant_id"))
            .with("AZURE_CLIENT_ID", text("client_id"))
            .with("AZURE_CLIENT_SECRET", text("client_secret"))
    }

    fn with_workload(self, peer: &Peer) -> Process {
        let file = self.folder.file("federated", peer.text("federated_token"));
        self.with("AZURE_FEDERATED_TOKEN_FILE", file)
            .with("AZURE_TENANT_ID", "tenant-1")
            .with("AZURE_CLIENT_ID", "workload")
    }
}

#[test]
fn the_environment_comes_first() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new()
        .with_workload(peer)
        .with_environment()
        .with(AUTHORITY, peer.authority("environment", 3600))
        .with(IMDS, format!("{}/imds/environment-imds", peer.url));
    process.call("azure", &chain(&upstream)).ok();
    let seen = peer.seen("environment");
    assert_eq!(bearer(&upstream.requests()[0]), seen.tokens[0]);
    assert_eq!(
        (seen.requests, peer.seen("environment-imds").requests),
        (1, 0)
    );
}

#[test]
fn a_workload_shows_the_token_of_its_platform() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new()
        .with_workload(peer)
        .with(AUTHORITY, peer.authority("workload", 3600))
        .with(IMDS, format!("{}/imds/workload-imds", peer.url));
    process.call("azure", &chain(&upstream)).ok();
    assert_eq!(
        bearer(&upstream.requests()[0]),
        peer.seen("workload").tokens[0]
    );
    assert_eq!(peer.seen("workload-imds").requests, 0);
}

#[test]
fn a_machine_asks_its_metadata_service() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new().with(IMDS, format!("{}/imds/machine", peer.url));
    for client_id in [None, Some("assigned")] {
        let fields = json!({"auth_mode": "default_azure_credential", "client_id": client_id});
        process.call("azure", &azure(&upstream, fields)).ok();
    }
    let seen = peer.seen("machine");
    let sent: Vec<_> = upstream
        .requests()
        .iter()
        .map(|r| bearer(r).to_owned())
        .collect();
    assert_eq!(sent, seen.tokens);
}

#[test]
fn the_resource_and_the_identity_are_asked_for_by_name() {
    let token = r#"{"access_token":"t","expires_in":"3600"}"#;
    let imds = Upstream::start(Script::always(json_reply(token)));
    let process = Process::new().with(IMDS, imds.url());
    let fields = json!({"use_identity": true, "client_id": "mine"});
    process.call("azure", &azure(&provider(), fields)).ok();
    let asked = &imds.requests()[0];
    assert_eq!(asked.header("metadata"), Some("true"));
    assert_eq!(
        asked.target,
        "/metadata/identity/oauth2/token?api-version=2018-02-01\
         &resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=mine"
    );
}

#[test]
fn an_app_asks_the_endpoint_its_environment_names() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new()
        .with(
            "IDENTITY_ENDPOINT",
            format!("{}/app-service/app/msi/token", peer.url),
        )
        .with("IDENTITY_HEADER", "secret of the app");
    process.call("azure", &chain(&upstream)).ok();
    assert_eq!(bearer(&upstream.requests()[0]), peer.seen("app").tokens[0]);
    let answer = process
        .with("IDENTITY_HEADER", "wrong")
        .call("azure", &chain(&upstream));
    let text = "the managed identity endpoint answered with status 403";
    assert_eq!(answer.refused(), text);
}

#[test]
fn a_source_that_is_set_up_and_fails_ends_the_search() {
    let Some(peer) = peer() else { return };
    let upstream = provider();
    let process = Process::new()
        .with_environment()
        .with("AZURE_CLIENT_SECRET", "wrong")
        .with(AUTHORITY, peer.authority("failing", 3600))
        .with(IMDS, format!("{}/imds/failing-imds", peer.url));
    let answer = process.call("azure", &chain(&upstream));
    let text = "the Entra token endpoint answered with status 400 (invalid_client)";
    assert_eq!(answer.refused(), text);
    assert_eq!(
        peer.seen("failing-imds").requests,
        0,
        "nobody else was asked"
    );
}

#[test]
fn a_search_in_vain_says_what_each_source_lacks() {
    let imds = no_identity();
    let process = Process::new();
    let nowhere = process.folder.path("");
    let process = process.with(IMDS, imds.url()).with("PATH", nowhere);
    let answer = process.call("azure", &chain(&provider()));
    assert_eq!(
        answer.refused(),
        "no Azure identity was found (environment: AZURE_TENANT_ID, AZURE_CLIENT_ID and \
         AZURE_CLIENT_SECRET are not all set; workload identity: AZURE_FEDERATED_TOKEN_FILE, \
         AZURE_TENANT_ID and AZURE_CLIENT_ID are not all set; managed identity: this machine \
         has no such identity; Azure CLI: az is not installed)"
    );
}

/// A stand-in for `az`, as a shell script.
#[cfg(unix)]
mod cli {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::child::IGNORE_CHILDREN;

    fn process_with_az(imds: &Upstream, script: &str) -> Process {
        let process = Process::new();
        let az = process.folder.file("az", &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(az, PermissionsExt::from_mode(0o700)).expect("executable");
        let path = std::env::var("PATH").expect("a PATH");
        let path = format!("{}:{path}", process.folder.path(""));
        process.with(IMDS, imds.url()).with("PATH", path)
    }

    #[test]
    fn the_login_of_the_cli_comes_last() {
        let (imds, upstream) = (no_identity(), provider());
        let script = r#"printf '%s\n' "$*" > "$HOME/arguments"; cat > "$HOME/input"
            echo noise >&2
            echo "{\"accessToken\":\"of the cli\",\"expires_on\":$(($(date +%s) + 3600))}""#;
        let process = process_with_az(&imds, script);
        let fields = json!({"use_identity": true, "tenant_id": "contoso.example"});
        let answers = process.calls("azure", &azure(&upstream, fields), 2);
        answers.iter().for_each(|answer| answer.ok());
        assert_eq!(bearer(&upstream.requests()[1]), "of the cli");
        let wrote = |name| std::fs::read_to_string(process.folder.path(name)).expect("written");
        assert_eq!(
            wrote("arguments"),
            "account get-access-token --output json --scope \
             https://cognitiveservices.azure.com/.default --tenant contoso.example\n"
        );
        assert_eq!(wrote("input"), "", "none of the host's input");
    }

    #[test]
    fn a_cli_that_fails_is_told_by_its_status_alone() {
        let imds = no_identity();
        let process = process_with_az(&imds, "echo MARK; echo MARK >&2; exit 1");
        let answer = process.call("azure", &chain(&provider()));
        let message = answer.refused();
        assert!(
            message.ends_with("Azure CLI: az gave no token; run az login)"),
            "{message}"
        );
        assert!(!answer.everything.contains("MARK"));
    }

    #[test]
    fn a_cli_that_hangs_is_ended_with_all_it_started() {
        let imds = no_identity();
        let script = r#"sleep 600 & echo $! > "$HOME/started"; wait"#;
        let process = process_with_az(&imds, script).init(json!({"probe_timeout_ms": 1000}));
        let answer = process.call("azure", &chain(&provider()));
        let message = answer.refused();
        assert!(
            message.ends_with("Azure CLI: az did not answer in time)"),
            "{message}"
        );
        let started = std::fs::read_to_string(process.folder.path("started")).expect("written");
        // A killed orphan may wait as a zombie for a parent that collects it.
        let alive = || {
            let ps = Command::new("ps")
                .args(["-o", "stat=", "-p", started.trim()])
                .output();
            let state = ps.expect("ps runs").stdout;
            !state.trim_ascii().is_empty() && !state.trim_ascii().starts_with(b"Z")
        };
        let patience = Instant::now() + Duration::from_secs(20);
        while alive() {
            assert!(Instant::now() < patience, "{started} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_host_that_ignores_its_children_gets_its_token_all_the_same() {
        let (imds, upstream) = (no_identity(), provider());
        let process = process_with_az(&imds, r#"echo '{"accessToken":"t"}'"#);
        let process = process.with(IGNORE_CHILDREN, "1");
        process.call("azure", &chain(&upstream)).ok();
        assert_eq!(bearer(&upstream.requests()[0]), "t");
    }
}
