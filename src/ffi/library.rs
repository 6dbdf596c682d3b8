//! The library itself: versions, start, stop, description, statistics.

use std::ffi::c_char;
use std::time::Duration;

use serde_json::json;

use super::guard::{guarded, status};
use super::input::bytes;
use super::process::library;
use super::results::{give_json, live, modelwire_result};
use crate::error::Status;

/// The ABI version of the library at hand; compare it with MODELWIRE_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_abi_version() -> u32 {
    crate::ABI_VERSION
}

/// The library's version, for example "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The stable lower-case name of a status: "ok", "argument", "backend", ...; "unknown" for
/// a number that is none. Static.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_status_name(status: i32) -> *const c_char {
    let known = Status::from_code(status);
    known.map_or(c"unknown", Status::c_name).as_ptr()
}

/// Starts the library with `options`, a JSON object of UTF-8 bytes; optional: without it
/// the first operation starts it with defaults. Options, all optional: worker_threads,
/// default_http_timeout_ms (120000), response_header_timeout_ms (120000),
/// stream_timeout_ms (300000), idle_timeout_ms (off), connect_timeout_ms (10000),
/// probe_timeout_ms (10000), max_idle_per_host (20), idle_connection_ms (60000),
/// max_line_bytes (16777216), max_response_bytes (268435456), stream_buffer_bytes
/// (1048576), proxy, no_proxy, ca_pem, client_cert_pem, user_agent. The proxy variables of
/// the environment are read here, or at the first operation, and not again.
///
/// Errors: MODELWIRE_E_CONFIG naming the option, MODELWIRE_E_ARGUMENT when the library runs
/// already, MODELWIRE_E_SHUTDOWN while it stops or when the system gives no threads.
///
/// # Safety
/// `options` is NULL or points to `options_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn modelwire_init(
    options: *const u8,
    options_len: usize,
) -> *mut modelwire_result {
    let answer = guarded(|| {
        // SAFETY: the caller's promise.
        let options = unsafe { bytes(options, options_len, "options") }?;
        library().init(options)?;
        Ok(json!({}))
    });
    give_json(answer, "", None)
}

/// Stops the library: new operations are refused, those in flight get `grace_ms`
/// milliseconds, the rest end with MODELWIRE_E_SHUTDOWN; every terminal event is delivered,
/// every socket closed and every thread joined, but for one that the system's name resolver
/// does not give back within ten seconds, and the connection of a blocking call that is inside
/// its line callback, which closes when the callback returns. Blocks until then. Calls that ended can still be
/// finished, results still be read and freed. A later operation starts afresh.
///
/// Returns MODELWIRE_OK, also when nothing ran, or MODELWIRE_E_SHUTDOWN when another thread
/// shuts down already.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_shutdown(grace_ms: u32) -> i32 {
    status(|| {
        let grace = Duration::from_millis(u64::from(grace_ms));
        library().shutdown(grace).map(|()| 0)
    })
}

/// The body is a JSON object: version, abi_version, providers, running, options (their
/// values now), defaults, limits.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_describe() -> *mut modelwire_result {
    give_json(guarded(|| Ok(library().describe())), "", None)
}

/// The body is a JSON object: calls, pollers and results alive, threads of the runtime,
/// connections {provider: {opened, reused}} since it started, tokens {entries, refreshes}
/// of the clouds' identities.
#[unsafe(no_mangle)]
pub extern "C" fn modelwire_stats() -> *mut modelwire_result {
    let answer = guarded(|| {
        let mut stats = library().stats();
        stats["results"] = live().into();
        Ok(stats)
    });
    give_json(answer, "", None)
}
