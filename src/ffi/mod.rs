//! The C ABI: every function of `include/modelwire.h`, and nothing else. Functions check
//! their pointers, copy what they borrow, and hand on to safe code; a panic stops here. The
//! doc comments of this room are the header's comments.

// The one room where `unsafe` may stand.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

mod blocking;
mod calls;
mod constants;
mod guard;
mod input;
mod library;
mod pollers;
mod process;
mod providers;
mod results;
mod sse;

pub use blocking::*;
pub use calls::*;
pub use constants::*;
pub use library::*;
pub use pollers::*;
pub use providers::*;
pub use results::*;
pub use sse::*;
