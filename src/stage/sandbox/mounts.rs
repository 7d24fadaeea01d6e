//! The root of a sandbox. Everything is opened as a detached mount while the machine's files are still in sight, or before,
//! and attached when only the new root is: no link in a hostile root can lead out of it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, move_mount,
};

use super::machine::{DEVICE, FOREIGN, Machine, detached};
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
const HIDDEN: &[&str] = &[
    "allocinfo",
    "config.gz",
    "interrupts",
    "iomem",
    "ioports",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "mtrr",
    "pagetypeinfo",
    "sched_debug",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
    "vmallocinfo",
    "zoneinfo",
];
/// Folders of the same kind; that of process 1 is hidden as well, which nobody in there started.
const HIDDEN_FOLDERS: &[&str] = &["acpi", "asound", "bus", "driver", "fs", "irq", "scsi"];

/// A mount that is in no tree yet.
struct Detached {
    mount: OwnedFd,
    at: PathBuf,
    folder: bool,
}

/// Builds the root that `spec` describes and makes it the root of this process, and of the mount namespace.
pub(super) fn enter_root(spec: &Spec, mut machine: Machine) -> Result<(), SetupError> {
    let (root, has_run) = match &spec.root {
        Root::Layers(layers) => (overlay(layers, &spec.scratch, &mut machine)?, false),
        Root::Folder(path) => (bind(&mut machine, path, MountAttrFlags::empty())?, true),
    };
    let mut mounts = system_mounts(&spec.scratch, &mut machine)?;
    if !has_run {
        mounts.push(run_mount()?);
    }
    for (number, mount) in spec.mounts_in_order().enumerate() {
        mounts.push(detach(mount, &spec.scratch_of_mount(number), &mut machine)?);
    }
    let devices = DEVICES.iter().map(|name| Ok((*name, device(name)?)));
    let devices = devices.collect::<Result<Vec<_>, SetupError>>()?;

    machine.clear().doing(|| "put away the files of the machine".to_owned())?;
    change_root(&root)?;
    for mount in &mounts {
        attach(mount)?;
    }
    fill_dev(devices)?;
    if !has_run {
        fill_run()?;
    }
    hide()?;
    for file in &spec.files {
        write(file)?;
    }
    Ok(())
}

/// An overlay over `layers`, uppermost first, that writes to `scratch/upper`.
fn overlay(layers: &[PathBuf], scratch: &Path, machine: &mut Machine) -> Result<OwnedFd, SetupError> {
    let empty = [scratch.join("empty")];
    let layers = if layers.is_empty() { &empty[..] } else { layers };
    let mut open = |path: &Path| machine.folder(path).doing(|| format!("open the layer {}", path.display()));
    let layers = layers.iter().map(|layer| open(layer)).collect::<Result<Vec<_>, _>>()?;
    let scratch = open(scratch)?;
    let part = |name: &str| rustix::fs::openat(&scratch, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let (upper, work) = (part("upper").doing(|| "open the upper layer".to_owned())?, part("work"));
    let work = work.doing(|| "open the folder of an overlay".to_owned())?;
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
    Ok(fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, FOREIGN)?)
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

fn bind(machine: &mut Machine, source: &Path, attributes: MountAttrFlags) -> Result<OwnedFd, SetupError> {
    machine.mount(source, attributes).doing(|| format!("mount {}", source.display()))
}

fn device(name: &str) -> Result<OwnedFd, SetupError> {
    let path = Path::new("/dev").join(name);
    detached(&path, DEVICE, None).doing(|| format!("mount {}", path.display()))
}

/// `/proc`, `/dev` and the folders that come and go.
fn system_mounts(scratch: &Path, machine: &mut Machine) -> Result<Vec<Detached>, SetupError> {
    let quiet = FOREIGN | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    // read-only as a whole: to the kernel, root in here can be the root that owns /proc/sys
    let proc = new_mount("proc", &[], quiet | MountAttrFlags::MOUNT_ATTR_RDONLY)?;
    let no_set_uid = MountAttrFlags::MOUNT_ATTR_NOSUID;
    let dev = [("mode", "0755"), ("size", "1m"), ("nr_inodes", "1024")];
    let shm = [("mode", "1777"), ("size", SHARED_MEMORY), ("nr_inodes", "65536")];
    let folder = |mount, at: &str| Detached { mount, at: PathBuf::from(at), folder: true };
    let nothing = MountAttrFlags::empty();
    Ok(vec![
        folder(proc, "/proc"),
        folder(new_mount("tmpfs", &dev, no_set_uid)?, "/dev"),
        folder(new_mount("devpts", &[("ptmxmode", "0666"), ("mode", "0620"), ("max", "256")], no_set_uid)?, "/dev/pts"),
        folder(new_mount("tmpfs", &shm, FOREIGN)?, "/dev/shm"),
        // on disk: compilers put more there than memory holds
        folder(bind(machine, &scratch.join("tmp"), nothing)?, "/tmp"),
        folder(bind(machine, &scratch.join("var-tmp"), nothing)?, "/var/tmp"),
    ])
}

/// How much `/dev/shm` holds.
const SHARED_MEMORY: &str = "1g";

/// What is below `/run` comes and goes; a folder that is the root itself keeps it.
fn run_mount() -> Result<Detached, SetupError> {
    let mount = new_mount("tmpfs", &[("mode", "0755"), ("size", "64m"), ("nr_inodes", "16384")], FOREIGN)?;
    Ok(Detached { mount, at: PathBuf::from("/run"), folder: true })
}

fn fill_run() -> Result<(), SetupError> {
    let fill = || -> io::Result<()> {
        fs_err::create_dir_all("/run/lock")?;
        fs_err::set_permissions("/run/lock", std::os::unix::fs::PermissionsExt::from_mode(0o1777))
    };
    fill().doing(|| "fill /run".to_owned())
}

fn detach(mount: &Mount, scratch: &Path, machine: &mut Machine) -> Result<Detached, SetupError> {
    let source = &mount.source;
    let detached = match mount.access {
        Access::Discard => overlay(std::slice::from_ref(source), scratch, machine)?,
        Access::ReadOnly => bind(machine, source, MountAttrFlags::MOUNT_ATTR_RDONLY)?,
        Access::Writable => bind(machine, source, MountAttrFlags::empty())?,
    };
    let stat = rustix::fs::statat(&detached, c"", AtFlags::EMPTY_PATH);
    let stat = stat.doing(|| format!("look at {}", source.display()))?;
    let folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    Ok(Detached { mount: detached, at: inside(&mount.at), folder })
}

/// Makes `root` the root of the namespace; nothing of the old one remains.
fn change_root(root: &OwnedFd) -> Result<(), SetupError> {
    let change = || -> io::Result<()> {
        // over the old root, where a path from the old root does not lead, but the descriptor does
        move_mount(root.as_fd(), c"", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        rustix::process::fchdir(root)?;
        rustix::process::pivot_root(".", ".")?; // the old root now lies on top of the new one
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")?;
        let identity = |path: &str| rustix::fs::stat(path).map(|stat| (stat.st_dev, stat.st_ino));
        match identity("/")? == identity("/..")? {
            true => Ok(()),
            false => Err(io::Error::other("there is something above the new one")),
        }
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
        move_to(&mount.mount, at)
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

/// Puts the null device over files of `/proc`, and an empty folder over folders of it.
fn hide() -> Result<(), SetupError> {
    let proc = |name: &&str| Some(Path::new("/proc").join(name)).filter(|path| path.exists());
    let cover = |with: &Path, attributes: MountAttrFlags, path: PathBuf| {
        let moved = detached(with, attributes, None).and_then(|mount| move_to(&mount, &path));
        moved.doing(|| format!("hide {}", path.display()))
    };
    HIDDEN.iter().filter_map(proc).try_for_each(|path| cover(Path::new("/dev/null"), DEVICE, path))?;
    let quiet = FOREIGN | MountAttrFlags::MOUNT_ATTR_NOEXEC | MountAttrFlags::MOUNT_ATTR_RDONLY;
    let nothing = new_mount("tmpfs", &[("mode", "0555"), ("size", "4k"), ("nr_inodes", "1")], quiet)?;
    let first = Path::new("/proc/1");
    move_to(&nothing, first).doing(|| "hide process 1".to_owned())?;
    HIDDEN_FOLDERS.iter().filter_map(proc).try_for_each(|path| cover(first, quiet, path))
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
