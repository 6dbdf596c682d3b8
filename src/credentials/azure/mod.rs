//! Azure identities: a service principal, or the default chain of whoever the process, the
//! machine or the developer is. Which one a config means is decided without I/O; tokens
//! come through the cache. <https://learn.microsoft.com/entra/identity-platform/>

mod cli;
mod default;
mod entra;
mod managed_identity;

use std::sync::Arc;

use super::Means;
use super::cache::Key;
use super::environment::Environment;
use super::exchange::Token;
use crate::config::{AzureAuthMode, AzureCredentials, Config, TransportConfig};
use crate::error::Error;
use crate::fields::Fields;
use crate::secret::Secret;

/// Whose token a config asks for, and for what.
#[derive(Clone, Debug, Hash)]
pub struct AzureIdentity {
    source: Source,
    scope: Scope,
    /// Two configs share a token only if they also reach Azure the same way.
    transport: TransportConfig,
}

#[derive(Clone, Debug, Hash)]
enum Source {
    ServicePrincipal(ServicePrincipal),
    Default(Hints),
}

/// An Entra application with a secret.
#[derive(Clone, Debug, Hash)]
pub struct ServicePrincipal {
    tenant_id: TenantId,
    client_id: String,
    client_secret: Secret,
}

/// What a config says about the identity that the default chain is to find; it beats the
/// environment.
#[derive(Clone, Debug, Default, Hash)]
pub struct Hints {
    tenant_id: Option<TenantId>,
    client_id: Option<String>,
}

/// A tenant's id or domain, safe in a URL's path and in a command.
#[derive(Clone, Debug, Hash)]
pub struct TenantId(String);

/// What a token is to open: `https://…/.default`, safe in a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(String);

impl AzureIdentity {
    /// The identity of the config; `None` where it means the resource's key. `endpoint`
    /// decides what the token is for, unless `options.token_scope` does.
    ///
    /// # Errors
    /// `Credentials` naming what a service principal lacks, `Config` for a field that is
    /// malformed.
    pub fn of(config: &Config, endpoint: &str) -> Result<Option<AzureIdentity>, Error> {
        let scope = Scope::from_options(&config.option_fields())?;
        let azure = &config.credentials.azure;
        let source = match mode(azure) {
            AzureAuthMode::ApiKey => return Ok(None),
            AzureAuthMode::ServicePrincipal => Source::ServicePrincipal(principal(azure)?),
            AzureAuthMode::DefaultAzureCredential => Source::Default(Hints {
                tenant_id: azure.tenant_id.as_deref().map(tenant).transpose()?,
                client_id: azure.client_id.clone(),
            }),
        };
        Ok(Some(AzureIdentity {
            source,
            scope: scope.unwrap_or_else(|| Scope::of_endpoint(endpoint)),
            transport: config.transport.clone(),
        }))
    }

    /// An access token, from the cache or from Azure.
    ///
    /// # Errors
    /// `Credentials`.
    pub async fn token(&self, means: &Means) -> Result<Arc<Token>, Error> {
        let environment = Environment::read(match &self.source {
            Source::ServicePrincipal(_) => entra::VARIABLES,
            Source::Default(_) => default::VARIABLES,
        });
        let key = Key::of("azure", &(self, &environment));
        let fetch = || {
            let (identity, means) = (self.clone(), means.clone());
            async move {
                let scope = &identity.scope;
                match &identity.source {
                    Source::ServicePrincipal(principal) => {
                        principal.token(scope, &environment, &means).await
                    }
                    Source::Default(hints) => {
                        default::token(hints, scope, &environment, &means).await
                    }
                }
            }
        };
        means.cache.tokens.get(key, fetch).await
    }
}

/// What the config says outright, else what its fields amount to.
fn mode(azure: &AzureCredentials) -> AzureAuthMode {
    if let Some(mode) = azure.auth_mode {
        return mode;
    }
    if azure.use_identity {
        return AzureAuthMode::DefaultAzureCredential;
    }
    let application = azure.tenant_id.is_some() || azure.client_id.is_some();
    if application || !azure.client_secret.is_blank() {
        return AzureAuthMode::ServicePrincipal;
    }
    AzureAuthMode::ApiKey
}

fn principal(azure: &AzureCredentials) -> Result<ServicePrincipal, Error> {
    let secret = Some(&azure.client_secret).filter(|secret| !secret.is_blank());
    if let (Some(tenant_id), Some(client_id), Some(client_secret)) =
        (&azure.tenant_id, &azure.client_id, secret)
    {
        return Ok(ServicePrincipal {
            tenant_id: tenant(tenant_id)?,
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
        });
    }
    let needed = [
        ("tenant_id", azure.tenant_id.is_some()),
        ("client_id", azure.client_id.is_some()),
        ("client_secret", secret.is_some()),
    ];
    let missing: Vec<_> = needed
        .iter()
        .filter(|(_, given)| !given)
        .map(|(name, _)| *name)
        .collect();
    Err(Error::Credentials(format!(
        "credentials.azure: a service principal needs tenant_id, client_id and client_secret; \
         missing: {}",
        missing.join(", ")
    )))
}

fn tenant(given: &str) -> Result<TenantId, Error> {
    const FIELD: &str = "credentials.azure.tenant_id";
    TenantId::parse(given)
        .ok_or_else(|| Error::Config(format!("{FIELD}: expected a tenant's id or domain name")))
}

impl TenantId {
    fn parse(text: &str) -> Option<TenantId> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let name = text.chars().all(plain) && text.chars().any(|c| c.is_ascii_alphanumeric());
        (name && !text.starts_with('-')).then(|| TenantId(text.to_owned()))
    }
}

impl Scope {
    /// `options.token_scope`, where given.
    ///
    /// # Errors
    /// `Config` when it is not one scope.
    pub fn from_options(options: &Fields<'_>) -> Result<Option<Scope>, Error> {
        const EXPECTED: &str = "expected one scope, such as https://ai.azure.com/.default";
        let Some(given) = options.text("token_scope")? else {
            return Ok(None);
        };
        let scope = Scope::parse(given).ok_or_else(|| options.error("token_scope", EXPECTED))?;
        Ok(Some(scope))
    }

    /// Foundry's endpoints take tokens for Foundry, all others for Cognitive Services.
    fn of_endpoint(endpoint: &str) -> Scope {
        let host = url::Url::parse(endpoint).ok();
        let host = host
            .as_ref()
            .and_then(url::Url::host_str)
            .unwrap_or_default();
        let audience = if host.ends_with(".services.ai.azure.com") {
            "https://ai.azure.com/.default"
        } else {
            "https://cognitiveservices.azure.com/.default"
        };
        Scope(audience.to_owned())
    }

    fn parse(text: &str) -> Option<Scope> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '_' | '-');
        let first = text.chars().next()?;
        (text.chars().all(plain) && first.is_ascii_alphanumeric()).then(|| Scope(text.to_owned()))
    }

    /// The scope as Entra takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as the older protocols of the metadata services call it.
    fn resource(&self) -> &str {
        self.0.strip_suffix("/.default").unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests;
