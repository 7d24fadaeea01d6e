//! Archives into a folder. Nothing that one of them brings along is followed, by itself or by another.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::SourceError;
use crate::archive::{ArchiveError, Entry, EntryContent, EntryKind, Limits, PathGuard, TarReader, decompress};
use crate::beneath::Dir;
use crate::model::ImagePath;

/// The folder of a source while archives are unpacked into it. All of them share one guard and one budget: what the
/// first leaves must not lead the second astray.
pub(super) struct SourceTree<'a> {
    dir: &'a Dir,
    guard: PathGuard,
    left: Budget,
}

/// What may still be unpacked.
struct Budget {
    entries: u64,
    bytes: u64,
}

/// Where an archive goes.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// The folder of the source that it is unpacked into.
    pub(super) below: &'a ImagePath,
    /// Leading components of its names to drop.
    pub(super) strip: u32,
    /// The only folder that it may hold; anything when none.
    pub(super) only: Option<&'a ImagePath>,
}

impl<'a> SourceTree<'a> {
    pub(super) fn new(dir: &'a Dir) -> Self {
        let Limits { entries, total_size, .. } = source_limits();
        Self { dir, guard: PathGuard::new(), left: Budget { entries, bytes: total_size } }
    }

    /// Unpacks a tar archive, compressed or not. Owners and times are not kept; of the mode, whether the owner may
    /// execute.
    pub(super) fn unpack(&mut self, name: &str, archive: impl Read, target: Target<'_>) -> Result<(), SourceError> {
        let broken = |source| SourceError::Archive { name: name.to_owned(), source };
        let plain = decompress(archive).map_err(broken)?;
        let mut reader = TarReader::new(plain, source_limits()).stripping(target.strip);
        while let Some((mut entry, content)) = reader.next().map_err(broken)? {
            if let Some(only) = target.only
                && !entry.path.is_root()
                && !entry.path.is_within(only)
            {
                let reason = format!("has `{}` in `{name}`, which may hold `{only}` alone", entry.path);
                return Err(SourceError::NotASourcePackage { reason });
            }
            entry.path = target.below.join(&entry.path);
            if let EntryKind::Hardlink { target: to } = &mut entry.kind {
                *to = target.below.join(to);
            }
            self.guard.admit(&entry).map_err(broken)?;
            self.count(&entry).map_err(broken)?;
            self.place(&entry, content)?;
        }
        Ok(())
    }

    /// Removes what earlier archives left at `below`.
    pub(super) fn clear(&mut self, below: &ImagePath) -> Result<(), SourceError> {
        self.guard.forget(below);
        Ok(self.dir.remove_tree(below.as_relative())?)
    }

    /// Each name of a file counts with its bytes: whoever reads the tree reads them as often.
    fn count(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let bytes = match &entry.kind {
            EntryKind::Hardlink { target } => self.dir.metadata(target.as_relative()).map_or(0, |file| file.size),
            kind => kind.size(),
        };
        let limits = source_limits();
        let limit = |what: &str, limit, unit| ArchiveError::Limit { what: what.to_owned(), limit, unit };
        self.left.entries = (self.left.entries.checked_sub(1))
            .ok_or_else(|| limit("the number of entries in the archives of a source", limits.entries, "entries"))?;
        self.left.bytes = (self.left.bytes.checked_sub(bytes))
            .ok_or_else(|| limit("the size of a source, every name of a file counted", limits.total_size, "bytes"))?;
        Ok(())
    }

    fn place(&self, entry: &Entry, mut content: EntryContent<'_, impl Read>) -> io::Result<()> {
        let path = entry.path.as_relative();
        if let Some(parent) = entry.path.parent() {
            self.dir.create_dir_all(parent.as_relative())?;
        }
        // a later entry of an archive replaces an earlier one, as tar does it
        match &entry.kind {
            EntryKind::Dir => drop(self.dir.create_dir_all(path)?),
            EntryKind::File { .. } => {
                self.dir.remove_file(path)?;
                let mode = if entry.mode.bits() & 0o100 == 0 { 0o644 } else { 0o755 };
                io::copy(&mut content, &mut self.dir.create_file(path, mode)?)?;
            }
            EntryKind::Symlink { target } => {
                self.dir.remove_file(path)?;
                self.dir.symlink(std::ffi::OsStr::from_bytes(target), path)?;
            }
            EntryKind::Hardlink { target } => {
                self.dir.remove_file(path)?;
                self.dir.hard_link(target.as_relative(), self.dir, path)?;
            }
        }
        Ok(())
    }
}

/// Unpacks a tar archive, compressed or not, into the folder `dest`, dropping `strip` leading components. Owners and
/// times are not kept; of the mode, whether the owner may execute.
///
/// # Errors
/// For an archive that is broken, too large, or would leave the folder, and when `dest` cannot be written.
pub fn unpack_tar(name: &str, archive: impl Read, dest: &Dir, strip: u32) -> Result<(), SourceError> {
    SourceTree::new(dest).unpack(name, archive, Target { below: &ImagePath::root(), strip, only: None })
}

/// Puts a file that is no archive into the folder under its own name.
///
/// # Errors
/// When it cannot be written.
pub fn place_file(name: &str, mut content: impl Read, dest: &Dir) -> Result<(), SourceError> {
    let path = ImagePath::new(name.as_bytes()).map_err(|source| SourceError::Outside { source })?;
    let shown = dest.shown(Path::new(name));
    let copied = io::copy(&mut content, &mut dest.create_file(path.as_relative(), 0o644)?);
    copied.map_err(|source| io::Error::new(source.kind(), format!("cannot write `{}`: {source}", shown.display())))?;
    Ok(())
}

/// Source archives are larger than packages: a compiler's unpacks to several gigabytes.
fn source_limits() -> Limits {
    Limits { total_size: 16 << 30, entry_size: 4 << 30, ..Limits::default() }
}
