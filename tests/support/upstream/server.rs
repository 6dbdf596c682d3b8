//! The listening side: accepts connections, keeps what was seen, ends cleanly.

use super::connection;
use super::gate::Gate;
use super::request::Received;
use super::script::Script;
use super::tls::TlsIdentity;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the waiting methods wait before they call the test failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a drop waits for connection threads; a script's own closure could block one.
const FAREWELL: Duration = Duration::from_secs(5);
const STACK_SIZE: usize = 512 * 1024;

/// A running upstream on 127.0.0.1. Dropping it closes every connection and
/// ends its threads; it panics if a script's own closure keeps one.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    ca_pem: String,
    acceptor: Option<JoinHandle<()>>,
}

pub(super) struct Shared {
    pub(super) script: Script,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) stalls_handshake: bool,
    /// Opens when the upstream is dropped.
    pub(super) stop: Gate,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    accepted: usize,
    /// By number, while their thread lives.
    open: HashMap<usize, TcpStream>,
    requests: Vec<Received>,
    /// Gates that scripts have waited for.
    gates: Vec<Gate>,
}

impl Upstream {
    /// Listens on a free port.
    pub fn start(script: impl Into<Script>) -> Upstream {
        Upstream::start_on(0, script).expect("bind on loopback")
    }

    /// Fails if the port is taken.
    pub fn start_on(port: u16, script: impl Into<Script>) -> io::Result<Upstream> {
        Upstream::listen(port, script.into(), None)
    }

    pub fn start_tls(script: impl Into<Script>, identity: TlsIdentity) -> Upstream {
        Upstream::listen(0, script.into(), Some(identity)).expect("bind on loopback")
    }

    fn listen(port: u16, script: Script, identity: Option<TlsIdentity>) -> io::Result<Upstream> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script,
            tls: identity.as_ref().map(TlsIdentity::server_config),
            stalls_handshake: identity.as_ref().is_some_and(TlsIdentity::is_stalled),
            stop: Gate::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = shared.clone();
        Ok(Upstream {
            address,
            shared,
            ca_pem: identity.map(|i| i.ca_pem().to_owned()).unwrap_or_default(),
            acceptor: Some(thread::spawn(move || accept_all(&listener, &accepting))),
        })
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS.
    pub fn url(&self) -> String {
        match self.shared.tls {
            Some(_) => format!("https://localhost:{}", self.port()),
            None => format!("http://127.0.0.1:{}", self.port()),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The CA a client is to trust; empty without TLS.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Everything received so far, in order of arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.lock().requests.clone()
    }

    /// TCP connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().accepted
    }

    /// Connections that are open now. The peer's close shows while a request is
    /// awaited and during `Hang` and after `HalfClose`; in any other step, at the next write.
    pub fn open_connections(&self) -> usize {
        self.shared.lock().open.len()
    }

    /// Waits for the `n`th request and returns all so far. Panics if it does not come.
    pub fn wait_requests(&self, n: usize) -> Vec<Received> {
        self.wait_until(&format!("{n} requests"), |state| state.requests.len() >= n);
        self.requests()
    }

    /// Waits for the `n`th accepted connection. Panics if it does not come.
    pub fn wait_connections(&self, n: usize) {
        self.wait_until(&format!("{n} connections"), |state| state.accepted >= n);
    }

    /// Waits until at most `n` connections are open. Panics if that does not come.
    pub fn wait_open_connections(&self, n: usize) {
        self.wait_until(&format!("at most {n} open"), |state| state.open.len() <= n);
    }

    #[track_caller]
    fn wait_until(&self, what: &str, reached: impl Fn(&State) -> bool) {
        assert!(
            self.shared.wait_until(PATIENCE, reached),
            "upstream waited in vain for {what}"
        );
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stop.open();
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let state = self.shared.lock();
        state.gates.iter().for_each(Gate::wake);
        for socket in state.open.values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        drop(state);
        let ended = self
            .shared
            .wait_until(FAREWELL, |state| state.open.is_empty());
        assert!(
            ended || thread::panicking(),
            "a script outlived its upstream"
        );
    }
}

impl Shared {
    pub(super) fn keep(&self, request: &Received) {
        if self.script.keeps_requests {
            self.lock().requests.push(request.clone());
            self.changed.notify_all();
        }
    }

    /// Waits until the gate opens or the upstream is dropped.
    pub(super) fn wait_for(&self, gate: &Gate) {
        self.lock().gates.push(gate.clone());
        gate.wait_unless(&self.stop);
    }

    fn admit(&self, socket: &TcpStream) -> Option<usize> {
        let kept = socket.try_clone().ok()?;
        let mut state = self.lock();
        let number = state.accepted;
        state.accepted += 1;
        state.open.insert(number, kept);
        drop(state);
        self.changed.notify_all();
        Some(number)
    }

    fn dismiss(&self, number: usize) {
        self.lock().open.remove(&number);
        self.changed.notify_all();
    }

    fn wait_until(&self, limit: Duration, reached: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while !reached(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a connection off the list when its thread ends, even by a panic.
struct Presence {
    shared: Arc<Shared>,
    number: usize,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.shared.dismiss(self.number);
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    for socket in listener.incoming() {
        if shared.stop.is_open() {
            return;
        }
        let Ok(socket) = socket else {
            // Out of descriptors, most likely: some may be free soon.
            shared.stop.wait(Duration::from_millis(20));
            continue;
        };
        let Some(number) = shared.admit(&socket) else {
            continue;
        };
        let presence = Presence {
            shared: shared.clone(),
            number,
        };
        // A thread that cannot be made drops both: the peer sees a close.
        let _ = thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn(move || live(&presence, socket));
    }
}

/// The socket closes before the listed clone does, and that last close is what the peer sees.
fn live(presence: &Presence, socket: TcpStream) {
    let _ = connection::serve(&presence.shared, presence.number, socket);
}
