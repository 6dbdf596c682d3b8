//! A service account's key file, and the token it buys: a JWT signed with the key, traded
//! at the account's token endpoint (RFC 7523).
//! <https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests>

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{SCOPE, TOKEN_URI};
use crate::credentials::Means;
use crate::credentials::cache::{Key, Lease};
use crate::credentials::exchange::{Endpoint, Token, secure_url};
use crate::error::Error;
use crate::secret::Secret;

/// What signs assertions.
pub type Signer = RsaKeyPair;

/// The parts of a key file that buy a token.
#[derive(Clone, Debug, Hash)]
pub struct ServiceAccount {
    /// Where it stood, for messages.
    origin: &'static str,
    client_email: String,
    private_key_id: Option<String>,
    private_key: Secret,
    token_uri: String,
}

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key: Option<String>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

/// Google takes no assertion that is good for longer.
const ASSERTION_LIFETIME: u64 = 3600;

/// An assertion is dated back by this, for clocks that run ahead.
const CLOCK_ALLOWANCE: u64 = 10;

const SIGNER_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

impl ServiceAccount {
    /// Reads a key file that stood in `origin`.
    ///
    /// # Errors
    /// `Credentials` saying what is missing or why the type is refused.
    pub fn parse(origin: &'static str, json: &[u8]) -> Result<ServiceAccount, Error> {
        let wrong = |what: &str| Error::Credentials(format!("{origin}: {what}"));
        let file: KeyFile = serde_json::from_slice(json).map_err(|at| {
            let (line, column) = (at.line(), at.column());
            wrong(&format!(
                "not a service account's JSON (line {line}, column {column})"
            ))
        })?;
        let private_key = file.private_key.map(Secret::new);
        refuse_other_types(origin, file.kind.as_deref())?;
        let missing = |name: &str| wrong(&format!("{name} is missing"));
        let account = ServiceAccount {
            origin,
            client_email: given(file.client_email).ok_or_else(|| missing("client_email"))?,
            private_key_id: given(file.private_key_id),
            private_key: private_key
                .filter(|key| !key.is_blank())
                .ok_or_else(|| missing("private_key"))?,
            token_uri: given(file.token_uri).unwrap_or_else(|| TOKEN_URI.to_owned()),
        };
        secure_url(&format!("{origin}: token_uri"), &account.token_uri)?;
        Ok(account)
    }

    /// Buys a token.
    ///
    /// # Errors
    /// `Credentials`.
    pub async fn token(&self, means: &Means) -> Result<Lease<Token>, Error> {
        let url = secure_url(&format!("{}: token_uri", self.origin), &self.token_uri)?;
        let key = Key::of("google signer", &self.private_key);
        let signer = means.cache.signers.get(key, || {
            let (origin, pem) = (self.origin, self.private_key.clone());
            async move {
                Ok(Lease {
                    value: signer(origin, &pem)?,
                    lifetime: SIGNER_LIFETIME,
                })
            }
        });
        let signer: Arc<Signer> = signer.await?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let assertion = self.assertion(&signer, now.as_secs())?;
        let endpoint = Endpoint {
            name: "the Google token endpoint",
            means,
        };
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.as_str()),
        ];
        endpoint.post_form(url, &form).await
    }

    fn assertion(&self, signer: &Signer, now: u64) -> Result<Zeroizing<String>, Error> {
        let issued = now.saturating_sub(CLOCK_ALLOWANCE);
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.private_key_id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued + ASSERTION_LIFETIME,
        });
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let mut jwt = Zeroizing::new(format!("{}.{}", part(&header), part(&claims)));
        let mut signature = vec![0; signer.public_modulus_len()];
        signer
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                jwt.as_bytes(),
                &mut signature,
            )
            .map_err(|_| unusable_key(self.origin))?;
        jwt.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(&signature, &mut jwt);
        Ok(jwt)
    }
}

/// Refuses every kind of credentials file but a service account's.
///
/// # Errors
/// `Credentials` saying why.
fn refuse_other_types(origin: &str, kind: Option<&str>) -> Result<(), Error> {
    let why = match kind {
        Some("service_account") => return Ok(()),
        None => "type is missing; expected service_account",
        Some(kind) => refusal(kind),
    };
    Err(Error::Credentials(format!("{origin}: {why}")))
}

/// Why a file of this type is not used.
pub(super) fn refusal(kind: &str) -> &'static str {
    match kind {
        "external_account" | "external_account_authorized_user" => {
            "type external_account is refused: such a file can name a local program to run or \
             any address to send tokens to; use a service account's key, or pass an access \
             token as api_key"
        }
        "impersonated_service_account" => {
            "type impersonated_service_account is not supported; use a service account's key, \
             or pass an access token as api_key"
        }
        "authorized_user" => {
            "type authorized_user is a person's login and is read from the application default \
             credentials only; expected service_account"
        }
        _ => "the type is not supported; expected service_account",
    }
}

/// PKCS#8, as Google writes it, or PKCS#1.
fn signer(origin: &str, pem: &Secret) -> Result<Signer, Error> {
    let unusable = || unusable_key(origin);
    let key = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| unusable())?;
    let parsed = match &key {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(unusable()),
    };
    parsed.map_err(|_| unusable())
}

fn unusable_key(origin: &str) -> Error {
    Error::Credentials(format!(
        "{origin}: private_key is not a usable RSA key in PEM (PKCS#8 or PKCS#1)"
    ))
}

fn given(text: Option<String>) -> Option<String> {
    let trimmed = text?.trim().to_owned();
    (!trimmed.is_empty()).then_some(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "credentials.gcp.service_account_json";

    fn error(json: &str) -> String {
        match ServiceAccount::parse(ORIGIN, json.as_bytes()) {
            Err(Error::Credentials(text)) => text,
            other => panic!("expected a credentials error, got {other:?}"),
        }
    }

    #[test]
    fn only_a_whole_service_account_is_taken() {
        for (json, reason) in [
            ("{", "not a service account's JSON (line 1, column 1)"),
            ("[]", "not a service account's JSON (line 1, column 2)"),
            ("{}", "type is missing; expected service_account"),
            (r#"{"type":"service_account"}"#, "client_email is missing"),
            (
                r#"{"type":"service_account","client_email":"a@b","private_key":" "}"#,
                "private_key is missing",
            ),
            (
                r#"{"type":"service_account","client_email":"a@b","private_key":"k","token_uri":"http://far/t"}"#,
                "token_uri: expected an https URL, or an http URL on a loopback address",
            ),
        ] {
            assert_eq!(error(json), format!("{ORIGIN}: {reason}"), "{json}");
        }
    }

    #[test]
    fn other_types_are_refused_with_a_reason() {
        for (kind, reason) in [
            ("external_account", "can name a local program to run"),
            (
                "external_account_authorized_user",
                "can name a local program to run",
            ),
            ("impersonated_service_account", "is not supported"),
            ("authorized_user", "application default credentials only"),
            ("MARK", "expected service_account"),
        ] {
            let text = error(&format!(r#"{{"type":"{kind}","private_key":"MARK"}}"#));
            assert!(text.contains(reason), "{text}");
            assert!(!text.contains("MARK"), "{text}");
        }
    }

    #[test]
    fn the_account_does_not_print_its_key() {
        let json = br#"{"type":"service_account","client_email":"a@b","private_key":"MARK"}"#;
        let account = ServiceAccount::parse(ORIGIN, json).expect("whole");
        assert!(!format!("{account:?}").contains("MARK"));
        let error = signer(ORIGIN, &account.private_key)
            .expect_err("no PEM")
            .to_string();
        assert!(
            error.ends_with("is not a usable RSA key in PEM (PKCS#8 or PKCS#1)"),
            "{error}"
        );
    }
}
