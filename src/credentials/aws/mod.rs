//! AWS identities. A config names one ([`AwsIdentity`], pure): explicit keys or whatever AWS's
//! standard chain finds, and a role to assume with either. When a request goes out, its keys
//! are looked up, from the cache where they are lent for a while, and the request is signed.

#[cfg(feature = "aws-chain")]
mod chain;
mod environment;
mod sign;
pub mod sts;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use http::HeaderName;
use http::header::AUTHORIZATION;

use super::Means;
use super::cache::{Key, Lease};
use crate::config::Config;
use crate::error::Error;
use crate::secret::Secret;
use crate::transport::Request;

pub use environment::endpoint_url;
pub use sign::clock_hint;

/// The keys of an identity, with the time they end.
pub type AwsKeys = Credentials;

/// Who signs, and for which region.
#[derive(Clone, Debug, Hash)]
pub struct AwsIdentity {
    source: Source,
    role: Option<Role>,
    region: String,
}

#[derive(Clone, Debug, Hash)]
enum Source {
    Keys {
        access_key: String,
        secret_key: Secret,
        session_token: Secret,
    },
    /// AWS's standard chain of credentials.
    Chain,
}

/// A role to assume with the identity of the source.
#[derive(Clone, Debug, Hash)]
struct Role {
    arn: String,
    external_id: Option<String>,
    session_name: String,
}

const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_SESSION: &str = "BedrockClientSession";
/// How long keys that name no end are used before they are looked up again, so that an
/// edited credentials file takes effect. AWS's own SDKs take the same time.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(15 * 60);

impl AwsIdentity {
    /// The identity that `config` names.
    ///
    /// # Errors
    /// `Credentials` for half a pair of keys; `Config` for a role without an ARN or a region that is no name.
    pub fn from_config(config: &Config) -> Result<AwsIdentity, Error> {
        let source = source(config)?;
        Ok(AwsIdentity {
            source,
            role: role(config)?,
            region: region(config)?.to_owned(),
        })
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The names of the headers that a signature adds.
    pub fn header_names(&self) -> Vec<HeaderName> {
        let session = match &self.source {
            Source::Keys { session_token, .. } => !session_token.is_blank(),
            Source::Chain => false, // not known before the chain was asked
        };
        let mut names = vec![AUTHORIZATION, HeaderName::from_static("x-amz-date")];
        if session || self.role.is_some() {
            names.push(HeaderName::from_static("x-amz-security-token"));
        }
        names
    }

    /// Looks the keys up and signs `request` for `service`.
    ///
    /// # Errors
    /// `Credentials` when there are none or they cannot be used.
    pub async fn sign(
        &self,
        service: &'static str,
        request: &mut Request,
        means: &Means,
    ) -> Result<(), Error> {
        let keys = self.keys(means).await?;
        sign::sign(request, &keys, &self.region, service, SystemTime::now())
    }

    /// Looks the keys up and does nothing with them.
    ///
    /// # Errors
    /// `Credentials` when there are none.
    pub async fn acquire(&self, means: &Means) -> Result<(), Error> {
        self.keys(means).await.map(drop)
    }

    async fn keys(&self, means: &Means) -> Result<Arc<AwsKeys>, Error> {
        let Some(role) = &self.role else {
            return self.source.keys(&self.region, means).await;
        };
        let inputs = (self, environment::fingerprint());
        let key = Key::of("aws role", &inputs);
        let fetch = || {
            let (source, role, region) = (self.source.clone(), role.clone(), self.region.clone());
            let means = means.clone();
            async move {
                let keys = source.keys(&region, &means).await?;
                let keys = sts::assume_role(&role, &keys, &region, &means).await?;
                Ok(lease(keys))
            }
        };
        means.cache.aws.get(key, fetch).await
    }
}

impl Source {
    async fn keys(&self, region: &str, means: &Means) -> Result<Arc<AwsKeys>, Error> {
        match self {
            Source::Keys {
                access_key,
                secret_key,
                session_token,
            } => {
                let session = session_token.expose().trim();
                let session = (!session.is_empty()).then(|| session.to_owned());
                let secret = secret_key.expose().trim();
                let keys = AwsKeys::new(access_key, secret, session, None, "config");
                Ok(Arc::new(keys))
            }
            Source::Chain => chain_keys(region, means).await,
        }
    }
}

#[cfg(feature = "aws-chain")]
async fn chain_keys(region: &str, means: &Means) -> Result<Arc<AwsKeys>, Error> {
    let key = Key::of("aws chain", &(region, environment::fingerprint()));
    let fetch = || {
        let (region, means) = (region.to_owned(), means.clone());
        async move { Ok(lease(chain::keys(&region, &means).await?)) }
    };
    means.cache.aws.get(key, fetch).await
}

#[cfg(not(feature = "aws-chain"))]
async fn chain_keys(_region: &str, _means: &Means) -> Result<Arc<AwsKeys>, Error> {
    let text = "credentials.aws.access_key and secret_key, or a Bedrock API key as api_key, are \
                required: this build of the library has no AWS credential chain \
                (feature aws-chain)";
    Err(Error::Credentials(text.into()))
}

fn lease(keys: AwsKeys) -> Lease<AwsKeys> {
    let lifetime = match keys.expiry() {
        Some(end) => end.duration_since(SystemTime::now()).unwrap_or_default(),
        None => UNSTATED_LIFETIME,
    };
    Lease {
        value: keys,
        lifetime,
    }
}

fn source(config: &Config) -> Result<Source, Error> {
    let aws = &config.credentials.aws;
    let missing = |what, beside| {
        Err(Error::Credentials(format!(
            "credentials.aws.{what} is required beside {beside}"
        )))
    };
    match (
        &aws.access_key,
        aws.secret_key.is_blank(),
        aws.session_token.is_blank(),
    ) {
        (Some(access_key), false, _) => Ok(Source::Keys {
            access_key: access_key.clone(),
            secret_key: aws.secret_key.clone(),
            session_token: aws.session_token.clone(),
        }),
        // Half a pair never falls back to somebody else's identity.
        (Some(_), true, _) => missing("secret_key", "access_key"),
        (None, false, _) => missing("access_key", "secret_key"),
        (None, true, false) => missing("access_key", "session_token"),
        (None, true, true) => Ok(Source::Chain),
    }
}

fn role(config: &Config) -> Result<Option<Role>, Error> {
    let aws = &config.credentials.aws;
    if !aws.use_role {
        return Ok(None);
    }
    let Some(arn) = aws.role_arn.clone() else {
        let text = "credentials.aws.role_arn: role_arn is required where use_role is true";
        return Err(Error::Config(text.into()));
    };
    let session_name = aws.session_name.clone();
    Ok(Some(Role {
        arn,
        external_id: aws.external_id.clone(),
        session_name: session_name.unwrap_or_else(|| DEFAULT_SESSION.to_owned()),
    }))
}

/// The region of `config`; it becomes part of a host.
///
/// # Errors
/// `Config` when it is no name of a region.
pub fn region(config: &Config) -> Result<&str, Error> {
    let region = config
        .credentials
        .aws
        .region
        .as_deref()
        .unwrap_or(DEFAULT_REGION);
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !region.chars().all(label) {
        let text = "credentials.aws.region: is not the name of a region";
        return Err(Error::Config(text.into()));
    }
    Ok(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(aws: &str) -> Result<AwsIdentity, Error> {
        let json = format!(r#"{{"credentials":{{"aws":{aws}}}}}"#);
        AwsIdentity::from_config(&Config::parse(json.as_bytes()).expect("a config"))
    }

    #[test]
    fn half_an_identity_is_refused() {
        let credentials = |text: &str| Error::Credentials(text.into());
        let config = |text: &str| Error::Config(text.into());
        for (aws, error) in [
            (
                r#"{"access_key":"AK"}"#,
                credentials("credentials.aws.secret_key is required beside access_key"),
            ),
            (
                r#"{"access_key":" ","secret_key":"s"}"#,
                credentials("credentials.aws.access_key is required beside secret_key"),
            ),
            (
                r#"{"session_token":"t"}"#,
                credentials("credentials.aws.access_key is required beside session_token"),
            ),
            (
                r#"{"access_key":"AK","secret_key":"s","use_role":true}"#,
                config("credentials.aws.role_arn: role_arn is required where use_role is true"),
            ),
            (
                r#"{"access_key":"AK","secret_key":"s","region":"evil.example/"}"#,
                config("credentials.aws.region: is not the name of a region"),
            ),
        ] {
            assert_eq!(identity(aws).expect_err(aws), error);
        }
    }

    #[test]
    fn every_input_makes_another_key() {
        let variants = [
            r#"{"access_key":"AK","secret_key":"s"}"#,
            r#"{"access_key":"AL","secret_key":"s"}"#,
            r#"{"access_key":"AK","secret_key":"t"}"#,
            r#"{"access_key":"AK","secret_key":"s","session_token":"x"}"#,
            r#"{"access_key":"AK","secret_key":"s","region":"eu-west-1"}"#,
            r#"{"access_key":"AK","secret_key":"s","use_role":true,"role_arn":"r"}"#,
            r#"{"access_key":"AK","secret_key":"s","use_role":true,"role_arn":"r","external_id":"e"}"#,
            r#"{"access_key":"AK","secret_key":"s","use_role":true,"role_arn":"r","session_name":"n"}"#,
        ];
        let keys = variants.map(|aws| Key::of("test", &identity(aws).expect(aws)));
        let distinct: std::collections::HashSet<_> = keys.into_iter().collect();
        assert_eq!(distinct.len(), variants.len());
    }

    #[test]
    fn an_identity_does_not_print_its_secrets() {
        let aws = r#"{"access_key":"AK","secret_key":"MARK","session_token":"MARK"}"#;
        assert!(!format!("{:?}", identity(aws)).contains("MARK"));
    }
}
