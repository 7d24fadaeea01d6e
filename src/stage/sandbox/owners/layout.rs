//! What the kernel writes for `stat` and `statx`, as bytes (stat(2), statx(2)).

use rustix::fs::{Stat, Statx};

use super::table::Owner;

/// Writes numbers at offsets of a structure.
struct Bytes<const N: usize>([u8; N]);

impl<const N: usize> Bytes<N> {
    fn put<const L: usize>(&mut self, at: usize, number: [u8; L]) {
        self.0[at..at + L].copy_from_slice(&number);
    }
}

/// `struct stat` of x86-64, with the owner instead of the one in `stat`.
#[cfg(target_arch = "x86_64")]
pub(super) fn stat(stat: &Stat, owner: Owner) -> [u8; 144] {
    let mut bytes = Bytes([0; 144]);
    bytes.put(0, stat.st_dev.to_ne_bytes());
    bytes.put(8, stat.st_ino.to_ne_bytes());
    bytes.put(16, stat.st_nlink.to_ne_bytes());
    bytes.put(24, stat.st_mode.to_ne_bytes());
    bytes.put(28, owner.uid.to_ne_bytes());
    bytes.put(32, owner.gid.to_ne_bytes());
    bytes.put(40, stat.st_rdev.to_ne_bytes());
    bytes.put(48, stat.st_size.to_ne_bytes());
    bytes.put(56, stat.st_blksize.to_ne_bytes());
    bytes.put(64, stat.st_blocks.to_ne_bytes());
    bytes.put(72, stat.st_atime.to_ne_bytes());
    bytes.put(80, stat.st_atime_nsec.to_ne_bytes());
    bytes.put(88, stat.st_mtime.to_ne_bytes());
    bytes.put(96, stat.st_mtime_nsec.to_ne_bytes());
    bytes.put(104, stat.st_ctime.to_ne_bytes());
    bytes.put(112, stat.st_ctime_nsec.to_ne_bytes());
    bytes.0
}

/// `struct stat` of the architectures that came later, with the owner instead of the one in `stat`.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn stat(stat: &Stat, owner: Owner) -> [u8; 128] {
    let mut bytes = Bytes([0; 128]);
    bytes.put(0, stat.st_dev.to_ne_bytes());
    bytes.put(8, stat.st_ino.to_ne_bytes());
    bytes.put(16, stat.st_mode.to_ne_bytes());
    bytes.put(20, stat.st_nlink.to_ne_bytes());
    bytes.put(24, owner.uid.to_ne_bytes());
    bytes.put(28, owner.gid.to_ne_bytes());
    bytes.put(32, stat.st_rdev.to_ne_bytes());
    bytes.put(48, stat.st_size.to_ne_bytes());
    bytes.put(56, stat.st_blksize.to_ne_bytes());
    bytes.put(64, stat.st_blocks.to_ne_bytes());
    bytes.put(72, stat.st_atime.to_ne_bytes());
    bytes.put(80, stat.st_atime_nsec.to_ne_bytes());
    bytes.put(88, stat.st_mtime.to_ne_bytes());
    bytes.put(96, stat.st_mtime_nsec.to_ne_bytes());
    bytes.put(104, stat.st_ctime.to_ne_bytes());
    bytes.put(112, stat.st_ctime_nsec.to_ne_bytes());
    bytes.0
}

/// `struct statx`, with the owner instead of the one in `status`.
pub(super) fn statx(status: &Statx, owner: Owner) -> [u8; 256] {
    let mut bytes = Bytes([0; 256]);
    bytes.put(0, status.stx_mask.to_ne_bytes());
    bytes.put(4, status.stx_blksize.to_ne_bytes());
    bytes.put(8, status.stx_attributes.bits().to_ne_bytes());
    bytes.put(16, status.stx_nlink.to_ne_bytes());
    bytes.put(20, owner.uid.to_ne_bytes());
    bytes.put(24, owner.gid.to_ne_bytes());
    bytes.put(28, status.stx_mode.to_ne_bytes());
    bytes.put(32, status.stx_ino.to_ne_bytes());
    bytes.put(40, status.stx_size.to_ne_bytes());
    bytes.put(48, status.stx_blocks.to_ne_bytes());
    bytes.put(56, status.stx_attributes_mask.bits().to_ne_bytes());
    for (at, time) in
        [(64, &status.stx_atime), (80, &status.stx_btime), (96, &status.stx_ctime), (112, &status.stx_mtime)]
    {
        bytes.put(at, time.tv_sec.to_ne_bytes());
        bytes.put(at + 8, time.tv_nsec.to_ne_bytes());
    }
    bytes.put(128, status.stx_rdev_major.to_ne_bytes());
    bytes.put(132, status.stx_rdev_minor.to_ne_bytes());
    bytes.put(136, status.stx_dev_major.to_ne_bytes());
    bytes.put(140, status.stx_dev_minor.to_ne_bytes());
    bytes.put(144, status.stx_mnt_id.to_ne_bytes());
    bytes.0
}
