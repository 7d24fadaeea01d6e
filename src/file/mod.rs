//! Reading files that a person names, as in the environment file: only regular files, and never more than a limit. A
//! device, a pipe or a socket is refused before anything is read, and opening one does not wait. Links are followed; for
//! folders that others fill there is [`Dir`](crate::beneath::Dir), which follows none.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file; links on the way are followed.
///
/// # Errors
/// When it cannot be opened or is something else; the error names the path.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default(); // a small number
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| named(path, error))?;
    // looked at after it was opened, so that nobody can put something else there in between
    if file.metadata().map_err(|error| named(path, error))?.is_file() {
        Ok(file)
    } else {
        Err(refused(path, "it is not a regular file"))
    }
}

/// Reads a regular file of at most `limit` bytes; links on the way are followed.
///
/// # Errors
/// When it cannot be read, is something else, or is larger; the error names the path.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| named(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(refused(path, &format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// The error with the path, and of the same kind.
fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read `{}`: {error}", path.display()))
}

fn refused(path: &Path, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("cannot read `{}`: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        fs_err::write(&path, "12345").expect("written");
        assert_eq!(read(&path, 5).expect("read"), b"12345");
        let error = read(&path, 4).expect_err("too large").to_string();
        assert!(error.contains("larger than 4 bytes") && error.contains(&path.display().to_string()), "{error}");
        symlink("x", folder.path().join("link")).expect("linked");
        assert_eq!(read(&folder.path().join("link"), 5).expect("read"), b"12345");
        assert_eq!(read(&folder.path().join("none"), 5).expect_err("none").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn devices_pipes_sockets_and_folders_are_refused_without_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).expect("made");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("made");
        symlink("/dev/zero", folder.path().join("zero")).expect("linked");
        for path in [pipe, socket, folder.path().join("zero"), folder.path().to_owned(), "/dev/full".into()] {
            assert!(read(&path, 10).is_err(), "{}", path.display());
        }
    }
}
