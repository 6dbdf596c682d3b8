//! Connection probes: can the provider be reached, and does it take the credentials? A
//! probe that comes to a verdict succeeded as an operation, whatever the verdict is.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use tokio::time::timeout_at;
use url::Url;

use super::outcome::Phase;
use super::task::{Stage, deadline_after};
use crate::config::Config;
use crate::credentials::Auth;
use crate::error::{Deadline, Error};
use crate::fields::{Fields, parse_object};
use crate::probe::{Stage as ProbeStage, Verdict};
use crate::provider::{BaseUrl, Probe, Provider, headers_of};
use crate::secret::Secret;
use crate::settings::ERROR_BODY_BYTES;
use crate::transport::Request;

/// Probes `provider` with `config`.
pub(super) async fn test_connection(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    config: &Config,
) -> Result<(), Error> {
    let result = connect(stage, provider, config).await;
    let verdict = match result {
        Ok(verdict) => verdict,
        Err(error) => {
            let mut verdict = Verdict::of_error(&error, provider.peer()).ok_or(error)?;
            if verdict.stage == ProbeStage::Provider && provider.lacks_endpoint(config) {
                verdict.stage = ProbeStage::Connectivity;
            }
            verdict
        }
    };
    stage.body = verdict.to_json().to_string().into();
    Ok(())
}

/// The GET behind a connection test, with the host's own URL, headers and bearer token.
pub(super) async fn http_probe(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    request: &[u8],
) -> Result<(), Error> {
    let document = parse_object(request, "request")?;
    let fields = Fields::new("", &document);
    let text = fields.text("url")?;
    let text = text.ok_or_else(|| fields.error("url", "url is required"))?;
    // The rules of a base URL hold for its beginning; a query is fine here.
    let beginning = text.split(['?', '#']).next().unwrap_or_default();
    BaseUrl::parse(beginning).map_err(|reason| fields.error("url", reason))?;
    let url = Url::parse(text).map_err(|_| fields.error("url", "expected an http or https URL"))?;
    let auth = match fields.text("bearer")? {
        Some(key) => Auth::bearer(&Secret::new(key))?,
        None => Auth::InHeaders,
    };
    let probe = Probe::Get {
        url,
        headers: headers_of(&fields.object("headers")?)?,
        auth,
    };
    let verdict = match run(stage, provider, &Config::default(), probe).await {
        Ok(verdict) => verdict,
        Err(error) => Verdict::of_error(&error, "provider").ok_or(error)?,
    };
    stage.body = verdict.to_json().to_string().into();
    Ok(())
}

async fn connect(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    config: &Config,
) -> Result<Verdict, Error> {
    provider.decode_options(&config.option_fields())?;
    let probe = provider.probe(config)?;
    run(stage, provider, config, probe).await
}

async fn run(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    config: &Config,
    probe: Probe,
) -> Result<Verdict, Error> {
    let total = config.timeouts.total;
    let total = total.unwrap_or(stage.engine.settings.probe_timeout);
    let deadline = deadline_after(stage.report.started, total);
    timeout_at(deadline, ask(stage, provider, config, probe))
        .await
        .unwrap_or(Err(Error::Timeout(Deadline::Total)))
}

async fn ask(
    stage: &mut Stage<'_>,
    provider: &'static dyn Provider,
    config: &Config,
    probe: Probe,
) -> Result<Verdict, Error> {
    let means = stage.engine.means(provider, config)?;
    match probe {
        Probe::Token(auth) => {
            stage.report.phase = Phase::Credentials;
            auth.acquire(&means).await?;
            Ok(Verdict::accepted(0))
        }
        Probe::Exchange {
            request,
            auth,
            judge,
        } => {
            let (status, body) = send(stage, *request, &auth, &means, config).await?;
            Ok(judge(status, &body))
        }
        Probe::Get { url, headers, auth } => {
            let request = get(url, headers);
            let (status, _) = send(stage, request, &auth, &means, config).await?;
            Ok(Verdict::of_status(
                status,
                provider.rejects_credentials_with_400(),
            ))
        }
    }
}

async fn send(
    stage: &mut Stage<'_>,
    mut request: Request,
    auth: &Auth,
    means: &crate::credentials::Means,
    config: &Config,
) -> Result<(u16, BytesMut), Error> {
    let report = &mut *stage.report;
    report.url = Some(without_query(&request.url));
    report.phase = Phase::Credentials;
    auth.attach(&mut request, means).await?;
    report.credentials = Some(report.elapsed());
    report.phase = Phase::Send;
    let wait = config.timeouts.response_header;
    let wait = wait.unwrap_or(stage.engine.settings.response_header_timeout);
    let mut response = means
        .client
        .send(&request, wait, &mut report.attempts)
        .await?;
    report.phase = Phase::Response;
    report.response_header = Some(report.elapsed());
    report.http_status = response.status;
    report.headers = response.headers.clone();
    // Read so that the connection can be used again, and for those that look into it.
    let mut rest = BytesMut::new();
    let _ = response.body.read_up_to(ERROR_BODY_BYTES, &mut rest).await;
    report.bytes_in = rest.len() as u64;
    Ok((response.status, rest))
}

fn get(url: Url, headers: HeaderMap) -> Request {
    Request {
        method: Method::GET,
        url,
        headers,
        body: Bytes::new(),
    }
}

/// A probe's URL is the host's own, and people put keys into queries.
fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}
