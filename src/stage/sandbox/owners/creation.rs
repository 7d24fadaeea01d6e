//! What a task creates belongs to whom the task believes to be, or in a folder with the `setgid` bit to its group. The
//! kernel creates it after the answer to the held call, so it is looked for when the next call of any task arrives.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, statat};
use rustix::io::Errno;

use super::table::{Owner, Table, stat_of};
use super::tracee::{Last, Tracee};

const SET_GROUP_ID: u32 = 0o2000;

/// Files that are about to be there.
#[derive(Debug, Default)]
pub(super) struct Creations(Vec<Creation>);

#[derive(Debug)]
struct Creation {
    task: u32,
    folder: OwnedFd,
    name: CString,
    owner: Owner,
}

impl Creations {
    /// Notes that `tracee`, which creates files for `owner`, is about to create the path at `address`.
    pub(super) fn expect(&mut self, tracee: &Tracee<'_>, table: &Table, owner: Owner, directory: u64, address: u64) {
        if let Ok(Some(creation)) = Creation::of(tracee, table, owner, directory, address) {
            self.0.push(creation);
        } // else the kernel will find the same fault
    }

    /// Records what is there by now; `task` is the one whose next call arrived, so what it created is there or failed.
    pub(super) fn settle(&mut self, table: &mut Table, task: Option<u32>) {
        self.0.retain(|creation| {
            let there = creation.record(table);
            !there && task.is_some_and(|task| task != creation.task)
        });
    }
}

impl Creation {
    fn of(
        tracee: &Tracee<'_>,
        table: &Table,
        owner: Owner,
        directory: u64,
        address: u64,
    ) -> Result<Option<Self>, Errno> {
        if owner == Owner::ROOT && table.is_empty() {
            return Ok(None); // then no folder has another group either
        }
        let path = tracee.path(address)?;
        let (folder, name) = split(&path).ok_or(Errno::INVAL)?;
        let folder = match folder.is_empty() {
            true => tracee.directory(directory)?,
            false => tracee.open_path(directory, &folder, Last::Follow)?,
        };
        if statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Ok(None);
        }
        let stat = stat_of(&folder).map_err(|_| Errno::NOENT)?;
        let inherited = (stat.st_mode & SET_GROUP_ID != 0).then(|| table.get(&stat).unwrap_or_default().gid);
        let owner = Owner { gid: inherited.unwrap_or(owner.gid), ..owner };
        Ok((owner != Owner::ROOT).then_some(Self { task: tracee.task, folder, name, owner }))
    }

    /// Whether it was there.
    fn record(&self, table: &mut Table) -> bool {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty()) else { return false };
        let Ok(stat) = stat_of(&file) else { return false };
        // a device of the machine that was bound there is nobody's creation
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !matches!(kind, FileType::CharacterDevice | FileType::BlockDevice) && table.get(&stat).is_none() {
            table.set(&stat, file, self.owner);
        }
        true
    }
}

/// The folder of a path, which may be empty, and the name in it.
fn split(path: &CStr) -> Option<(CString, CString)> {
    let bytes = path.to_bytes();
    let end = bytes.iter().rposition(|&byte| byte != b'/')? + 1;
    let begin = bytes[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    Some((CString::new(&bytes[..begin]).ok()?, CString::new(&bytes[begin..end]).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_their_last_name() {
        let of = |path: &CStr| {
            split(path).map(|(folder, name)| [folder, name].map(|part| part.to_string_lossy().into_owned()))
        };
        let pair = |folder: &str, name: &str| Some([folder.to_owned(), name.to_owned()]);
        assert_eq!(of(c"/a/b"), pair("/a/", "b"));
        assert_eq!(of(c"b"), pair("", "b"));
        assert_eq!(of(c"a/b//"), pair("a/", "b"));
        assert_eq!(of(c"/"), None);
    }
}
