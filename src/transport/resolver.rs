//! Name resolution by the system's resolver, with an error type of our own so that a name
//! that does not resolve can be told from a host that does not answer.

use std::future::Future;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::runtime::Handle;
use tower_service::Service;

/// The system resolver: `getaddrinfo`, on a thread of the library's that may block.
#[derive(Clone, Debug)]
pub(super) struct SystemResolver {
    threads: Handle,
}

impl SystemResolver {
    pub(super) fn new(threads: Handle) -> SystemResolver {
        SystemResolver { threads }
    }
}

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
        let host = name.as_str().to_owned();
        let asked = host.clone();
        let looking = self
            .threads
            .spawn_blocking(move || (asked.as_str(), 0).to_socket_addrs());
        Box::pin(async move {
            match looking.await {
                Ok(Ok(addresses)) if addresses.len() > 0 => Ok(addresses),
                _ => Err(Unresolved { host }),
            }
        })
    }
}
