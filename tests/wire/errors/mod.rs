//! Every status that an operation can end with before or instead of an answer, and the
//! fields of `info` that name its cause.

mod backend;
mod deadlines;
mod input;
mod network;
mod tls;
