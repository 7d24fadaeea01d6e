//! Programs for arm64 on this machine: the kernel is told to hand them to qemu, for oracles alone; the program under test
//! needs none of it.
//!
//! `binfmt_misc` is the kernel's and not a process's: tests of several processes share the registration. Each holds a
//! shared lock while it needs it, and the last one leaves the kernel as the first one found it.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

const FOLDER: &str = "/proc/sys/fs/binfmt_misc";
/// The registration of Debian's packages, which is used where it is there.
const PACKAGED: &str = "qemu-aarch64";
/// The one of these tests.
const OWN: &str = "orchestrate-tests-aarch64";
const INTERPRETER: &str = "/usr/bin/qemu-aarch64-static";
/// The first bytes of a program: 64 bits, little endian, version 1, any of the kinds that can run, AArch64.
const MAGIC: &str = r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
const MASK: &str = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
/// As the packages register it: the interpreter is opened once, so that it works in other roots as well (F).
const FLAGS: &str = "OPF";
/// Its content says whether the folder was mounted for these tests.
const LOCK: &str = "/run/orchestrate-tests-aarch64.lock";
const MOUNTED: &str = "mounted";

/// While there is one, programs for arm64 run.
pub(crate) struct Emulation {
    lock: File,
}

impl Emulation {
    /// Makes programs for arm64 run, which takes root.
    pub(crate) fn start() -> Self {
        let options = File::options().read(true).write(true).create(true).truncate(false).open(LOCK);
        let emulation = Self { lock: options.unwrap_or_else(|error| panic!("{LOCK}: {error}: run the tests as root")) };
        loop {
            flock(&emulation.lock, FlockOperation::LockExclusive).expect("locked");
            if !is_registered() {
                register();
            }
            // in between, another process may take the lock, and with it the registration
            flock(&emulation.lock, FlockOperation::LockShared).expect("locked");
            if is_registered() {
                return emulation;
            }
        }
    }
}

impl Drop for Emulation {
    fn drop(&mut self) {
        if flock(&self.lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return; // somebody else needs it
        }
        // what cannot be taken back is used, and taken back, by the next run
        let _ = fs_err::write(entry(OWN), "-1");
        let others = || fs_err::read_dir(FOLDER).is_ok_and(|entries| entries.count() > ["register", "status"].len());
        let mounted = fs_err::read_to_string(LOCK).is_ok_and(|text| text == MOUNTED);
        if mounted && !others() && unmount(FOLDER, UnmountFlags::empty()).is_ok() {
            let _ = fs_err::write(LOCK, "");
        }
    }
}

fn entry(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn is_registered() -> bool {
    [PACKAGED, OWN].iter().any(|name| {
        let text = fs_err::read_to_string(entry(name)).unwrap_or_default();
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
        text.starts_with("enabled") && flags.contains('F')
    })
}

fn register() {
    assert!(Path::new(INTERPRETER).exists(), "{INTERPRETER} is missing: install qemu-user-static, or run hack/test.sh");
    if !entry("register").exists() {
        mount("binfmt_misc", FOLDER, "binfmt_misc", MountFlags::empty(), None).unwrap_or_else(|error| {
            panic!("binfmt_misc cannot be mounted ({error}): this kernel runs no foreign programs")
        });
        fs_err::write(LOCK, MOUNTED).expect("written");
    }
    if entry(OWN).exists() {
        fs_err::write(entry(OWN), "-1").expect("what cannot be used is removed");
    }
    let line = format!(":{OWN}:M::{MAGIC}:{MASK}:{INTERPRETER}:{FLAGS}");
    fs_err::write(entry("register"), line).expect("registered");
}
