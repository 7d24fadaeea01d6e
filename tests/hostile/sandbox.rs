//! Build steps and scripts of packages against the machine that runs them, and other users of it against them. All of it
//! runs as the user that runs the tests and, when that is root, as an ordinary user as well.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use orchestrate::stage::sandbox::{Bound, Bounds, Ending, Exceeded, Privilege};

use crate::sandbox::escape::attempt;
use crate::sandbox::{busybox_root, cell, open_to_all, wait_until};

const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

fn modes() -> Vec<(u32, u32, i64)> {
    let of = |name| fs_err::metadata(Path::new("/dev").join(name)).expect("a device");
    DEVICES.map(of).iter().map(|device| (device.mode(), device.uid(), device.mtime())).collect()
}

#[test]
fn a_package_script_makes_proc_writable_with_a_new_call() {
    for privilege in [Privilege::Build, Privilege::RootLike] {
        assert_eq!(attempt(privilege, &["open_tree_attr", "new-numbers", "mount_setattr"]), ["done"]);
        let script = "for file in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sys/kernel/modprobe; do
            if echo 3 > $file; then exit 1; fi; done";
        let _ = cell(script).with(|spec| spec.privilege = privilege).run().lines();
    }
}

#[test]
fn a_step_changes_devices_of_the_machine() {
    let before = modes();
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let script = "for name in null zero full random urandom; do
            if chmod 0600 /dev/$name || touch -d '2001-02-03 04:05' /dev/$name; then exit 1; fi; done
            chown 7:7 /dev/null; echo x > /dev/null
            if echo x > /dev/full; then exit 1; fi; head -c 5 /dev/urandom | wc -c";
        let outcome = cell(script).with(|spec| spec.privilege = privilege).run();
        assert_eq!(outcome.lines().last().map(String::as_str), Some("5"), "{:#?}", outcome.lines());
        assert_eq!(attempt(privilege, &["mode-of-devices"]), ["done"]);
    }
    assert_eq!(modes(), before);
}

#[test]
fn a_package_script_traces_process_1_and_makes_netfilter_tables() {
    let ways = ["ptrace-init", "init-memory", "files-of-init", "pidfd-of-init", "limits-of-init", "signal-init"];
    assert_eq!(attempt(Privilege::RootLike, &ways), ["done"]);
    assert_eq!(attempt(Privilege::RootLike, &["netfilter", "raw", "packet", "mknod", "capset"]), ["done"]);
    let of = |privilege| {
        let outcome = cell("grep '^Cap' /proc/self/status | tr -d '\\t'").with(|spec| spec.privilege = privilege).run();
        outcome.lines().to_vec()
    };
    let sets = |kept: &str| {
        let none = "0".repeat(16);
        [("Inh", &*none), ("Prm", kept), ("Eff", kept), ("Bnd", kept), ("Amb", &*none)]
            .map(|(set, value)| format!("Cap{set}:{value}"))
            .to_vec()
    };
    assert_eq!(of(Privilege::Build), sets(&"0".repeat(16)));
    assert_eq!(of(Privilege::RootLike), sets("00000000800400fb"));
}

#[test]
fn a_pair_of_sockets_leaves_the_network_namespace() {
    assert_eq!(attempt(Privilege::Build, &["pair-of-tipc", "pair-of-vsock", "sctp"]), ["done"]);
}

#[test]
fn a_step_reads_what_the_kernel_tells_root() {
    assert_eq!(attempt(Privilege::Build, &["facts-of-the-machine"]), ["done"]);
    assert_eq!(attempt(Privilege::RootLike, &["facts-of-the-machine"]), ["done"]);
}

/// What root's sandboxes make belongs to root on disk, as before, but nobody in there is root to the kernel.
#[test]
fn a_step_is_root_to_the_kernel() {
    let script = "cat /proc/self/uid_map; cat /proc/self/gid_map; mkdir /out/d; echo x > /out/d/f; chmod 4755 /out/d/f
        stat -c %u:%g /out/d/f /bin/busybox /tmp /etc/motd /var/tmp /run; id -u";
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let outcome = cell(script).with(|spec| spec.privilege = privilege).run();
        let lines = outcome.lines();
        let user = rustix::process::geteuid();
        for map in &lines[..2] {
            let fields: Vec<u32> = map.split_whitespace().map(|field| field.parse().expect("a number")).collect();
            assert_eq!((fields[0], fields[2]), (0, 1), "{map}");
            let expected = if user.is_root() { fields[1] >= 2_140_000_000 } else { fields[1] == user.as_raw() };
            assert!(expected, "the machine knows user 0 as {}", fields[1]);
        }
        assert!(lines[2..].iter().all(|line| line == "0:0" || line == "0"), "{lines:#?}");
        for name in ["out/d", "out/d/f"] {
            let made = fs_err::metadata(outcome.folder().join(name)).expect("the output");
            assert_eq!((made.uid(), made.gid()), (user.as_raw(), rustix::process::getegid().as_raw()), "{name}");
        }
    }
}

#[test]
fn another_user_writes_into_the_temporary_folder_of_a_step() {
    let cell = cell("while [ ! -e /out/end ]; do sleep 0.1; done; ls -A /tmp /var/tmp");
    open_to_all(cell.folder());
    let (scratch, out) = (cell.spec.scratch.clone(), cell.folder().join("out"));
    let running = std::thread::spawn(move || cell.run());
    wait_until(|| scratch.join("var-tmp").exists());
    let mode = fs_err::metadata(&scratch).expect("the folder").permissions().mode() & 0o777;
    let stranger = rustix::process::geteuid().is_root().then(|| {
        let mut touch = Command::new("setpriv");
        touch.args(["--reuid=54322", "--regid=54322", "--clear-groups", "touch"]).arg(scratch.join("tmp/cargo"));
        touch.output().expect("setpriv; `apt-get install util-linux` and try again").status.success()
    });
    fs_err::write(out.join("end"), "").expect("own folder");
    let outcome = running.join().expect("the sandbox");
    assert_eq!(outcome.lines(), ["/tmp:", "", "/var/tmp:"], "somebody else wrote there");
    assert_eq!(mode, 0o700);
    assert_ne!(stranger, Some(true), "another user can write there");
}

fn ended_by(script: &str, bounds: Bounds) -> Option<Bound> {
    let mut cell = cell(script);
    cell.spec.limits.together = bounds;
    match cell.run().ending {
        Ending::Exceeded(Exceeded { bound, .. }) => Some(bound),
        _ => None,
    }
}

#[test]
fn a_step_fills_the_disk() {
    let bounds = Bounds { disk: 24 << 20, ..Bounds::default() };
    for folder in ["/tmp", "/out", "/build", "/var/tmp"] {
        let script =
            format!("cd {folder}; for i in 1 2 3 4 5 6; do dd if=/dev/zero of=$i bs=1M count=9; done; sleep 60");
        assert_eq!(ended_by(&script, bounds), Some(Bound::Disk), "{folder}");
    }
}

#[test]
fn a_step_fills_the_disk_where_nobody_sees_it() {
    let bounds = Bounds { disk: 24 << 20, ..Bounds::default() };
    let closed = "mkdir -p /tmp/d; cd /tmp/d; chmod 0 /tmp/d; exec 9> /tmp/none
        for i in 1 2 3 4 5 6; do dd if=/dev/zero bs=1M count=9 >&9; done; rm /tmp/none; sleep 60";
    assert_eq!(ended_by(closed, bounds), Some(Bound::Disk), "in a file that has no name any more");
}

#[test]
fn a_step_uses_up_inodes() {
    let bounds = Bounds { files: 500, ..Bounds::default() };
    let script = "cd /tmp; i=0; while [ $i -lt 2000 ]; do : > $i; i=$((i+1)); done; sleep 60";
    assert_eq!(ended_by(script, bounds), Some(Bound::Files));
}

#[test]
fn a_step_uses_up_memory_with_many_processes() {
    let bounds = Bounds { memory: 150 << 20, ..Bounds::default() };
    let script = "for i in 1 2 3 4 5 6; do dd if=/dev/zero of=/dev/null bs=40M count=100000 & done; wait";
    assert_eq!(ended_by(script, bounds), Some(Bound::Memory));
}

#[test]
fn a_step_starts_processes_without_end() {
    let script = "i=0; while [ $i -lt 200 ]; do sleep 20 & i=$((i+1)); done; echo all of them";
    let outcome = cell(script).with(|spec| spec.limits.processes = 40).run();
    assert_ne!(outcome.ending, Ending::Exited(0), "{:#?}", outcome.lines);
}

#[test]
fn a_step_uses_up_memory_with_files_in_it() {
    let script = "dd if=/dev/zero of=/run/big bs=1M count=65 2> /dev/null && exit 1
        for at in /dev /dev/shm /run; do busybox df -k $at | awk 'END {print $2}'; busybox df -i $at | awk 'END {print $2}'; done";
    let outcome = cell(script).run();
    let numbers: Vec<u64> = outcome.lines().iter().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(numbers, [1 << 10, 1 << 10, 1 << 20, 1 << 16, 1 << 16, 1 << 14]);
}

#[test]
fn a_bound_that_was_passed_is_named() {
    let exceeded = Exceeded { bound: Bound::Disk, most: 64 << 30 };
    assert_eq!(exceeded.to_string(), "wrote more than 68.7 GB to disk");
}

#[test]
fn a_step_that_takes_too_long_leaves_processes() {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "hostile::sandbox::ends_and_collects_by_itself"])
        .env("SANDBOX_TEST_ROOT", busybox_root())
        .output()
        .expect("this program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// In a process of its own, to which orphans fall, and which collects none.
#[test]
#[ignore = "a part of `a_step_that_takes_too_long_leaves_processes`"]
fn ends_and_collects_by_itself() {
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own)).expect("allowed to all");
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let mut cell = cell("(setsid sleep 1000 &); sleep 1000 & sleep 1000").with(|spec| spec.privilege = privilege);
        cell.timeout = Duration::from_secs(1);
        let begun = Instant::now();
        assert_eq!(cell.run().ending, Ending::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(15), "it was not ended but given up");
        let processes = fs_err::read_dir("/proc").expect("/proc").filter_map(Result::ok);
        let states = processes.filter_map(|process| fs_err::read_to_string(process.path().join("stat")).ok());
        // NUMBER (NAME) STATE PARENT
        let parent = |state: &str| state.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<i32>().ok();
        let left: Vec<String> = states.filter(|state| parent(state) == Some(own.as_raw_nonzero().get())).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}
