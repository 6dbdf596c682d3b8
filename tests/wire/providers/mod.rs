//! What each provider is sent, and that its answers come back byte for byte.

mod models;
mod options;
mod requests;
mod urls;
