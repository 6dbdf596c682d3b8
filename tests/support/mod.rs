//! What the integration tests share.

pub mod http2;
pub mod upstream;
