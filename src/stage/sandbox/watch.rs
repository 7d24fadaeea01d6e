//! What a sandbox uses as a whole, looked at from outside now and then. The kernel bounds each process; nothing but a
//! cgroup bounds all of them together, and not everybody has one. So the process that waits for a sandbox counts:
//! memory and processes by `/proc`, what is on disk by walking the folders that the sandbox writes to.
//!
//! Counting costs time, so it happens seldom, and at once when the file system fills up faster than the last count
//! allows for. A sandbox can pass a bound by what it does between two looks; then it is ended.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, statat};

use super::spec::{Access, Bounds, Root, Spec};
use super::{Bound, Exceeded};

/// Between two looks at the clock and at how full the file system is.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Between two counts at least.
const PROCESSES_EVERY: Duration = Duration::from_secs(1);
const FILES_EVERY: Duration = Duration::from_secs(10);
/// A count is followed by a break of this many times what it took.
const BREAK: u32 = 100;
/// Folders within folders that a count follows; deeper ones count as unreadable.
const DEPTH: usize = 400;
/// How `stat` counts blocks, whatever the file system does.
const BLOCK: u64 = 512;

/// Looks after one sandbox.
pub(super) struct Watch {
    first_process: u32,
    processes: u64,
    bounds: Bounds,
    folders: Vec<PathBuf>,
    processes_due: Instant,
    files_due: Instant,
    filled: Option<Filled>,
}

/// How full the file system of the scratch folder was, and what the sandbox had of it.
struct Filled {
    bytes: u64,
    files: u64,
    usage: Usage,
}

/// What is in a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    /// Bytes on disk.
    bytes: u64,
    /// Files, folders and links; those with several names once.
    files: u64,
    /// Whether a folder could not be read.
    incomplete: bool,
}

impl Usage {
    fn exceeds(&self, bounds: &Bounds) -> bool {
        self.bytes > bounds.disk || self.files > bounds.files
    }

    /// Counts what is below `folder`, without following links, until it is more than `bounds` allow.
    fn add(&mut self, folder: &Path, bounds: &Bounds) -> io::Result<()> {
        const FOLDER: OFlags = OFlags::RDONLY
            .union(OFlags::DIRECTORY)
            .union(OFlags::NOFOLLOW)
            .union(OFlags::CLOEXEC)
            .union(OFlags::NOATIME);
        let open = |at: &OwnedFd, name: &std::ffi::CStr| {
            rustix::fs::openat(at, name, FOLDER, Mode::empty())
                .or_else(|_| rustix::fs::openat(at, name, FOLDER.difference(OFlags::NOATIME), Mode::empty()))
        };
        let top = rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut seen = HashSet::new();
        let mut left = vec![(Rc::new(top), c".".to_owned(), 0)];
        while let Some((parent, name, depth)) = left.pop() {
            let (Ok(folder), true) = (open(&parent, &name), depth < DEPTH) else {
                self.incomplete = true;
                continue;
            };
            let folder = Rc::new(folder);
            let Ok(entries) = rustix::fs::Dir::read_from(&*folder) else { continue };
            for entry in entries.filter_map(Result::ok) {
                let name = entry.file_name();
                if name == c"." || name == c".." {
                    continue;
                }
                let Ok(stat) = statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
                let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
                if is_folder {
                    left.push((Rc::clone(&folder), name.to_owned(), depth + 1));
                }
                if is_folder || stat.st_nlink < 2 || seen.insert((stat.st_dev, stat.st_ino)) {
                    self.count(&stat);
                }
                if self.exceeds(bounds) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, stat: &Stat) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK));
    }
}

impl Watch {
    /// Begins to look after the sandbox of `spec`, whose first process outside of it is `first_process`.
    pub(super) fn new(spec: &Spec, first_process: u32) -> Self {
        let mut folders = vec![spec.scratch.clone()];
        if let Root::Folder(folder) = &spec.root {
            folders.push(folder.clone());
        }
        let writable = spec.mounts.iter().filter(|mount| mount.access == Access::Writable);
        folders.extend(writable.map(|mount| mount.source.clone()).filter(|source| source.is_dir()));
        let now = Instant::now();
        Self {
            first_process,
            processes: spec.limits.processes,
            bounds: spec.limits.together,
            folders,
            processes_due: now + PROCESSES_EVERY,
            files_due: now + FILES_EVERY,
            filled: filled(&spec.scratch).map(|(bytes, files)| Filled { bytes, files, usage: Usage::default() }),
        }
    }

    /// The bound that was passed, if any.
    pub(super) fn look(&mut self) -> Option<Exceeded> {
        let begun = Instant::now();
        if begun >= self.processes_due {
            let exceeded = self.look_at_processes();
            self.processes_due = Instant::now() + PROCESSES_EVERY.max(begun.elapsed() * BREAK);
            if exceeded.is_some() {
                return exceeded;
            }
        }
        let begun = Instant::now();
        if begun < self.files_due && !self.fills_up() {
            return None;
        }
        let exceeded = self.look_at_files();
        self.files_due = Instant::now() + FILES_EVERY.max(begun.elapsed() * BREAK);
        exceeded
    }

    fn look_at_processes(&self) -> Option<Exceeded> {
        let processes = descendants(self.first_process);
        let threads: u64 = processes.iter().map(|process| process.threads).sum();
        if threads > self.processes {
            return Some(Exceeded { bound: Bound::Processes, most: self.processes });
        }
        let most = self.bounds.memory;
        let sum = |of: fn(u32) -> u64| processes.iter().map(|process| of(process.number)).fold(0, u64::saturating_add);
        // pages that processes share count for each of them at first; the exact sum costs more
        let exceeded = sum(resident) > most && sum(proportional) > most;
        exceeded.then_some(Exceeded { bound: Bound::Memory, most })
    }

    /// Whether the file system has lost so much since the last count that the sandbox may be over its bounds.
    fn fills_up(&self) -> bool {
        let (Some(before), Some((bytes, files))) = (&self.filled, self.folders.first().and_then(|path| filled(path)))
        else {
            return false;
        };
        // half of what was left: the folders may have grown meanwhile by as much as others have freed
        let due = |grown: u64, used: u64, most: u64| grown > most.saturating_sub(used) / 2;
        due(bytes.saturating_sub(before.bytes), before.usage.bytes, self.bounds.disk)
            || due(files.saturating_sub(before.files), before.usage.files, self.bounds.files)
    }

    fn look_at_files(&mut self) -> Option<Exceeded> {
        let mut usage = Usage::default();
        for folder in &self.folders {
            usage.incomplete |= usage.add(folder, &self.bounds).is_err();
        }
        let now = self.folders.first().and_then(|path| filled(path));
        if let (Some((bytes, _)), Some(before)) = (now, &self.filled)
            && bytes.saturating_sub(before.bytes) > self.bounds.disk / 4
        {
            usage.bytes = usage.bytes.saturating_add(nameless(self.first_process, &self.folders[0]));
        }
        let hidden = usage.incomplete
            && now.zip(self.filled.as_ref()).is_some_and(|((bytes, _), before)| {
                bytes.saturating_sub(before.bytes) > self.bounds.disk.saturating_sub(before.usage.bytes)
            });
        if let Some((bytes, files)) = now
            && !usage.incomplete
        {
            self.filled = Some(Filled { bytes, files, usage });
        }
        if usage.bytes > self.bounds.disk || hidden {
            return Some(Exceeded { bound: Bound::Disk, most: self.bounds.disk });
        }
        (usage.files > self.bounds.files).then_some(Exceeded { bound: Bound::Files, most: self.bounds.files })
    }
}

/// Bytes and files in use on the file system of `folder`.
fn filled(folder: &Path) -> Option<(u64, u64)> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    let bytes = facts.f_blocks.saturating_sub(facts.f_bfree).saturating_mul(facts.f_frsize);
    Some((bytes, facts.f_files.saturating_sub(facts.f_ffree)))
}

struct Process {
    number: u32,
    threads: u64,
}

/// The processes below `first`, which process 1 of a sandbox and all that is in it are: nobody in there can get another
/// parent than one of them.
fn descendants(first: u32) -> Vec<Process> {
    let Ok(all) = fs_err::read_dir("/proc") else { return Vec::new() };
    let mut children: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
    for entry in all.filter_map(Result::ok) {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Some((parent, threads)) = parent_and_threads(number) else { continue };
        children.entry(parent).or_default().push(Process { number, threads });
    }
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![first];
    while let Some(parent) = parents.pop() {
        let own = children.remove(&parent).unwrap_or_default();
        parents.extend(own.iter().map(|process| process.number));
        found.extend(own);
    }
    found
}

/// Fields 4 and 20 of `/proc/PID/stat` (proc_pid_stat(5)).
fn parent_and_threads(process: u32) -> Option<(u32, u64)> {
    let text = fs_err::read(format!("/proc/{process}/stat")).ok()?;
    // the second field is a name in parentheses, which may hold anything
    let end = text.iter().rposition(|&byte| byte == b')')?;
    let rest = String::from_utf8_lossy(text.get(end + 1..)?).into_owned();
    let mut fields = rest.split_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    Some((parent, fields.nth(15)?.parse().ok()?))
}

/// Bytes in memory that belong to no file, also those shared with other processes.
fn resident(process: u32) -> u64 {
    let read = || -> Option<u64> {
        let text = fs_err::read_to_string(format!("/proc/{process}/statm")).ok()?;
        let mut fields = text.split_whitespace().skip(1).map(|field| field.parse::<u64>().unwrap_or(0));
        let (all, shared) = (fields.next()?, fields.next()?);
        Some(all.saturating_sub(shared).saturating_mul(page_size()))
    };
    read().unwrap_or(0)
}

/// Bytes of a page of memory.
fn page_size() -> u64 {
    const USUAL: u64 = 4096;
    #[expect(unsafe_code, reason = "the number is known to the C library only")]
    // SAFETY: the call takes no memory and returns a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(USUAL)
}

/// The same, where each page counts for a part when several processes share it.
fn proportional(process: u32) -> u64 {
    let Ok(text) = fs_err::read_to_string(format!("/proc/{process}/smaps_rollup")) else { return resident(process) };
    let line = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    line("Pss_Anon:").map_or_else(|| resident(process), |kibibytes| kibibytes.saturating_mul(1024))
}

/// Bytes on the file system of `folder` that the sandbox keeps in files without a name.
fn nameless(first_process: u32, folder: &Path) -> u64 {
    let Ok(here) = rustix::fs::stat(folder) else { return 0 };
    let mut seen = HashSet::new();
    let mut bytes: u64 = 0;
    for process in descendants(first_process) {
        let Ok(files) = fs_err::read_dir(format!("/proc/{}/fd", process.number)) else { continue };
        for file in files.filter_map(Result::ok) {
            let Ok(stat) = rustix::fs::stat(file.path()) else { continue };
            if stat.st_nlink == 0 && stat.st_dev == here.st_dev && seen.insert(stat.st_ino) {
                bytes = bytes.saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(BLOCK));
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_counted_without_following_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs_err::create_dir(path("in")).expect("a folder");
        fs_err::write(path("in/file"), vec![1; 100_000]).expect("written");
        fs_err::hard_link(path("in/file"), path("again")).expect("a second name");
        fs_err::os::unix::fs::symlink("/", path("out")).expect("a link");
        fs_err::File::create(path("hole")).and_then(|file| file.set_len(1 << 30)).expect("a file with a hole");
        let count = |bounds: &Bounds| {
            let mut usage = Usage::default();
            usage.add(folder.path(), bounds).expect("counted");
            usage
        };
        let usage = count(&Bounds::default());
        assert_eq!((usage.files, usage.incomplete), (4, false));
        assert!((100_000..1 << 20).contains(&usage.bytes), "{usage:?}");
        let few = Bounds { files: 2, ..Bounds::default() };
        assert_eq!(count(&few).files, 3, "it stops when it knows enough");
    }

    #[test]
    fn processes_are_found_by_their_parents() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        let found = descendants(std::process::id());
        let own = found.iter().find(|process| process.number == child.id());
        assert_eq!(own.map(|process| process.threads), Some(1));
        assert!(found.iter().all(|process| process.number != std::process::id()));
        child.kill().expect("own child");
        child.wait().expect("own child");
        assert!(proportional(std::process::id()) > 0 && resident(std::process::id()) > 0);
    }
}
