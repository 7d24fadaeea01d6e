//! Entries that are harmless one by one and harmful together.

use std::collections::HashMap;

use crate::model::ImagePath;

use super::{ArchiveError, Entry, EntryKind};

/// Sees the entries of one archive in order and refuses those with which a consumer that unpacks them one after the
/// other could be tricked:
///
/// - an entry below a name that is not a folder, above all a file written through a symbolic link of the same archive;
/// - a hard link to anything but a regular file that came before it;
/// - a name that comes again as something else, or that replaces a file to which a hard link was made.
///
/// A file or symbolic link that comes again as the same kind replaces the first (so does `tar`): remove the old one
/// before you write the new one.
#[derive(Debug, Default)]
pub struct PathGuard {
    seen: HashMap<ImagePath, Seen>,
    /// The folder of the last entry, known to be good: most entries are in the folder of the one before.
    last_folder: Option<ImagePath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Folder,
    File,
    /// A file that has further names.
    SharedFile,
    Symlink,
    Hardlink,
}

impl Seen {
    const fn words(self) -> &'static str {
        match self {
            Self::Folder => "a folder",
            Self::File | Self::SharedFile => "a file",
            Self::Symlink => "a symbolic link",
            Self::Hardlink => "a hard link",
        }
    }
}

impl PathGuard {
    /// A guard that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts the next entry.
    ///
    /// # Errors
    /// [`ArchiveError::Conflict`] when the entry may not follow those before it; the guard is then as before.
    pub fn admit(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let path = &entry.path;
        let refuse = |problem: String| Err(ArchiveError::Conflict { path: path.to_string(), problem });
        if path.is_root() {
            return if entry.kind == EntryKind::Dir {
                Ok(())
            } else {
                refuse("is the root and must be a folder".into())
            };
        }
        self.check_folders(path)?;
        let kind = match &entry.kind {
            EntryKind::Dir => Seen::Folder,
            EntryKind::File { .. } => Seen::File,
            EntryKind::Symlink { .. } => Seen::Symlink,
            EntryKind::Hardlink { .. } => Seen::Hardlink,
        };
        match self.seen.get(path) {
            Some(Seen::SharedFile) => {
                return refuse("comes again after a hard link was made to it".into());
            }
            Some(&before) if before != kind => {
                return refuse(format!("comes twice: as {} and as {}", before.words(), entry.kind));
            }
            _ => {}
        }
        if let EntryKind::Hardlink { target } = &entry.kind {
            match self.seen.get_mut(target) {
                Some(seen @ (Seen::File | Seen::SharedFile)) => *seen = Seen::SharedFile,
                Some(other) => {
                    let what = other.words();
                    return refuse(format!("is a hard link to `{target}`, which is {what} and not a regular file"));
                }
                None => return refuse(format!("is a hard link to `{target}`, which does not come before it")),
            }
        }
        self.remember(path, kind);
        Ok(())
    }

    /// Forgets `folder` and all that is in it, for a consumer that removed them.
    pub fn forget(&mut self, folder: &ImagePath) {
        self.seen.retain(|path, _| !path.is_within(folder));
        self.last_folder = None;
    }

    /// All names above `path` must be folders, or not yet known.
    fn check_folders(&self, path: &ImagePath) -> Result<(), ArchiveError> {
        if self.last_folder.is_some() && self.last_folder == path.parent() {
            return Ok(());
        }
        for folder in path.ancestors() {
            if let Some(&other) = self.seen.get(&folder)
                && other != Seen::Folder
            {
                let problem = format!("is inside `{folder}`, which the archive made {}", other.words());
                return Err(ArchiveError::Conflict { path: path.to_string(), problem });
            }
        }
        Ok(())
    }

    fn remember(&mut self, path: &ImagePath, kind: Seen) {
        let parent = path.parent();
        if self.last_folder != parent {
            // what an entry lies in is a folder from now on, also when the archive does not say so
            for folder in path.ancestors() {
                self.seen.insert(folder, Seen::Folder);
            }
            self.last_folder = parent;
        }
        self.seen.insert(path.clone(), kind);
    }
}
