//! Programs that try to get out, and those that only want to work.

use super::*;

#[test]
fn a_script_writes_its_output() {
    let outcome = cell("echo hi > /out/x; echo said; pwd").run();
    assert_eq!(outcome.lines(), ["said", "/build"]);
    assert_eq!(fs_err::read_to_string(outcome.cell.folder.path().join("out/x")).expect("the output"), "hi\n");
}

#[test]
fn the_exit_code_and_the_signal_arrive() {
    assert_eq!(cell("exit 7").run().ending, Ending::Exited(7));
    assert_eq!(cell("kill -9 $$").run().ending, Ending::Killed(9));
    assert_eq!(cell("false; echo unreached").run().lines.len(), 0);
}

#[test]
fn files_of_the_machine_are_not_there() {
    let here = tempfile::tempdir().expect("a folder");
    let secret = here.path().join("secret");
    fs_err::write(&secret, "secret").expect("a file");
    let script = format!(
        "for file in {0} /proc/1/root{0} /proc/self/root{0} ../../../../../../{0} /etc/passwd; do\n if cat $file; then exit 1; fi\n done; ls /",
        secret.display()
    );
    let outcome = cell(&script).run();
    let names: Vec<&str> = outcome.lines().iter().map(String::as_str).filter(|line| !line.contains("cat: ")).collect();
    assert_eq!(names, ["bin", "build", "dev", "etc", "orchestrate", "out", "proc", "run", "tmp", "var"]);
}

#[test]
fn a_root_like_process_sees_no_more() {
    let script = "for file in /proc/1/root /proc/1/cwd; do ls $file/ && exit 1; done; ls /proc/self/root";
    let outcome = cell(script).with(|spec| spec.privilege = Privilege::RootLike).run();
    assert!(outcome.lines().contains(&"orchestrate".to_owned()), "{:#?}", outcome.lines);
}

#[test]
fn there_is_nothing_above_the_root() {
    let script = "cd /; for up in .. ../.. ../../etc/..; do stat -c %d:%i $up; done; ls ..";
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let outcome = cell(&format!("stat -c %d:%i /; {script}")).with(|spec| spec.privilege = privilege).run();
        let lines = outcome.lines();
        assert!(lines[..4].iter().all(|line| *line == lines[0]), "{lines:#?}");
        assert!(lines.contains(&"orchestrate".to_owned()), "{lines:#?}");
    }
}

#[test]
fn process_1_says_nothing_of_the_machine() {
    let script = "ls -A /proc/1; ps | grep -c orchestrate || true";
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let outcome = cell(script).with(|spec| spec.privilege = privilege).run();
        assert_eq!(outcome.lines().len(), 1, "{:#?}", outcome.lines);
    }
}

#[test]
fn standard_streams_can_be_opened_by_name() {
    let outcome =
        cell("echo one > /dev/stdout; echo two > /dev/stderr; echo three > /proc/self/fd/2; echo four > /dev/fd/1")
            .run();
    assert_eq!(outcome.lines(), ["one", "two", "three", "four"]);
}

#[test]
fn there_is_a_loopback_interface_and_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let script = format!(
        "if nc -w 2 127.0.0.1 {port} < /dev/null; then echo reached; exit 1; fi
        nc -l -p 4000 -e echo inside & sleep 1; nc -w 2 127.0.0.1 4000 < /dev/null
        ip route; ls /proc/sys/net/ipv4/conf"
    );
    let outcome = cell(&script).run();
    let lines: Vec<&str> =
        outcome.lines().iter().map(String::as_str).filter(|line| !line.starts_with("nc: ")).collect();
    assert_eq!(lines, ["inside", "all", "default", "lo"]);
}

#[test]
fn the_network_is_there_for_those_who_say_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let cell = cell(&format!("nc -w 2 127.0.0.1 {port} < /dev/null")).with(|spec| spec.network = Network::Host);
    let accepted = std::thread::spawn(move || listener.accept().map(drop));
    let _ = cell.run().lines();
    accepted.join().expect("the listener").expect("a connection");
}

#[test]
fn inputs_cannot_be_written() {
    let input = tempfile::tempdir().expect("a folder");
    open_to_all(input.path());
    fs_err::write(input.path().join("file"), "before").expect("a file");
    let mount = |access| {
        let mount = Mount { source: input.path().to_owned(), at: path("in"), access };
        move |spec: &mut Spec| spec.mounts.push(mount)
    };
    let outcome = cell("if touch /in/new || echo after > /in/file || rm /in/file; then exit 1; fi; cat /in/file")
        .with(mount(Access::ReadOnly))
        .run();
    assert_eq!(outcome.lines().last().map(String::as_str), Some("before"));

    let outcome = cell("touch /in/new; echo after > /in/file; cat /in/file; rm /in/file /bin/nc; echo > /etc/motd")
        .with(mount(Access::Discard))
        .run();
    assert_eq!(outcome.lines(), ["after"]);
    assert_eq!(fs_err::read_to_string(input.path().join("file")).expect("the file"), "before");
    assert!(!input.path().join("new").exists());
    assert!(busybox_root().join("bin/nc").symlink_metadata().is_ok());
    assert_eq!(fs_err::read_to_string(busybox_root().join("etc/motd")).expect("the file"), "of the root\n");
}

#[test]
fn mounts_lie_inside_one_another() {
    let (outer, inner) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs_err::write(outer.path().join("a"), "a\n").expect("a file");
    fs_err::write(inner.path().join("b"), "b\n").expect("a file");
    let outcome = cell("cat /src/a /src/vendor/deep/b; touch /src/c /src/vendor/c")
        .with(|spec| {
            let mount = |at, source: &Path, access| Mount { source: source.to_owned(), at: path(at), access };
            spec.mounts.push(mount("src/vendor/deep", inner.path(), Access::ReadOnly));
            spec.mounts.push(mount("src", outer.path(), Access::Discard));
        })
        .run();
    assert_eq!(outcome.lines(), ["a", "b"]);
}

#[test]
fn other_processes_are_out_of_sight_and_reach() {
    let mut outside = Command::new("sleep").arg("1000").spawn().expect("sleep");
    let script =
        format!("if kill -9 {}; then exit 1; fi; ps | wc -l", outside.id() + 1_000_000 * u32::from(outside.id() < 10));
    let outcome = cell(&script).run();
    assert!(outside.try_wait().expect("a state").is_none(), "it was killed");
    outside.kill().expect("own child");
    outside.wait().expect("own child");
    let processes: u32 = outcome.lines().last().and_then(|line| line.trim().parse().ok()).expect("a number");
    assert!(processes <= 4, "{processes} processes"); // the heading, the shell, ps, wc
}

#[test]
fn nothing_can_be_mounted_and_no_namespace_entered() {
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let script = "for try in 'mount -t tmpfs none /tmp' 'mount -t proc proc /tmp' 'mount -o bind / /tmp' 'mount -o remount,rw /proc' 'umount /proc' \
            'umount -l /dev/null' 'unshare -U true' 'unshare -m true' 'unshare -n true' 'mknod /tmp/sda b 8 0' 'hostname other'; do
            if $try; then echo \"$try\" worked; exit 1; fi; done";
        let _ = cell(script).with(|spec| spec.privilege = privilege).run().lines();
    }
    let _ = cell("if chroot /bin /busybox true; then exit 1; fi").run().lines();
    let _ = cell("chroot / /bin/true").with(|spec| spec.privilege = Privilege::RootLike).run().lines();
}

#[test]
fn the_machine_cannot_be_reached_through_proc() {
    // to the kernel, root in a namespace made by root is the owner of these files
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let script = "for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/1/oom_score_adj; do
            if [ $file != /proc/sysrq-trigger ] && echo 0 > $file; then echo $file; exit 1; fi; done
            if echo 0 > /proc/1/exe; then exit 1; fi
            [ ! -e /proc/kcore ] || [ \"$(wc -c < /proc/kcore)\" = 0 ]";
        let outcome = cell(script).with(|spec| spec.privilege = privilege).run();
        assert!(outcome.lines().iter().any(|line| line.contains("/proc/1/exe")), "{:#?}", outcome.lines);
    }
}

#[test]
fn the_environment_is_what_the_specification_says() {
    let outcome = cell("tr '\\0' '\\n' < /proc/self/environ").run();
    // the shell exports PWD and SHLVL to what it starts
    let others: Vec<&String> =
        outcome.lines().iter().filter(|line| !line.starts_with("PWD=") && !line.starts_with("SHLVL=")).collect();
    assert!(others.iter().all(|line| *line == "PATH=/bin" || *line == "OLDPWD=/"), "{others:?}");
    let outcome = cell("hostname; id -u; id -g; id -G; umask; cat /proc/self/oom_score_adj >/dev/null").run();
    assert_eq!(outcome.lines()[..3], ["orchestrate", "0", "0"]);
    assert_eq!(outcome.lines().last().map(String::as_str), Some("0022"));
}

#[test]
fn there_is_one_user_and_changing_owners_seems_to_work() {
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let script = "touch /out/x; chown 1000:1000 /out/x; chown -h 7 /out/x; stat -c %u:%g /out/x";
        let outcome = cell(script).with(|spec| spec.privilege = privilege).run();
        assert_eq!(outcome.lines(), ["0:0"]);
    }
}

#[test]
fn open_files_of_the_program_are_not_inherited() {
    let leaked = fs_err::File::open("/etc/hostname").expect("a file");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("own file");
    let outcome = cell("ls /proc/self/fd | tr '\\n' ' '").run();
    assert_eq!(outcome.lines(), ["0 1 2 3 "]); // the last is the listing itself
    drop(leaked);
}

#[test]
fn devices_are_the_usual_few() {
    let outcome = cell("ls /dev /dev/pts; echo x > /dev/null; head -c 3 /dev/zero | wc -c; echo y > /dev/shm/x; echo z > /dev/fd/1; [ -c /dev/null ]").run();
    let names = "/dev: fd full null ptmx pts random shm stderr stdin stdout tty urandom zero  /dev/pts: ptmx 3 z";
    assert_eq!(outcome.lines().join(" "), names);
}

#[test]
fn time_is_limited_for_grandchildren_as_well() {
    let marker = format!("98{}", std::process::id());
    let mut cell = cell(&format!("setsid sleep {marker} & sleep {marker} & echo started; sleep {marker}"));
    cell.timeout = Duration::from_secs(2);
    let outcome = cell.run();
    assert_eq!((outcome.ending, outcome.lines.as_slice()), (Ending::TimedOut, &["started".to_owned()][..]));
    assert_eq!(processes_with(&marker), 0);
}

#[test]
fn what_is_left_running_ends_with_the_script() {
    let marker = format!("97{}", std::process::id());
    let _ = cell(&format!("setsid sleep {marker} & setsid sleep {marker} > /dev/null 2>&1 < /dev/null & exit 0"))
        .run()
        .lines();
    assert_eq!(processes_with(&marker), 0);
}

#[test]
fn memory_and_file_sizes_are_limited() {
    let outcome = cell("dd if=/dev/zero of=/dev/null bs=200M count=1 2>&1 || echo refused")
        .with(|spec| spec.limits.data = Some(64 << 20))
        .run();
    assert_eq!(outcome.lines().last().map(String::as_str), Some("refused"));
    let outcome = cell("dd if=/dev/zero of=/out/big bs=1M count=9 || echo refused")
        .with(|spec| spec.limits.file_size = 4 << 20)
        .run();
    assert_eq!(outcome.lines().last().map(String::as_str), Some("refused"));
    assert!(fs_err::metadata(outcome.cell.folder.path().join("out/big")).expect("the file").len() <= 4 << 20);
}

#[test]
fn links_in_a_hostile_root_lead_nowhere() {
    let (hostile, victim) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    open_to_all(hostile.path());
    for name in ["out", "orchestrate", "tmp", "build", "run"] {
        fs_err::os::unix::fs::symlink(victim.path(), hostile.path().join(name)).expect("a link");
    }
    fs_err::create_dir(hostile.path().join("var")).expect("a folder");
    fs_err::os::unix::fs::symlink("../../../../../../../../tmp", hostile.path().join("var/tmp")).expect("a link");
    let outcome = cell("echo x > /out/x; echo y > /tmp/y")
        .with(|spec| spec.root = Root::Layers(vec![hostile.path().to_owned(), busybox_root().to_owned()]))
        .try_run();
    if let Err(error) = outcome {
        assert!(error.to_string().contains("mount something at"), "{error}");
    }
    assert_eq!(fs_err::read_dir(victim.path()).expect("the folder").count(), 0);
}

#[test]
fn a_sandbox_dies_with_its_program() {
    let marker = format!("96{}", std::process::id());
    let mut program = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "sandbox::inside::sleeps_for_long"])
        .env("SANDBOX_TEST_MARKER", &marker)
        .env("SANDBOX_TEST_ROOT", busybox_root())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("this program");
    wait_until(|| processes_with(&marker) > 0);
    program.kill().expect("own child");
    program.wait().expect("own child");
    wait_until(|| processes_with(&marker) == 0);
}

#[test]
#[ignore = "a part of `a_sandbox_dies_with_its_program`"]
fn sleeps_for_long() {
    let marker = std::env::var("SANDBOX_TEST_MARKER").expect("started by the other test");
    cell(&format!("setsid sleep {marker}")).run();
}

#[test]
fn a_layer_that_is_missing_is_named() {
    let error = cell("true")
        .with(|spec| spec.root = Root::Layers(vec!["/nonexistent/layer".into()]))
        .try_run()
        .err()
        .expect("no such layer");
    assert!(error.to_string().contains("/nonexistent/layer"), "{error}");
    let error =
        cell("true").with(|spec| spec.argv = vec!["/bin/none".to_owned()]).try_run().err().expect("no such program");
    assert!(error.to_string().contains("start /bin/none"), "{error}");
}

#[test]
fn a_failed_sandbox_can_be_entered_again() {
    let first = cell("echo left > /build/trace; exit 1").run();
    assert_eq!(first.ending, Ending::Exited(1));
    let again = first.cell.with(|spec| spec.argv = ["/bin/cat", "/build/trace"].map(str::to_owned).into()).run();
    assert_eq!(again.lines(), ["left"]);
}

#[test]
fn this_machine_can_make_sandboxes() {
    let folder = tempfile::tempdir().expect("a folder");
    orchestrate::stage::sandbox::probe(&Sandbox::of_program(&program()), folder.path()).expect("it can");
}

/// To the machine it is not root, so it may not give files to other users: it does without.
#[test]
fn root_of_a_container_can_make_sandboxes() {
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "sandbox::inside::writes_as_root_of_a_container"])
        .env("SANDBOX_TEST_ROOT", busybox_root())
        .output()
        .expect("unshare; `apt-get install util-linux` and try again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "a part of `root_of_a_container_can_make_sandboxes`"]
fn writes_as_root_of_a_container() {
    for privilege in [Privilege::Build, Privilege::RootLike] {
        let outcome = cell("cat /proc/self/uid_map; echo x > /out/x; echo y > /dev/stderr")
            .with(|spec| spec.privilege = privilege)
            .run();
        let fields: Vec<&str> = outcome.lines()[0].split_whitespace().collect();
        assert_eq!((fields, outcome.lines()[1].as_str()), (vec!["0", "0", "1"], "y"));
        assert!(outcome.folder().join("out/x").exists());
    }
}
