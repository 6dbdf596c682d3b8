//! The JSON config of one call: credentials, model choice, provider options, deadlines and
//! transport. Field names are those of the Go package this library re-creates, so its
//! users' configs work unchanged. Unknown fields are ignored; a wrong type is an error
//! that names the path.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::fields::{Fields, parse_object};
use crate::secret::Secret;

/// Everything one call was configured with.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Keys and identities.
    pub credentials: Credentials,
    /// When not empty, the resolved model must be one of these.
    pub allowed_models: Vec<String>,
    /// The model when neither `model` nor the body names one.
    pub default_model: Option<String>,
    /// The model of this config.
    pub model: Option<String>,
    /// Fields that were set, are type-checked and carried, and do not change a raw body.
    pub unused: Vec<&'static str>,
    /// The provider's own options, undecoded.
    pub options: Map<String, Value>,
    /// Deadlines of this call; `None` takes the library's setting.
    pub timeouts: Timeouts,
    /// How to reach the network; unset fields take the library's setting.
    pub transport: TransportConfig,
}

/// Keys and identities; which one is used is each provider's rule.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// An API key, or a ready bearer token on vertex.
    pub api_key: Secret,
    /// An AWS identity, for bedrock.
    pub aws: AwsCredentials,
    /// An Azure endpoint and identity.
    pub azure: AzureCredentials,
    /// A Google service account's JSON key file, whole.
    pub service_account_json: Secret,
}

/// An AWS identity.
#[derive(Clone, Debug, Default)]
pub struct AwsCredentials {
    /// The region; the provider's default where missing.
    pub region: Option<String>,
    /// The access key id.
    pub access_key: Option<String>,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Secret,
    /// Assume `role_arn` with whatever identity was found.
    pub use_role: bool,
    /// The role to assume.
    pub role_arn: Option<String>,
    /// The external id the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The name of the assumed session.
    pub session_name: Option<String>,
}

/// An Azure endpoint and identity.
#[derive(Clone, Debug, Default)]
pub struct AzureCredentials {
    /// The resource's endpoint, `https://NAME.openai.azure.com`.
    pub endpoint: Option<String>,
    /// The API version; the provider's default where missing.
    pub api_version: Option<String>,
    /// How to authenticate, when said outright.
    pub auth_mode: Option<AzureAuthMode>,
    /// Use the default chain of identities.
    pub use_identity: bool,
    /// The service principal's tenant.
    pub tenant_id: Option<String>,
    /// The service principal's, or the managed identity's, client id.
    pub client_id: Option<String>,
    /// The service principal's secret.
    pub client_secret: Secret,
}

/// How to authenticate against Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AzureAuthMode {
    /// The resource's key in the `api-key` header.
    ApiKey,
    /// Client credentials of an Entra application.
    ServicePrincipal,
    /// Azure's default chain of identities.
    DefaultAzureCredential,
}

/// Deadlines; `None` takes the library's setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS together.
    pub connect: Option<Duration>,
    /// Until the response's headers.
    pub response_header: Option<Duration>,
    /// Between two pieces of a stream.
    pub idle: Option<Duration>,
    /// The whole operation.
    pub total: Option<Duration>,
}

/// How to reach the network; part of what two calls must share to share connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransportConfig {
    /// The proxy's URL; the empty string means no proxy, whatever the environment says.
    pub proxy: Option<Secret>,
    /// Hosts that bypass the proxy, as in the NO_PROXY variable.
    pub no_proxy: Option<String>,
    /// Extra CA certificates, PEM.
    pub ca_pem: Option<String>,
    /// A client certificate chain and its private key, PEM.
    pub client_cert_pem: Option<Secret>,
}

impl Config {
    /// Reads a config; no bytes at all read as `{}`.
    ///
    /// # Errors
    /// `Error::Config` naming the path of the first field that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Config, Error> {
        let mut document = parse_object(bytes, "config")?;
        let root = Fields::new("", &document);
        let mut config = Config {
            credentials: credentials(&root.object("credentials")?)?,
            allowed_models: root.strings("allowed_models")?,
            default_model: owned(root.text("default_model")?),
            model: owned(root.text("model")?),
            unused: unused(&root)?,
            options: Map::new(),
            timeouts: timeouts(&root.object("timeouts")?)?,
            transport: TransportConfig::read(&root.object("transport")?)?,
        };
        root.object("options")?;
        if let Some(Value::Object(options)) = document.remove("options") {
            config.options = options;
        }
        Ok(config)
    }

    /// The options as fields under the path `options`.
    pub fn option_fields(&self) -> Fields<'_> {
        Fields::new("options", &self.options)
    }

    /// The model this config names: `model`, else `default_model`.
    pub fn chosen_model(&self) -> Option<&str> {
        self.model.as_deref().or(self.default_model.as_deref())
    }
}

/// A transport field whose value cannot be used; who reads it knows the path before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The field.
    pub field: &'static str,
    /// What was expected of it.
    pub reason: &'static str,
}

impl Unusable {
    /// The error of a field under `path`, which ends with a dot unless it is empty.
    pub fn under(self, path: &str) -> Error {
        Error::Config(format!("{path}{}: {}", self.field, self.reason))
    }
}

impl TransportConfig {
    /// Reads the four fields from an object that may hold others.
    pub fn read(fields: &Fields<'_>) -> Result<TransportConfig, Error> {
        Ok(TransportConfig {
            proxy: fields
                .string("proxy")?
                .map(|proxy| Secret::new(proxy.trim())),
            no_proxy: owned(fields.string("no_proxy")?),
            ca_pem: owned(fields.text("ca_pem")?),
            client_cert_pem: fields.text("client_cert_pem")?.map(Secret::new),
        })
    }
}

fn credentials(fields: &Fields<'_>) -> Result<Credentials, Error> {
    Ok(Credentials {
        api_key: secret(fields, "api_key")?,
        aws: aws(&fields.object("aws")?)?,
        azure: azure(&fields.object("azure")?)?,
        service_account_json: secret(&fields.object("gcp")?, "service_account_json")?,
    })
}

fn aws(fields: &Fields<'_>) -> Result<AwsCredentials, Error> {
    Ok(AwsCredentials {
        region: owned(fields.text("region")?),
        access_key: owned(fields.text("access_key")?),
        secret_key: secret(fields, "secret_key")?,
        session_token: secret(fields, "session_token")?,
        use_role: fields.boolean("use_role")?.unwrap_or(false),
        role_arn: owned(fields.text("role_arn")?),
        external_id: owned(fields.text("external_id")?),
        session_name: owned(fields.text("session_name")?),
    })
}

fn azure(fields: &Fields<'_>) -> Result<AzureCredentials, Error> {
    Ok(AzureCredentials {
        endpoint: owned(fields.text("endpoint")?),
        api_version: owned(fields.text("api_version")?),
        auth_mode: azure_auth_mode(fields)?,
        use_identity: fields.boolean("use_identity")?.unwrap_or(false),
        tenant_id: owned(fields.text("tenant_id")?),
        client_id: owned(fields.text("client_id")?),
        client_secret: secret(fields, "client_secret")?,
    })
}

fn azure_auth_mode(fields: &Fields<'_>) -> Result<Option<AzureAuthMode>, Error> {
    match fields.text("auth_mode")? {
        None => Ok(None),
        Some("api_key") => Ok(Some(AzureAuthMode::ApiKey)),
        Some("service_principal") => Ok(Some(AzureAuthMode::ServicePrincipal)),
        Some("default_azure_credential") => Ok(Some(AzureAuthMode::DefaultAzureCredential)),
        Some(_) => Err(fields.error(
            "auth_mode",
            "must be api_key, service_principal or default_azure_credential",
        )),
    }
}

fn timeouts(fields: &Fields<'_>) -> Result<Timeouts, Error> {
    Ok(Timeouts {
        connect: milliseconds(fields, "connect_ms")?,
        response_header: milliseconds(fields, "response_header_ms")?,
        idle: milliseconds(fields, "idle_ms")?,
        total: milliseconds(fields, "total_ms")?,
    })
}

/// A deadline in milliseconds; 0 reads as missing.
pub fn milliseconds(fields: &Fields<'_>, key: &str) -> Result<Option<Duration>, Error> {
    let given = fields.unsigned(key)?.filter(|ms| *ms > 0);
    Ok(given.map(Duration::from_millis))
}

fn unused(root: &Fields<'_>) -> Result<Vec<&'static str>, Error> {
    let mut names = Vec::new();
    if root.unsigned("max_tokens")?.is_some_and(|n| n > 0) {
        names.push("max_tokens");
    }
    if root.number("temperature")?.is_some_and(|n| n != 0.0) {
        names.push("temperature");
    }
    if root.string("system_prompt")?.is_some_and(|s| !s.is_empty()) {
        names.push("system_prompt");
    }
    if !root.strings("instructions")?.is_empty() {
        names.push("instructions");
    }
    Ok(names)
}

fn secret(fields: &Fields<'_>, key: &str) -> Result<Secret, Error> {
    Ok(Secret::new(fields.string(key)?.unwrap_or_default()))
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_type_at_depth_names_its_path() {
        let cases: &[(&str, &str)] = &[
            (r#"{"credentials":7}"#, "credentials: expected an object"),
            (
                r#"{"credentials":{"api_key":7}}"#,
                "credentials.api_key: expected a string",
            ),
            (
                r#"{"credentials":{"aws":{"use_role":"yes"}}}"#,
                "credentials.aws.use_role: expected true or false",
            ),
            (
                r#"{"credentials":{"gcp":{"service_account_json":{}}}}"#,
                "credentials.gcp.service_account_json: expected a string",
            ),
            (
                r#"{"credentials":{"azure":{"auth_mode":"magic"}}}"#,
                "credentials.azure.auth_mode: must be api_key, service_principal or default_azure_credential",
            ),
            (
                r#"{"allowed_models":["a",2]}"#,
                "allowed_models[1]: expected a string",
            ),
            (
                r#"{"timeouts":{"idle_ms":-1}}"#,
                "timeouts.idle_ms: expected a whole number, zero or more",
            ),
            (
                r#"{"transport":{"ca_pem":[]}}"#,
                "transport.ca_pem: expected a string",
            ),
            (r#"{"temperature":"hot"}"#, "temperature: expected a number"),
            (r#"{"options":[]}"#, "options: expected an object"),
        ];
        for (text, message) in cases {
            let error = Config::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error, Error::Config((*message).into()), "{text}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_unused_ones_are_listed() {
        let config = Config::parse(
            br#"{"whatever":1,"max_tokens":5,"temperature":0,"instructions":["x"],"system_prompt":""}"#,
        )
        .expect("valid");
        assert_eq!(config.unused, ["max_tokens", "instructions"]);
    }

    #[test]
    fn secrets_do_not_print() {
        let config = Config::parse(
            br#"{"credentials":{"api_key":"MARK","aws":{"secret_key":"MARK","session_token":"MARK"},
                "azure":{"client_secret":"MARK"},"gcp":{"service_account_json":"MARK"}},
                "transport":{"proxy":"http://u:MARK@p","client_cert_pem":"MARK"}}"#,
        )
        .expect("valid");
        assert!(!format!("{config:?}").contains("MARK"));
    }
}
