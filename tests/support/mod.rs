//! What the integration tests share.

pub mod abi;
pub mod http2;
pub mod upstream;
