//! Archives into folders, without following anything that they bring along.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;

use super::SourceError;
use crate::archive::{EntryKind, Limits, TarReader, decompress};
use crate::model::ImagePath;

/// Unpacks a tar archive, compressed or not, into the folder `dest`, dropping `strip` leading components. Owners and
/// times are not kept; of the mode, whether the owner may execute.
///
/// # Errors
/// For an archive that is broken, too large, or would leave the folder, and when `dest` cannot be written.
pub fn unpack_tar(name: &str, archive: impl Read, dest: &Path, strip: u32) -> Result<(), SourceError> {
    let broken = |source| SourceError::Archive { name: name.to_owned(), source };
    let plain = decompress(archive).map_err(broken)?;
    let mut reader = TarReader::new(plain, source_limits()).stripping(strip);
    while let Some(entry) = reader.next_entry().map_err(broken)? {
        let target = dest.join(entry.path.as_relative());
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        match &entry.kind {
            EntryKind::Dir => fs::create_dir_all(&target)?,
            EntryKind::File { .. } => {
                remove_file(&target)?;
                let mut file = fs::File::create_new(&target)?;
                io::copy(&mut reader.content(), &mut file)?;
                let mode = if entry.mode.bits() & 0o100 == 0 { 0o644 } else { 0o755 };
                file.set_permissions(PermissionsExt::from_mode(mode))?;
            }
            EntryKind::Symlink { target: to } => {
                remove_file(&target)?;
                fs::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(to), &target)?;
            }
            EntryKind::Hardlink { target: to } => {
                remove_file(&target)?;
                fs::copy(dest.join(to.as_relative()), &target)?;
            }
        }
    }
    Ok(())
}

/// Puts a file that is no archive into the folder under its own name.
///
/// # Errors
/// When it cannot be written.
pub fn place_file(name: &str, mut content: impl Read, dest: &Path) -> Result<(), SourceError> {
    let path = ImagePath::new(name.as_bytes()).map_err(|source| SourceError::Outside { source })?;
    let mut file = fs::File::create_new(dest.join(path.as_relative()))?;
    io::copy(&mut content, &mut file)?;
    Ok(())
}

/// A later entry of an archive replaces an earlier one, as tar does it.
fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Source archives are larger than packages: a compiler's unpacks to several gigabytes.
fn source_limits() -> Limits {
    Limits { total_size: 16 << 30, entry_size: 4 << 30, ..Limits::default() }
}
