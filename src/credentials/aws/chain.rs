//! AWS's standard chain of credentials, made of the AWS SDK's own sources: environment,
//! profiles, web identity, container endpoints, instance metadata. They reach the network
//! through the call's own client, so proxies, CA certificates and deadlines hold there too.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use tokio::time::timeout;
use url::Url;

use super::AwsKeys;
use crate::credentials::Means;
use crate::error::Error;
use crate::transport::{Client, Request};

const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// What messages call the profiles.
const PROFILE: &str = "the profile in AWS's shared files";

/// The keys of the first source that has any. One that is there and fails ends the search:
/// keys further on would be somebody else's.
///
/// # Errors
/// `Credentials`.
pub(super) async fn keys(region: &str, means: &Means) -> Result<AwsKeys, Error> {
    timeout(means.deadline, search(region, means))
        .await
        .unwrap_or_else(|_| {
            let limit = means.deadline.as_millis();
            let text = format!("AWS's credential chain came to no end within {limit} ms");
            Err(Error::Credentials(text))
        })
}

async fn search(region: &str, means: &Means) -> Result<AwsKeys, Error> {
    for (name, source) in sources(region, means) {
        match source.provide_credentials().await {
            Ok(keys) => return Ok(keys),
            Err(CredentialsError::CredentialsNotLoaded(_)) => {}
            Err(error) => return Err(Error::Credentials(explain(name, &error))),
        }
    }
    let text = "no AWS credentials: set credentials.aws.access_key and secret_key, or give the \
                process an AWS identity (environment, profile, web identity, container, instance)";
    Err(Error::Credentials(text.into()))
}

/// AWS's sources in AWS's order.
fn sources(region: &str, means: &Means) -> [(&'static str, SharedCredentialsProvider); 5] {
    let through = Through {
        client: means.client.clone(),
        deadline: means.deadline,
    };
    let config = ProviderConfig::default()
        .with_http_client(through)
        .with_region(Some(Region::new(region.to_owned())));
    let environment = EnvironmentVariableCredentialsProvider::new();
    let profile = ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .build();
    let web_identity = WebIdentityTokenCredentialsProvider::builder()
        .configure(&config)
        .build();
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    let instance = ImdsCredentialsProvider::builder()
        .configure(&config)
        .build();
    [
        (
            "the environment",
            SharedCredentialsProvider::new(environment),
        ),
        (PROFILE, SharedCredentialsProvider::new(profile)),
        (
            "the web identity",
            SharedCredentialsProvider::new(web_identity),
        ),
        (
            "the container endpoint",
            SharedCredentialsProvider::new(container),
        ),
        (
            "the instance metadata",
            SharedCredentialsProvider::new(instance),
        ),
    ]
}

/// The SDK's texts may quote what it read, so of those only what is known not to gets
/// through.
fn explain(source: &str, error: &CredentialsError) -> String {
    let what = format!("AWS credentials could not be had from {source}");
    let detail = match error {
        // Names of profiles and of properties, and line numbers.
        CredentialsError::InvalidConfiguration(_) if source == PROFILE => {
            error.source().map(ToString::to_string)
        }
        _ => detail(error),
    };
    match detail {
        Some(detail) => format!("{what}: {detail}"),
        None => what,
    }
}

fn detail(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return Some(ours.to_string());
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind().to_string());
        }
        if let Some(code) = refusal::<AssumeRoleError>(error)
            .or_else(|| refusal::<AssumeRoleWithWebIdentityError>(error))
        {
            return Some(format!("AWS STS refused: {code}"));
        }
        link = error.source();
    }
    None
}

/// The code of an answer by which STS refused.
fn refusal<'a, E: ProvideErrorMetadata + StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a str> {
    let error = error.downcast_ref::<SdkError<E, HttpResponse>>()?;
    error.as_service_error()?.code()
}

/// Our client as the SDK wants to see one.
#[derive(Clone, Debug)]
struct Through {
    client: Arc<Client>,
    deadline: Duration,
}

impl HttpClient for Through {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connect = settings.connect_timeout().unwrap_or_default();
        let wanted = settings.read_timeout().map(|read| read + connect);
        SharedHttpConnector::new(Through {
            client: self.client.clone(),
            deadline: wanted.unwrap_or(self.deadline).min(self.deadline),
        })
    }
}

impl HttpConnector for Through {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let through = self.clone();
        HttpConnectorFuture::new(async move { through.exchange(request).await })
    }
}

impl Through {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = ours(request)?;
        let answer = self
            .client
            .fetch(&request, self.deadline, MAX_ANSWER_BYTES)
            .await;
        let answer = answer.map_err(|error| match error {
            Error::Timeout(_) => ConnectorError::timeout(error.into()),
            error => ConnectorError::io(error.into()),
        })?;
        let mut response = http::Response::new(SdkBody::from(answer.body));
        *response.headers_mut() = answer.headers;
        *response.status_mut() = http::StatusCode::from_u16(answer.status)
            .map_err(|error| ConnectorError::other(error.into(), None))?;
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

fn ours(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let Some(body) = body.bytes() else {
        return Err(ConnectorError::user(
            "the request's body is a stream".into(),
        ));
    };
    let url =
        Url::parse(&head.uri.to_string()).map_err(|error| ConnectorError::user(error.into()))?;
    Ok(Request {
        method: head.method,
        url,
        headers: head.headers,
        body: Bytes::copy_from_slice(body),
    })
}
