//! A scripted HTTP/2 upstream on loopback, over TLS with ALPN `h2`: what HTTP/1.1
//! cannot say (GOAWAY, RST_STREAM, a closed window) on a runtime of its own.
//! The frames are the h2 crate's; [`upstream`](super::upstream) has the rest.

// Every test target compiles this module and uses a part of it.
#![allow(dead_code)]

use super::upstream::{Gate, Received, TlsIdentity};
use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response, Version};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

/// How long the waiting methods wait before they call the test failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One act of a reply on a stream. A reply that stops short of its end resets
/// the stream with CANCEL.
#[derive(Clone)]
pub enum Http2Step {
    /// Status and headers.
    Head(u16, Vec<(&'static str, &'static str)>),
    /// A DATA frame, as the client's window allows.
    Data(Vec<u8>),
    /// Ends the stream.
    End,
    /// RST_STREAM with this reason.
    ResetStream(Reason),
    /// GOAWAY: streams under way are finished, then the connection closes.
    GoAway,
    /// GOAWAY with this reason, and the connection closes at once.
    Abort(Reason),
    /// Milliseconds.
    Pause(u64),
    /// Goes on once the test opens the gate.
    WaitFor(Gate),
    /// Opens a gate the test waits for.
    Open(Gate),
    /// Nothing more until the connection ends or the upstream is dropped.
    Hang,
}

/// What the upstream tells its clients in SETTINGS.
#[derive(Clone, Copy, Default)]
pub struct Http2Settings {
    /// 0 stalls every upload. The protocol's 65535 unless given.
    pub initial_window: Option<u32>,
    pub max_concurrent_streams: Option<u32>,
}

/// A running HTTP/2 upstream. Dropping it ends every connection without waiting for it.
pub struct Http2Upstream {
    address: SocketAddr,
    ca_pem: String,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

type ReplyTo = dyn Fn(&Received) -> Vec<Http2Step> + Send + Sync;

struct Shared {
    reply: Box<ReplyTo>,
    settings: Http2Settings,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    open: usize,
    requests: Vec<Received>,
}

/// What a stream asks of its connection.
enum Command {
    GoAway,
    Abort(Reason),
}

impl Http2Upstream {
    /// The closure makes the reply to each request, whose body it is given whole.
    pub fn start(
        reply: impl Fn(&Received) -> Vec<Http2Step> + Send + Sync + 'static,
    ) -> Http2Upstream {
        Http2Upstream::start_with(Http2Settings::default(), reply)
    }

    pub fn start_with(
        settings: Http2Settings,
        reply: impl Fn(&Received) -> Vec<Http2Step> + Send + Sync + 'static,
    ) -> Http2Upstream {
        let identity = TlsIdentity::valid().alpn(&["h2"]);
        let tls = TlsAcceptor::from(identity.server_config());
        let shared = Arc::new(Shared {
            reply: Box::new(reply),
            settings,
            seen: Mutex::default(),
            changed: Condvar::new(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind on loopback");
        let address = listener.local_addr().expect("local address");
        runtime.spawn(accept_all(listener, tls, shared.clone()));
        Http2Upstream {
            address,
            ca_pem: identity.ca_pem().to_owned(),
            shared,
            runtime: Some(runtime),
        }
    }

    /// `https://localhost:PORT`
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// TCP connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.seen().connections
    }

    /// Connections whose client has not closed yet.
    pub fn open_connections(&self) -> usize {
        self.shared.seen().open
    }

    /// Requests received whole so far, in order of arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.seen().requests.clone()
    }

    /// Waits for the `n`th request and returns all so far. Panics if it does not come.
    pub fn wait_requests(&self, n: usize) -> Vec<Received> {
        let (seen, waited) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.seen(), PATIENCE, |seen| seen.requests.len() < n)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !waited.timed_out(),
            "upstream waited in vain for {n} requests"
        );
        seen.requests.clone()
    }
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting is not allowed where the test itself is async; nothing here blocks.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, request: &Received) {
        self.seen().requests.push(request.clone());
        self.changed.notify_all();
    }
}

async fn accept_all(listener: std::net::TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    listener
        .set_nonblocking(true)
        .expect("nonblocking listener");
    let listener = TcpListener::from_std(listener).expect("listener on the runtime");
    while let Ok((socket, _)) = listener.accept().await {
        let number = {
            let mut seen = shared.seen();
            seen.connections += 1;
            seen.open += 1;
            seen.connections - 1
        };
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            // Its error is nobody's: what the peer saw is what a test asserts.
            let _ = serve(socket, number, tls, shared.clone()).await;
            shared.seen().open -= 1;
        });
    }
}

/// Lives a whole connection, until the client closes it too.
async fn serve(
    socket: TcpStream,
    number: usize,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = socket.into_std()?;
    let twin = TcpStream::from_std(socket.try_clone()?)?;
    let stream = tls.accept(TcpStream::from_std(socket)?).await?;
    let mut builder = h2::server::Builder::new();
    if let Some(window) = shared.settings.initial_window {
        builder.initial_window_size(window);
    }
    if let Some(streams) = shared.settings.max_concurrent_streams {
        builder.max_concurrent_streams(streams);
    }
    if let Ok(connection) = builder.handshake(stream).await {
        drive(connection, number, shared).await;
    }
    close(twin).await
}

/// Closing a socket that holds unread bytes is a TCP reset, which can overtake the GOAWAY
/// the client should read: so ends the sending side and reads on until the client closes.
async fn close(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    tokio::io::copy(&mut socket, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn drive<T>(mut connection: Connection<T, Bytes>, number: usize, shared: Arc<Shared>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (commands, mut commanded) = unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                tokio::spawn(answer(request, respond, number, shared.clone(), commands.clone()));
            }
            Some(command) = commanded.recv() => match command {
                Command::GoAway => connection.graceful_shutdown(),
                Command::Abort(reason) => connection.abrupt_shutdown(reason),
            },
        }
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    connection: usize,
    shared: Arc<Shared>,
    commands: UnboundedSender<Command>,
) -> Option<()> {
    let request = receive(request, connection).await?;
    shared.keep(&request);
    let mut sending: Option<SendStream<Bytes>> = None;
    for step in (shared.reply)(&request) {
        match step {
            Http2Step::Head(status, headers) => {
                let mut response = Response::builder().version(Version::HTTP_2).status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                sending = Some(respond.send_response(response.body(()).ok()?, false).ok()?);
            }
            Http2Step::Data(bytes) => send(sending.as_mut()?, bytes.into()).await?,
            Http2Step::End => sending.as_mut()?.send_data(Bytes::new(), true).ok()?,
            Http2Step::ResetStream(reason) => match sending.as_mut() {
                Some(stream) => stream.send_reset(reason),
                None => respond.send_reset(reason),
            },
            Http2Step::GoAway => commands.send(Command::GoAway).ok()?,
            Http2Step::Abort(reason) => commands.send(Command::Abort(reason)).ok()?,
            Http2Step::Pause(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Http2Step::WaitFor(gate) => wait_for(&gate).await,
            Http2Step::Open(gate) => gate.open(),
            Http2Step::Hang => std::future::pending().await,
        }
    }
    Some(())
}

async fn receive(request: Request<RecvStream>, connection: usize) -> Option<Received> {
    let (head, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(data) = incoming.data().await {
        let data = data.ok()?;
        incoming.flow_control().release_capacity(data.len()).ok()?;
        body.extend_from_slice(&data);
    }
    Some(Received {
        connection,
        method: head.method.to_string(),
        target: head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned(),
        version: "HTTP/2".to_owned(),
        headers: pairs(&head.headers),
        body,
    })
}

/// Waits for the client's window before each piece.
async fn send(stream: &mut SendStream<Bytes>, mut bytes: Bytes) -> Option<()> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|context| stream.poll_capacity(context))
            .await?
            .ok()?;
        let piece = bytes.split_to(room.min(bytes.len()));
        stream.send_data(piece, false).ok()?;
    }
    Some(())
}

async fn wait_for(gate: &Gate) {
    while !gate.is_open() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}
