//! Numbers of system calls that the crate `libc` does not have for every architecture. From 424 on they are the same
//! everywhere (arch/*/syscalls of Linux).

use libc::c_long;

/// One number for x86-64 and one for the architectures that share a table.
const fn of(x86_64: c_long, others: c_long) -> c_long {
    if cfg!(target_arch = "x86_64") { x86_64 } else { others }
}

pub(super) const GETRLIMIT: c_long = of(97, 163);
pub(super) const SETRLIMIT: c_long = of(160, 164);
pub(super) const RENAMEAT: c_long = of(264, 38);
pub(super) const SYNC_FILE_RANGE: c_long = of(277, 84);
pub(super) const IO_PGETEVENTS: c_long = of(333, 292);
pub(super) const SET_MEMPOLICY_HOME_NODE: c_long = 450;
pub(super) const CACHESTAT: c_long = 451;
pub(super) const FCHMODAT2: c_long = 452;
pub(super) const MAP_SHADOW_STACK: c_long = 453;
pub(super) const FUTEX_WAKE: c_long = 454;
pub(super) const FUTEX_WAIT: c_long = 455;
pub(super) const FUTEX_REQUEUE: c_long = 456;
pub(super) const MSEAL: c_long = 462;
