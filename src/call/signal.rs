//! A descriptor that can be made readable and unreadable: the two ends of a socket pair,
//! with one byte in it while it is raised. It works with select, poll, epoll, kqueue and
//! everything built on them.

#[cfg(unix)]
pub(super) use unix::Signal;

#[cfg(not(unix))]
pub(super) use none::Signal;

#[cfg(unix)]
mod unix {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use crate::error::Error;

    #[derive(Debug)]
    pub(in crate::call) struct Signal {
        reader: UnixStream,
        writer: UnixStream,
        raised: bool,
    }

    impl Signal {
        pub(in crate::call) fn new() -> Result<Signal, Error> {
            let none = |_| Error::Argument("no descriptor can be had".into());
            let (reader, writer) = UnixStream::pair().map_err(none)?;
            reader.set_nonblocking(true).map_err(none)?;
            writer.set_nonblocking(true).map_err(none)?;
            Ok(Signal {
                reader,
                writer,
                raised: false,
            })
        }

        pub(in crate::call) fn descriptor(&self) -> i32 {
            self.reader.as_raw_fd()
        }

        /// One byte always fits: there is never more than this one.
        pub(in crate::call) fn raise(&mut self) {
            if !self.raised {
                self.raised = matches!(self.writer.write(&[1]), Ok(1));
            }
        }

        pub(in crate::call) fn lower(&mut self) {
            if self.raised {
                self.raised = !matches!(self.reader.read(&mut [0]), Ok(1));
            }
        }
    }
}

#[cfg(not(unix))]
mod none {
    use crate::error::Error;

    #[derive(Debug)]
    pub(in crate::call) struct Signal;

    impl Signal {
        pub(in crate::call) fn new() -> Result<Signal, Error> {
            Err(Error::Argument(
                "this platform has no such descriptor".into(),
            ))
        }

        pub(in crate::call) fn descriptor(&self) -> i32 {
            -1
        }

        pub(in crate::call) fn raise(&mut self) {}

        pub(in crate::call) fn lower(&mut self) {}
    }
}
