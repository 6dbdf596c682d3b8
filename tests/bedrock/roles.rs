//! Assumed roles: against moto, which checks signatures and policies, and against a scripted
//! STS that counts, fails and heals.

use modelwire::ffi::*;
use serde_json::{Value, json};

use crate::child::{Said, run, step};
use crate::peers::{moto, with_iam};
use crate::support::upstream::{Script, Step, Upstream, json as json_reply, reply};

/// What STS lends, for an hour from now.
fn lent(access_key: &str) -> Vec<Step> {
    let end = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    let end = aws_smithy_types::DateTime::from(end)
        .fmt(aws_smithy_types::date_time::Format::DateTime)
        .expect("a time");
    let body = format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
           <Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>lent</SecretAccessKey>
           <SessionToken>lent-token</SessionToken><Expiration>{end}</Expiration></Credentials>
           </AssumeRoleResult></AssumeRoleResponse>"#
    );
    reply(200, "OK", &[("content-type", "text/xml")], body)
}

fn config(upstream: &Upstream, aws: Value) -> Value {
    json!({"credentials": {"aws": aws}, "options": {"base_url": upstream.url()}})
}

fn role(secret: &str) -> Value {
    json!({"access_key": "AK", "secret_key": secret, "use_role": true,
           "role_arn": "arn:aws:iam::123456789012:role/r", "external_id": "MARK-external"})
}

fn statuses(said: &[Said]) -> Vec<i64> {
    said.iter().map(Said::status).collect()
}

#[test]
fn moto_lets_in_who_signs_right_and_nobody_else() {
    let Some(moto) = moto() else { return };
    let iam = with_iam(&moto);
    let url = moto.url();
    let environment = [("AWS_ENDPOINT_URL_STS", url.as_str())];
    let config = |secret: &Value, role: bool| {
        json!({"credentials": {"aws": {"access_key": iam["access_key"], "secret_key": secret,
                   "use_role": role, "role_arn": iam["role_arn"], "external_id": "e",
                   "session_name": "s"}},
               "options": {"base_url": url}})
    };
    let secret = &iam["secret_key"];
    let wrong = json!("MARK");
    let said = run(
        &environment,
        &[
            step("completions", &config(secret, true), 1),
            step("probe", &config(secret, true), 1),
            step("probe", &config(secret, false), 1),
            step("completions", &config(secret, false), 1),
            step("completions", &config(&wrong, true), 1),
            step("probe", &config(&wrong, false), 1),
            step("probe", &config(&wrong, true), 1),
        ],
    );
    assert_eq!(
        (said[0].status(), said[0].body()),
        (0, "{}"),
        "{:?}",
        said[0]
    );
    let verdict = |said: &Said| serde_json::from_str::<Value>(said.body()).expect("JSON");
    let accepted =
        json!({"ok": true, "stage": "authentication", "status_code": 200, "message": ""});
    assert_eq!(verdict(&said[1]), accepted);
    assert_eq!(verdict(&said[2]), accepted);
    // The user alone may assume the role and nothing else.
    assert_eq!(
        said[3].status(),
        i64::from(MODELWIRE_E_BACKEND),
        "{:?}",
        said[3]
    );
    assert_eq!(said[4].status(), i64::from(MODELWIRE_E_CREDENTIALS));
    assert_eq!(said[4].phase(), "credentials");
    assert_eq!(
        said[4].message(),
        "bedrock: AWS STS refused to assume the role: SignatureDoesNotMatch (status 403)"
    );
    let rejected = json!({"ok": false, "stage": "authentication", "status_code": 403,
                          "message": "AWS rejected the credentials"});
    assert_eq!(verdict(&said[5]), rejected);
    let refused = verdict(&said[6]);
    assert_eq!(refused["stage"], "authentication");
    assert_eq!(
        refused["message"],
        "AWS STS refused to assume the role: SignatureDoesNotMatch (status 403)"
    );
    assert!(!format!("{said:?}").contains("MARK"));
}

#[test]
fn fifty_first_calls_assume_the_role_once_and_another_secret_again() {
    let sts = Upstream::start(lent("ASIALENT"));
    let bedrock = Upstream::start(json_reply("{}"));
    let url = sts.url();
    let said = run(
        &[("AWS_ENDPOINT_URL_STS", &url)],
        &[
            step("completions", &config(&bedrock, role("one")), 50),
            step("completions", &config(&bedrock, role("two")), 1),
            step("completions", &config(&bedrock, role("one")), 1),
        ],
    );
    assert_eq!(statuses(&said), [0; 52]);
    assert_eq!(sts.requests().len(), 2);
    let form = String::from_utf8(sts.requests()[0].body.clone()).expect("a form");
    assert_eq!(
        form,
        "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr\
         &RoleSessionName=BedrockClientSession&ExternalId=MARK-external&Version=2011-06-15"
    );
    for request in bedrock.requests() {
        let authorization = request.header("authorization").expect("signed");
        assert!(
            authorization.contains("Credential=ASIALENT/"),
            "{authorization}"
        );
        assert_eq!(request.header("x-amz-security-token"), Some("lent-token"));
    }
    assert!(!format!("{said:?}").contains("MARK"));
}

#[test]
fn an_sts_that_fails_is_an_error_of_its_own_and_heals() {
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                   <Message>MARK</Message></Error></ErrorResponse>";
    let redirect = [("location", "http://127.0.0.1:9/MARK")];
    let sts = Upstream::start(Script::queue([
        reply(500, "Oops", &[], "<html>MARK</html>"),
        reply(403, "Forbidden", &[("content-type", "text/xml")], refusal),
        reply(302, "Found", &redirect, ""),
        reply(200, "OK", &[], "<html>MARK</html>"),
        lent("ASIALENT"),
    ]));
    let bedrock = Upstream::start(json_reply("{}"));
    let url = sts.url();
    let call = step("completions", &config(&bedrock, role("one")), 1);
    let said = run(
        &[("AWS_ENDPOINT_URL_STS", &url)],
        &[call.clone(), call.clone(), call.clone(), call.clone(), call],
    );
    let expected = [
        "bedrock: AWS STS answered with status 500",
        "bedrock: AWS STS refused to assume the role: AccessDenied (status 403); \
         the role's trust policy does not let this identity assume it",
        "bedrock: AWS STS answered with status 302",
        "bedrock: AWS STS answered with status 200, but lent no keys",
        "",
    ];
    let messages: Vec<_> = said.iter().map(Said::message).collect();
    assert_eq!(messages, expected);
    let failed = i64::from(MODELWIRE_E_CREDENTIALS);
    assert_eq!(statuses(&said), [failed, failed, failed, failed, 0]);
    assert!(said[..4].iter().all(|said| said.phase() == "credentials"));
    assert!(!format!("{said:?}").contains("MARK"));
}

#[test]
fn a_probe_that_reaches_nobody_says_aws() {
    let bedrock = Upstream::start(json_reply("{}"));
    let nobody = {
        let gone = Upstream::start(json_reply("{}"));
        gone.url()
    };
    let keys = json!({"access_key": "AK", "secret_key": "s"});
    let said = run(
        &[("AWS_ENDPOINT_URL_STS", &nobody)],
        &[step("probe", &config(&bedrock, keys), 1)],
    );
    let verdict: Value = serde_json::from_str(said[0].body()).expect("JSON");
    assert_eq!(verdict["stage"], "connectivity");
    let message = verdict["message"].as_str().expect("a message");
    assert!(message.starts_with("could not reach AWS: "), "{message}");
}
