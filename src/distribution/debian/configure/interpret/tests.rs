//! What the interpreter makes of scripts as packages have them.

use super::super::coverage::NoFiles;
use super::super::system::System;
use super::super::tree::at;
use super::super::units::Linked;
use crate::archive::Control;
use crate::distribution::system::{PackageState, UnpackedPackage};
use crate::model::{EPOCH, Format, Mode, PackageId, Platform, Why};

const ACCOUNTS: &[(&str, u32, &str)] = &[
    ("/etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n"),
    ("/etc/group", 0o644, "root:x:0:\ndaemon:x:1:\nadm:x:4:\nnogroup:x:65534:\n"),
    ("/etc/shadow", 0o640, "root:*:3652:0:99999:7:::\n"),
    ("/etc/gshadow", 0o640, "root:*::\nadm:*::\n"),
];

/// Programs that the scripts look for.
const PROGRAMS: &[&str] = &[
    "/usr/sbin/adduser",
    "/usr/sbin/addgroup",
    "/usr/sbin/usermod",
    "/usr/sbin/update-rc.d",
    "/usr/sbin/invoke-rc.d",
    "/usr/bin/deb-systemd-helper",
    "/usr/bin/deb-systemd-invoke",
    "/usr/bin/ucf",
    "/usr/bin/ucfr",
];

fn package(files: &[(&str, &str)]) -> UnpackedPackage {
    let files =
        files.iter().map(|(name, text)| ((*name).to_owned(), (Mode::from_bits(0o755), text.as_bytes().to_vec())));
    UnpackedPackage {
        id: PackageId::new(Format::Deb, "demo", "1.0-1", "amd64").expect("a package"),
        control: Control { control: "Package: demo\nVersion: 1.0-1\n".to_owned(), files: files.collect() },
        entries: Vec::new(),
        state: PackageState::Unpacked,
        why: Why::Asked,
    }
}

/// Runs both scripts of a package in a system with these files, and looks at what is left.
fn after(control: &[(&str, &str)], files: &[(&str, u32, &str)], look: impl FnOnce(&mut System<'_>)) {
    let packages = [package(control)];
    let platform: Platform = "linux/amd64".parse().expect("a platform");
    let mut system = System::new(platform, &packages, &NoFiles, EPOCH);
    for (path, mode, content) in ACCOUNTS.iter().chain(files) {
        system.root.write(&at(path).expect("a path"), *mode, (0, 0), *content);
    }
    for program in PROGRAMS {
        system.root.write(&at(program).expect("a path"), 0o755, (0, 0), "#!/usr/bin/perl\n");
    }
    for script in ["preinst", "postinst"] {
        system.interpret(0, script, Linked::ByHelper);
    }
    look(&mut system);
}

fn text(system: &System<'_>, path: &str) -> String {
    system.root.text(&at(path).expect("a path")).expect("readable").unwrap_or_else(|| "nothing is there".to_owned())
}

/// The last lines of what was refused.
fn refused(control: &[(&str, &str)]) -> Vec<String> {
    let mut lines = Vec::new();
    after(control, &[], |system| {
        lines = system.refused.iter().flat_map(|script| script.lines.clone()).collect();
    });
    lines
}

const SERVICE: &str = r#"#!/bin/sh
set -e
case "$1" in
    configure)
        if ! getent group demo >/dev/null; then
            addgroup --system --quiet demo
        fi
        if ! getent passwd demo >/dev/null; then
            adduser --system --quiet --home /var/lib/demo --no-create-home --ingroup demo --gecos "A demo" demo
        fi
        usermod -a -G adm demo
        mkdir -p /var/lib/demo /var/log/demo
        for dir in /var/lib/demo /var/log/demo; do
            if ! dpkg-statoverride --list $dir >/dev/null 2>&1; then
                chown demo:adm $dir
                chmod 2750 $dir
            fi
        done
        [ -e /etc/demo.conf ] || sed -e "s/@USER@/demo/" /usr/share/demo/demo.conf >/etc/demo.conf
        if [ -z "$2" ] || dpkg --compare-versions "$2" lt 0.9; then
            echo new >/var/lib/demo/state
        fi
        if [ -d /run/systemd/system ]; then
            systemctl --unknown-option restart demo
        fi
        ;;
    *)
        perl -e 'never here'
        ;;
esac

# Automatically added by dh_installsystemd/13.24.2
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ]; then
    deb-systemd-helper unmask 'demo.service' >/dev/null || true
    if deb-systemd-helper --quiet was-enabled 'demo.service'; then
        deb-systemd-helper enable 'demo.service' >/dev/null || true
    else
        deb-systemd-helper update-state 'demo.service' >/dev/null || true
    fi
fi
# End automatically added section
update-alternatives --install /usr/bin/d demo /usr/bin/demo 50 --slave /usr/share/man/man1/d.1.gz demo.1.gz /x.gz
if command -v update-rc.d >/dev/null; then update-rc.d demo defaults >/dev/null; fi
invoke-rc.d demo start || true
exit 0
"#;

#[test]
fn a_service_gets_its_account_its_folders_and_its_unit() {
    let files: &[(&str, u32, &str)] = &[("/usr/share/demo/demo.conf", 0o644, "user = @USER@\n")];
    after(&[("postinst", SERVICE)], files, |system| {
        assert_eq!(system.refused, [], "all of it is understood");
        assert!(text(system, "/etc/passwd").ends_with("demo:x:100:100:A demo:/var/lib/demo:/usr/sbin/nologin\n"));
        assert!(text(system, "/etc/group").contains("adm:x:4:demo\n"));
        assert!(text(system, "/etc/gshadow").contains("adm:*::demo\n"));
        assert_eq!(text(system, "/etc/demo.conf"), "user = demo\n");
        assert_eq!(text(system, "/var/lib/demo/state"), "new\n");
        let folder = system.root.entry(&at("/var/log/demo").expect("a path")).expect("made");
        assert_eq!((folder.uid, folder.gid, folder.mode.bits()), (100, 4, 0o2750));
        let units: Vec<&str> = system.units.iter().map(|(_, unit, _)| unit.as_str()).collect();
        assert_eq!((units, system.alternatives.len(), system.init_scripts.len()), (vec!["demo.service"], 1, 1));
    });
}

#[test]
fn questions_have_the_answers_of_their_templates() {
    let templates = "Template: demo/port\nType: string\nDefault: 8080\nDescription: A port\n\n\
                     Template: demo/enable\nType: boolean\nDefault: true\nDescription: Enable?\n";
    let config = "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\ndb_input medium demo/port || true\ndb_go || true\n\
                  db_get demo/enable && [ \"$RET\" = true ] && db_set demo/port 9090\n";
    let postinst = "#!/bin/sh -e\n. /usr/share/debconf/confmodule\ndb_version 2.0\ndb_get demo/port\necho \"port $RET\" >/etc/port\n\
                    if db_get demo/none; then exit 1; else echo $? >>/etc/port; fi\ndb_fget demo/port seen\necho $RET >>/etc/port\n\
                    db_stop\n";
    let control = [("templates", templates), ("config", config), ("postinst", postinst)];
    after(&control, &[], |system| {
        assert_eq!(system.refused, []);
        assert_eq!(text(system, "/etc/port"), "port 9090\n10\nfalse\n");
    });
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    let script = |body: &str| format!("#!/bin/sh\nset -e\n{body}\n");
    for (body, line) in [
        ("adduser person", "# line 3: `adduser person`: an account that is no system account"),
        ("/usr/bin/ucf --state-dir x y z", "# line 3: `/usr/bin/ucf --state-dir x y z`: an option that is not known"),
        ("unknown-program", "# the script ends with status 127: demo.postinst: 3: unknown-program: not found"),
        ("false", "# the script ends with status 1: it says nothing"),
    ] {
        let lines = refused(&[("postinst", &script(body))]);
        let last = lines.last().expect("refused").replace("/var/lib/dpkg/info/", "");
        assert_eq!(last, line, "{body}");
    }
    let perl = refused(&[("postinst", "#!/usr/bin/perl\nprint 1;\n")]);
    assert_eq!(perl, ["#!/usr/bin/perl", "# line 1: a script for `/usr/bin/perl`"]);
}

#[test]
fn a_program_of_the_tree_is_interpreted_where_it_is_a_shell_script() {
    let files: &[(&str, u32, &str)] = &[
        ("/usr/share/demo/setup", 0o755, "#!/bin/bash\nlist=(a b)\necho \"${list[@]} $1\" >/etc/demo\n"),
        ("/usr/bin/demo-perl", 0o755, "#!/usr/bin/perl\n"),
    ];
    after(&[("postinst", "#!/bin/sh\nset -e\n/usr/share/demo/setup c\ndemo-perl x\n")], files, |system| {
        assert_eq!(text(system, "/etc/demo"), "a b c\n");
        let lines: Vec<&String> = system.refused.iter().flat_map(|script| &script.lines).collect();
        assert_eq!(lines, ["demo-perl x", "# line 4: `demo-perl x`: a program for `/usr/bin/perl`, which is not run"]);
    });
}

#[test]
fn versions_compare_as_dpkg_compares_them() {
    let versions = ["", "1", "1.0", "1:0.5", "1.0-1", "1.0~rc1", "2.10", "2.9", "1.0+b1", "0"];
    let relations = ["lt", "le", "eq", "ne", "ge", "gt", "lt-nl", "le-nl", "ge-nl", "gt-nl", "<<", ">=", "="];
    let mut script = "#!/bin/sh\n".to_owned();
    let mut count = 0;
    for left in versions {
        for right in versions {
            for relation in relations {
                script += &format!("dpkg --compare-versions '{left}' '{relation}' '{right}'; printf %s $? >>/out\n");
                count += 1;
            }
        }
    }
    let real = script.replace(">>/out", "");
    let real = std::process::Command::new("sh").args(["-c", &real]).output().expect("install the package `dpkg`");
    after(&[("postinst", &(script.clone() + "exit 0\n"))], &[], |system| {
        assert_eq!(system.refused, []);
        assert_eq!(text(system, "/out").len(), count);
        assert_eq!(text(system, "/out"), String::from_utf8_lossy(&real.stdout));
    });
}
