//! Bedrock and AWS identities through the C ABI, against servers that others wrote: frames
//! and signature checks by @smithy's packages, STS, IAM and instance metadata by moto. Both
//! come from `scripts/peers.sh`; where they are missing the tests that need them say so and
//! pass, unless CI is set.

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "aws-chain")]
mod chain;
mod child;
mod environment;
mod peers;
mod requests;
mod roles;
mod runtime;
