//! Name resolution by the system's resolver, with an error type of our own so that a name
//! that does not resolve can be told from a host that does not answer.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system resolver (`getaddrinfo` on the runtime's blocking pool).
#[derive(Debug)]
pub(super) struct SystemResolver;

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve the host name `{host}`")]
pub(super) struct Unresolved {
    host: String,
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            if addresses.is_empty() {
                return Err(Unresolved { host }.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
