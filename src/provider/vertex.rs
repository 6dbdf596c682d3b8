//! Vertex AI: Google's and its partners' models inside a Google Cloud project.
//! <https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.publishers.models>

use serde_json::{Map, Value};

use super::base_url::segment;
use super::{Order, Prepared, Probe, Provider, chat, option_headers};
use crate::config::Config;
use crate::credentials::Auth;
use crate::error::Error;
use crate::fields::Fields;
use crate::stream::Marker;

/// The provider `vertex`.
pub struct Vertex;

struct VertexOptions<'a> {
    project: &'a str,
    location: String,
    version: &'a str,
    publisher: &'a str,
    action: Option<&'a str>,
}

impl Provider for Vertex {
    fn name(&self) -> &'static str {
        "vertex"
    }

    fn decode_options(&self, options: &Fields<'_>) -> Result<Map<String, Value>, Error> {
        let read = VertexOptions::read(options)?;
        let mut decoded = Map::from_iter([
            ("project".to_owned(), read.project.into()),
            ("location".to_owned(), read.location.into()),
            ("version".to_owned(), read.version.into()),
            ("publisher".to_owned(), read.publisher.into()),
        ]);
        if let Some(action) = read.action {
            decoded.insert("action".into(), action.into());
        }
        decoded.extend(chat::common_options(options)?);
        Ok(decoded)
    }

    fn prepare(&self, order: &Order<'_>) -> Result<Prepared, Error> {
        let fields = order.config.option_fields();
        let options = VertexOptions::read(&fields)?;
        let base = order.base_url(&host(&options.location))?;
        let auth = Auth::google(order.config)?;
        let model = order.model_from_config_or_body()?;
        let url = base.join(&format!(
            "/{version}/projects/{project}/locations/{location}/publishers/{publisher}/models/{model}:{action}",
            version = option_segment("version", options.version)?,
            project = option_segment("project", options.project)?,
            location = options.location,
            publisher = option_segment("publisher", options.publisher)?,
            model = segment("model", &model)?,
            action = action(&options, order.stream)?,
        ))?;
        let prepared = order.post(url, order.body.clone(), auth, Marker::FinishReason)?;
        Ok(Prepared {
            model: Some(model),
            ..prepared
        })
    }

    fn probe(&self, config: &Config) -> Result<Probe, Error> {
        let options = config.option_fields();
        VertexOptions::read(&options)?;
        option_headers(&options)?;
        Ok(Probe::Token(Auth::google(config)?))
    }
}

impl<'a> VertexOptions<'a> {
    fn read(options: &Fields<'a>) -> Result<VertexOptions<'a>, Error> {
        let required = |key| match options.text(key)? {
            Some(text) => Ok(text),
            None => Err(options.error(key, &format!("{key} is required"))),
        };
        let (project, location) = (required("project")?, required("location")?);
        let location = location.to_lowercase();
        // It becomes part of the host.
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !location.chars().all(label) {
            return Err(options.error("location", "is not the name of a location"));
        }
        Ok(VertexOptions {
            project,
            location,
            version: options.text("version")?.unwrap_or("v1"),
            publisher: options.text("publisher")?.unwrap_or("google"),
            action: options.text("action")?,
        })
    }
}

/// <https://cloud.google.com/vertex-ai/docs/general/locations>: `global` has the bare host,
/// the two multi-regions have hosts of their own.
fn host(location: &str) -> String {
    match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    }
}

/// Streams ask for server-sent events; Vertex's default is a JSON array.
fn action(options: &VertexOptions<'_>, stream: bool) -> Result<String, Error> {
    let action = match (options.action, stream) {
        (Some(action), _) => option_segment("action", action)?,
        (None, true) => "streamGenerateContent".to_owned(),
        (None, false) => "generateContent".to_owned(),
    };
    Ok(if stream { action + "?alt=sse" } else { action })
}

fn option_segment(key: &str, value: &str) -> Result<String, Error> {
    segment(key, value).map_err(|_| Error::Config(format!("options.{key}: is not a usable name")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_location_has_its_host() {
        assert_eq!(host("global"), "https://aiplatform.googleapis.com");
        assert_eq!(host("eu"), "https://aiplatform.eu.rep.googleapis.com");
        assert_eq!(
            host("us-central1"),
            "https://us-central1-aiplatform.googleapis.com"
        );
    }

    #[test]
    fn a_location_that_is_no_host_label_is_refused() {
        let json = br#"{"project":"p","location":"evil.example/x"}"#;
        let map = crate::fields::parse_object(json, "options").expect("valid");
        let error = VertexOptions::read(&Fields::new("options", &map)).err();
        let text = "options.location: is not the name of a location";
        assert_eq!(error, Some(Error::Config(text.into())));
    }
}
