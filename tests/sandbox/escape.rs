//! Ways out that have worked elsewhere, as a C program inside the sandbox.

use super::*;

/// Tries one way per argument and says `refused` or how it got through.
const WAYS: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int is(const char *way, const char *name) { return strcmp(way, name) == 0; }

/* 0 or more: it worked */
static long attempt(const char *way) {
    static char stack[65536];
    if (is(way, "chroot")) { /* a root below the current folder lets one climb out of it */
        mkdir("/tmp/jail", 0755);
        int top = open("/", O_RDONLY | O_DIRECTORY);
        if (chroot("/tmp/jail") < 0) return -1;
        fchdir(top);
        for (int i = 0; i < 64; i++) chdir("..");
        chroot(".");
        return access("/orchestrate/run", F_OK) == 0 ? -1 : 0; /* still the same root: no way out */
    }
    if (is(way, "clone")) return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (is(way, "clone3")) { struct { unsigned long long f[11]; } a = {{CLONE_NEWUSER}}; return syscall(435, &a, sizeof a); }
    if (is(way, "unshare")) return unshare(CLONE_NEWUSER | CLONE_NEWNS);
    if (is(way, "unshare-time")) return syscall(SYS_unshare, 0x80);
    if (is(way, "setns")) return setns(open("/proc/self/ns/mnt", O_RDONLY), 0);
    if (is(way, "fsopen")) return syscall(430, "tmpfs", 0);
    if (is(way, "open_tree")) return syscall(428, AT_FDCWD, "/", 1);
    if (is(way, "mount_setattr")) return syscall(442, AT_FDCWD, "/proc", 0, stack, 32);
    if (is(way, "open_tree_attr")) { unsigned long long a[4] = {0, 1, 0, 0}; return syscall(467, AT_FDCWD, "/proc", 1 | 0x80000 | 0x8000, a, 32); }
    if (is(way, "new-numbers")) { /* those that do not exist yet are as unknown as they are to the kernel */
        for (long n = 463; n < 600; n++) { errno = 0; if (syscall(n, 0, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS) return 0; }
        return -1;
    }
    if (is(way, "pair-of-tipc")) { int p[2]; return socketpair(30, SOCK_STREAM, 0, p) == 0 || errno != EAFNOSUPPORT ? 0 : -1; }
    if (is(way, "pair-of-vsock")) { int p[2]; return socketpair(40, SOCK_STREAM, 0, p) == 0 || errno != EAFNOSUPPORT ? 0 : -1; }
    if (is(way, "netfilter")) return socket(AF_NETLINK, SOCK_RAW, 12);
    if (is(way, "sctp")) return socket(AF_INET, SOCK_STREAM, 132) >= 0 || errno != EPROTONOSUPPORT ? 0 : -1;
    if (is(way, "files-of-init")) {
        static const char *names[] = {"fd", "fdinfo", "root", "cwd", "exe", "mem", "environ", "maps", "ns/mnt", "io", "auxv", "map_files"};
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
            char path[64], text[64];
            snprintf(path, sizeof path, "/proc/1/%s", names[i]);
            if (readlink(path, text, sizeof text) >= 0) return 0;
            int f = open(path, O_RDONLY);
            if (f >= 0 && (i < 2 || i == 11 ? syscall(SYS_getdents64, f, stack, sizeof stack) : read(f, text, 1)) > 0) return 0;
        }
        return -1;
    }
    if (is(way, "pidfd-of-init")) { int p = syscall(434, 1, 0); return syscall(438, p, 1, 0); }
    if (is(way, "limits-of-init")) { unsigned long long l[2] = {0, 0}; return syscall(SYS_prlimit64, 1, 0, l, 0); }
    if (is(way, "signal-init")) { /* Landlock 6 scopes signals */
        return syscall(444, 0, 0, 1) >= 6 ? kill(1, 0) : -1;
    }
    if (is(way, "mode-of-devices")) {
        static const char *names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
            struct stat s;
            if (stat(names[i], &s) < 0) return 0;
            if (chmod(names[i], s.st_mode & 07777) == 0) return 0; /* the mode that it has: no harm is done where it works */
            if (utimensat(AT_FDCWD, names[i], 0, 0) == 0 && is(names[i], "/dev/full")) return 0;
            int f = open(names[i], O_RDWR);
            if (f >= 0 && fchmod(f, s.st_mode & 07777) == 0) return 0;
        }
        return -1;
    }
    if (is(way, "facts-of-the-machine")) {
        static const char *names[] = {"slabinfo", "vmallocinfo", "pagetypeinfo", "timer_list", "kpagecount", "kcore", "iomem", "kmsg", "keys", "kallsyms"};
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
            char path[64], c;
            snprintf(path, sizeof path, "/proc/%s", names[i]);
            int f = open(path, O_RDONLY | O_NONBLOCK);
            if (f >= 0 && read(f, &c, 1) > 0) return 0;
        }
        return -1;
    }
    if (is(way, "ptrace-init")) return ptrace(PTRACE_ATTACH, 1, 0, 0);
    if (is(way, "init-memory")) return open("/proc/1/mem", O_RDWR);
    if (is(way, "init-program")) return open("/proc/1/exe", O_WRONLY);
    if (is(way, "kill-init")) { kill(1, SIGKILL); kill(1, SIGTERM); return -1; } /* ends nothing, or this line is the last */
    if (is(way, "vsock")) return socket(40, SOCK_STREAM, 0);
    if (is(way, "packet")) return socket(AF_PACKET, SOCK_RAW, 0);
    if (is(way, "alg")) return socket(38, SOCK_SEQPACKET, 0);
    if (is(way, "raw")) return socket(AF_INET, SOCK_RAW, 1);
    if (is(way, "keyctl")) return syscall(SYS_keyctl, 0, -3, 0);
    if (is(way, "add_key")) return syscall(SYS_add_key, "user", "x", "y", 1, -3);
    if (is(way, "bpf")) return syscall(SYS_bpf, 0, stack, 64);
    if (is(way, "perf")) return syscall(SYS_perf_event_open, stack, 0, -1, -1, 0);
    if (is(way, "userfaultfd")) return syscall(SYS_userfaultfd, 1);
    if (is(way, "io_uring")) return syscall(425, 1, stack);
    if (is(way, "by-handle")) return syscall(SYS_open_by_handle_at, AT_FDCWD, stack, 0);
    if (is(way, "tiocsti")) { char c = 'x'; return ioctl(0, TIOCSTI, &c) == 0 || errno != EPERM ? 0 : -1; }
    if (is(way, "tiocsti-high")) { char c = 'x'; return ioctl(0, TIOCSTI | 0x100000000UL, &c) == 0 || errno != EPERM ? 0 : -1; }
    if (is(way, "setuid")) return setresuid(0, 0, 0) == 0 && setresuid(1, 1, 1) == 0 && getuid() == 1 ? 0 : -1;
    if (is(way, "capset")) { unsigned h[2] = {0x20080522, 0}, d[6] = {~0u, ~0u, ~0u, ~0u, ~0u, ~0u}; return syscall(SYS_capset, h, d); }
    if (is(way, "mknod")) return mknod("/tmp/disk", S_IFBLK | 0600, 0x0800);
    if (is(way, "settime")) { struct { long s, n; } t = {1, 0}; return syscall(SYS_clock_settime, 0, &t); }
    if (is(way, "reboot")) return syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0);
#ifdef __x86_64__
    if (is(way, "x32")) return syscall(0x40000000 + 272, CLONE_NEWUSER);
#endif
    return -1;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        pid_t child = fork();
        if (child == 0) {
            errno = 0;
            long result = attempt(argv[i]);
            if (result < 0) _exit(0);
            printf("%s worked\n", argv[i]);
            fflush(stdout);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        /* i386 calls and the like end in SIGSYS */
    }
    puts("done");
    return 0;
}
"#;

const FOR_NOBODY: &[&str] = &[
    "chroot",
    "clone",
    "clone3",
    "unshare",
    "unshare-time",
    "setns",
    "fsopen",
    "open_tree",
    "mount_setattr",
    "init-program",
    "kill-init",
    "vsock",
    "packet",
    "alg",
    "keyctl",
    "add_key",
    "bpf",
    "perf",
    "userfaultfd",
    "io_uring",
    "by-handle",
    "tiocsti",
    "tiocsti-high",
    "setuid",
    "mknod",
    "settime",
    "reboot",
    "x32",
    "ptrace-init",
    "init-memory",
    "raw",
    "capset",
    "open_tree_attr",
    "new-numbers",
    "pair-of-tipc",
    "pair-of-vsock",
    "netfilter",
    "sctp",
    "files-of-init",
    "pidfd-of-init",
    "limits-of-init",
    "signal-init",
    "mode-of-devices",
    "facts-of-the-machine",
];

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SANDBOX_TEST_WAYS") {
        return program.into();
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = tempfile::Builder::new().suffix(".c").tempfile_in(folder).expect("a file");
    fs_err::write(source.path(), WAYS).expect("written");
    let program = source.path().with_extension("program");
    super::run(Command::new("cc").args(["-static", "-w", "-o"]).arg(&program).arg(source.path()), "gcc libc6-dev");
    let kept = folder.join("ways-out");
    fs_err::rename(&program, &kept).expect("renamed");
    kept
}

pub(super) fn ways() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(program)
}

pub(crate) fn attempt(privilege: Privilege, ways_out: &[&str]) -> Vec<String> {
    let cell = cell(&format!("/ways {}", ways_out.join(" "))).with(|spec| {
        spec.privilege = privilege;
        spec.mounts.push(Mount { source: ways().to_owned(), at: path("ways"), access: Access::ReadOnly });
    });
    cell.run().lines().to_vec()
}

#[test]
fn known_ways_out_are_closed() {
    assert_eq!(attempt(Privilege::Build, FOR_NOBODY), ["done"]);
    assert_eq!(attempt(Privilege::RootLike, FOR_NOBODY), ["done"]);
}
