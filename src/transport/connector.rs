//! Between hyper's pool and the network. hyper asks here for a connection when its pool has
//! none: name, TCP, a proxy's tunnel and TLS, all under one deadline. It takes one that comes
//! back meanwhile, so a new connection is held back while an old one is due; those that are
//! made are counted, and the attempt they are for is told.

use std::cell::Cell;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Uri, header};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::runtime::Handle;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::connection::Connection;
use super::pool::PoolStats;
use super::resolver::SystemResolver;
use super::returning::{Origin, Returning};
use super::tls::{Configs, Tls};
use super::wire::Wire;

tokio::task_local! {
    /// There while an attempt waits for its connection or its answer.
    static ATTEMPT: Attempt;
}

struct Attempt {
    origin: Origin,
    connected: Cell<bool>,
}

/// Drives one attempt at a request; the flag says whether a connection was made for it.
pub(super) async fn attempt<F: Future>(origin: Origin, sending: F) -> (F::Output, bool) {
    let attempt = Attempt {
        origin,
        connected: Cell::new(false),
    };
    let work = async {
        let answer = sending.await;
        (answer, ATTEMPT.with(|attempt| attempt.connected.get()))
    };
    ATTEMPT.scope(attempt, work).await
}

/// Connections made and reused, counted for `modelwire_stats`.
#[derive(Debug, Default)]
pub(super) struct Counters {
    opened: AtomicU64,
    reused: AtomicU64,
}

impl Counters {
    /// A request went out on a connection made before.
    pub(super) fn reused(&self) {
        self.reused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            opened: self.opened.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
        }
    }
}

/// How peers are reached.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// Resolve names.
    pub(super) threads: Handle,
    pub(super) tls: Arc<Tls>,
    pub(super) proxies: Arc<Matcher>,
    /// The longest that reaching a peer may take, all in all.
    pub(super) deadline: Duration,
}

/// What follows a route.
#[derive(Debug)]
struct Guide {
    route: Route,
    tcp: HttpConnector<SystemResolver>,
    user_agent: HeaderValue,
}

/// The attempt that wanted a connection got another.
#[derive(Debug, thiserror::Error)]
#[error("nobody waits for this connection any more")]
struct Unwanted;

/// Nothing stood when the deadline passed.
#[derive(Debug, thiserror::Error)]
#[error("the connection took too long")]
pub(super) struct TooLong;

/// What a config brings for TLS was checked before; this is what the library brings.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up")]
struct NoTls;

type Foreign = Box<dyn StdError + Send + Sync>;
type Reaching = Pin<Box<dyn Future<Output = Result<TokioIo<Wire>, Foreign>> + Send>>;

const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

impl Guide {
    fn new(route: Route, user_agent: HeaderValue) -> Guide {
        let resolver = SystemResolver::new(route.threads.clone());
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        tcp.set_connect_timeout(Some(route.deadline));
        Guide {
            route,
            tcp,
            user_agent,
        }
    }

    async fn reach(&self, peer: Uri) -> Result<Connection, Foreign> {
        let https = peer.scheme() == Some(&Scheme::HTTPS);
        match self.route.proxies.intercept(&peer) {
            None => {
                let wire = self.direct(peer, |tls| &tls.peers).await?;
                Ok(Connection::new(wire, false))
            }
            Some(proxy) if https => {
                let wire = self.through(&proxy, &peer).await?;
                let wire = secured(wire, &peer, &self.tls()?.peers).await?;
                Ok(Connection::new(wire, false))
            }
            Some(proxy) => {
                let wire = self.direct(proxy.uri().clone(), |tls| &tls.proxies).await?;
                Ok(Connection::new(wire, true))
            }
        }
    }

    async fn direct(
        &self,
        peer: Uri,
        side: impl FnOnce(&Configs) -> &Arc<ClientConfig>,
    ) -> Result<Wire, Foreign> {
        let tls = || Ok(side(self.tls()?).clone());
        opened(self.tcp.clone(), peer, tls).await
    }

    /// A tunnel through the proxy (RFC 9110, section 9.3.6).
    async fn through(&self, proxy: &Intercept, peer: &Uri) -> Result<Wire, Foreign> {
        let to_proxy = ToProxy {
            tcp: self.tcp.clone(),
            tls: self.tls()?.proxies.clone(),
        };
        let headers = HeaderMap::from_iter([(header::USER_AGENT, self.user_agent.clone())]);
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy).with_headers(headers);
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        Ok(tunnel.call(peer.clone()).await?.into_inner())
    }

    fn tls(&self) -> Result<&Configs, NoTls> {
        self.route.tls.configs().map_err(|_| NoTls)
    }
}

/// TCP to `peer`, and TLS over it if that is an https one; only then is `tls` asked for.
async fn opened(
    mut tcp: HttpConnector<SystemResolver>,
    peer: Uri,
    tls: impl FnOnce() -> Result<Arc<ClientConfig>, NoTls>,
) -> Result<Wire, Foreign> {
    let wire = Wire::Tcp(tcp.call(peer.clone()).await?.into_inner());
    if peer.scheme() == Some(&Scheme::HTTPS) {
        return secured(wire, &peer, &tls()?).await;
    }
    Ok(wire)
}

async fn secured(wire: Wire, peer: &Uri, tls: &Arc<ClientConfig>) -> Result<Wire, Foreign> {
    let name = server_name(peer)?;
    let stream = TlsConnector::from(tls.clone()).connect(name, wire).await?;
    Ok(Wire::Tls(Box::new(stream)))
}

fn server_name(peer: &Uri) -> Result<ServerName<'static>, InvalidDnsNameError> {
    let host = peer.host().unwrap_or_default();
    let literal = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    ServerName::try_from(literal.unwrap_or(host).to_owned())
}

/// The connector beneath a tunnel.
struct ToProxy {
    tcp: HttpConnector<SystemResolver>,
    tls: Arc<ClientConfig>,
}

impl Service<Uri> for ToProxy {
    type Response = TokioIo<Wire>;
    type Error = Foreign;
    type Future = Reaching;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Foreign>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, proxy: Uri) -> Reaching {
        let (tcp, tls) = (self.tcp.clone(), self.tls.clone());
        Box::pin(async move { opened(tcp, proxy, || Ok(tls)).await.map(TokioIo::new) })
    }
}

/// What hyper's client asks for connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    guide: Arc<Guide>,
    pub(super) counters: Arc<Counters>,
    pub(super) returning: Arc<Returning>,
}

impl Connector {
    pub(super) fn new(
        route: Route,
        user_agent: HeaderValue,
        counters: Arc<Counters>,
        most_returning: usize,
    ) -> Connector {
        Connector {
            guide: Arc::new(Guide::new(route, user_agent)),
            counters,
            returning: Arc::new(Returning::new(most_returning)),
        }
    }

    /// The same for a client that keeps no connection.
    pub(super) fn for_one_request(&self) -> Connector {
        Connector {
            returning: Arc::new(Returning::new(0)),
            ..self.clone()
        }
    }

    async fn connect(self, peer: Uri) -> Result<Connection, Foreign> {
        self.wait_for_returning().await?;
        let guide = &self.guide;
        let connection = timeout(guide.route.deadline, guide.reach(peer))
            .await
            .map_err(|_| TooLong)??;
        self.opened();
        Ok(connection)
    }

    /// Waits as long as a connection is due. Once hyper has that one, it leaves the making
    /// of this one to itself, outside its attempt.
    async fn wait_for_returning(&self) -> Result<(), Unwanted> {
        let claim = ATTEMPT.try_with(|attempt| self.returning.claim(attempt.origin));
        if let Ok(Some(until)) = claim {
            sleep_until(until).await;
            ATTEMPT.try_with(|_| ()).map_err(|_| Unwanted)?;
        }
        Ok(())
    }

    fn opened(&self) {
        self.counters.opened.fetch_add(1, Ordering::Relaxed);
        // Outside an attempt the pool finishes a connection that nobody waits for any
        // more; it will be somebody's reused one.
        let _ = ATTEMPT.try_with(|attempt| attempt.connected.set(true));
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = Foreign;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, Foreign>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Foreign>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, peer: Uri) -> Self::Future {
        Box::pin(self.clone().connect(peer))
    }
}
