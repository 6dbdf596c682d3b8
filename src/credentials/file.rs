//! Reading a credentials file without holding up the runtime.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

use crate::secret::Secret;

/// No credentials file is larger.
const MAX_BYTES: u64 = 1024 * 1024;

/// The text of the file at `path`.
///
/// # Errors
/// What kind of failure it was, as words a message can hold.
pub async fn read(path: PathBuf) -> Result<Secret, &'static str> {
    let reading = tokio::task::spawn_blocking(move || read_text(path)).await;
    match reading {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(match error.kind() {
            ErrorKind::NotFound => "the file does not exist",
            ErrorKind::PermissionDenied => "the file may not be read",
            ErrorKind::InvalidData => "it is not a file of text, or is over 1 MiB",
            _ => "the file cannot be read",
        }),
        Err(_) => Err("the file cannot be read"),
    }
}

fn read_text(path: PathBuf) -> io::Result<Secret> {
    // Looked at before it is opened: opening a pipe would wait for its other end.
    let about = fs::metadata(&path)?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let file = File::open(path)?;
    let mut text = String::new();
    let read = file.take(MAX_BYTES).read_to_string(&mut text);
    let text = Secret::new(text); // wiped also when reading failed half-way
    read.map(|_| text)
}
