//! The upstream over TLS: identities good and bad, and how a session ends.

use crate::support::upstream::*;
use crate::{connect, get};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

fn client(
    upstream: &Upstream,
    identity_pem: Option<&str>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(upstream.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity_pem {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
            builder
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(session, connect(upstream))
}

fn exchange_tls(upstream: &Upstream, identity_pem: Option<&str>) -> Result<String, String> {
    let mut stream = client(upstream, identity_pem);
    stream
        .write_all(get("/").as_bytes())
        .map_err(|error| error.to_string())?;
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn tls_identities_are_good_or_bad_in_their_own_way() {
    let cases = [
        (TlsIdentity::valid(), Ok("ok")),
        (TlsIdentity::expired(), Err("certificate expired")),
        (TlsIdentity::wrong_name(), Err("not valid for name")),
        (TlsIdentity::unknown_ca(), Err("UnknownIssuer")),
    ];
    for (identity, expected) in cases {
        let upstream = Upstream::start_tls(vec![Step::send("ok"), Step::Close], identity);
        assert!(upstream.url().starts_with("https://localhost:"));
        match (exchange_tls(&upstream, None), expected) {
            (Ok(text), Ok(wanted)) => assert_eq!(text, wanted),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (got, wanted) => panic!("{got:?} instead of {wanted:?}"),
        }
    }
}

#[test]
fn tls_can_require_a_client_certificate() {
    let identity = TlsIdentity::valid().require_client_certificate();
    let pem = identity.client_pem();
    let upstream = Upstream::start_tls(vec![Step::send("ok"), Step::Close], identity);
    assert_eq!(exchange_tls(&upstream, Some(&pem)), Ok("ok".to_owned()));
    let stranger = TlsIdentity::valid().client_pem();
    assert!(exchange_tls(&upstream, Some(&stranger)).is_err());
    assert!(exchange_tls(&upstream, None).is_err());
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn tls_ends_with_or_without_a_notice() {
    let closed = Upstream::start_tls(vec![Step::send("ok"), Step::Close], TlsIdentity::valid());
    assert_eq!(exchange_tls(&closed, None), Ok("ok".to_owned()));
    let cut = Upstream::start_tls(vec![Step::send("ok"), Step::Cut], TlsIdentity::valid());
    let error = exchange_tls(&cut, None).unwrap_err();
    assert!(error.contains("close_notify"), "{error}");
}

#[test]
fn a_stalled_handshake_says_nothing() {
    let upstream = Upstream::start_tls(json("{}"), TlsIdentity::stalled());
    let mut stream = client(&upstream, None);
    stream
        .sock
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let error = stream.write_all(b"x").unwrap_err().kind();
    assert!(
        matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error:?}"
    );
    assert_eq!((upstream.connections(), upstream.requests().len()), (1, 0));
}
