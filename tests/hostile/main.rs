//! The hostile world through the C ABI: peers that break off, stall, lie or flood, proxies and
//! TLS that fail, and input that tries to say more than it may. [`fault`] holds what every
//! fault is held against; `docs/reliability.md` is the same list in words, and the tests keep
//! the two alike.

mod fault;
mod http1;
mod http2;
mod llmock;
mod proxy;
mod reality;
mod security;
mod seen;
#[path = "../support/mod.rs"]
mod support;
mod tls;
