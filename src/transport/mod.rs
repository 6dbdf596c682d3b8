//! The way to the network: a runtime, a pool of HTTP clients shared by everything that may
//! share them, TLS, proxies, and sending one request under its deadlines. Nothing here knows
//! what a provider is; failures come out typed.

mod body;
mod client;
mod connection;
mod connector;
mod drive;
mod driving;
mod failure;
mod lane;
mod pool;
mod proxy;
mod resolver;
mod returning;
mod runtime;
mod sync;
mod tls;
mod wire;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

pub use body::Body;
pub use client::{Attempts, Client};
pub use lane::{Lane, Lanes};
pub use pool::{Pool, PoolStats};
pub use proxy::EnvironmentProxies;
pub use runtime::Runtime;

/// One HTTP request, complete with credentials. It can be sent more than once: the body is
/// shared, not copied.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes; http or https.
    pub url: Url,
    /// Every header but those the connection itself needs.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

/// The head of a response, and its body still to be read.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// A response read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}
