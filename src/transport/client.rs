//! Sending one request. A client knows, for each attempt, whether its connection was made
//! for it or taken from the pool; that decides whether a failure may be retried: a pooled
//! connection that the peer closed while it was idle says nothing about the request.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use once_cell::sync::OnceCell;
use reqwest::Proxy;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

use super::body::Body;
use super::failure::{is_stale_connection, send_failure};
use super::pool::PoolStats;
use super::resolver::SystemResolver;
use super::{Answer, Request, Response};
use crate::error::{Deadline, Error};
use crate::settings::Settings;

tokio::task_local! {
    /// Set while a request is sent: whether a connection was made for it.
    static CONNECTED: Cell<bool>;
}

/// How often a request went out.
pub type Attempts = u32;

/// An HTTP client with its own connections.
#[derive(Debug)]
pub struct Client {
    pooled: reqwest::Client,
    recipe: Recipe,
    /// Keeps no connection, so that whatever it sends goes out on a fresh one.
    fresh: OnceCell<reqwest::Client>,
    counters: Arc<Counters>,
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

/// Connections made and reused, counted for `modelwire_stats`.
#[derive(Debug, Default)]
pub(super) struct Counters {
    opened: AtomicU64,
    reused: AtomicU64,
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
        Ok(Client {
            pooled: recipe.build(recipe.max_idle_per_host, &counters)?,
            recipe,
            fresh: OnceCell::new(),
            counters,
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
        *attempts += 1;
        let (answer, connected) = attempt(&self.pooled, request).await;
        let error = match answer {
            Ok(response) => {
                if !connected {
                    self.counters.reused.fetch_add(1, Ordering::Relaxed);
                }
                return Ok(response);
            }
            Err(error) => error,
        };
        if connected || !is_stale_connection(&error) {
            return Err(send_failure(&error, &request.url));
        }
        *attempts += 1;
        let fresh = self
            .fresh
            .get_or_try_init(|| self.recipe.build(0, &self.counters))?;
        let (answer, _) = attempt(fresh, request).await;
        answer.map_err(|error| send_failure(&error, &request.url))
    }
}

/// One attempt, and whether a connection was made for it.
async fn attempt(
    client: &reqwest::Client,
    request: &Request,
) -> (Result<Response, reqwest::Error>, bool) {
    let mut outgoing = reqwest::Request::new(request.method.clone(), request.url.clone());
    *outgoing.headers_mut() = request.headers.clone();
    *outgoing.body_mut() = Some(request.body.clone().into());
    CONNECTED
        .scope(Cell::new(false), async {
            let answer = client.execute(outgoing).await;
            (answer.map(head_and_body), CONNECTED.with(Cell::get))
        })
        .await
}

fn head_and_body(response: reqwest::Response) -> Response {
    let (head, body) = http::Response::from(response).into_parts();
    Response {
        status: head.status.as_u16(),
        headers: head.headers,
        body: Body::new(body),
    }
}

impl Recipe {
    fn build(&self, max_idle: usize, counters: &Arc<Counters>) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .user_agent(&self.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy() // the environment was read once, at start
            .dns_resolver(Arc::new(SystemResolver))
            .connect_timeout(self.connect)
            .tcp_keepalive(TCP_KEEP_ALIVE)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .pool_max_idle_per_host(max_idle)
            .pool_idle_timeout(self.idle_connection)
            .connector_layer(CountConnections(counters.clone()));
        for proxy in &self.proxies {
            builder = builder.proxy(proxy.clone());
        }
        let failed = |_| Error::Connect("the HTTP client could not be made".into());
        builder.build().map_err(failed)
    }
}

impl Counters {
    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            opened: self.opened.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
        }
    }
}

/// A layer around the connector that counts connections and tells the attempt at hand.
#[derive(Clone)]
struct CountConnections(Arc<Counters>);

#[derive(Clone)]
struct CountingConnector<S> {
    inner: S,
    counters: Arc<Counters>,
}

impl<S> Layer<S> for CountConnections {
    type Service = CountingConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountingConnector {
            inner,
            counters: self.0.clone(),
        }
    }
}

impl<S, Target> Service<Target> for CountingConnector<S>
where
    S: Service<Target>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connecting = self.inner.call(target);
        let counters = self.counters.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            counters.opened.fetch_add(1, Ordering::Relaxed);
            // Outside an attempt the pool finishes a connection that nobody waits for any
            // more; it will be somebody's reused one.
            let _ = CONNECTED.try_with(|connected| connected.set(true));
            Ok(connection)
        })
    }
}
