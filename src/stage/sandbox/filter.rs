//! The system calls that a sandbox refuses (seccomp(2)). Most of what is dangerous is out of reach in a user namespace
//! without capabilities anyway; the filter takes away the parts of the kernel that no compiler needs and that have a
//! record of letting people out.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::spec::Privilege;

/// Refused with `EPERM`.
const REFUSED: &[i64] = &[
    // mounts and roots
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    // the machine
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    // parts of the kernel with a record
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_lookup_dcookie,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
];

/// Refused as if the kernel did not know them, so that programs use what they used before.
const UNKNOWN: &[i64] = &[
    libc::SYS_clone3, // its flags are in memory, where no filter sees them
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Changes of owner: there is one user, and owners do not matter in what a build step makes.
const OWNERS: &[i64] = &[
    libc::SYS_fchown,
    libc::SYS_fchownat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
];

/// Becoming somebody else.
const IDENTITY: &[i64] = &[
    libc::SYS_setgroups,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
];

const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWNET,
    0x80, // CLONE_NEWTIME; for clone it is part of the exit signal, which is never so high
];

/// Requests of ioctl(2) that put characters into a terminal's input: `TIOCSTI` and `TIOCLINUX`.
const TERMINAL: &[u64] = &[0x5412, 0x541c];

/// Families of sockets that stay inside the network namespace.
const FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What becomes of changes of owner and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owners {
    /// They succeed and do nothing.
    Ignored,
    /// Another filter holds them.
    Kept,
}

/// Applies the filters to this process.
pub(super) fn apply(privilege: Privilege, owners: Owners) -> io::Result<()> {
    for program in programs(privilege, owners)? {
        apply_filter(&program).map_err(io::Error::other)?;
    }
    Ok(())
}

fn programs(privilege: Privilege, owners: Owners) -> io::Result<Vec<BpfProgram>> {
    let mut programs = vec![
        program(always(UNKNOWN), libc::ENOSYS)?,
        program(sockets()?, libc::EAFNOSUPPORT)?,
        program(refused()?, libc::EPERM)?,
    ];
    if owners == Owners::Ignored {
        let mut ignored = always(OWNERS);
        if privilege == Privilege::RootLike {
            ignored.append(&mut always(IDENTITY));
        }
        programs.push(program(ignored, 0)?);
    }
    if cfg!(target_arch = "x86_64") {
        programs.push(no_x32());
    }
    Ok(programs)
}

fn program(rules: Rules, errno: i32) -> io::Result<BpfProgram> {
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let action = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, target).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

fn always(calls: &[i64]) -> Rules {
    calls.iter().map(|&call| (call, Vec::new())).collect()
}

fn refused() -> io::Result<Rules> {
    let mut rules = always(REFUSED);
    #[cfg(target_arch = "x86_64")]
    rules.append(&mut always(&[
        libc::SYS_kexec_file_load,
        libc::SYS_iopl,
        libc::SYS_ioperm,
        libc::SYS_modify_ldt,
        libc::SYS_uselib,
    ]));
    let namespaces = NAMESPACES.iter().map(|&flag| {
        let flag = u64::from(flag.unsigned_abs());
        rule(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    });
    let namespaces = namespaces.collect::<io::Result<Vec<_>>>()?;
    rules.insert(libc::SYS_unshare, namespaces.clone());
    rules.insert(libc::SYS_clone, namespaces);
    let terminal = TERMINAL.iter().map(|&request| rule(vec![argument(1, SeccompCmpOp::Eq, request)?]));
    rules.insert(libc::SYS_ioctl, terminal.collect::<io::Result<Vec<_>>>()?);
    Ok(rules)
}

fn sockets() -> io::Result<Rules> {
    let others = FAMILIES.iter().map(|&family| argument(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs())));
    let others = rule(others.collect::<io::Result<Vec<_>>>()?)?;
    Ok(Rules::from([(libc::SYS_socket, vec![others])]))
}

fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> io::Result<SeccompCondition> {
    // the kernel looks at the lower half of these arguments only
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value).map_err(io::Error::other)
}

fn rule(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(io::Error::other)
}

/// On x86-64 most system calls have a second number, for the x32 ABI, that rules by number would miss.
fn no_x32() -> BpfProgram {
    use seccompiler::sock_filter;
    const X32_BIT: u32 = 0x4000_0000;
    let load_number = sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 };
    let jump_below = sock_filter { code: 0x35, jt: 0, jf: 1, k: X32_BIT };
    let refuse = sock_filter { code: 0x06, jt: 0, jf: 0, k: 0x0005_0000 | libc::ENOSYS.unsigned_abs() };
    let allow = sock_filter { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 };
    vec![load_number, jump_below, refuse, allow]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_accepted_as_programs() {
        let all = [Privilege::Build, Privilege::RootLike]
            .map(|privilege| [Owners::Ignored, Owners::Kept].map(|owners| (privilege, owners)));
        for (privilege, owners) in all.into_iter().flatten() {
            let programs = programs(privilege, owners).expect("the filters compile");
            assert!(programs.iter().all(|program| !program.is_empty() && program.len() < 4096));
        }
    }
}
