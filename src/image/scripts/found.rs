//! What is in a folder after scripts ran in it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::beneath::{Beneath, Kind};
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
    pub(super) host: Beneath,
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

/// Reads all of the folder `root`. Scripts may have left links in it that lead anywhere; none is followed.
pub(super) fn read(root: &Beneath, owners: &Owners) -> Result<BTreeMap<ImagePath, Found>, ImageError> {
    let mut all = BTreeMap::new();
    let mut open = vec![ImagePath::root()];
    let wrong = |source| ImageError::Io { doing: "read what package scripts left".to_owned(), source };
    while let Some(folder) = open.pop() {
        for name in root.join(folder.as_relative()).names().map_err(wrong)? {
            let name = ImagePath::new(name.as_bytes()).map_err(|error| wrong(io::Error::other(error)))?;
            let path = folder.join(&name);
            let found = one(root.join(path.as_relative()), owners).map_err(wrong)?;
            if found.kind == FoundKind::Dir {
                open.push(path.clone());
            }
            all.insert(path, found);
        }
    }
    Ok(all)
}

fn one(host: Beneath, owners: &Owners) -> io::Result<Found> {
    let meta = host.metadata()?;
    let mut mode = Mode::from_bits(meta.mode);
    // closed by a script to its owner, which root does not mind
    let open_for = |needed: u32| match meta.mode & needed == needed {
        true => Ok(()),
        false => host.dir().set_mode(host.below(), meta.mode | needed),
    };
    let kind = match meta.kind {
        Kind::Dir => {
            open_for(0o700)?;
            FoundKind::Dir
        }
        Kind::Symlink => {
            mode = Mode::from_bits(0o777);
            FoundKind::Symlink(host.read_link()?.into_vec())
        }
        Kind::File => {
            open_for(0o400)?;
            FoundKind::File { size: meta.size, shared: (meta.nlink > 1).then_some((meta.dev, meta.ino)) }
        }
        Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::Socket => FoundKind::Special,
    };
    let capability = match kind {
        // the kernel notes for which user namespace a capability was given; in an image it is for any
        FoundKind::File { .. } => host.dir().xattr(host.below(), capability::XATTR)?,
        _ => None,
    };
    let capability = capability.map(|value| capability::for_any_namespace(&value));
    Ok(Found { kind, mode, owner: owners.of(meta.dev, meta.ino), capability, host })
}
