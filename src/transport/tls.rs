//! TLS settings: the system's trusted roots, plus those a config adds, with certificate
//! checks always on. Reading the system's store costs milliseconds, so a setting is built
//! when a connection first needs it, and shared by every client that wants the same.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

use crate::config::{TransportConfig, Unusable};
use crate::secret::Secret;

/// One TLS setting, shared by all its clients.
#[derive(Debug)]
pub(super) struct Tls {
    wanted: TransportConfig,
    made: OnceCell<Configs>,
}

#[derive(Debug)]
pub(super) struct Configs {
    /// For providers: HTTP/2, or else HTTP/1.
    pub(super) peers: Arc<ClientConfig>,
    /// Proxies speak HTTP/1.
    pub(super) proxies: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(wanted: TransportConfig) -> Tls {
        Tls {
            wanted,
            made: OnceCell::new(),
        }
    }

    /// Says what of the setting cannot be used, without a look at the system's store.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        if self.wanted.ca_pem.is_some() || self.wanted.client_cert_pem.is_some() {
            self.configs()?;
        }
        Ok(())
    }

    pub(super) fn configs(&self) -> Result<&Configs, Unusable> {
        self.made.get_or_try_init(|| {
            let peers = tls_config(&self.wanted)?;
            let mut proxies = peers.clone();
            proxies.alpn_protocols.clear();
            Ok(Configs {
                peers: Arc::new(peers),
                proxies: Arc::new(proxies),
            })
        })
    }
}

fn tls_config(wanted: &TransportConfig) -> Result<ClientConfig, Unusable> {
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = verifier(wanted.ca_pem.as_deref(), &crypto)?;
    let builder = builder(crypto)?
        .dangerous() // rustls's name for "with a verifier of ours"; both below verify fully
        .with_custom_certificate_verifier(verifier);
    let mut config = match &wanted.client_cert_pem {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let (chain, key) = identity(pem)?;
            let fitting = builder.with_client_auth_cert(chain, key);
            fitting.map_err(|_| unusable_identity("the key does not fit the certificate"))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn builder(
    crypto: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Unusable> {
    ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(|_| unusable_ca())
}

/// The platform's verifier with the config's roots added; where the system has no CA store
/// at all (a bare container), the bundled Mozilla roots take its place.
fn verifier(
    ca_pem: Option<&str>,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Unusable> {
    let extra = extra_roots(ca_pem)?;
    // Asked without the extra roots, since with them an empty store passes for a full one.
    if let Ok(verifier) = Verifier::new(crypto.clone()) {
        if extra.is_empty() {
            return Ok(Arc::new(verifier));
        }
        let verifier = Verifier::new_with_extra_roots(extra, crypto.clone());
        return Ok(Arc::new(verifier.map_err(|_| unusable_ca())?));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    for certificate in extra {
        roots.add(certificate).map_err(|_| unusable_ca())?;
    }
    let bundled = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto.clone())
        .build()
        .map_err(|_| unusable_ca())?;
    Ok(bundled)
}

fn extra_roots(ca_pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let Some(pem) = ca_pem else {
        return Ok(Vec::new());
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| unusable_ca())?;
    if certificates.is_empty() {
        return Err(unusable_ca());
    }
    let mut probe = RootCertStore::empty();
    for certificate in &certificates {
        probe.add(certificate.clone()).map_err(|_| unusable_ca())?;
    }
    Ok(certificates)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(pem: &Secret) -> Result<Identity, Unusable> {
    let pem = pem.expose().as_bytes();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| unusable_identity("a certificate in it is not PEM"))?;
    if chain.is_empty() {
        return Err(unusable_identity(
            "expected a PEM certificate and its private key",
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| unusable_identity("expected a PEM private key beside the certificate"))?;
    Ok((chain, key))
}

fn unusable_ca() -> Unusable {
    Unusable {
        field: "ca_pem",
        reason: "expected one or more PEM certificates",
    }
}

fn unusable_identity(reason: &'static str) -> Unusable {
    Unusable {
        field: "client_cert_pem",
        reason,
    }
}
