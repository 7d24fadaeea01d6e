//! The system calls that a sandbox allows (seccomp(2)). Most of what is dangerous is out of reach in a user namespace
//! without capabilities anyway; the filter keeps the parts of the kernel that no build needs out of reach, those that do
//! not exist yet included.

mod calls;
mod program;

use std::io;

use seccompiler::{BpfProgram, apply_filter};

use self::program::{Decision, Is, Table, Test};
use super::spec::Privilege;

/// Flags of clone(2) and unshare(2) that make namespaces. `CLONE_NEWTIME` (0x80) is a part of the exit signal for
/// clone, which is never so high.
const NAMESPACES: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWNET
    | 0x80)
    .cast_unsigned();

/// Requests of ioctl(2) that put characters into a terminal's input: `TIOCSTI` and `TIOCLINUX`.
const TERMINAL: &[u32] = &[0x5412, 0x541c];

const NETLINK: u32 = libc::AF_NETLINK.cast_unsigned();
/// Families of sockets that stay inside the network namespace.
const FAMILIES: &[u32] =
    &[libc::AF_UNIX.cast_unsigned(), libc::AF_INET.cast_unsigned(), libc::AF_INET6.cast_unsigned(), NETLINK];

/// Protocols that programs ask for by number: the family's usual one, ICMP, TCP, UDP and ICMPv6. Any other makes the
/// kernel load a module. Of netlink, 0 is `NETLINK_ROUTE`, which lists interfaces; the others are for administrators.
const PROTOCOLS: &[u32] = &[0, 1, 6, 17, 58];

/// What becomes of changes of owner and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owners {
    /// They succeed and do nothing.
    Ignored,
    /// Another filter holds them.
    Kept,
}

/// Applies the filter to this process.
pub(super) fn apply(privilege: Privilege, owners: Owners) -> io::Result<()> {
    apply_filter(&program(privilege, owners)?).map_err(io::Error::other)
}

fn program(privilege: Privilege, owners: Owners) -> io::Result<BpfProgram> {
    let mut table = Table::new();
    for calls in calls::ALLOWED {
        table.set(calls, Decision::Allow);
    }
    table.set(calls::ALLOWED_HERE, Decision::Allow);
    table.set(calls::REFUSED, Decision::Fail(libc::EPERM));
    table.set(calls::REFUSED_HERE, Decision::Fail(libc::EPERM));
    if owners == Owners::Ignored {
        table.set(calls::OWNERS, Decision::Succeed);
        if privilege == Privilege::RootLike {
            table.set(calls::BECOMING, Decision::Succeed);
        }
    }
    conditions(&mut table);
    table.program()
}

/// Calls that depend on their arguments. `clone3` is not among them and unknown: its flags are in memory, where no
/// filter sees them.
fn conditions(table: &mut Table) {
    let refused = Decision::Fail(libc::EPERM);
    let no_family = Decision::Fail(libc::EAFNOSUPPORT);
    let no_protocol = Decision::Fail(libc::EPROTONOSUPPORT);
    let namespaces = Test { argument: 0, is: Is::AnyBit(NAMESPACES), then: refused };
    table.test(libc::SYS_clone, vec![namespaces]);
    table.test(libc::SYS_unshare, vec![namespaces]);
    let terminal = |&request| Test { argument: 1, is: Is::Equal(request), then: refused };
    table.test(libc::SYS_ioctl, TERMINAL.iter().map(terminal).collect());
    let family = Test { argument: 0, is: Is::NoneOf(FAMILIES), then: no_family };
    let protocol = Test { argument: 2, is: Is::NoneOf(PROTOCOLS), then: no_protocol };
    table.test(libc::SYS_socket, vec![family, protocol]);
    table.test(libc::SYS_socketpair, vec![family, protocol]);
    // the limits of process 1 are not the step's; 0 is the caller
    table.test(libc::SYS_prlimit64, vec![Test { argument: 0, is: Is::Equal(1), then: refused }]);
}

#[cfg(test)]
mod tests {
    use super::program::tests::{here, run};
    use super::*;

    const ALLOWED: u32 = 0x7fff_0000;
    const PERM: u32 = 0x0005_0000 | libc::EPERM.unsigned_abs();
    const UNKNOWN: u32 = 0x0005_0000 | libc::ENOSYS.unsigned_abs();

    fn of(privilege: Privilege, owners: Owners, call: libc::c_long, arguments: [u64; 3]) -> u32 {
        let program = program(privilege, owners).expect("a program");
        let [one, two, three] = arguments;
        run(&program, here(), u32::try_from(call).expect("a number"), [one, two, three, 0, 0, 0])
    }

    #[test]
    fn the_filters_are_short_enough_for_the_kernel() {
        for privilege in [Privilege::Build, Privilege::RootLike] {
            for owners in [Owners::Ignored, Owners::Kept] {
                let length = program(privilege, owners).expect("a program").len();
                assert!((100..4096).contains(&length), "{length}");
            }
        }
    }

    #[test]
    fn calls_that_no_list_names_are_unknown() {
        // clone3, io_uring, memfd_secret, statmount, open_tree_attr, file_setattr, listns, and what comes after them
        for call in [435, 425, 426, 427, 447, 457, 458, 463, 467, 468, 469, 470, 471, 500, 512, 1000, 100_000] {
            for privilege in [Privilege::Build, Privilege::RootLike] {
                assert_eq!(of(privilege, Owners::Ignored, call, [0; 3]), UNKNOWN, "{call}");
            }
        }
    }

    #[test]
    fn owners_and_identities_are_left_to_who_answers() {
        let build = |call| of(Privilege::Build, Owners::Ignored, call, [0; 3]);
        let root = |call| of(Privilege::RootLike, Owners::Ignored, call, [0; 3]);
        let kept = |call| of(Privilege::RootLike, Owners::Kept, call, [0; 3]);
        for &call in calls::OWNERS {
            assert_eq!([build(call), root(call), kept(call)], [0x0005_0000, 0x0005_0000, ALLOWED]);
        }
        for &call in calls::BECOMING {
            assert_eq!([build(call), root(call), kept(call)], [ALLOWED, 0x0005_0000, ALLOWED]);
        }
    }

    #[test]
    fn arguments_decide_about_namespaces_terminals_and_sockets() {
        let of = |call, arguments| of(Privilege::Build, Owners::Ignored, call, arguments);
        let flag = |flag: i32| u64::from(flag.cast_unsigned());
        let thread =
            flag(libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD);
        assert_eq!(of(libc::SYS_clone, [thread, 0, 0]), ALLOWED);
        assert_eq!(of(libc::SYS_clone, [flag(libc::CLONE_NEWNET | libc::SIGCHLD), 0, 0]), PERM);
        assert_eq!(of(libc::SYS_unshare, [flag(libc::CLONE_FS), 0, 0]), ALLOWED);
        assert_eq!(of(libc::SYS_unshare, [0x80, 0, 0]), PERM);
        assert_eq!(of(libc::SYS_ioctl, [0, 0x5413, 0]), ALLOWED);
        assert_eq!(of(libc::SYS_ioctl, [0, 0x1_0000_5412, 0]), PERM);
        let no_family = 0x0005_0000 | libc::EAFNOSUPPORT.unsigned_abs();
        for call in [libc::SYS_socket, libc::SYS_socketpair] {
            assert_eq!(of(call, [flag(libc::AF_UNIX), 1, 0]), ALLOWED);
            assert_eq!(of(call, [flag(libc::AF_VSOCK), 1, 0]), no_family);
            assert_eq!(of(call, [30, 1, 0]), no_family, "TIPC");
        }
        let no_protocol = 0x0005_0000 | libc::EPROTONOSUPPORT.unsigned_abs();
        assert_eq!(of(libc::SYS_socket, [u64::from(NETLINK), 3, 0]), ALLOWED);
        assert_eq!(of(libc::SYS_socket, [u64::from(NETLINK), 3, 12]), no_protocol, "netfilter");
        assert_eq!(of(libc::SYS_socket, [2, 1, 132]), no_protocol, "SCTP");
        assert_eq!(of(libc::SYS_prlimit64, [1, 7, 0]), PERM);
        assert_eq!(of(libc::SYS_prlimit64, [0, 7, 0]), ALLOWED);
    }
}
