//! Files and folders of the machine, as mounts that are in no tree yet.
//!
//! An ordinary user may make such mounts in new namespaces only, by path, where the machine's files are still in sight.
//! Root makes them before it enters the namespaces, because the user that it becomes there can open nothing of root's:
//! see [`super::user`].

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::FdFlags;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::spec::{Access, Root, Spec};

/// Files of the machine never have the sandbox's devices or set-user bits.
pub(super) const FOREIGN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);
/// Device nodes: a mount that is read-only keeps their modes and owners, and what is written goes to the device.
pub(super) const DEVICE: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC).union(MountAttrFlags::MOUNT_ATTR_RDONLY);

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A mount of its own of what is at `path`, which has `attributes` besides those it had; with a user namespace, what
/// belongs to the machine's root belongs to that namespace's.
#[expect(unsafe_code, reason = "the C library has no function for this call")]
pub(super) fn detached(
    path: &Path,
    attributes: MountAttrFlags,
    user_namespace: Option<&OwnedFd>,
) -> io::Result<OwnedFd> {
    let mount = open_tree(CWD, path, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
    let mut set = u64::from(attributes.bits());
    let mut namespace = 0;
    if let Some(user_namespace) = user_namespace {
        set |= u64::from(MountAttrFlags::MOUNT_ATTR_IDMAP.bits());
        namespace = u64::try_from(user_namespace.as_raw_fd()).map_err(io::Error::other)?;
    }
    let wanted = Attributes { set, user_namespace: namespace, ..Attributes::default() };
    let (size, flags) = (size_of::<Attributes>(), libc::AT_EMPTY_PATH);
    // SAFETY: the kernel reads an empty path and one structure of the size given; all descriptors are open.
    let result = unsafe {
        libc::syscall(libc::SYS_mount_setattr, mount.as_raw_fd(), c"".as_ptr(), flags, &raw const wanted, size)
    };
    if result == 0 { Ok(mount) } else { Err(io::Error::last_os_error()) }
}

/// Numbers of descriptors that process 1 inherits, by the path that each was opened at.
pub(super) type Inherited = BTreeMap<PathBuf, Vec<i32>>;

/// Where the files of the machine come from.
pub(super) enum Machine {
    /// They are in sight.
    InSight,
    /// They were opened before.
    Opened {
        /// As often as each is used.
        mounts: BTreeMap<PathBuf, Vec<OwnedFd>>,
        /// A folder in memory, in no one's sight, for mounts that must be somewhere.
        shelf: OwnedFd,
        /// How many are there.
        shelved: usize,
    },
}

/// Opens all that `spec` names with the machine's root as root of `user_namespace`.
pub(super) fn open_for(spec: &Spec, user_namespace: &OwnedFd) -> io::Result<BTreeMap<PathBuf, Vec<OwnedFd>>> {
    let mut all: BTreeMap<PathBuf, Vec<OwnedFd>> = BTreeMap::new();
    let mut open = |path: &Path, more: MountAttrFlags| -> io::Result<()> {
        let mount = detached(path, FOREIGN | more, Some(user_namespace))?;
        all.entry(path.to_owned()).or_default().push(mount);
        Ok(())
    };
    let nothing = MountAttrFlags::empty();
    match &spec.root {
        Root::Layers(layers) => layers.iter().try_for_each(|layer| open(layer, nothing))?,
        Root::Folder(folder) => open(folder, nothing)?,
    }
    for name in ["", "empty", "tmp", "var-tmp"] {
        open(&spec.scratch.join(name), nothing)?;
    }
    for (number, mount) in spec.mounts_in_order().enumerate() {
        match mount.access {
            Access::Discard => {
                open(&mount.source, nothing)?;
                open(&spec.scratch_of_mount(number), nothing)?;
            }
            Access::ReadOnly => open(&mount.source, MountAttrFlags::MOUNT_ATTR_RDONLY)?,
            Access::Writable => open(&mount.source, nothing)?,
        }
    }
    Ok(all)
}

/// Lets the next program that this process starts have `mounts`.
pub(super) fn bequeath(mounts: &BTreeMap<PathBuf, Vec<OwnedFd>>) -> io::Result<Inherited> {
    let number = |mount: &OwnedFd| -> io::Result<i32> {
        rustix::io::fcntl_setfd(mount, FdFlags::empty())?;
        Ok(mount.as_raw_fd())
    };
    mounts.iter().map(|(path, all)| Ok((path.clone(), all.iter().map(number).collect::<io::Result<_>>()?))).collect()
}

impl Machine {
    /// Takes over what the process before this one opened; nothing where it left that to this one.
    pub(super) fn inherit(inherited: Option<Inherited>) -> io::Result<Self> {
        let Some(inherited) = inherited else { return Ok(Self::InSight) };
        let own = |number: i32| -> io::Result<OwnedFd> {
            #[expect(unsafe_code, reason = "an inherited descriptor has no owner in this process yet")]
            // SAFETY: the process that started this one opened it for this use alone; each number is there once.
            let mount = unsafe { OwnedFd::from_raw_fd(number) };
            rustix::io::fcntl_setfd(&mount, FdFlags::CLOEXEC)?;
            Ok(mount)
        };
        let all = |numbers: Vec<i32>| numbers.into_iter().map(own).collect::<io::Result<Vec<_>>>();
        let mounts =
            inherited.into_iter().map(|(path, numbers)| Ok((path, all(numbers)?))).collect::<io::Result<_>>()?;
        Ok(Self::Opened { mounts, shelf: shelf()?, shelved: 0 })
    }

    /// A mount of what is at `path`, to be moved to where it appears.
    pub(super) fn mount(&mut self, path: &Path, attributes: MountAttrFlags) -> io::Result<OwnedFd> {
        match self {
            Self::InSight => detached(path, FOREIGN | attributes, None),
            Self::Opened { mounts, .. } => take(mounts, path),
        }
    }

    /// The folder at `path`, to be a layer of an overlay or to hold one.
    pub(super) fn folder(&mut self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match self {
            Self::InSight => Ok(rustix::fs::open(path, flags, Mode::empty())?),
            Self::Opened { mounts, shelf, shelved } => {
                let mount = take(mounts, path)?;
                // an overlay takes layers from the own mount namespace only
                let name = shelved.to_string();
                *shelved += 1;
                rustix::fs::mkdirat(&*shelf, &name, Mode::RWXU)?;
                move_mount(mount.as_fd(), c"", shelf.as_fd(), &name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
                Ok(mount)
            }
        }
    }
}

impl Machine {
    /// Takes the shelf away again, before something else is mounted over the root: the overlays have mounts of their own
    /// of what is on it.
    pub(super) fn clear(self) -> io::Result<()> {
        let Self::Opened { shelf, .. } = self else { return Ok(()) };
        rustix::process::fchdir(&shelf)?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        Ok(rustix::process::chdir("/")?)
    }
}

fn take(mounts: &mut BTreeMap<PathBuf, Vec<OwnedFd>>, path: &Path) -> io::Result<OwnedFd> {
    let missing = || io::Error::other("it was not opened before");
    mounts.get_mut(path).and_then(Vec::pop).ok_or_else(missing)
}

/// An empty folder in memory, mounted over the root, where no path leads: what is in the way of a path is looked for
/// below the root's own folder.
fn shelf() -> io::Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in [("mode", "0700"), ("size", "64k"), ("nr_inodes", "4096")] {
        fsconfig_set_string(context.as_fd(), key, value)?;
    }
    fsconfig_create(context.as_fd())?;
    let shelf = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, FOREIGN)?;
    move_mount(shelf.as_fd(), c"", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    Ok(shelf)
}
