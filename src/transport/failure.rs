//! What the HTTP stack's errors mean. They come as chains of wrapped errors; each link is
//! recognised by its type. Texts of foreign errors are not passed on, since some quote the
//! URL or the input.

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy;
use url::Url;

use super::connector::TooLong;
use super::resolver::Unresolved;
use crate::error::{Deadline, Error};

/// What ended an attempt before the response's head was there.
pub(super) fn send_failure(error: &legacy::Error, url: &Url) -> Error {
    let peer = peer_of(url);
    let tls = find::<rustls::Error>(error);
    if let Some(tls) = tls {
        return Error::Tls(format!("TLS with {peer} failed: {tls}"));
    }
    if error.is_connect() {
        return connect_failure(error, &peer, url.scheme() == "https");
    }
    message_failure(
        error,
        &format!("{peer} closed the connection before it answered"),
    )
}

/// What broke a response's body.
pub(super) fn body_failure(error: &(dyn StdError + 'static)) -> Error {
    message_failure(error, "the connection ended before the response did")
}

fn connect_failure(error: &legacy::Error, peer: &str, https: bool) -> Error {
    if find::<TooLong>(error).is_some() {
        return Error::Timeout(Deadline::Connect);
    }
    if let Some(unresolved) = find::<Unresolved>(error) {
        return Error::Connect(unresolved.to_string());
    }
    let Some(kind) = io_kind(error) else {
        return Error::Connect(format!("could not connect to {peer}: the proxy refused"));
    };
    match kind {
        // Once TCP stands, only a handshake can end like this.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData if https => {
            Error::Tls(format!("TLS with {peer} failed: the handshake was cut off"))
        }
        io::ErrorKind::TimedOut => Error::Timeout(Deadline::Connect),
        kind => Error::Connect(format!("could not connect to {peer}: {kind}")),
    }
}

/// A message that broke: cut short, or not HTTP at all.
fn message_failure(error: &(dyn StdError + 'static), cut: &str) -> Error {
    if let Some(h2) = find::<h2::Error>(error) {
        return h2_failure(h2, cut);
    }
    if let Some(hyper) = find::<hyper::Error>(error) {
        if hyper.is_parse() || hyper.is_parse_status() {
            return Error::Protocol("the peer did not answer in HTTP".into());
        }
        if hyper.is_incomplete_message() {
            return Error::Truncated(cut.into());
        }
    }
    match io_kind(error) {
        // hyper reports a bad chunk size as invalid input, a bad length as invalid data.
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Error::Protocol("the response's framing is broken".into())
        }
        Some(kind) => Error::Truncated(format!("{cut} ({kind})")),
        None => Error::Truncated(cut.into()),
    }
}

fn h2_failure(error: &h2::Error, cut: &str) -> Error {
    match error.reason() {
        Some(reason) if error.is_library() => {
            Error::Protocol(format!("the peer broke HTTP/2 ({reason:?})"))
        }
        Some(reason) => Error::Truncated(format!("{cut} (HTTP/2 {reason:?})")),
        None => Error::Truncated(cut.into()),
    }
}

/// True when the same request may go out again on a fresh connection: the message broke
/// before anything of an answer came, which on a reused connection means that the peer
/// closed it while it was idle.
pub(super) fn is_stale_connection(error: &legacy::Error) -> bool {
    if error.is_connect() {
        return false;
    }
    if let Some(hyper) = find::<hyper::Error>(error)
        && hyper.is_incomplete_message()
    {
        return true;
    }
    matches!(
        io_kind(error),
        Some(
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::NotConnected
        )
    )
}

/// True when an HTTP/2 peer says itself that it did not look at the request, which may then
/// go out again (RFC 9113, sections 6.8 and 8.7).
pub(super) fn was_not_taken(error: &legacy::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|h2| {
        let refused = h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM);
        let leaving = h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR);
        h2.is_remote() && (refused || leaving)
    })
}

/// The first error of type `T` in the chain. `io::Error` hides the error it wraps from
/// `source()`, so that one is looked into as well.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(wrapped) = wrapped
            && let Some(found) = find::<T>(wrapped)
        {
            return Some(found);
        }
        link = error.source();
    }
    None
}

/// The kind of the I/O error at the bottom of the chain. TLS wraps it in others that are of
/// no kind of their own.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut io = find::<io::Error>(error)?;
    while let Some(inner) = io.get_ref().and_then(|wrapped| find::<io::Error>(wrapped)) {
        io = inner;
    }
    Some(io.kind())
}

/// `host:port`, the part of a URL that an error may name.
fn peer_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the provider");
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
