//! Providers: their names, their options, and what a request to them would look like.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::guard::guarded;
use super::input::{bytes, copied, name, shared};
use super::process::library;
use super::results::{give_json, modelwire_result};
use crate::call::{Operation, Start};
use crate::error::Error;
use crate::fields::{Fields, parse_object};
use crate::probe::Verdict;
use crate::provider;

/// The supported providers as a JSON array of names. Static.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_supported_providers() -> *const c_char {
    static NAMES: OnceLock<CString> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let names: Vec<_> = provider::names().collect();
        CString::new(serde_json::json!(names).to_string()).unwrap_or_default() // plain names
    });
    names.as_ptr()
}

/// 1 when `provider` is the exact name of a supported provider, else 0; 0 for NULL.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_is_valid_provider(provider: *const c_char) -> i32 {
    // SAFETY: the caller's promise.
    let name = unsafe { name(provider) };
    i32::from(name.is_ok_and(|name| provider::find(name).is_ok()))
}

/// Checks a provider's options, the JSON object that stands under "options" in a config.
/// The body is the options decoded and normalised, as JSON.
///
/// Errors: MODELWIRE_E_ARGUMENT, MODELWIRE_E_PROVIDER, MODELWIRE_E_CONFIG naming the option.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string; `options` is NULL or points to
/// `options_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_validate_provider_options(
    provider: *const c_char,
    options: *const u8,
    options_len: usize,
) -> *mut modelwire_result {
    // SAFETY: the caller's promise.
    let given = unsafe { name(provider) };
    let answer = guarded(|| {
        let provider = provider::find(given.clone()?)?;
        // SAFETY: the caller's promise.
        let options = unsafe { bytes(options, options_len, "options") }?;
        let document = parse_object(options, "options")?;
        let decoded = provider.decode_options(&Fields::new("options", &document))?;
        Ok(decoded.into())
    });
    give_json(answer, given.as_deref().unwrap_or_default(), None)
}

/// A dry run of MODELWIRE_OP_COMPLETIONS or MODELWIRE_OP_COMPLETIONS_STREAM: no credential
/// is fetched and nothing is sent. The body is JSON `{method, url, headers, model, body}`;
/// secret values read "`[redacted]`". A request body that is not UTF-8 is in body_base64.
///
/// Errors: those of the config, the options and the request that the operation would end
/// with before any network. Certificates, proxies and the bytes of keys are not looked at.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string; `config` and `request` are NULL or point
/// to as many bytes as their lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_prepare(
    provider: *const c_char,
    config: *const u8,
    config_len: usize,
    request: *const u8,
    request_len: usize,
    operation: u32,
) -> *mut modelwire_result {
    // SAFETY: the caller's promise.
    let given = unsafe { name(provider) };
    let kind = Operation::from_code(operation);
    let answer = guarded(|| {
        // SAFETY: the caller's promise.
        let (config, request) = unsafe {
            (
                bytes(config, config_len, "config")?,
                bytes(request, request_len, "request")?,
            )
        };
        library().prepare(Start {
            operation: kind.ok_or_else(|| Error::Argument("unknown operation".into()))?,
            provider: given.clone()?,
            config: copied(config, "config")?,
            request: shared(request, "request")?,
        })
    });
    give_json(answer, given.as_deref().unwrap_or_default(), kind)
}

/// Sets the total deadline of unary calls that start from now on, in milliseconds. 0 is
/// ignored. Returns MODELWIRE_OK.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_set_default_http_timeout(timeout_ms: u64) -> i32 {
    super::guard::status(|| {
        library().set_default_http_timeout(timeout_ms);
        Ok(0)
    })
}

/// What an HTTP status means as the answer to a probe, as `provider` uses it, or in
/// general where `provider` is NULL. The body is JSON {"ok", "stage", "status_code",
/// "message"}.
///
/// Errors: MODELWIRE_E_ARGUMENT, MODELWIRE_E_PROVIDER.
///
/// # Safety
/// `provider` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_classify_probe_status(
    provider: *const c_char,
    http_status: i32,
) -> *mut modelwire_result {
    let given = match provider.is_null() {
        true => Ok(""),
        // SAFETY: the caller's promise.
        false => unsafe { name(provider) },
    };
    let answer = guarded(|| {
        let rejects = match given.clone()? {
            "" if provider.is_null() => false,
            name => provider::find(name)?.rejects_credentials_with_400(),
        };
        let status = u16::try_from(http_status)
            .map_err(|_| Error::Argument("http_status is not an HTTP status".into()))?;
        Ok(Verdict::of_status(status, rejects).to_json())
    });
    give_json(answer, given.as_deref().unwrap_or_default(), None)
}
