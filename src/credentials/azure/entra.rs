//! Entra's token endpoint: an application trades its secret, or a token that its platform
//! issued to it, for an access token.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use url::Url;

use super::{Scope, ServicePrincipal, TenantId};
use crate::credentials::Means;
use crate::credentials::cache::Lease;
use crate::credentials::environment::Environment;
use crate::credentials::exchange::{Endpoint, Token, secure_url};
use crate::error::Error;

/// What every exchange with Entra looks at.
pub const VARIABLES: &[&str] = &[AUTHORITY];

/// Names the authority of another cloud than the public one.
pub const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";

const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

impl ServicePrincipal {
    /// A token for `scope`.
    ///
    /// # Errors
    /// `Credentials`.
    pub async fn token(
        &self,
        scope: &Scope,
        environment: &Environment,
        means: &Means,
    ) -> Result<Lease<Token>, Error> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose()),
            ("scope", scope.as_str()),
        ];
        trade(&self.tenant_id, &form, environment, means).await
    }
}

/// Trades `assertion`, a token that the workload's platform vouches with.
///
/// # Errors
/// `Credentials`.
pub async fn trade_assertion(
    tenant_id: &TenantId,
    client_id: &str,
    assertion: &str,
    scope: &Scope,
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Error> {
    const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("scope", scope.as_str()),
    ];
    trade(tenant_id, &form, environment, means).await
}

async fn trade(
    tenant_id: &TenantId,
    form: &[(&str, &str)],
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Error> {
    let url = token_url(environment.get(AUTHORITY), tenant_id)?;
    let endpoint = Endpoint {
        name: "the Entra token endpoint",
        means,
    };
    endpoint.post_form(url, form).await
}

/// An authority without a scheme is meant with https, as in Azure's SDKs.
fn token_url(authority: Option<&str>, tenant_id: &TenantId) -> Result<Url, Error> {
    let authority = authority.unwrap_or(PUBLIC_AUTHORITY).trim_end_matches('/');
    let scheme = if authority.contains("://") {
        ""
    } else {
        "https://"
    };
    let tenant = &tenant_id.0;
    secure_url(
        AUTHORITY,
        &format!("{scheme}{authority}/{tenant}/oauth2/v2.0/token"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_the_public_cloud_or_the_one_named() {
        let tenant = TenantId("t-1".to_owned());
        let cases = [
            (
                None,
                Some("https://login.microsoftonline.com/t-1/oauth2/v2.0/token"),
            ),
            (
                Some("https://login.microsoftonline.us/"),
                Some("https://login.microsoftonline.us/t-1/oauth2/v2.0/token"),
            ),
            (
                Some("login.partner.microsoftonline.cn"),
                Some("https://login.partner.microsoftonline.cn/t-1/oauth2/v2.0/token"),
            ),
            (
                Some("http://127.0.0.1:4000"),
                Some("http://127.0.0.1:4000/t-1/oauth2/v2.0/token"),
            ),
            (Some("http://login.example"), None),
            (Some("https://user:pw@login.example"), None),
        ];
        for (authority, expected) in cases {
            let url = token_url(authority, &tenant).ok();
            assert_eq!(url.as_ref().map(Url::as_str), expected, "{authority:?}");
        }
    }
}
