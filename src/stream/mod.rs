//! Bytes to lines. [`LineSplitter`] cuts any byte stream into lines and changes none of
//! their bytes; [`Ending`] watches the lines go by and knows, when the bytes stop, how the
//! stream ended by the provider's own words.

mod ending;
mod eventstream;
mod lines;

pub use ending::{Ending, Marker, reported_code};
pub use eventstream::EventStreamSplitter;
pub use lines::{LineSplitter, LineTooLong};
