//! Certificates made on the spot: a CA, a leaf for `localhost` and 127.0.0.1,
//! and the ways such a pair can be wrong.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;

/// Who the upstream is over TLS, and which CA a client is told to trust.
pub struct TlsIdentity {
    ca: Authority,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// What `ca_pem` says; another CA's for [`TlsIdentity::unknown_ca`].
    trusted_pem: String,
    asks_client: bool,
    stalled: bool,
    alpn: Vec<Vec<u8>>,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

impl TlsIdentity {
    /// Everything as it should be.
    pub fn valid() -> TlsIdentity {
        TlsIdentity::with_leaf(leaf_params(&["localhost", "127.0.0.1"]))
    }

    /// The leaf ended in 2001.
    pub fn expired() -> TlsIdentity {
        let mut leaf = leaf_params(&["localhost", "127.0.0.1"]);
        leaf.not_before = date_time_ymd(2000, 1, 1);
        leaf.not_after = date_time_ymd(2001, 1, 1);
        TlsIdentity::with_leaf(leaf)
    }

    /// The leaf is for another host.
    pub fn wrong_name() -> TlsIdentity {
        TlsIdentity::with_leaf(leaf_params(&["elsewhere.invalid"]))
    }

    /// `ca_pem` is a CA that did not sign the leaf.
    pub fn unknown_ca() -> TlsIdentity {
        TlsIdentity {
            trusted_pem: authority("another CA").pem(),
            ..TlsIdentity::valid()
        }
    }

    /// Accepts TCP and never speaks.
    pub fn stalled() -> TlsIdentity {
        TlsIdentity {
            stalled: true,
            ..TlsIdentity::valid()
        }
    }

    /// Refuses a client without a certificate of [`client_pem`](TlsIdentity::client_pem).
    pub fn require_client_certificate(mut self) -> TlsIdentity {
        self.asks_client = true;
        self
    }

    /// The protocols the upstream agrees to speak, best first; `http/1.1` unless told.
    pub fn alpn(mut self, protocols: &[&str]) -> TlsIdentity {
        self.alpn = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        self
    }

    /// A fresh client certificate and its key, signed by this identity's CA.
    pub fn client_pem(&self) -> String {
        let key = KeyPair::generate().expect("client key");
        let mut params = named("modelwire test client");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params
            .signed_by(&key, &self.ca)
            .expect("client certificate");
        certificate.pem() + &key.serialize_pem()
    }

    /// The CA a client is to trust.
    pub fn ca_pem(&self) -> &str {
        &self.trusted_pem
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled
    }

    pub fn server_config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("protocol versions");
        let builder = match self.asks_client {
            false => builder.with_no_client_auth(),
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(self.ca.der().clone()).expect("CA as a root");
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                builder.with_client_cert_verifier(verifier.build().expect("client verifier"))
            }
        };
        let mut config = builder
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .expect("server certificate");
        config.alpn_protocols = self.alpn.clone();
        Arc::new(config)
    }

    fn with_leaf(leaf: CertificateParams) -> TlsIdentity {
        let ca = authority("modelwire test CA");
        let key = KeyPair::generate().expect("leaf key");
        let certificate = leaf.signed_by(&key, &ca).expect("leaf certificate");
        TlsIdentity {
            trusted_pem: ca.pem(),
            ca,
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            asks_client: false,
            stalled: false,
            alpn: vec![b"http/1.1".to_vec()],
        }
    }
}

fn authority(name: &str) -> Authority {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("CA key");
    Authority::self_signed(params, key).expect("CA certificate")
}

fn leaf_params(names: &[&str]) -> CertificateParams {
    let mut params = named("modelwire test upstream");
    // Strict verifiers (Python 3.13) ask for it.
    params.use_authority_key_identifier_extension = true;
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    params.subject_alt_names = CertificateParams::new(names)
        .expect("names")
        .subject_alt_names;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}
