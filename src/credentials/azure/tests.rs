use super::*;

fn config(json: &str) -> Config {
    Config::parse(json.as_bytes()).expect("a valid config")
}

fn identity(azure: &str) -> Result<Option<AzureIdentity>, Error> {
    let json = format!(r#"{{"credentials":{{"azure":{azure}}}}}"#);
    AzureIdentity::of(&config(&json), "https://x.openai.azure.com")
}

#[test]
fn the_mode_follows_what_is_said_then_what_is_given() {
    let all = r#""tenant_id":"t","client_id":"c","client_secret":"s""#;
    for (azure, expected) in [
        ("{}".to_owned(), "key"),
        (
            r#"{"auth_mode":"api_key","tenant_id":"t"}"#.to_owned(),
            "key",
        ),
        (format!(r#"{{{all}}}"#), "principal"),
        (
            format!(r#"{{"auth_mode":"service_principal",{all}}}"#),
            "principal",
        ),
        (
            format!(r#"{{"auth_mode":"default_azure_credential",{all}}}"#),
            "default",
        ),
        (format!(r#"{{"use_identity":true,{all}}}"#), "default"),
        (r#"{"use_identity":true}"#.to_owned(), "default"),
    ] {
        let found = match identity(&azure)
            .expect(&azure)
            .map(|identity| identity.source)
        {
            None => "key",
            Some(Source::ServicePrincipal(_)) => "principal",
            Some(Source::Default(_)) => "default",
        };
        assert_eq!(found, expected, "{azure}");
    }
}

#[test]
fn a_service_principal_names_what_it_lacks() {
    let lacking = |azure| identity(azure).expect_err(azure).to_string();
    let text = "credentials.azure: a service principal needs tenant_id, client_id and \
                client_secret; missing: ";
    for (azure, missing) in [
        (r#"{"tenant_id":"t"}"#, "client_id, client_secret"),
        (r#"{"client_secret":"MARK"}"#, "tenant_id, client_id"),
        (
            r#"{"client_id":"c","client_secret":" "}"#,
            "tenant_id, client_secret",
        ),
        (
            r#"{"auth_mode":"service_principal"}"#,
            "tenant_id, client_id, client_secret",
        ),
    ] {
        assert_eq!(lacking(azure), format!("{text}{missing}"));
    }
    assert_eq!(
        identity(r#"{"tenant_id":"../x","client_id":"c","client_secret":"s"}"#).err(),
        Some(Error::Config(
            "credentials.azure.tenant_id: expected a tenant's id or domain name".into()
        ))
    );
}

#[test]
fn the_endpoint_decides_the_scope_unless_the_option_does() {
    const COGNITIVE: &str = "https://cognitiveservices.azure.com/.default";
    const FOUNDRY: &str = "https://ai.azure.com/.default";
    for (endpoint, expected) in [
        ("https://x.openai.azure.com", COGNITIVE),
        ("https://x.services.ai.azure.com", FOUNDRY),
        ("https://x.services.ai.azure.com.evil.example", COGNITIVE),
        ("https://gateway.example/x.services.ai.azure.com", COGNITIVE),
        ("http://127.0.0.1:1", COGNITIVE),
    ] {
        assert_eq!(
            Scope::of_endpoint(endpoint).as_str(),
            expected,
            "{endpoint}"
        );
    }
    let chosen = config(
        r#"{"credentials":{"azure":{"use_identity":true}},"options":{"token_scope":" api://x/.default "}}"#,
    );
    let identity = AzureIdentity::of(&chosen, "https://x.openai.azure.com");
    let scope = identity.expect("valid").expect("an identity").scope;
    assert_eq!(
        (scope.as_str(), scope.resource()),
        ("api://x/.default", "api://x")
    );
}

#[test]
fn a_scope_that_could_become_an_argument_is_refused() {
    for bad in ["a b", "--help", "a;b", "$(x)", "a\"b", "é", "a&b"] {
        let json = serde_json::json!({"options": {"token_scope": bad}}).to_string();
        let error = AzureIdentity::of(&config(&json), "https://x.openai.azure.com");
        let text = "options.token_scope: expected one scope, such as https://ai.azure.com/.default";
        assert_eq!(error.err(), Some(Error::Config(text.into())), "{bad}");
    }
}

#[test]
fn tenants_are_ids_or_domains() {
    for (text, good) in [
        ("6f1c7c6e-0000-4000-8000-000000000000", true),
        ("contoso.onmicrosoft.com", true),
        ("common", true),
        ("..", false),
        ("a/b", false),
        ("-x", false),
        ("", false),
    ] {
        assert_eq!(TenantId::parse(text).is_some(), good, "{text}");
    }
}

#[test]
fn identities_do_not_print_their_secret() {
    let identity = identity(r#"{"tenant_id":"t","client_id":"c","client_secret":"MARK"}"#);
    assert!(!format!("{identity:?}").contains("MARK"));
}
