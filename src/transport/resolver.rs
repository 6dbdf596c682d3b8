//! Name resolution by the system's resolver, with an error type of our own so that a name
//! that does not resolve can be told from a host that does not answer.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// The system resolver (`getaddrinfo` on the runtime's blocking pool).
#[derive(Clone, Debug)]
pub(super) struct SystemResolver;

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve the host name `{host}`")]
pub(super) struct Unresolved {
    host: String,
}

impl Service<Name> for SystemResolver {
    type Response = IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            if addresses.is_empty() {
                return Err(Unresolved { host });
            }
            Ok(addresses.into_iter())
        })
    }
}
