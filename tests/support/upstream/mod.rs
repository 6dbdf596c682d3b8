//! A scripted upstream on loopback: a server that answers each request with the
//! exact bytes, pauses and failures a test asks for, and keeps what it was sent.
//! Tests own it in process; the `upstream` example gives it to every other
//! language. It uses blocking sockets and one thread per connection, so that a
//! script reads top to bottom and nothing stands between it and the wire.
//!
//! ```ignore
//! let upstream = Upstream::start(Script::queue([
//!     reply(429, "Too Many Requests", &[("retry-after", "1")], b"{}"),
//!     json(br#"{"ok":true}"#),
//! ]));
//! // ... two requests to upstream.url() ...
//! assert_eq!(upstream.requests()[1].target, "/v1/chat/completions");
//! ```

// Every test target compiles this module and uses a part of it.
#![allow(dead_code, unused_imports)]

mod connection;
mod gate;
mod reply;
mod request;
mod script;
mod server;
mod tls;
mod wire;

pub use gate::Gate;
pub use reply::{
    chunk, chunked_open, head, join, json, last_chunk, reply, sse, sse_chunks, sse_head,
    standard_reason,
};
pub use request::Received;
pub use script::{Accept, Script, Step};
pub use server::Upstream;
pub use tls::TlsIdentity;
