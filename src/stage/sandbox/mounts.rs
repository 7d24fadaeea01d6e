//! The root of a sandbox. Everything is opened as a detached mount while the machine's files are still in sight, and
//! attached when only the new root is: no link in a hostile root can lead out of it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::enter::make_read_only;
use super::report::{Doing, SetupError};
use super::spec::{Access, File, Mount, Root, Spec};
use crate::model::ImagePath;

const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: &[(&str, &str)] = &[
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];
/// Files of `/proc` that say something about the machine which no build needs.
const HIDDEN: &[&str] = &["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sysrq-trigger"];

/// A mount that is in no tree yet.
struct Detached {
    mount: OwnedFd,
    at: PathBuf,
    folder: bool,
    read_only: bool,
}

/// Builds the root that `spec` describes and makes it the root of this process, and of the mount namespace.
pub(super) fn enter_root(spec: &Spec) -> Result<(), SetupError> {
    let (root, has_run) = match &spec.root {
        Root::Layers(layers) => (overlay(layers, &spec.scratch)?, false),
        Root::Folder(path) => (bind(path)?, true),
    };
    let mut mounts = system_mounts(&spec.scratch)?;
    if !has_run {
        mounts.push(run_mount()?);
    }
    let mut wanted: Vec<&Mount> = spec.mounts.iter().collect();
    wanted.sort_by(|one, other| one.at.cmp(&other.at)); // a folder before what is in it
    for (number, mount) in wanted.into_iter().enumerate() {
        mounts.push(detach(mount, &spec.scratch.join(format!("mount-{number}")))?);
    }
    let devices = DEVICES.iter().map(|name| Ok((*name, bind(&Path::new("/dev").join(name))?)));
    let devices = devices.collect::<Result<Vec<_>, SetupError>>()?;
    let null = bind(Path::new("/dev/null"))?;

    change_root(&root, &spec.scratch.join("root"))?;
    for mount in &mounts {
        attach(mount)?;
    }
    fill_dev(devices)?;
    if !has_run {
        fill_run()?;
    }
    hide(&null)?;
    for file in &spec.files {
        write(file)?;
    }
    Ok(())
}

/// An overlay over `layers`, uppermost first, that writes to `scratch/upper`.
fn overlay(layers: &[PathBuf], scratch: &Path) -> Result<OwnedFd, SetupError> {
    let empty = [scratch.join("empty")];
    let layers = if layers.is_empty() { &empty[..] } else { layers };
    let open = |path: &Path| {
        rustix::fs::open(path, rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC, rustix::fs::Mode::empty())
            .doing(|| format!("open the layer {}", path.display()))
    };
    let layers = layers.iter().map(|layer| open(layer)).collect::<Result<Vec<_>, _>>()?;
    let (upper, work) = (open(&scratch.join("upper"))?, open(&scratch.join("work"))?);
    let make = |one_by_one: bool| overlay_of(&layers, &upper, &work, one_by_one);
    // layers one by one came with Linux 6.7
    make(true).or_else(|_| make(false)).doing(|| format!("mount {} layers as an overlay", layers.len()))
}

fn overlay_of(layers: &[OwnedFd], upper: &OwnedFd, work: &OwnedFd, one_by_one: bool) -> io::Result<OwnedFd> {
    // values are limited to 255 bytes, and `:` and `,` in paths mean something: descriptors are short and plain
    let name = |descriptor: &OwnedFd| format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    fsconfig_set_flag(context, "userxattr")?;
    fsconfig_set_flag(context, "volatile")?; // nothing in there outlives the step, so nothing waits for the disk
    if one_by_one {
        for layer in layers {
            fsconfig_set_string(context, "lowerdir+", name(layer))?;
        }
    } else {
        let all: Vec<String> = layers.iter().map(name).collect();
        fsconfig_set_string(context, "lowerdir", all.join(":"))?;
    }
    fsconfig_set_string(context, "upperdir", name(upper))?;
    fsconfig_set_string(context, "workdir", name(work))?;
    fsconfig_create(context)?;
    Ok(fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
}

/// A new mount of a file system that has no device.
fn new_mount(kind: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> Result<OwnedFd, SetupError> {
    let make = || -> io::Result<OwnedFd> {
        let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in options {
            fsconfig_set_string(context.as_fd(), *key, *value)?;
        }
        fsconfig_create(context.as_fd())?;
        Ok(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
    };
    make().doing(|| format!("mount a new {kind}"))
}

/// A detached copy of the mount at `source`.
fn bind(source: &Path) -> Result<OwnedFd, SetupError> {
    open_tree(CWD, source, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)
        .doing(|| format!("mount {}", source.display()))
}

/// `/proc`, `/dev` and the folders that come and go.
fn system_mounts(scratch: &Path) -> Result<Vec<Detached>, SetupError> {
    let quiet =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    // read-only as a whole: to the kernel, root in here can be the root that owns /proc/sys
    let proc = new_mount("proc", &[], quiet | MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    let no_set_uid = MountAttrFlags::MOUNT_ATTR_NOSUID;
    let no_devices = no_set_uid | MountAttrFlags::MOUNT_ATTR_NODEV;
    let folder = |mount, at: &str| Detached { mount, at: PathBuf::from(at), folder: true, read_only: false };
    Ok(vec![
        folder(proc, "/proc"),
        folder(new_mount("tmpfs", &[("mode", "0755"), ("size", "1m")], no_set_uid)?, "/dev"),
        folder(new_mount("devpts", &[("ptmxmode", "0666"), ("mode", "0620")], no_set_uid)?, "/dev/pts"),
        folder(new_mount("tmpfs", &[("mode", "1777")], no_devices)?, "/dev/shm"),
        // on disk: compilers put more there than memory holds
        folder(bind(&scratch.join("tmp"))?, "/tmp"),
        folder(bind(&scratch.join("var-tmp"))?, "/var/tmp"),
    ])
}

/// What is below `/run` comes and goes; a folder that is the root itself keeps it.
fn run_mount() -> Result<Detached, SetupError> {
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let mount = new_mount("tmpfs", &[("mode", "0755"), ("size", "64m")], flags)?;
    Ok(Detached { mount, at: PathBuf::from("/run"), folder: true, read_only: false })
}

fn fill_run() -> Result<(), SetupError> {
    let fill = || -> io::Result<()> {
        fs_err::create_dir_all("/run/lock")?;
        fs_err::set_permissions("/run/lock", std::os::unix::fs::PermissionsExt::from_mode(0o1777))
    };
    fill().doing(|| "fill /run".to_owned())
}

fn detach(mount: &Mount, scratch: &Path) -> Result<Detached, SetupError> {
    let source = &mount.source;
    let folder = fs_err::metadata(source).doing(|| format!("look at {}", source.display()))?.is_dir();
    let detached = match mount.access {
        Access::Discard => overlay(std::slice::from_ref(source), scratch)?,
        Access::ReadOnly | Access::Writable => bind(source)?,
    };
    let read_only = mount.access == Access::ReadOnly;
    Ok(Detached { mount: detached, at: Path::new("/").join(mount.at.as_relative()), folder, read_only })
}

/// Makes `root` the root of the namespace, by way of the empty folder `place`; nothing of the old one remains.
fn change_root(root: &OwnedFd, place: &Path) -> Result<(), SetupError> {
    let change = || -> io::Result<()> {
        move_mount(root.as_fd(), c"", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        rustix::process::chdir(place)?;
        rustix::process::pivot_root(".", ".")?; // the old root now lies on top of the new one
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        Ok(rustix::process::chdir("/")?)
    };
    change().doing(|| "change the root".to_owned())
}

fn attach(mount: &Detached) -> Result<(), SetupError> {
    let at = &mount.at;
    let attach = || -> io::Result<()> {
        if mount.folder {
            fs_err::create_dir_all(at)?;
        } else if !at.exists() {
            fs_err::create_dir_all(at.parent().unwrap_or(Path::new("/")))?;
            fs_err::File::create(at)?;
        }
        move_to(&mount.mount, at)?;
        if mount.read_only { make_read_only(at) } else { Ok(()) }
    };
    attach().doing(|| format!("mount something at {}", at.display()))
}

fn move_to(mount: &OwnedFd, at: &Path) -> io::Result<()> {
    const EMPTY: &CStr = c"";
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    Ok(move_mount(mount.as_fd(), EMPTY, CWD, at, flags)?)
}

fn fill_dev(devices: Vec<(&str, OwnedFd)>) -> Result<(), SetupError> {
    let fill = || -> io::Result<()> {
        for (name, mount) in devices {
            let at = Path::new("/dev").join(name);
            fs_err::File::create(&at)?;
            move_to(&mount, &at)?;
        }
        for (name, target) in DEVICE_LINKS {
            fs_err::os::unix::fs::symlink(target, Path::new("/dev").join(name))?;
        }
        Ok(())
    };
    fill().doing(|| "fill /dev".to_owned())
}

fn hide(null: &OwnedFd) -> Result<(), SetupError> {
    for path in HIDDEN.iter().map(Path::new).filter(|path| path.exists()) {
        let again = open_tree(null.as_fd(), c"", OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_EMPTY_PATH);
        again
            .map_err(io::Error::from)
            .and_then(|mount| move_to(&mount, path))
            .doing(|| format!("hide {}", path.display()))?;
    }
    Ok(())
}

fn write(file: &File) -> Result<(), SetupError> {
    let path = Path::new("/").join(file.path.as_relative());
    let write = || -> io::Result<()> {
        fs_err::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        if path.symlink_metadata().is_ok() {
            fs_err::remove_file(&path)?;
        }
        fs_err::write(&path, &file.content)?;
        fs_err::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(file.mode))
    };
    write().doing(|| format!("write {}", path.display()))
}

/// `path` as seen inside.
pub(super) fn inside(path: &ImagePath) -> PathBuf {
    Path::new("/").join(path.as_relative())
}
