//! Azure's default chain in its documented order: the environment's service principal,
//! workload identity, managed identity, the Azure CLI. A source that is not set up is
//! passed over; one that is set up and fails ends the search, so that a call never goes
//! out as somebody else than was meant.
//! <https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains>

use super::{Hints, Scope, ServicePrincipal, TenantId, cli, entra, managed_identity};
use crate::credentials::Means;
use crate::credentials::cache::Lease;
use crate::credentials::environment::Environment;
use crate::credentials::exchange::Token;
use crate::credentials::file;
use crate::error::Error;
use crate::secret::Secret;

/// What the search looks at.
pub const VARIABLES: &[&str] = &[
    entra::AUTHORITY,
    CLIENT_ID,
    CLIENT_SECRET,
    "AZURE_CONFIG_DIR",
    TOKEN_FILE,
    TENANT_ID,
    managed_identity::IMDS_HOST,
    managed_identity::ENDPOINT,
    managed_identity::HEADER,
    managed_identity::THUMBPRINT,
];

const TENANT_ID: &str = "AZURE_TENANT_ID";
pub(super) const CLIENT_ID: &str = "AZURE_CLIENT_ID";
const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Why a source brought no token.
#[derive(Debug)]
pub enum Miss {
    /// It is not set up here.
    Absent(&'static str),
    /// It is, and failed.
    Failed(Error),
}

impl From<Error> for Miss {
    fn from(error: Error) -> Miss {
        Miss::Failed(error)
    }
}

/// The token of the first identity found.
///
/// # Errors
/// `Credentials`: what the source that is set up failed with, or what each one lacks.
pub async fn token(
    hints: &Hints,
    scope: &Scope,
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Error> {
    let mut search = Search::default();
    let found = from_environment(scope, environment, means).await;
    if let Some(lease) = search.take("environment", found)? {
        return Ok(lease);
    }
    let found = workload(hints, scope, environment, means).await;
    if let Some(lease) = search.take("workload identity", found)? {
        return Ok(lease);
    }
    let found = managed_identity::token(hints, scope, environment, means).await;
    if let Some(lease) = search.take("managed identity", found)? {
        return Ok(lease);
    }
    let found = cli::token(hints, scope, means.deadline).await;
    if let Some(lease) = search.take("Azure CLI", found)? {
        return Ok(lease);
    }
    Err(search.in_vain())
}

#[derive(Default)]
struct Search {
    absent: Vec<String>,
}

impl Search {
    fn take(
        &mut self,
        source: &str,
        found: Result<Lease<Token>, Miss>,
    ) -> Result<Option<Lease<Token>>, Error> {
        match found {
            Ok(lease) => Ok(Some(lease)),
            Err(Miss::Failed(error)) => Err(error),
            Err(Miss::Absent(why)) => {
                self.absent.push(format!("{source}: {why}"));
                Ok(None)
            }
        }
    }

    fn in_vain(self) -> Error {
        let tried = self.absent.join("; ");
        Error::Credentials(format!("no Azure identity was found ({tried})"))
    }
}

async fn from_environment(
    scope: &Scope,
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Miss> {
    let (Some(tenant), Some(client_id), Some(client_secret)) = (
        environment.get(TENANT_ID),
        environment.get(CLIENT_ID),
        environment.get(CLIENT_SECRET),
    ) else {
        let lacking = "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are not all set";
        return Err(Miss::Absent(lacking));
    };
    let principal = ServicePrincipal {
        tenant_id: environment_tenant(tenant)?,
        client_id: client_id.to_owned(),
        client_secret: Secret::new(client_secret),
    };
    Ok(principal.token(scope, environment, means).await?)
}

/// The platform (Kubernetes, most often) keeps a token in a file and renews it there.
async fn workload(
    hints: &Hints,
    scope: &Scope,
    environment: &Environment,
    means: &Means,
) -> Result<Lease<Token>, Miss> {
    let absent = Miss::Absent(
        "AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID and AZURE_CLIENT_ID are not all set",
    );
    let Some(path) = environment.get(TOKEN_FILE) else {
        return Err(absent);
    };
    let client_id = hints.client_id.as_deref().or(environment.get(CLIENT_ID));
    let tenant = match (&hints.tenant_id, environment.get(TENANT_ID)) {
        (Some(tenant), _) => Some(tenant.clone()),
        (None, Some(tenant)) => Some(environment_tenant(tenant)?),
        (None, None) => None,
    };
    let (Some(client_id), Some(tenant)) = (client_id, tenant) else {
        return Err(absent);
    };
    let unreadable = |kind| Error::Credentials(format!("{TOKEN_FILE}: {kind}"));
    let assertion = file::read(path.into()).await.map_err(unreadable)?;
    let assertion = assertion.expose().trim();
    Ok(entra::trade_assertion(&tenant, client_id, assertion, scope, environment, means).await?)
}

fn environment_tenant(given: &str) -> Result<TenantId, Error> {
    TenantId::parse(given).ok_or_else(|| {
        Error::Credentials(format!(
            "{TENANT_ID}: expected a tenant's id or domain name"
        ))
    })
}
