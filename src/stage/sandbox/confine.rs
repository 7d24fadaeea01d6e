//! Takes from a process, and from all that it starts, what it does not need: capabilities, system calls, resources.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::filter::{self, Owners};
use super::owners;
use super::report::{Doing, SetupError};
use super::spec::{OwnershipMode, Privilege, ProcessLimits, Spec};

/// What package managers and maintainer scripts use: owners and modes of files, changing the user, `chroot`, ending services.
/// Nothing that mounts, configures a network, traces processes or makes devices.
const ROOT_LIKE: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SYS_CHROOT);

/// Applies the limits, capabilities and filters of `spec` to this process; there is no way back. Where owners are kept,
/// some calls are held from now on, until somebody answers at the descriptor that this returns.
pub(super) fn confine(spec: &Spec) -> Result<Option<OwnedFd>, SetupError> {
    limit(&spec.limits).doing(|| "set the limits of processes".to_owned())?;
    let kept = match spec.privilege {
        Privilege::Build => CapabilitySet::empty(),
        Privilege::RootLike => ROOT_LIKE,
    };
    keep_capabilities(kept).doing(|| "drop capabilities".to_owned())?;
    rustix::thread::set_no_new_privs(true).doing(|| "give up new privileges".to_owned())?;
    let keeps_owners = matches!(spec.ownership, OwnershipMode::Kept { .. });
    let owners = if keeps_owners { Owners::Kept } else { Owners::Ignored };
    filter::apply(spec.privilege, owners).doing(|| "filter system calls".to_owned())?;
    let listener = keeps_owners.then(owners::install).transpose();
    listener.doing(|| "hold system calls about owners".to_owned())
}

fn limit(limits: &ProcessLimits) -> io::Result<()> {
    let set = |resource: Resource, most: Option<u64>| {
        // a hard limit can be lowered only
        let hard = getrlimit(resource).maximum;
        let limit = [most, hard].into_iter().flatten().min();
        setrlimit(resource, Rlimit { current: limit, maximum: limit })
    };
    set(Resource::Core, Some(0))?;
    set(Resource::Data, limits.data)?;
    set(Resource::Fsize, Some(limits.file_size))?;
    set(Resource::Nofile, Some(limits.open_files))?;
    set(Resource::Nproc, Some(limits.processes))?;
    set(Resource::Msgqueue, Some(MESSAGES))?;
    let stack = getrlimit(Resource::Stack).maximum;
    let usual = [Some(8 << 20), stack].into_iter().flatten().min();
    setrlimit(Resource::Stack, Rlimit { current: usual, maximum: stack })?;
    Ok(())
}

/// Bytes of POSIX message queues, which are memory that belongs to no process; the kernel's own default.
const MESSAGES: u64 = 819_200;

/// Drops all capabilities but `kept`, also for programs that are started later.
fn keep_capabilities(kept: CapabilitySet) -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if kept.contains(capability) {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            Err(rustix::io::Errno::INVAL) => break, // this kernel knows no more
            Err(error) => return Err(error.into()),
        }
    }
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_scripts_keep_nine_capabilities() {
        assert_eq!(ROOT_LIKE.bits().count_ones(), 9);
        let dangerous = [
            CapabilitySet::SYS_ADMIN,
            CapabilitySet::SYS_PTRACE,
            CapabilitySet::NET_ADMIN,
            CapabilitySet::NET_RAW,
            CapabilitySet::MKNOD,
            CapabilitySet::SYS_RESOURCE,
        ];
        assert!(dangerous.iter().all(|&capability| !ROOT_LIKE.contains(capability)));
    }
}
