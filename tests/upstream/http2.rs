//! The HTTP/2 upstream, driven with the h2 crate's client.

use crate::LIMIT;
use crate::support::http2::*;
use crate::support::upstream::Gate;
use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Method, Request, Response};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

struct Client {
    requests: SendRequest<Bytes>,
    /// Ends when the connection does.
    connection: JoinHandle<Result<(), h2::Error>>,
}

async fn connect(upstream: &Http2Upstream) -> Client {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(upstream.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(("127.0.0.1", upstream.port()))
        .await
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (requests, connection) = h2::client::handshake(stream).await.unwrap();
    Client {
        requests,
        connection: tokio::spawn(connection),
    }
}

impl Client {
    async fn get(&mut self, upstream: &Http2Upstream) -> Result<Response<RecvStream>, h2::Error> {
        poll_fn(|context| self.requests.poll_ready(context)).await?;
        let request = Request::get(format!("{}/a?b=c", upstream.url()))
            .body(())
            .unwrap();
        let (response, _) = self.requests.send_request(request, true)?;
        timeout(LIMIT, response).await.expect("an answer in time")
    }
}

async fn read(response: Response<RecvStream>) -> Result<Vec<u8>, h2::Error> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = timeout(LIMIT, body.data()).await.expect("data in time") {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn ok() -> Http2Step {
    Http2Step::Head(200, vec![("content-type", "text/event-stream")])
}

#[tokio::test]
async fn answers_and_keeps_requests() {
    // Twice the default window, so that the client's updates are needed.
    let long = vec![b'x'; 131_070];
    let expected = long.clone();
    let upstream =
        Http2Upstream::start(move |_| vec![ok(), Http2Step::Data(long.clone()), Http2Step::End]);
    let mut client = connect(&upstream).await;
    let response = client.get(&upstream).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(read(response).await.unwrap(), expected);

    let requests = upstream.wait_requests(1);
    assert_eq!(
        (requests[0].method.as_str(), requests[0].target.as_str()),
        ("GET", "/a?b=c")
    );
    assert_eq!(
        (requests[0].version.as_str(), requests[0].connection),
        ("HTTP/2", 0)
    );
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn resets_a_stream_before_and_after_its_head() {
    let upstream = Http2Upstream::start(|_| vec![Http2Step::ResetStream(Reason::REFUSED_STREAM)]);
    let error = connect(&upstream).await.get(&upstream).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));

    let read_it = Gate::new();
    let gate = read_it.clone();
    let upstream = Http2Upstream::start(move |_| {
        let reset = Http2Step::ResetStream(Reason::INTERNAL_ERROR);
        vec![ok(), Http2Step::WaitFor(gate.clone()), reset]
    });
    let response = connect(&upstream).await.get(&upstream).await.unwrap();
    read_it.open();
    let error = read(response).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn goes_away_with_grace_or_without() {
    let sent = Gate::new();
    let gate = sent.clone();
    let upstream = Http2Upstream::start(move |_| {
        let data = Http2Step::Data(b"whole".to_vec());
        vec![
            ok(),
            Http2Step::GoAway,
            Http2Step::WaitFor(gate.clone()),
            data,
            Http2Step::End,
        ]
    });
    let mut client = connect(&upstream).await;
    let response = client.get(&upstream).await.unwrap();
    sent.open();
    assert_eq!(read(response).await.unwrap(), b"whole");
    timeout(LIMIT, client.connection)
        .await
        .expect("the connection ends")
        .unwrap()
        .unwrap();

    let upstream = Http2Upstream::start(|_| {
        vec![
            ok(),
            Http2Step::Abort(Reason::ENHANCE_YOUR_CALM),
            Http2Step::Hang,
        ]
    });
    let mut client = connect(&upstream).await;
    let outcome = match client.get(&upstream).await {
        Ok(response) => read(response).await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(outcome.is_err());
    let ended = timeout(LIMIT, client.connection)
        .await
        .expect("the connection ends")
        .unwrap();
    assert_eq!(ended.unwrap_err().reason(), Some(Reason::ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn a_closed_window_takes_no_upload() {
    let settings = Http2Settings {
        initial_window: Some(0),
        ..Http2Settings::default()
    };
    let upstream = Http2Upstream::start_with(settings, |_| vec![ok(), Http2Step::End]);
    let mut client = connect(&upstream).await;
    // A bodiless exchange first, so that the client knows the settings.
    read(client.get(&upstream).await.unwrap()).await.unwrap();

    let request = Request::builder()
        .method(Method::POST)
        .uri(upstream.url())
        .body(())
        .unwrap();
    let (_response, mut upload) = client.requests.send_request(request, false).unwrap();
    upload.reserve_capacity(1);
    let room = poll_fn(|context| upload.poll_capacity(context));
    assert!(timeout(Duration::from_millis(100), room).await.is_err());
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn dropping_ends_a_hang() {
    let upstream = Http2Upstream::start(|_| vec![ok(), Http2Step::Hang]);
    let response = connect(&upstream).await.get(&upstream).await.unwrap();
    tokio::task::spawn_blocking(move || drop(upstream))
        .await
        .unwrap();
    assert!(read(response).await.is_err());
}
