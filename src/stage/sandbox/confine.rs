//! Takes from a process, and from all that it starts, what it does not need: capabilities, system calls, resources.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::filter;
use super::report::{Doing, SetupError};
use super::spec::{Privilege, ProcessLimits, Spec};

/// Applies the limits, capabilities and filters of `spec` to this process; there is no way back.
pub(super) fn confine(spec: &Spec) -> Result<(), SetupError> {
    limit(&spec.limits).doing(|| "set the limits of processes".to_owned())?;
    if spec.privilege == Privilege::Build {
        drop_capabilities().doing(|| "drop all capabilities".to_owned())?;
    }
    rustix::thread::set_no_new_privs(true).doing(|| "give up new privileges".to_owned())?;
    filter::apply(spec.privilege).doing(|| "filter system calls".to_owned())
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
    let stack = getrlimit(Resource::Stack).maximum;
    let usual = [Some(8 << 20), stack].into_iter().flatten().min();
    setrlimit(Resource::Stack, Rlimit { current: usual, maximum: stack })?;
    Ok(())
}

fn drop_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            Err(rustix::io::Errno::INVAL) => break, // this kernel knows no more
            Err(error) => return Err(error.into()),
        }
    }
    let none = CapabilitySet::empty();
    Ok(rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}
