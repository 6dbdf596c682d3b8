//! Between hyper's pool and the network. hyper asks here for a connection when its pool has
//! none, and takes one that comes back meanwhile. So a new connection is held back while an
//! old one is due; those that are made are counted, and the attempt they are for is told.

use std::cell::Cell;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::time::sleep_until;
use tower_layer::Layer;
use tower_service::Service;

use super::pool::PoolStats;
use super::returning::{Origin, Returning};

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

/// The layer around reqwest's connector.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pub(super) counters: Arc<Counters>,
    pub(super) returning: Arc<Returning>,
}

#[derive(Clone)]
pub(super) struct Connector<S> {
    inner: S,
    connections: Connections,
}

/// The attempt that wanted a connection got another.
#[derive(Debug, thiserror::Error)]
#[error("nobody waits for this connection any more")]
struct Unwanted;

type Foreign = Box<dyn std::error::Error + Send + Sync>;

impl Connections {
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

impl<S> Layer<S> for Connections {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Connector {
            inner,
            connections: self.clone(),
        }
    }
}

impl<S, Target> Service<Target> for Connector<S>
where
    S: Service<Target, Error = Foreign> + Clone + Send + 'static,
    S::Future: Send + 'static,
    Target: Send + 'static,
{
    type Response = S::Response;
    type Error = Foreign;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Foreign>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Foreign>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        // The service that said it was ready has to be the one that is called.
        let next = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, next);
        let connections = self.connections.clone();
        Box::pin(async move {
            connections.wait_for_returning().await?;
            let connection = ready.call(target).await?;
            connections.opened();
            Ok(connection)
        })
    }
}
