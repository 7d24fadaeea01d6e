//! Errors that name the path.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

/// An operation on a path that failed; travels inside an [`io::Error`] of the same kind.
#[derive(Debug, Error)]
#[error("cannot {doing} `{}`: {cause}", path.display())]
struct Failure {
    doing: &'static str,
    path: PathBuf,
    cause: io::Error,
}

/// The bare error inside of one of this room, for those who name the path themselves.
#[must_use]
pub fn cause(error: &io::Error) -> Option<&io::Error> {
    error.get_ref()?.downcast_ref::<Failure>().map(|failure| &failure.cause)
}

/// Adds what was being done, and to what.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> io::Result<T>;
}

impl<T> Doing<T> for rustix::io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> io::Result<T> {
        self.map_err(|errno| {
            let bare = io::Error::from(errno);
            let cause = match errno {
                Errno::LOOP => {
                    io::Error::new(bare.kind(), "a symbolic link is on the way, and links are not followed here")
                }
                Errno::XDEV => io::Error::new(bare.kind(), "the path leads out of the folder"),
                _ => bare,
            };
            wrapped(doing, path, cause)
        })
    }
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> io::Result<T> {
        self.map_err(|cause| wrapped(doing, path, cause))
    }
}

fn wrapped(doing: &'static str, path: &Path, cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), Failure { doing, path: path.to_owned(), cause })
}

/// An error of our own making about a path.
pub(super) fn refused(kind: io::ErrorKind, doing: &'static str, path: &Path, reason: &str) -> io::Error {
    wrapped(doing, path, io::Error::new(kind, reason.to_owned()))
}
