//! The life of calls, pollers and the library itself through the C ABI: start, cancel, end
//! and free in every order; starting and stopping; many calls and threads at once; what the
//! process around the library feels of it.
//!
//! Most tests look at something the whole process shares (threads, descriptors, memory, the
//! one runtime), so they run in a process of their own: see [`process`].

mod backpressure;
mod busy;
mod calls;
mod connections;
mod fork;
mod handles;
mod lanes;
mod limits;
mod many;
mod options;
mod poller;
mod process;
mod scene;
mod shutdown;
mod signals;
#[path = "../support/mod.rs"]
mod support;
