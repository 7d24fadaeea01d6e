//! Which inode belongs to whom.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat};
use serde::{Deserialize, Serialize};

use super::RESULT;
use crate::model::ImagePath;

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Owner {
    /// Who owns what nobody said anything about.
    pub const ROOT: Self = Self { uid: 0, gid: 0 };
}

/// A path of a root with its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// The path; a link itself, not where it leads.
    pub path: ImagePath,
    /// Its owner.
    pub owner: Owner,
}

/// An inode on this machine: numbers of its device and of itself (inode(7)).
pub(super) type Inode = (u64, u64);

/// Owners as a sandbox left them.
#[derive(Debug, Default)]
pub struct Owners(HashMap<Inode, Owner>);

impl Owners {
    /// Reads what the sandbox with this scratch folder left.
    ///
    /// # Errors
    /// When there is nothing, or it cannot be read.
    pub fn read(scratch: &Path) -> io::Result<Self> {
        let file = fs_err::File::open(scratch.join(RESULT))?;
        let all: Vec<(Inode, Owner)> = serde_json::from_reader(io::BufReader::new(file)).map_err(io::Error::other)?;
        Ok(Self(all.into_iter().collect()))
    }

    /// The owner of a file of the root, by the numbers of its device and inode.
    #[must_use]
    pub fn of(&self, dev: u64, ino: u64) -> Owner {
        self.0.get(&(dev, ino)).copied().unwrap_or_default()
    }
}

/// Owners while the sandbox runs.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<Inode, Entry>);

/// While an inode is held, its number is not given to another file.
#[derive(Debug)]
struct Entry {
    owner: Owner,
    held: OwnedFd,
}

impl Table {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, stat: &Stat) -> Option<Owner> {
        self.0.get(&inode(stat)).map(|entry| entry.owner)
    }

    pub(super) fn set(&mut self, stat: &Stat, file: OwnedFd, owner: Owner) {
        if owner == Owner::ROOT {
            self.0.remove(&inode(stat));
        } else {
            self.0.insert(inode(stat), Entry { owner, held: file });
        }
    }

    /// Sets the owner of a path below `root`.
    pub(super) fn set_path(&mut self, root: impl AsFd, owned: &Owned) -> io::Result<()> {
        let path = owned.path.as_relative();
        let named = |error: rustix::io::Errno| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("{}: {error}", owned.path))
        };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).map_err(named)?;
        let stat = stat_of(&file)?;
        self.set(&stat, file, owned.owner);
        Ok(())
    }

    /// Owners of the inodes that still have a name.
    pub(super) fn alive(&self) -> io::Result<Vec<(Inode, Owner)>> {
        let mut alive = Vec::new();
        for (inode, entry) in &self.0 {
            if stat_of(&entry.held)?.st_nlink > 0 {
                alive.push((*inode, entry.owner));
            }
        }
        alive.sort_unstable_by_key(|(inode, _)| *inode);
        Ok(alive)
    }
}

/// What the kernel says of an open file, also when it is open for its path only.
pub(super) fn stat_of(file: impl AsFd) -> io::Result<Stat> {
    Ok(rustix::fs::statat(file, c"", AtFlags::EMPTY_PATH)?)
}

#[expect(clippy::unnecessary_cast, reason = "the types of these numbers differ between architectures")]
const fn inode(stat: &Stat) -> Inode {
    (stat.st_dev as u64, stat.st_ino as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_kept_until_it_is_root_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs_err::write(&path, "x").expect("written");
        let open = || OwnedFd::from(fs_err::File::open(&path).expect("opens").into_parts().0);
        let stat = stat_of(open()).expect("a status");
        let mut table = Table::default();
        let daemon = Owner { uid: 1, gid: 1 };
        table.set(&stat, open(), daemon);
        assert_eq!(table.get(&stat), Some(daemon));
        assert_eq!(table.alive().expect("read").len(), 1);
        fs_err::remove_file(&path).expect("removed");
        assert!(table.alive().expect("read").is_empty(), "a file without a name has no owner to tell");
        table.set(&stat, table.0[&inode(&stat)].held.try_clone().expect("a descriptor"), Owner::ROOT);
        assert!(table.is_empty());
    }
}
