//! Programs of another processor, run by an emulator that the kernel starts for them (binfmt_misc). Since Linux 6.7 each
//! user namespace has a register of its own, so that an ordinary user can make an entry, which is gone with the sandbox.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use serde::{Deserialize, Serialize};

use super::report::{Doing, SetupError};
use crate::model::Platform;

/// A program that runs those of a platform.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Emulator {
    /// What it emulates.
    pub platform: Platform,
    /// The program on this machine, which needs no file but itself.
    pub program: PathBuf,
}

/// Registers `emulator` for the user namespace of this process. The entry is there as long as what is returned.
pub(super) fn register(emulator: &Emulator) -> Result<OwnedFd, SetupError> {
    let register = || -> io::Result<OwnedFd> {
        let context = fsopen("binfmt_misc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(context.as_fd())?;
        let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
        let file = openat(&mount, "register", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        std::fs::File::from(file).write_all(&entry(emulator))?;
        Ok(mount)
    };
    register().doing(|| format!("register the emulator {} (it takes Linux 6.7)", emulator.program.display()))
}

/// A line for the register: `:name:M:offset:magic:mask:interpreter:flags` (Documentation/admin-guide/binfmt-misc.rst of
/// Linux). `F` opens the interpreter now, from the machine's files; `P` keeps the name that a program was called by.
fn entry(emulator: &Emulator) -> Vec<u8> {
    let (magic, mask) = header(emulator.platform);
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    format!(
        ":orchestrate-{}:M::{}:{}:{}:FP",
        emulator.platform.machine(),
        escaped(&magic),
        escaped(&mask),
        emulator.program.display()
    )
    .into_bytes()
}

/// The first bytes of the ELF files of a platform, and which bits of them count: class, byte order, type (executable or
/// shared object) and machine; not the ABI of the operating system.
fn header(platform: Platform) -> ([u8; 20], [u8; 20]) {
    const OS_ABI: usize = 7;
    let (machine, class64, little_endian) = platform.elf();
    let mut magic = [0; 20];
    magic[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1 + u8::from(class64), 2 - u8::from(little_endian), 1]);
    let mut mask = [0xff; 20];
    mask[OS_ABI] = 0;
    let two = |number: u16| if little_endian { number.to_le_bytes() } else { number.to_be_bytes() };
    magic[16..18].copy_from_slice(&two(2));
    magic[18..].copy_from_slice(&two(machine));
    mask[16..18].copy_from_slice(&two(0xfffe)); // 2 and 3
    (magic, mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `/usr/lib/binfmt.d/qemu-*.conf` of QEMU have them.
    #[test]
    fn headers_are_those_that_qemu_registers() {
        let of = |platform: &str| header(platform.parse().expect("a platform"));
        let (magic, mask) = of("linux/arm64");
        assert_eq!(magic, *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0");
        assert_eq!(mask, *b"\xff\xff\xff\xff\xff\xff\xff\0\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff");
        let (magic, mask) = of("linux/s390x");
        assert_eq!(magic, *b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x16");
        assert_eq!(mask, *b"\xff\xff\xff\xff\xff\xff\xff\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff");
    }
}
