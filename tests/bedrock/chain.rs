//! AWS's chain of credentials, each source alone in a process of its own.

use modelwire::ffi::MODELWIRE_E_CREDENTIALS;
use serde_json::{Value, json};

use crate::child::{Scratch, run, step};
use crate::environment::{bedrock, config, signer};
use crate::peers::moto;
use crate::support::upstream::{Script, Upstream, json as json_reply, reply};

/// One call with nothing but `environment` to find keys in.
fn signer_with(environment: &[(&str, &str)]) -> (String, Option<String>) {
    let upstream = bedrock();
    let said = run(
        environment,
        &[step("completions", &config(&upstream, json!({})), 1)],
    );
    assert_eq!(said[0].status(), 0, "{:?}", said[0]);
    signer(&upstream.requests()[0])
}

#[test]
fn the_environment() {
    let found = signer_with(&[
        ("AWS_ACCESS_KEY_ID", "AKENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "t"),
    ]);
    assert_eq!(found, ("AKENV".into(), Some("t".into())));
}

#[test]
fn a_profile_and_its_source() {
    let files = Scratch::new();
    let keys = files.file(
        "credentials",
        "[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = s\n\
         [other]\naws_access_key_id = AKOTHER\naws_secret_access_key = s\n\
         aws_session_token = t\n",
    );
    let file = ("AWS_SHARED_CREDENTIALS_FILE", keys.as_str());
    assert_eq!(signer_with(&[file]), ("AKDEFAULT".into(), None));
    let other = signer_with(&[file, ("AWS_PROFILE", "other")]);
    assert_eq!(other, ("AKOTHER".into(), Some("t".into())));

    let Some(moto) = moto() else { return };
    let role = "[profile roled]\nsource_profile = other\n\
                role_arn = arn:aws:iam::123456789012:role/r\n";
    let roles = files.file("config", role);
    let url = moto.url();
    let (key, token) = signer_with(&[
        file,
        ("AWS_CONFIG_FILE", &roles),
        ("AWS_PROFILE", "roled"),
        ("AWS_ENDPOINT_URL_STS", &url),
    ]);
    assert!(key.starts_with("ASIA") && token.is_some(), "{key}");
}

#[test]
fn a_web_identity() {
    let Some(moto) = moto() else { return };
    let files = Scratch::new();
    let token = files.file("token", "a.b.c");
    let url = moto.url();
    let (key, token) = signer_with(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r"),
        ("AWS_ENDPOINT_URL_STS", &url),
    ]);
    assert!(key.starts_with("ASIA") && token.is_some(), "{key}");
}

#[test]
fn a_container_endpoint() {
    let container = Upstream::start(Script::new(|request| {
        let known = request.target == "/v2/keys?id=1"
            && request.header("authorization") == Some("container-token");
        if !known {
            return reply(403, "Forbidden", &[], "{}");
        }
        json_reply(
            r#"{"AccessKeyId":"AKCONTAINER","SecretAccessKey":"s","Token":"t",
                "Expiration":"2099-01-01T00:00:00Z"}"#,
        )
    }));
    let expected = ("AKCONTAINER".to_owned(), Some("t".to_owned()));
    let files = Scratch::new();
    let token = files.file("token", "container-token");
    for host in ["127.0.0.1", "localhost"] {
        let uri = format!("http://{host}:{}/v2/keys?id=1", container.port());
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str());
        let found = signer_with(&[
            uri,
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token"),
        ]);
        assert_eq!(found, expected);
        let found = signer_with(&[uri, ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)]);
        assert_eq!(found, expected);
    }
}

/// moto's own instance metadata lacks the token's time to live, which real ones send.
#[test]
fn an_instance() {
    let metadata = Upstream::start(Script::new(|request| {
        let plain = |text| reply(200, "OK", &[("content-type", "text/plain")], text);
        if (request.method.as_str(), request.target.as_str()) == ("PUT", "/latest/api/token") {
            let life = request
                .header("x-aws-ec2-metadata-token-ttl-seconds")
                .unwrap_or("60");
            return reply(
                200,
                "OK",
                &[("x-aws-ec2-metadata-token-ttl-seconds", life)],
                "v2-token",
            );
        }
        if request.header("x-aws-ec2-metadata-token") != Some("v2-token") {
            return reply(401, "Unauthorized", &[], "");
        }
        match request.path().trim_end_matches('/').rsplit('/').next() {
            Some("security-credentials" | "security-credentials-extended") => plain("role"),
            Some("role") => plain(
                r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AKINSTANCE",
                    "SecretAccessKey":"s","Token":"t","LastUpdated":"2026-01-01T00:00:00Z",
                    "Expiration":"2099-01-01T00:00:00Z"}"#,
            ),
            _ => reply(404, "Not Found", &[], ""),
        }
    }));
    let found = signer_with(&[
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url()),
        ("AWS_EC2_METADATA_DISABLED", "false"),
    ]);
    assert_eq!(found, ("AKINSTANCE".into(), Some("t".into())));
}

#[test]
fn keys_are_found_once_and_again_when_the_environment_differs() {
    let container = Upstream::start(json_reply(
        r#"{"AccessKeyId":"AK","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#,
    ));
    let upstream = bedrock();
    let uri = format!("{}/keys", container.url());
    let said = run(
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)],
        &[
            step("completions", &config(&upstream, json!({})), 50),
            step("completions", &config(&upstream, json!({})), 1),
        ],
    );
    assert!(said.iter().all(|said| said.status() == 0));
    assert_eq!(
        (container.requests().len(), upstream.requests().len()),
        (1, 51)
    );
}

#[test]
fn nothing_found_says_what_to_do() {
    let upstream = bedrock();
    let none = step("completions", &config(&upstream, json!({})), 1);
    let probe = step("probe", &config(&upstream, json!({})), 1);
    let said = run(&[], &[none, probe]);
    assert_eq!(said[0].status(), i64::from(MODELWIRE_E_CREDENTIALS));
    assert_eq!(said[0].phase(), "credentials");
    let text = "no AWS credentials: set credentials.aws.access_key and secret_key, or give the \
                process an AWS identity (environment, profile, web identity, container, instance)";
    assert_eq!(said[0].message(), format!("bedrock: {text}"));
    let verdict: Value = serde_json::from_str(said[1].body()).expect("JSON");
    assert_eq!(
        (&verdict["stage"], &verdict["message"]),
        (&json!("authentication"), &json!(text))
    );

    assert!(upstream.requests().is_empty());
}

#[test]
fn a_source_that_fails_is_named_without_its_secrets() {
    let upstream = bedrock();
    let failing = Upstream::start(reply(500, "Oops", &[], "MARK"));
    let refusing = Upstream::start(reply(
        400,
        "Bad Request",
        &[("content-type", "text/xml")],
        "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code>\
         <Message>MARK</Message></Error></ErrorResponse>",
    ));
    let files = Scratch::new();
    let broken = "[default]\nrole_arn = arn:aws:iam::1:role/r\nexternal_id = MARK\n";
    let broken = files.file("broken", broken);
    let token = files.file("token", "MARK");
    let (uri, sts) = (format!("{}/keys?MARK", failing.url()), refusing.url());
    let from = "bedrock: AWS credentials could not be had from";
    for (environment, message) in [
        (
            &[
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "MARK"),
            ][..],
            format!("{from} the container endpoint"),
        ),
        (
            &[("AWS_SHARED_CREDENTIALS_FILE", &broken)],
            format!(
                "{from} the profile in AWS's shared files: ProfileFile provider could not be built"
            ),
        ),
        (
            &[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
                ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
                ("AWS_ENDPOINT_URL_STS", &sts),
            ],
            format!("{from} the web identity: AWS STS refused: InvalidIdentityToken"),
        ),
        (
            &[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "/gone"),
                ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
            ],
            format!("{from} the web identity: entity not found"),
        ),
    ] {
        let said = run(
            environment,
            &[step("completions", &config(&upstream, json!({})), 1)],
        );
        assert_eq!(said[0].status(), i64::from(MODELWIRE_E_CREDENTIALS));
        assert!(
            said[0].message().starts_with(&message),
            "{}",
            said[0].message()
        );
        assert!(!format!("{said:?}").contains("MARK"), "{said:?}");
    }
}
