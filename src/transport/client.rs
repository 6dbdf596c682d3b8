//! Sending one request. A client knows, for each attempt, whether its connection was made
//! for it or taken from the pool; that decides whether a failure may be retried: a pooled
//! connection that the peer closed while it was idle says nothing about the request.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use reqwest::redirect::Policy;
use reqwest::{Proxy, Url};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::body::Body;
use super::connector::{Connections, Counters, attempt};
use super::failure::{is_stale_connection, send_failure, was_not_taken};
use super::resolver::SystemResolver;
use super::returning::{Origin, Returning};
use super::{Answer, Request, Response};
use crate::error::{Deadline, Error};
use crate::settings::Settings;

/// How often a request went out.
pub type Attempts = u32;

/// An HTTP client with its own connections.
#[derive(Debug)]
pub struct Client {
    pooled: reqwest::Client,
    recipe: Recipe,
    /// Keeps no connection, so that whatever it sends goes out on a fresh one.
    fresh: OnceCell<reqwest::Client>,
    connections: Connections,
}

#[derive(Debug)]
struct Recipe {
    user_agent: String,
    max_idle_per_host: usize,
    idle_connection: Duration,
    connect: Duration,
    tls: ClientConfig,
    proxies: Vec<Proxy>,
}

/// What one HTTP/2 stream may send ahead of its reader.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// So large that streams whose readers sleep never use up what the others share.
const CONNECTION_WINDOW: u32 = 1024 * 1024 * 1024;
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

impl Client {
    pub(super) fn new(
        settings: &Settings,
        tls: ClientConfig,
        proxies: Vec<Proxy>,
        connect: Duration,
        counters: Arc<Counters>,
    ) -> Result<Client, Error> {
        let recipe = Recipe {
            user_agent: settings.user_agent.clone(),
            max_idle_per_host: settings.max_idle_per_host,
            idle_connection: settings.idle_connection,
            connect,
            tls,
            proxies,
        };
        let connections = Connections {
            counters,
            returning: Arc::new(Returning::new(recipe.max_idle_per_host)),
        };
        Ok(Client {
            pooled: recipe.build(recipe.max_idle_per_host, &connections)?,
            recipe,
            fresh: OnceCell::new(),
            connections,
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
        *attempts += 1;
        let (answer, connected) = attempt(origin, send_on(&self.pooled, request)).await;
        let error = match answer {
            Ok(response) => {
                if !connected {
                    self.connections.counters.reused();
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
        let fresh = self.fresh.get_or_try_init(|| {
            let connections = Connections {
                returning: Arc::new(Returning::new(0)),
                ..self.connections.clone()
            };
            self.recipe.build(0, &connections)
        })?;
        let (answer, _) = attempt(origin, send_on(fresh, request)).await;
        let response = answer.map_err(|error| send_failure(&error, &request.url))?;
        Ok(head_and_body(response, None))
    }

    /// A response on a connection that goes back to the pool after it.
    fn opened(&self, response: reqwest::Response, origin: Origin) -> Response {
        let returns = is_kept_alive(&response);
        let connection = returns.then(|| (self.connections.returning.clone(), origin));
        head_and_body(response, connection)
    }
}

/// One attempt at sending.
async fn send_on(
    client: &reqwest::Client,
    request: &Request,
) -> Result<reqwest::Response, reqwest::Error> {
    let mut outgoing = reqwest::Request::new(request.method.clone(), request.url.clone());
    *outgoing.headers_mut() = request.headers.clone();
    *outgoing.body_mut() = Some(request.body.clone().into());
    client.execute(outgoing).await
}

fn head_and_body(
    response: reqwest::Response,
    connection: Option<(Arc<Returning>, Origin)>,
) -> Response {
    let (head, body) = http::Response::from(response).into_parts();
    Response {
        status: head.status.as_u16(),
        headers: head.headers,
        body: Body::new(body, connection),
    }
}

/// Whether the connection is free for another request after this response. One of HTTP/2
/// always was.
fn is_kept_alive(response: &reqwest::Response) -> bool {
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

impl Recipe {
    fn build(&self, max_idle: usize, connections: &Connections) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .user_agent(&self.user_agent)
            .redirect(Policy::none())
            .retry(reqwest::retry::never()) // what may go out again is decided here, and counted
            .referer(false)
            .no_proxy() // the environment was read once, at start
            .dns_resolver(Arc::new(SystemResolver))
            .connect_timeout(self.connect)
            .tcp_keepalive(TCP_KEEP_ALIVE)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .pool_max_idle_per_host(max_idle)
            .pool_idle_timeout(self.idle_connection)
            .connector_layer(connections.clone());
        for proxy in &self.proxies {
            builder = builder.proxy(proxy.clone());
        }
        let failed = |_| Error::Connect("the HTTP client could not be made".into());
        builder.build().map_err(failed)
    }
}
