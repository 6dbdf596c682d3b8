//! The scripted upstream itself, driven with bare sockets: the other tests are
//! worth what it is worth.

mod http1;
mod http2;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::net::TcpStream;
use std::time::Duration;
use support::upstream::Upstream;

/// Far more than anything here takes; only keeps a failure from hanging.
const LIMIT: Duration = Duration::from_secs(20);

fn connect(upstream: &Upstream) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", upstream.port())).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
}
