//! What tools of others make of the same files: each test gives a folder to the real program, and the same files to ours.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use super::accounts::{self, Numbers};
use super::coverage::NoFiles;
use super::tree::{Root, at};
use super::{presets, statoverrides, tmpfiles, ucf, units};
use crate::archive::EntryKind;
use crate::model::EPOCH;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
                      taken:x:998:998::/:/bin/sh\n";
const GROUP: &str = "root:x:0:\ndaemon:x:1:\nadm:x:4:\nusers:x:100:\ntaken:x:998:\nnogroup:x:65534:\n";
const ACCOUNTS: &[(&str, u32, &str)] = &[
    ("/etc/passwd", 0o644, PASSWD),
    ("/etc/group", 0o644, GROUP),
    ("/etc/shadow", 0o640, "root:*:3652:0:99999:7:::\n"),
    ("/etc/gshadow", 0o640, "root:*::\n"),
];

/// A path, with kind, mode, owner and content.
type Tree = BTreeMap<String, (char, u32, u32, u32, Vec<u8>)>;

/// The same files in a folder and in the model.
struct Both {
    folder: tempfile::TempDir,
    root: Root<'static>,
}

impl Both {
    fn new(files: &[(&str, u32, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs_err::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("changed");
        let mut both = Self { folder, root: Root::new(&NoFiles, EPOCH.seconds()) };
        for (path, mode, content) in files {
            let real = both.real(path);
            fs_err::create_dir_all(real.parent().expect("a parent")).expect("made");
            fs_err::write(&real, content).expect("written");
            fs_err::set_permissions(&real, std::fs::Permissions::from_mode(*mode)).expect("changed");
            both.root.write(&at(path).expect("a path"), *mode, owner(&real), *content);
        }
        both
    }

    fn real(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// Runs a program on the folder, which stands for `@` in the arguments.
    fn run(&self, program: &str, package: &str, arguments: &[&str]) {
        let folder = self.folder.path().to_str().expect("UTF-8");
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace('@', folder)).collect();
        let mut command = Command::new(program);
        command.args(&arguments).env("SOURCE_DATE_EPOCH", EPOCH.seconds().to_string());
        let output = command.output().unwrap_or_else(|error| panic!("{program}: {error} (install {package})"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
    }

    /// The text of a file, as the program and as the model left it.
    fn texts(&self, path: &str) -> [String; 2] {
        let real = fs_err::read_to_string(self.real(path)).expect("text");
        [real, self.root.text(&at(path).expect("a path")).expect("readable").expect("a file")]
    }

    /// Everything, as the program and as the model left it; folders above what was made are the model's own choice.
    fn trees(self) -> [Tree; 2] {
        let mut theirs = Tree::new();
        walk(self.folder.path(), self.folder.path(), &mut theirs);
        let ours = self.root.into_changes().0.into_iter().map(|(entry, content)| {
            let (kind, content) = match &entry.kind {
                EntryKind::Dir => ('d', Vec::new()),
                EntryKind::Symlink { target } => ('l', target.clone()),
                _ => ('f', content),
            };
            let mode = if kind == 'l' { 0o777 } else { entry.mode.bits() };
            (entry.path.to_string(), (kind, mode, entry.uid, entry.gid, content))
        });
        [theirs, ours.collect()]
    }
}

fn owner(path: &Path) -> (u32, u32) {
    let meta = fs_err::metadata(path).expect("there");
    (meta.uid(), meta.gid())
}

fn walk(top: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs_err::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let meta = fs_err::symlink_metadata(&path).expect("there");
        let name = format!("/{}", path.strip_prefix(top).expect("below").display());
        let (kind, content) = if meta.is_dir() {
            walk(top, &path, tree);
            ('d', Vec::new())
        } else if meta.is_symlink() {
            ('l', fs_err::read_link(&path).expect("a link").into_os_string().into_encoded_bytes())
        } else {
            ('f', fs_err::read(&path).expect("content"))
        };
        tree.insert(name, (kind, meta.mode() & 0o7777, meta.uid(), meta.gid(), content));
    }
}

#[test]
fn sysusers_adds_the_accounts_that_systemd_adds() {
    const FILE: &str = "# accounts\ng crontab - -\ng fixed 250\nu service - \"A service\" /var/lib/service\n\
                        u sshd -:nogroup \"sshd user\" /run/sshd\nu root 0 - /root /bin/bash\ng adm 4 -\n\
                        u other 300 - - /bin/sh\nm daemon adm\nm service crontab\n";
    let files = [ACCOUNTS, &[("/usr/lib/sysusers.d/x.conf", 0o644, FILE)]].concat();
    let mut both = Both::new(&files);
    both.run("systemd-sysusers", "systemd", &["--root=@", "x.conf"]);
    let unknown = accounts::add_sysusers(&mut both.root, &["x.conf".to_owned()], EPOCH.seconds()).expect("added");
    assert_eq!(unknown, [""; 0]);
    for file in ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"] {
        let [theirs, ours] = both.texts(file);
        assert_eq!(ours, theirs, "{file}");
    }
}

#[test]
fn sysusers_makes_shadows_where_there_are_none() {
    let file = ("/usr/lib/sysusers.d/x.conf", 0o644, "g a - -\nu b - \"B\"\n");
    let mut both = Both::new(&[&ACCOUNTS[..2], &[file]].concat());
    both.run("systemd-sysusers", "systemd", &["--root=@", "x.conf"]);
    accounts::add_sysusers(&mut both.root, &["x.conf".to_owned()], EPOCH.seconds()).expect("added");
    let [theirs, ours] = both.trees();
    for file in ["/etc/shadow", "/etc/gshadow"] {
        assert_eq!(ours[file], theirs[file], "{file}");
    }
}

#[test]
fn what_sysusers_cannot_know_is_given_back() {
    let files = [
        ACCOUNTS,
        &[("/usr/lib/sysusers.d/x.conf", 0o644, "r - 500-900\nu a:b - -\nm nobody-here adm\ng taken2 998\n")],
    ];
    let mut both = Both::new(&files.concat());
    let unknown = accounts::add_sysusers(&mut both.root, &["x.conf".to_owned()], 0).expect("read");
    assert_eq!(unknown, ["r - 500-900", "u a:b - -", "g taken2 998", "m nobody-here adm"]);
    assert_eq!(both.texts("/etc/passwd")[1], PASSWD);
}

#[test]
fn shadows_own_tools_take_the_same_numbers() {
    let mut both = Both::new(ACCOUNTS);
    for name in ["one", "two"] {
        both.run("groupadd", "passwd", &["--prefix", "@", "--system", name]);
        accounts::add_group(&mut both.root, name, Numbers::Downwards).expect("added");
    }
    for file in ["/etc/group", "/etc/gshadow"] {
        let [theirs, ours] = both.texts(file);
        assert_eq!(ours, theirs, "{file}");
    }
}

#[test]
fn tmpfiles_makes_what_systemd_makes() {
    const FILE: &str = "d /var/lib/a 0750 daemon adm -\nd /var/lib/a/b :0700 - - -\nd /etc :0700 - - -\nq /srv 0755 - - -\n\
                        f /etc/text 0640 root adm - hello\nf /etc/there - - - - new\nf+ /etc/again 0600 - - - new\n\
                        L /var/run2 - - - - ../run\nL /etc/there - - - - x\nL+ /etc/mtab - - - - ../proc/self/mounts\n\
                        d /var/lib/a 0777 - - -\nz /etc/dir/*.key 0600 root adm - -\nD! /tmp/.X11-unix 1777 root root 10d\n\
                        x /tmp/kept\nr /etc/there\nd /var/lib/%m 0755 - - -\nC /etc/copy 0644 - - - /etc/there\n";
    let mut both = Both::new(&[
        ("/etc/passwd", 0o644, PASSWD),
        ("/etc/group", 0o644, GROUP),
        ("/etc/there", 0o644, "old\n"),
        ("/etc/again", 0o644, "old\n"),
        ("/etc/mtab", 0o644, "old\n"),
        ("/etc/dir/one.key", 0o644, "1"),
        ("/etc/dir/two.txt", 0o644, "2"),
        ("/etc/machine-id", 0o444, "0123456789abcdef0123456789abcdef\n"),
        ("/usr/lib/tmpfiles.d/x.conf", 0o644, FILE),
    ]);
    both.run("systemd-tmpfiles", "systemd", &["--root=@", "--create", "x.conf"]);
    let said = tmpfiles::create(&mut both.root, &["x.conf".to_owned()]).expect("made");
    assert_eq!(said.unknown, [""; 0]);
    let [mut theirs, ours] = both.trees();
    // for this machine, which an image is not
    assert!(theirs.remove("/var/lib/0123456789abcdef0123456789abcdef").is_some());
    assert_eq!(ours, theirs);
}

#[test]
fn what_tmpfiles_cannot_know_is_given_back() {
    let file = "p /etc/pipe - - - -\nd relative\nd /etc/a 99999\nw /etc/x - - - - y\n";
    let mut both = Both::new(&[("/usr/lib/tmpfiles.d/x.conf", 0o644, file)]);
    let said = tmpfiles::create(&mut both.root, &["x.conf".to_owned()]).expect("read");
    assert_eq!(said.unknown, ["p /etc/pipe - - - -", "d relative", "d /etc/a 99999", "w /etc/x - - - - y"]);
}

#[test]
fn ucf_keeps_what_the_real_one_keeps() {
    let [large, small] = [format!("{}\n", "x".repeat(30_000)), "small\n".to_owned()];
    let mut both = Both::new(&[
        ("/usr/share/large", 0o644, &large),
        ("/usr/share/small", 0o640, &small),
        ("/var/lib/ucf/hashfile", 0o644, ""),
        ("/var/lib/ucf/registry", 0o644, ""),
        ("/etc/other", 0o644, ""),
    ]);
    fs_err::create_dir_all(both.real("/var/lib/ucf/cache")).expect("made");
    for name in ["large", "small"] {
        let (from, to) = (format!("/usr/share/{name}"), format!("/etc/{name}"));
        let state = ["--state-dir", "@/var/lib/ucf"];
        both.run("ucf", "ucf", &[&state[..], &[&format!("@{from}"), &format!("@{to}")]].concat());
        both.run("ucfr", "ucf", &[&state[..], &["package", &format!("@{to}")]].concat());
        ucf::hand_out(&mut both.root, &from, &to, false).expect("handed out");
        ucf::register(&mut both.root, "package", &to).expect("registered");
    }
    let folder = both.folder.path().to_str().expect("UTF-8").to_owned();
    let [mut theirs, ours] = both.trees();
    theirs.retain(|path, _| !path.contains("file.") && !path.contains("registry.")); // copies of earlier states
    let within = folder.replace('/', ":");
    let theirs: Tree = theirs
        .into_iter()
        .map(|(path, (kind, mode, uid, gid, content))| {
            let content = String::from_utf8(content).expect("text").replace(&folder, "");
            (path.replace(&within, ""), (kind, mode, uid, gid, content.into_bytes()))
        })
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn a_statoverride_is_the_line_that_dpkg_writes() {
    let mut both = Both::new(&[("/var/lib/dpkg/status", 0o644, "")]);
    let add = ["--root=@", "--add", "root", "root", "02755", "/usr/bin/crontab"];
    both.run("dpkg-statoverride", "dpkg", &add);
    assert!(statoverrides::add(&mut both.root, "root root 2755 /usr/bin/crontab", "/usr/bin/crontab").expect("added"));
    let [theirs, ours] = both.texts("/var/lib/dpkg/statoverride");
    assert_eq!(ours, theirs);
    let again = statoverrides::add(&mut both.root, "root root 644 /usr/bin/crontab", "/usr/bin/crontab");
    assert!(!again.expect("looked"), "the first one stays");
}

#[test]
fn presets_say_which_units_are_linked() {
    const UNIT: &str = "[Install]\nWantedBy=multi-user.target\nAlias=other.service\n";
    let mut both = Both::new(&[
        ("/usr/lib/systemd/system/yes.service", 0o644, UNIT),
        ("/usr/lib/systemd/system/no-1.service", 0o644, UNIT),
        ("/usr/lib/systemd/system-preset/90-a.preset", 0o644, "# comment\nenable no-1.service\ndisable yes.service\n"),
        ("/etc/systemd/system-preset/10-a.preset", 0o644, "disable no-*.service\nenable yes.service\n"),
    ]);
    let is_enabled = |unit| presets::enables(&both.root, units::Manager::System, unit).expect("read");
    assert_eq!([is_enabled("yes.service"), is_enabled("no-1.service"), is_enabled("new.timer")], [true, false, true]);
    for unit in ["yes.service", "no-1.service"] {
        both.run("systemctl", "systemd", &["--root=@", "--preset-mode=enable-only", "preset", unit]);
        units::enable(&mut both.root, units::Manager::System, unit, units::Linked::BySystemctl).expect("enabled");
    }
    let links = |tree: Tree| -> Vec<(String, Vec<u8>)> {
        let links = tree.into_iter().filter(|(_, entry)| entry.0 == 'l');
        links.map(|(path, entry)| (path, entry.4)).collect()
    };
    let [theirs, ours] = both.trees();
    let theirs = links(theirs);
    assert_eq!(theirs.len(), 2);
    assert_eq!(links(ours), theirs);
}

/// Packages of strangers bring these files: whatever stands in them is done, passed over or given back.
#[test]
fn lines_at_random_never_panic() {
    const PARTS: &[&str] = &[
        "d",
        "D!",
        "f+",
        "L",
        "L+",
        "z",
        "Z",
        "C",
        "a+",
        "u",
        "u!",
        "g",
        "m",
        "r",
        "-",
        ":",
        "-:nogroup",
        "0:0",
        "4294967296",
        "/etc",
        "/etc/*/",
        "/..",
        "/etc/passwd",
        "/%m",
        "/run/x",
        "/\u{fc}",
        "0755",
        ":0700",
        "~2750",
        "99999",
        "root",
        ":root",
        "nobody2",
        "\"",
        "\"A b\"",
        "..",
        "",
        "\t",
    ];
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    for _ in 0..2_000 {
        let line: Vec<&str> = (0..next(9)).map(|_| PARTS[next(PARTS.len())]).collect();
        let text = line.join(" ");
        let mut root = Root::new(&NoFiles, 0);
        for (path, mode, content) in ACCOUNTS {
            root.write(&at(path).expect("a path"), *mode, (0, 0), *content);
        }
        for folder in ["sysusers.d", "tmpfiles.d"] {
            root.write(&at(&format!("/usr/lib/{folder}/x.conf")).expect("a path"), 0o644, (0, 0), text.clone());
        }
        let names = ["x.conf".to_owned()];
        let _ = accounts::add_sysusers(&mut root, &names, 0); // an error is an answer
        let _ = tmpfiles::create(&mut root, &names);
        let users = root.text(&at("/etc/passwd").expect("a path")).expect("UTF-8").expect("a file");
        let fields = |line: &str| line.split(':').count();
        assert!(text.contains("/etc/passwd") || users.lines().all(|line| fields(line) == 7), "{text}: {users}");
    }
}
