//! modelwire: every large-language-model provider through one small C ABI.
//!
//! The rooms of this crate, in the direction data flows; a module imports only from those
//! to its right:
//!
//! ```text
//! ffi -> call -> provider -> credentials | transport -> stream -> config, error
//! ```
//!
//! - [`ffi`] is the C ABI and nothing else, and the only room with `unsafe`.
//! - [`call`] is an operation in flight: handles, events, pollers, the task.
//! - [`provider`] has the wire rules, one file per provider, without I/O.
//! - [`credentials`] attaches keys and tokens.
//! - [`transport`] is the runtime, the client pool, TLS, proxies and sending.
//! - [`stream`] cuts bytes into lines and knows how a stream ended.
//! - [`config`], [`settings`], [`fields`], [`secret`], [`probe`] and [`error`] are what all
//!   of them speak in.
//!
//! Programs use the C ABI of `include/modelwire.h`. The Rust items are what it wraps; they
//! carry no promise of stability.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod call;
pub mod config;
pub mod credentials;
pub mod error;
pub mod ffi;
pub mod fields;
pub mod probe;
pub mod provider;
pub mod secret;
pub mod settings;
pub mod stream;
pub mod transport;

/// The ABI's version; it changes only when a program built against an older header would
/// misbehave.
pub const ABI_VERSION: u32 = 1;
