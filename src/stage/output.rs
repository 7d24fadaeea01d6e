//! The tree that a step leaves: made the same whoever built it, checked, and stored by what it holds.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::beneath::{Dir, Kind};
use crate::model::{ByteSize, Digest, EPOCH};
use crate::store::{Store, StoreError, TreeKind, inspect_folder};

/// Bytes that a step may leave.
const SIZE_LIMIT: u64 = 32 << 30;

/// What a step left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutput {
    /// Digest of the tree, as of [`crate::store::digest_tree`].
    pub digest: Digest,
    /// Where the store holds it.
    pub path: PathBuf,
}

/// Why what a step left cannot be taken.
#[derive(Debug, Error)]
pub enum StepOutputError {
    /// It is something that no image can hold.
    #[error("the step left {} behind, which is {kind}: only files, folders and symbolic links can be kept", path.display())]
    Special {
        /// Path below the output folder.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// It is too much.
    #[error("the step left more than {limit} behind, which is the most that is kept")]
    TooLarge {
        /// How much it may be.
        limit: ByteSize,
    },
    /// It could not be read or changed.
    #[error("cannot read the output of the step")]
    Io {
        /// Why.
        #[from]
        source: io::Error,
    },
    /// It could not be stored.
    #[error("cannot store the output of the step")]
    Store {
        /// Why.
        #[from]
        source: StoreError,
    },
}

impl StepOutputError {
    /// What a person can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Special { .. } => Some("remove it at the end of the script".to_owned()),
            Self::TooLarge { .. } => Some("leave in \"$OUT\" only what images or other steps copy".to_owned()),
            Self::Store { source } => source.help(),
            Self::Io { .. } => None,
        }
    }
}

impl StepOutput {
    /// Normalises the folder `made`, which is in the store's temporary part, and moves it into the store.
    ///
    /// # Errors
    /// When it holds what no image can hold, or too much, or the store fails.
    pub fn take(store: &Store, made: &Path) -> Result<Self, StepOutputError> {
        let folder = Dir::open(made)?;
        normalise(&folder)?;
        let facts = match inspect_folder(&folder, SIZE_LIMIT) {
            Err(StoreError::TooMuch { what: "bytes", .. }) => {
                return Err(StepOutputError::TooLarge { limit: ByteSize(SIZE_LIMIT) });
            }
            inspected => inspected?,
        };
        let digest = facts.digest;
        let path = match store.tree(TreeKind::Output, &digest) {
            Some(path) => path, // the same bytes as before: nothing after this step runs again
            None => {
                let writer = store.tree_writer(TreeKind::Output, &digest)?;
                fs_err::rename(made, writer.path())?;
                writer.commit_inspected(facts)?
            }
        };
        Ok(Self { digest, path })
    }
}

/// Gives everything in the folder the modes 0755 and 0644, by whether the owner may execute it, and the time [`EPOCH`],
/// and takes extended attributes away. Files with several names stay so.
pub(super) fn normalise(root: &Dir) -> Result<(), StepOutputError> {
    let mut folders = vec![PathBuf::new()];
    let mut next = 0;
    while let Some(below) = folders.get(next).cloned() {
        next += 1;
        root.set_mode(&below, 0o755)?; // it may be closed to its owner
        let folder = root.dir(&below)?;
        folder.clear_xattrs("")?;
        for name in folder.names("")? {
            let metadata = folder.metadata(&name)?;
            match metadata.kind {
                Kind::Dir => {
                    folders.push(below.join(&name));
                    continue;
                }
                Kind::Symlink => {}
                Kind::File => {
                    folder.set_mode(&name, if metadata.is_executable() { 0o755 } else { 0o644 })?;
                    folder.clear_xattrs(&name)?;
                }
                kind => return Err(StepOutputError::Special { path: below.join(name), kind: kind.words() }),
            }
            folder.set_mtime(&name, EPOCH.seconds(), 0)?;
        }
    }
    // last, because what is put in them changes their time
    Ok(folders.iter().try_for_each(|below| root.set_mtime(below, EPOCH.seconds(), 0))?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs_err::metadata(path).expect("it is there").permissions().mode() & 0o7777
    }

    #[test]
    fn outputs_differ_only_in_what_they_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("store")).expect("a store");
        let make = |mode: u32| {
            let scratch = store.tmp_dir().expect("a folder");
            let out = scratch.path().join("out");
            fs_err::create_dir_all(out.join("bin")).expect("a folder");
            fs_err::write(out.join("bin/tool"), "tool").expect("a file");
            fs_err::set_permissions(out.join("bin/tool"), std::fs::Permissions::from_mode(mode)).expect("own file");
            fs_err::os::unix::fs::symlink("/nowhere", out.join("link")).expect("a link");
            fs_err::set_permissions(out.join("bin"), std::fs::Permissions::from_mode(0o500)).expect("own folder");
            StepOutput::take(&store, &out).expect("an output")
        };
        let (one, other) = (make(0o4711), make(0o755));
        assert_eq!(one, other);
        assert_eq!((mode(&one.path.join("bin")), mode(&one.path.join("bin/tool"))), (0o755, 0o755));
        let link = fs_err::symlink_metadata(one.path.join("link")).expect("the link");
        assert_eq!(link.mtime(), EPOCH.seconds());
        assert_ne!(make(0o644).digest, one.digest);
    }

    #[test]
    fn what_no_image_can_hold_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("run/socket");
        fs_err::create_dir(folder.path().join("run")).expect("a folder");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let error = normalise(&Dir::open(folder.path()).expect("a folder")).expect_err("a socket");
        assert!(error.to_string().contains("run/socket behind, which is a socket"), "{error}");
    }
}
