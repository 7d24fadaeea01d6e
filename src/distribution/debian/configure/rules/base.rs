//! Packages of the base system of Debian 13, and of toolchains. What they do that takes more than a line is in
//! [`super::base_effects`].

use super::super::accounts;
use super::super::effect::Effect::{
    self, Alike, Always, Answer, Call, Copy, Dir, Empty, FolderToLink, HereDocument, LeaveOut, Link, MergedLink, Owned,
    Templates,
};
use super::super::system::COMPILED_PYTHON;
use super::super::tree::at;
use super::base_effects::{
    divert_loader, divert_readline, divert_top_folders, info_index, list_certificates, local_folder, local_folders,
    lzma_alternative, merged_lib64, partial_folders,
};
use super::{Rule, WithoutEffect};

/// Groups with numbers that Debian has assigned for good.
pub(super) const MAIL: u32 = 8;
pub(super) const UTMP: u32 = 43;

/// What base-files makes beside its files.
pub(super) const SKELETON: &[Effect] = &[
    Link("/etc/dpkg/origins/default", "debian"),
    Copy("/usr/share/base-files/dot.profile", "/root/.profile"),
    Copy("/usr/share/base-files/dot.bashrc", "/root/.bashrc"),
    Copy("/usr/share/base-files/profile", "/etc/profile"),
    Copy("/usr/share/base-files/motd", "/etc/motd"),
    Dir("/mnt", 0o755, 0),
    Dir("/srv", 0o755, 0),
    Dir("/opt", 0o755, 0),
    Dir("/etc/opt", 0o755, 0),
    Dir("/var/opt", 0o755, 0),
    Dir("/media", 0o755, 0),
    Dir("/var/mail", 0o2775, MAIL),
    Link("/var/spool/mail", "../mail"),
    Dir("/run/lock", 0o1777, 0),
    FolderToLink("/var/run", "/run"),
    FolderToLink("/var/lock", "/run/lock"),
    Call("folders in `/usr/local`, of group `staff` where that is wanted", local_folders),
    Link("/usr/local/man", "share/man"),
    Owned("/var/log/wtmp", 0o664, UTMP),
    Owned("/var/log/btmp", 0o660, UTMP),
    Owned("/var/log/lastlog", 0o664, UTMP),
    Call("the index of info documents", info_index),
];

/// In the order in which the effects happen.
pub(super) const RULES: &[Rule] = &[
    Rule {
        package: "base-passwd",
        checked: &["3.6.7"],
        compared: "minbase",
        scripts: &[("preinst", &["daea9229aa4d"]), ("postinst", &["88e333752ce7"])],
        effects: &[
            Call("`/etc/passwd` and `/etc/group` from the master copies", |system| {
                accounts::copy_masters(&mut system.root)
            }),
            Empty("/etc/subuid", 0o644),
            Empty("/etc/subgid", 0o644),
            Templates("postinst"),
        ],
    },
    Rule {
        package: "libc6",
        checked: &["2.41-12+deb13u4", "2.41-12+deb13u5"],
        compared: "minbase",
        scripts: &[("preinst", &["327f61e17014", "00ed83b12d3b"]), ("postinst", &["ebfa67931c20"])],
        effects: &[
            Always("diverts the loader from its name before `/usr` was merged", divert_loader),
            Templates("preinst"),
            Templates("postinst"),
        ],
    },
    Rule {
        package: "base-files",
        checked: &["13.8+deb13u7", "13.8+deb13u8"],
        compared: "minbase",
        scripts: &[("preinst", &["0a8778f397af", "f8f10b0ed14a"]), ("postinst", &["9396e6ac7fce", "3cfd223605c2"])],
        effects: &[
            Always("diverts the top folders of other word sizes", divert_top_folders),
            Alike(SKELETON),
            Call("`/usr/local/libexec`", |system| local_folder(system, "/libexec")),
            MergedLink("lib32"),
            Call("`/lib64` as a link where the loader is elsewhere", merged_lib64),
            MergedLink("libo32"),
            MergedLink("libx32"),
        ],
    },
    Rule {
        package: "libc-bin",
        checked: &["2.41-12+deb13u4", "2.41-12+deb13u5", "2.36-9+deb12u14"],
        compared: "minbase",
        scripts: &[("postinst", &["4321593bd35f"])],
        effects: &[Copy("/usr/share/libc-bin/nsswitch.conf", "/etc/nsswitch.conf")],
    },
    Rule {
        package: "libreadline8t64",
        checked: &["8.2-6"],
        compared: "gnupg",
        scripts: &[("preinst", &["b711fedec09f"])],
        effects: &[Always("diverts the libraries from their names before `/usr` was merged", divert_readline)],
    },
    Rule {
        package: "netbase",
        checked: &["6.5"],
        compared: "bind9",
        scripts: &[("postinst", &["5c9061a96f3d"])],
        effects: &[HereDocument("/etc/hosts"), HereDocument("/etc/networks")],
    },
    Rule {
        package: "readline-common",
        checked: &["8.2-6"],
        compared: "gnupg",
        scripts: &[("postinst", &["ace8fd5f5a44"])],
        effects: &[Copy("/usr/share/readline/inputrc", "/etc/inputrc")],
    },
    Rule {
        package: "openssl",
        checked: &["3.5.7-1~deb13u3"],
        compared: "ca-certificates",
        scripts: &[("postinst", &["9fb8c4464c97"])],
        effects: &[Link("/usr/lib/ssl", "/etc/ssl")],
    },
    Rule {
        package: "pkgconf-bin",
        checked: &["1.8.1-4"],
        compared: "toolchain",
        scripts: &[("postinst", &["66d910e4da07"])],
        effects: &[Dir("/usr/lib/pkgconfig", 0o755, 0)],
    },
    Rule {
        package: "xz-utils",
        checked: &["5.8.1-1+deb13u2"],
        compared: "build-essential",
        scripts: &[("postinst", &["7e0304cc6f98"])],
        effects: &[Always("the names of the older LZMA tools as an alternative", lzma_alternative)],
    },
    Rule {
        package: "python3.13-minimal",
        checked: &["3.13.5-2+deb13u5"],
        compared: "python3",
        scripts: &[("preinst", &["2daeafdaa61a"]), ("postinst", &["b462aa71348e"])],
        effects: &[
            Dir("/var/lib/python", 0o755, 0),
            Empty("/var/lib/python/python3.13_installed", 0o644),
            Dir("/usr/local/lib/python3.13", 0o755, 0),
            Dir("/usr/local/lib/python3.13/dist-packages", 0o755, 0),
            LeaveOut(COMPILED_PYTHON),
        ],
    },
    Rule {
        package: "python3",
        checked: &["3.13.5-1"],
        compared: "python3",
        scripts: &[("preinst", &["c88c6a4f75f7"]), ("postinst", &["c9e170a1d314"])],
        effects: &[HereDocument("/etc/python3/debian_config"), LeaveOut(COMPILED_PYTHON)],
    },
    Rule {
        package: "python3-minimal",
        checked: &["3.13.5-1"],
        compared: "python3",
        scripts: &[("postinst", &["48aee92b2898"])],
        effects: &[LeaveOut(COMPILED_PYTHON)],
    },
    Rule {
        package: "python3.13",
        checked: &["3.13.5-2+deb13u5"],
        compared: "python3",
        scripts: &[("postinst", &["4c460b70008e"])],
        effects: &[LeaveOut(COMPILED_PYTHON)],
    },
    Rule {
        package: "bash",
        checked: &["5.2.37-2+b10", "5.2.15-2+b13"],
        compared: "minbase",
        scripts: &[("postinst", &["fb419481cc20"])],
        effects: &[],
    },
    // only an upgrade finds diversions to undo
    Rule {
        package: "dash",
        checked: &["0.5.12-12"],
        compared: "minbase",
        scripts: &[("preinst", &["d4cfe15757a7"]), ("postinst", &["f7de222703bf"])],
        effects: &[],
    },
    Rule {
        package: "gzip",
        checked: &["1.13-1+deb13u1"],
        compared: "minbase",
        scripts: &[("preinst", &["8c949f73cae1"]), ("postinst", &["4c00e1806a5d"])],
        effects: &[],
    },
    Rule {
        package: "init-system-helpers",
        checked: &["1.69~deb13u1", "1.65.2+deb12u1"],
        compared: "minbase",
        scripts: &[("postinst", &["833f4487d8d5"])],
        effects: &[],
    },
    Rule {
        package: "debianutils",
        checked: &["5.23.2"],
        compared: "minbase",
        scripts: &[("postinst", &["9cb2146c6548"])],
        effects: &[Copy("/usr/share/debianutils/shells", "/etc/shells")],
    },
    Rule {
        package: "dpkg",
        checked: &["1.22.22"],
        compared: "minbase",
        scripts: &[("postinst", &["f06ad690b7e1"])],
        effects: &[
            Call("`/var/lib/dpkg/arch-native`", |system| {
                let text = format!("{}\n", system.platform.deb());
                system.root.write(&at("/var/lib/dpkg/arch-native")?, 0o644, (0, 0), text);
                Ok(())
            }),
            Link("/sbin/start-stop-daemon", "/usr/sbin/start-stop-daemon"),
        ],
    },
    Rule {
        package: "debconf",
        checked: &["1.5.91", "1.5.82"],
        compared: "minbase",
        scripts: &[],
        effects: &[Answer("debconf/frontend", "Dialog", false), Answer("debconf/priority", "high", false)],
    },
    Rule {
        package: "libpam0g",
        checked: &["1.7.0-5", "1.5.2-6+deb12u2"],
        compared: "minbase",
        scripts: &[("postinst", &["61b3dc0a9b71"])],
        effects: &[Templates("postinst")],
    },
    Rule {
        package: "libpam-modules",
        checked: &["1.7.0-5"],
        compared: "minbase",
        scripts: &[("preinst", &["634dd254a143"]), ("postinst", &["7f5f78d2094d"])],
        effects: &[Templates("preinst"), Empty("/etc/security/opasswd", 0o600), Empty("/etc/environment", 0o644)],
    },
    Rule {
        package: "libpam-runtime",
        checked: &["1.7.0-5", "1.5.2-6+deb12u2"],
        compared: "minbase",
        scripts: &[("postinst", &["65a7babcbb46"])],
        effects: &[Templates("postinst"), Answer("libpam-runtime/override", "false", false)],
    },
    Rule {
        package: "libselinux1",
        checked: &["3.8.1-1"],
        compared: "minbase",
        scripts: &[("postinst", &["01e2066ac2c4"])],
        effects: &[],
    },
    Rule {
        package: "login.defs",
        checked: &["1:4.17.4-2"],
        compared: "minbase",
        scripts: &[("postinst", &["50e459678f04"])],
        effects: &[],
    },
    Rule {
        package: "tzdata",
        checked: &["2026f-0+deb13u1"],
        compared: "minbase",
        scripts: &[("postinst", &["30aeb9445e46"])],
        effects: &[
            Link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),
            Templates("postinst"),
            Answer("tzdata/Areas", "Etc", true),
            Answer("tzdata/Zones/Etc", "UTC", true),
        ],
    },
    // keys of releases before 2012
    Rule {
        package: "debian-archive-keyring",
        checked: &["2025.1", "2023.3+deb12u2"],
        compared: "minbase",
        scripts: &[("postinst", &["3feb90ad670c"])],
        effects: &[],
    },
    Rule {
        package: "apt",
        checked: &["3.0.4", "2.6.2"],
        compared: "minbase",
        scripts: &[("postinst", &["09542138401d"])],
        effects: &[Call("apt's folders for downloads, of its own user", partial_folders)],
    },
    Rule {
        package: "ca-certificates",
        checked: &["20250419+deb13u1"],
        compared: "ca-certificates",
        scripts: &[("postinst", &["a185fea12d03"])],
        effects: &[Templates("postinst"), Always("the list of certificates, all chosen", list_certificates)],
    },
];

/// Scripts whose own lines do nothing on a first installation: they serve upgrades, restart services, or remove what
/// was never there. See [`WithoutEffect`].
pub(super) const WITHOUT_EFFECT: &[WithoutEffect] = &[
    ("adduser", "3.134", "preinst", "6b1bdf663cb5", "minbase"),
    ("adduser", "3.152", "preinst", "6b1bdf663cb5", "avahi-daemon"),
    ("automake", "1:1.17-4", "postinst", "84bc9decd2f8", "toolchain"),
    ("automake", "1:1.17-4", "preinst", "589af34a5edc", "toolchain"),
    ("binutils", "2.44-3", "preinst", "2d68c3b3fa62", "build-essential"),
    ("bison", "2:3.8.2+dfsg-1+b2", "postinst", "e7fe77889474", "toolchain"),
    ("bison", "2:3.8.2+dfsg-1+b2", "preinst", "696df1b1f320", "toolchain"),
    ("cpp", "4:14.2.0-1", "postinst", "e2d369b539cd", "build-essential"),
    ("cpp-14-aarch64-linux-gnu", "14.2.0-19cross1", "preinst", "c1be5ab8961c", "toolchain"),
    ("flex", "2.6.4-8.2+b4", "postinst", "232053e824f2", "toolchain"),
    ("g++", "4:14.2.0-1", "postinst", "64694112c781", "build-essential"),
    ("g++-14-aarch64-linux-gnu", "14.2.0-19cross1", "preinst", "f1884964a1a3", "toolchain"),
    ("gcc", "4:14.2.0-1", "postinst", "aca8e2809f87", "build-essential"),
    ("gcc-14-aarch64-linux-gnu", "14.2.0-19cross1", "preinst", "0e2a3ee96b0f", "toolchain"),
    ("git", "1:2.47.3-0+deb13u1", "preinst", "c17800cc913c", "git"),
    ("golang-go", "2:1.24~2", "preinst", "821e2d550d36", "toolchain"),
    ("libgssapi-krb5-2", "1.21.3-5+deb13u1", "postinst", "dd57fbc0704d", "bind9"),
    ("libpython3.13-minimal", "3.13.5-2+deb13u5", "postinst", "d72eada95e61", "python3"),
    ("perl", "5.40.1-6+deb13u1", "postinst", "d5b9b673cd06", "build-essential"),
    ("pkgconf", "1.8.1-4", "preinst", "95dd026dfdf2", "toolchain"),
    ("procps", "2:4.0.4-9", "postinst", "3451a24e1b02", "chrony"),
];
