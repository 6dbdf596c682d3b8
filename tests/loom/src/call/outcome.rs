//! A stand-in for how an operation ended: a name to know it by.

#[derive(Debug, PartialEq, Eq)]
pub struct Outcome(pub &'static str);
