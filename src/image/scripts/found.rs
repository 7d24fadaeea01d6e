//! What is in a folder after scripts ran in it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::model::{ImagePath, Mode};
use crate::stage::sandbox::{Owner, Owners};

use super::super::ImageError;
use super::super::capability;

/// Something in the folder.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: FoundKind,
    pub(super) mode: Mode,
    pub(super) owner: Owner,
    /// File capabilities.
    pub(super) capability: Option<Vec<u8>>,
    /// Where it is on this machine.
    pub(super) host: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum FoundKind {
    Dir,
    Symlink(Vec<u8>),
    File {
        size: u64,
        /// Device and inode, when it has several names.
        shared: Option<(u64, u64)>,
    },
    /// A pipe, socket or device, which no image can hold.
    Special,
}

/// Reads all of the folder `root`.
pub(super) fn read(root: &Path, owners: &Owners) -> Result<BTreeMap<ImagePath, Found>, ImageError> {
    let mut all = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    let wrong = |source| ImageError::Io { doing: "read what package scripts left".to_owned(), source };
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(wrong)? {
            let host = entry.map_err(wrong)?.path();
            let name = host.strip_prefix(root).unwrap_or(&host).as_os_str().as_encoded_bytes();
            let path = ImagePath::new(name).map_err(|error| wrong(io::Error::other(error)))?;
            let found = one(host, owners).map_err(wrong)?;
            if found.kind == FoundKind::Dir {
                open.push(found.host.clone());
            }
            all.insert(path, found);
        }
    }
    Ok(all)
}

fn one(host: PathBuf, owners: &Owners) -> io::Result<Found> {
    let meta = fs::symlink_metadata(&host)?;
    let mut mode = Mode::from_bits(meta.permissions().mode() & 0o7777);
    let kind = if meta.is_dir() {
        if meta.permissions().mode() & 0o700 != 0o700 {
            // closed by a script to its owner, which root does not mind
            fs::set_permissions(&host, std::fs::Permissions::from_mode(meta.permissions().mode() & 0o7777 | 0o700))?;
        }
        FoundKind::Dir
    } else if meta.is_symlink() {
        mode = Mode::from_bits(0o777);
        FoundKind::Symlink(fs::read_link(&host)?.into_os_string().into_vec())
    } else if meta.is_file() {
        if meta.permissions().mode() & 0o400 == 0 {
            fs::set_permissions(&host, std::fs::Permissions::from_mode(meta.permissions().mode() & 0o7777 | 0o400))?;
        }
        FoundKind::File { size: meta.len(), shared: (meta.nlink() > 1).then(|| (meta.dev(), meta.ino())) }
    } else {
        FoundKind::Special
    };
    let capability = match kind {
        FoundKind::File { .. } => capability_of(&host)?,
        _ => None,
    };
    Ok(Found { kind, mode, owner: owners.of(&meta), capability, host })
}

/// The kernel notes for which user namespace a capability was given; in an image it is for any.
fn capability_of(host: &Path) -> io::Result<Option<Vec<u8>>> {
    use rustix::io::Errno;
    let mut buffer = [0; 64];
    match rustix::fs::lgetxattr(host, capability::XATTR, &mut buffer) {
        Ok(length) => Ok(Some(capability::for_any_namespace(&buffer[..length]))),
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
