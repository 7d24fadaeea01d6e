//! A control group (cgroup v2) for each sandbox, where the program has one to divide: the kernel then bounds memory and
//! processes of all of the sandbox together, to the byte.
//!
//! A group may be divided by whom it was delegated to only (`Delegate=` of systemd.resource-control(5)), and processes
//! must be at its ends: so the program moves into a part of its own, beside those of its sandboxes. A program that
//! shares its group with others, like one started from a shell, has none to divide, and nothing changes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::spec::ProcessLimits;

/// The group of a sandbox; gone when dropped, with everything in it.
pub(super) struct Group {
    folder: PathBuf,
}

impl Group {
    /// A group for one sandbox; none where there is nothing to divide.
    pub(super) fn new(limits: &ProcessLimits) -> Option<Self> {
        static DIVIDED: OnceLock<Option<PathBuf>> = OnceLock::new();
        let parent = DIVIDED.get_or_init(|| own_group().filter(|folder| divide(folder, std::process::id()).is_ok()));
        // counted as everywhere else when it fails
        parent.as_deref().and_then(|parent| Self::within(parent, limits).ok())
    }

    fn within(parent: &Path, limits: &ProcessLimits) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("orchestrate-{}-{number}", std::process::id()));
        fs_err::create_dir(&folder)?;
        let group = Self { folder };
        group.set("memory.max", &limits.together.memory.to_string())?;
        group.set("memory.oom.group", "1")?;
        group.set("pids.max", &limits.processes.to_string())?;
        let _ = group.set("memory.swap.max", "0"); // not there without swap
        Ok(group)
    }

    fn set(&self, name: &str, value: &str) -> io::Result<()> {
        fs_err::write(self.folder.join(name), value)
    }

    /// Moves a process into the group, and with it all that it will start.
    pub(super) fn add(&self, process: u32) -> io::Result<()> {
        self.set("cgroup.procs", &process.to_string())
    }

    /// Whether the kernel ended the sandbox because it had no memory left.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        let events = fs_err::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.set("cgroup.kill", "1"); // nothing is left in there but after an error
        let _ = fs_err::remove_dir(&self.folder);
    }
}

/// The folder of this process's group, when that is delegated to it alone.
fn own_group() -> Option<PathBuf> {
    let mounts = fs_err::read_to_string("/proc/self/mountinfo").ok()?;
    let groups = fs_err::read_to_string("/proc/self/cgroup").ok()?;
    let (folder, path) = folder_of(&mounts, &groups)?;
    let delegated = || {
        let mut value = [0; 4];
        rustix::fs::getxattr(&folder, "user.delegate", &mut value[..]).is_ok_and(|length| value[..length] == *b"1")
    };
    // the root is that of a container; on a machine of its own the program is further down
    (path == "/" || delegated()).then_some(folder)
}

/// The folder of a process's group and its path in the hierarchy, from its `mountinfo` and `cgroup` (proc(5)).
fn folder_of(mounts: &str, groups: &str) -> Option<(PathBuf, String)> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mut fields = mount.split(' ').skip(3);
    let (root, at) = (fields.next()?, fields.next()?);
    let below = path.strip_prefix(root.trim_end_matches('/'))?.trim_start_matches('/');
    Some((Path::new(at).join(below), path.to_owned()))
}

/// Moves `process` into a part of the group `folder`, and lets parts of it have bounds. All stays as it was when that
/// cannot be.
fn divide(folder: &Path, process: u32) -> io::Result<()> {
    let controllers = fs_err::read_to_string(folder.join("cgroup.controllers"))?;
    let has = |name| controllers.split_whitespace().any(|controller| controller == name);
    let members = fs_err::read_to_string(folder.join("cgroup.procs"))?;
    let alone = members.lines().all(|member| member.trim() == process.to_string());
    if !(has("memory") && has("pids") && alone) {
        return Err(io::Error::other("this group is not the program's to divide"));
    }
    let own = folder.join(format!("orchestrate-{process}"));
    fs_err::create_dir(&own)?;
    let enter = |group: &Path| fs_err::write(group.join("cgroup.procs"), process.to_string());
    let divided = enter(&own).and_then(|()| fs_err::write(folder.join("cgroup.subtree_control"), "+memory +pids"));
    if divided.is_err() {
        let _ = enter(folder);
        let _ = fs_err::remove_dir(&own);
    }
    divided
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a group with these controllers and members.
    fn group(controllers: &str, members: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs_err::write(folder.path().join("cgroup.controllers"), controllers).expect("written");
        fs_err::write(folder.path().join("cgroup.procs"), members).expect("written");
        folder
    }

    fn text(folder: &Path, name: &str) -> String {
        fs_err::read_to_string(folder.join(name)).unwrap_or_default()
    }

    #[test]
    fn a_group_is_found_where_it_is_mounted() {
        let mounts = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";
        let of = |groups: &str| folder_of(mounts, groups);
        let found = of("1:cpu:/x\n0::/user.slice/a.scope\n").expect("found");
        assert_eq!(found, (PathBuf::from("/sys/fs/cgroup/user.slice/a.scope"), "/user.slice/a.scope".to_owned()));
        assert_eq!(of("0::/\n").expect("found").0, PathBuf::from("/sys/fs/cgroup"));
        assert_eq!(of("1:cpu:/x\n"), None);
        let part = "41 31 0:38 /part /mnt rw - cgroup2 cgroup2 rw\n";
        assert_eq!(folder_of(part, "0::/part/own\n").expect("found").0, PathBuf::from("/mnt/own"));
        assert_eq!(folder_of(part, "0::/other\n"), None);
    }

    #[test]
    fn only_a_group_of_its_own_is_divided() {
        for (controllers, members) in [("cpu memory pids", "7\n8\n"), ("cpu pids", "7\n"), ("", "")] {
            let folder = group(controllers, members);
            assert!(divide(folder.path(), 7).is_err());
            assert_eq!(fs_err::read_dir(folder.path()).expect("the folder").count(), 2, "something was changed");
        }
        let folder = group("cpu memory pids", "7\n");
        divide(folder.path(), 7).expect("divided");
        assert_eq!(text(folder.path(), "orchestrate-7/cgroup.procs"), "7");
        assert_eq!(text(folder.path(), "cgroup.subtree_control"), "+memory +pids");
    }

    #[test]
    fn a_sandbox_has_the_bounds_that_were_asked_for() {
        let parent = tempfile::tempdir().expect("a folder");
        let limits = ProcessLimits { processes: 9, ..ProcessLimits::default() };
        let group = Group::within(parent.path(), &limits).expect("a group");
        group.add(7).expect("added");
        assert_eq!(text(&group.folder, "memory.max"), limits.together.memory.to_string());
        assert_eq!((text(&group.folder, "pids.max"), text(&group.folder, "cgroup.procs")), ("9".into(), "7".into()));
        assert!(!group.ran_out_of_memory());
        fs_err::write(group.folder.join("memory.events"), "max 9\noom 1\noom_kill 3\n").expect("written");
        assert!(group.ran_out_of_memory());
    }
}
