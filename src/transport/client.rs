//! Sending one request. A client knows, for each attempt, whether its connection was made
//! for it or taken from the pool; that decides whether a failure may be retried: a pooled
//! connection that the peer closed while it was idle says nothing about the request.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioTimer;
use once_cell::sync::OnceCell;
use tokio::time::timeout;
use url::Url;

use super::body::Body;
use super::connector::{Connector, Counters, Route, attempt};
use super::driving::{Drives, Wheel};
use super::failure::{is_stale_connection, send_failure, was_not_taken};
use super::returning::{Origin, Returning};
use super::{Answer, Request, Response};
use crate::error::{Deadline, Error};
use crate::settings::Settings;

/// How often a request went out.
pub type Attempts = u32;

/// An HTTP client with its own connections.
#[derive(Debug)]
pub struct Client {
    pooled: Pooled,
    /// Keeps no connection, so that whatever it sends goes out on a fresh one.
    fresh: OnceCell<Pooled>,
    connector: Connector,
    proxies: Arc<Matcher>,
    user_agent: HeaderValue,
    idle_connection: Duration,
}

type Pooled = legacy::Client<Connector, Full<Bytes>>;

/// What one HTTP/2 stream may send ahead of its reader.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// So large that streams whose readers sleep never use up what the others share.
const CONNECTION_WINDOW: u32 = 1024 * 1024 * 1024;
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

impl Client {
    pub(super) fn new(
        settings: &Settings,
        route: Route,
        max_idle: usize,
        counters: Arc<Counters>,
    ) -> Result<Client, Error> {
        let unfit = |_| Error::Connect("the user agent cannot be put into a header".into());
        let user_agent = HeaderValue::from_str(&settings.user_agent).map_err(unfit)?;
        let proxies = route.proxies.clone();
        let connector = Connector::new(route, user_agent.clone(), counters, max_idle);
        Ok(Client {
            pooled: pooled(connector.clone(), max_idle, settings.idle_connection),
            fresh: OnceCell::new(),
            connector,
            proxies,
            user_agent,
            idle_connection: settings.idle_connection,
        })
    }

    /// Sends `request` and waits for the head of the response. `attempts` counts along, and
    /// is right even when this future is dropped.
    ///
    /// # Errors
    /// `Connect`, `Tls`, `Timeout` (connect or response_header), `Truncated`, `Protocol`.
    pub async fn send(
        &self,
        request: &Request,
        header_deadline: Duration,
        attempts: &mut Attempts,
    ) -> Result<Response, Error> {
        timeout(header_deadline, self.send_or_retry(request, attempts))
            .await
            .unwrap_or(Err(Error::Timeout(Deadline::ResponseHeader)))
    }

    /// Sends `request` and reads the whole answer, `limit` bytes at the most: the small
    /// exchanges of token endpoints and probes.
    ///
    /// # Errors
    /// As [`send`](Self::send), with `Timeout(total)` once `deadline` has passed.
    pub async fn fetch(
        &self,
        request: &Request,
        deadline: Duration,
        limit: usize,
    ) -> Result<Answer, Error> {
        let exchange = async {
            let mut attempts = 0;
            let mut response = self.send_or_retry(request, &mut attempts).await?;
            Ok(Answer {
                status: response.status,
                body: response.body.read(limit).await?,
                headers: response.headers,
            })
        };
        timeout(deadline, exchange)
            .await
            .unwrap_or(Err(Error::Timeout(Deadline::Total)))
    }

    async fn send_or_retry(
        &self,
        request: &Request,
        attempts: &mut Attempts,
    ) -> Result<Response, Error> {
        let origin = origin_of(&request.url);
        let outgoing = self.outgoing(request)?;
        *attempts += 1;
        let (answer, connected) = attempt(origin, self.pooled.request(outgoing)).await;
        let error = match answer {
            Ok(response) => {
                if !connected {
                    self.connector.counters.reused();
                }
                return Ok(self.opened(response, origin));
            }
            Err(error) => error,
        };
        let stale = !connected && is_stale_connection(&error);
        if !stale && !was_not_taken(&error) {
            return Err(send_failure(&error, &request.url));
        }
        *attempts += 1;
        let fresh = self.fresh.get_or_init(|| {
            let connector = self.connector.for_one_request();
            pooled(connector, 0, self.idle_connection)
        });
        let (answer, _) = attempt(origin, fresh.request(self.outgoing(request)?)).await;
        let response = answer.map_err(|error| send_failure(&error, &request.url))?;
        Ok(head_and_body(response, None))
    }

    /// One attempt's request, as hyper takes it.
    fn outgoing(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Error> {
        let unfit = |_| Error::Request("the request cannot be put into HTTP".into());
        let uri: Uri = request.url.as_str().parse().map_err(unfit)?;
        let mut outgoing = http::Request::new(Full::new(request.body.clone()));
        let headers = outgoing.headers_mut();
        headers.clone_from(&request.headers);
        headers.entry(header::ACCEPT).or_insert(ANYTHING);
        headers
            .entry(header::USER_AGENT)
            .or_insert_with(|| self.user_agent.clone());
        // A tunnel was authorized when it was made.
        if uri.scheme() == Some(&Scheme::HTTP)
            && let Some(proxy) = self.proxies.intercept(&uri)
            && let Some(credentials) = proxy.basic_auth()
        {
            headers.insert(header::PROXY_AUTHORIZATION, credentials.clone());
        }
        outgoing.method_mut().clone_from(&request.method);
        *outgoing.uri_mut() = uri;
        Ok(outgoing)
    }

    /// A response on a connection that goes back to the pool after it.
    fn opened(&self, response: http::Response<Incoming>, origin: Origin) -> Response {
        let returns = is_kept_alive(&response);
        let connection = returns.then(|| (self.connector.returning.clone(), origin));
        head_and_body(response, connection)
    }
}

fn head_and_body(
    response: http::Response<Incoming>,
    connection: Option<(Arc<Returning>, Origin)>,
) -> Response {
    let (head, body) = response.into_parts();
    let driver = head.extensions.get::<Wheel>().and_then(Wheel::take);
    Response {
        status: head.status.as_u16(),
        headers: head.headers,
        body: Body::new(body, driver, connection),
    }
}

/// Whether the connection is free for another request after this response. One of HTTP/2
/// always was.
fn is_kept_alive(response: &http::Response<Incoming>) -> bool {
    let connection = response.headers().get(http::header::CONNECTION);
    let closes = connection.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
    response.version() == http::Version::HTTP_11 && !closes
}

/// Scheme, host and port: what a connection can be shared by.
fn origin_of(url: &Url) -> Origin {
    let mut hasher = DefaultHasher::new();
    (url.scheme(), url.host_str(), url.port()).hash(&mut hasher);
    hasher.finish()
}

fn pooled(connector: Connector, max_idle: usize, idle: Duration) -> Pooled {
    legacy::Client::builder(Drives)
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle)
        .pool_max_idle_per_host(max_idle)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .build(connector)
}
