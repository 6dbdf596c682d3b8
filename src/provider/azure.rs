//! Azure OpenAI: the deployment, which is the body's model, stands in the URL.
//! <https://learn.microsoft.com/azure/ai-services/openai/reference>

use serde_json::{Map, Value};

use super::base_url::segment;
use super::order::Needed;
use super::{BaseUrl, Order, Prepared, Probe, Provider, chat, option_headers};
use crate::config::Config;
use crate::credentials::{Auth, AzureScope};
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::Marker;

/// The provider `azure`.
pub struct Azure;

const API_VERSION: &str = "2024-10-21";

impl Provider for Azure {
    fn name(&self) -> &'static str {
        "azure"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        let mut decoded = chat::common_options(options)?;
        if let Some(scope) = AzureScope::from_options(options)? {
            decoded.insert("token_scope".into(), scope.as_str().into());
        }
        Ok(decoded)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let endpoint = endpoint(order.config)?;
        let auth = Auth::azure(order.config, endpoint.as_str())?;
        let (model, body) = order.model_in_body(Needed::Yes)?;
        let deployment = segment("model", model.as_deref().unwrap_or_default())?;
        let url = endpoint.join(&format!(
            "/openai/deployments/{deployment}/chat/completions?api-version={}",
            api_version(order.config)?
        ))?;
        let prepared = order.post(url, body, auth, Marker::DoneLine)?;
        Ok(Prepared { model, ..prepared })
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        let endpoint = endpoint(config)?;
        let version = api_version(config)?;
        Ok(Probe::Get {
            url: endpoint.join(&format!("/openai/models?api-version={version}"))?,
            headers: option_headers(&config.option_fields())?,
            auth: Auth::azure(config, endpoint.as_str())?,
        })
    }

    fn lacks_endpoint(&self, config: &Config) -> bool {
        endpoint(config).is_err()
    }
}

/// `options.base_url`, else the endpoint of the credentials. A Foundry project's endpoint
/// is cut back to its resource, which is where deployments live.
fn endpoint(config: &Config) -> Result<BaseUrl, Error> {
    const FIELD: &str = "credentials.azure.endpoint";
    let options = config.option_fields();
    if options.text("base_url")?.is_some() {
        return BaseUrl::from_options(&options, "");
    }
    let given = config.credentials.azure.endpoint.as_deref();
    let given = given.ok_or_else(|| Error::Config(format!("{FIELD}: endpoint is required")))?;
    let resource = given
        .split_once("/api/projects/")
        .map_or(given, |(resource, _)| resource);
    BaseUrl::parse(resource).map_err(|reason| Error::Config(format!("{FIELD}: {reason}")))
}

fn api_version(config: &Config) -> Result<String, Error> {
    let given = config.credentials.azure.api_version.as_deref();
    segment("api_version", given.unwrap_or(API_VERSION))
        .map_err(|_| Error::Config("credentials.azure.api_version: is not a usable name".into()))
}
