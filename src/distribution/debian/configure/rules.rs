//! The table of packages whose scripts somebody has read: what their own lines do on a first installation. A script
//! that consists of known snippets only needs no rule.
//!
//! A package has as many rules as there are versions whose scripts do different things; the fingerprints tell which one
//! is meant. The rules of Debian 13 are here, those of packages that do something else in another release in a file of
//! that release.
//!
//! To vouch for a new version: read the unknown lines that [`super::UnmodelledScript`] shows, change the effects when
//! they differ, add the fingerprint and the version. `tests/fidelity` compares the result with the real scripts.

mod bookworm;
mod services;

use super::alternatives::Alternative;
use super::effect::Effect::{
    self, Always, Answer, Call, Copy, Dir, Empty, FolderToLink, HereDocument, LeaveOut, Link, MergedLink, Owned, Run,
    Snippets, Templates,
};
use super::system::{COMPILED_PYTHON, Diversion, System, Tool};
use super::tree::at;
use super::{ConfigureError, Cover, PackageState, accounts, certificates};

/// What is known of one package, or of some versions of it.
pub(super) struct Rule {
    package: &'static str,
    /// Versions whose scripts were compared with the effects.
    checked: &'static [&'static str],
    /// Scripts with lines of their own, and the fingerprints of those lines; several where versions or architectures
    /// differ.
    scripts: &'static [(&'static str, &'static [&'static str])],
    effects: &'static [Effect],
}

/// Groups with numbers that Debian has assigned for good.
const MAIL: u32 = 8;
const UTMP: u32 = 43;

/// In the order in which the effects happen.
const RULES: &[Rule] = &[
    Rule {
        package: "base-passwd",
        checked: &["3.6.7"],
        scripts: &[("preinst", &["daea9229aa4d"]), ("postinst", &["88e333752ce7"])],
        effects: &[
            Call(|system| accounts::copy_masters(&mut system.root)),
            Empty("/etc/subuid", 0o644),
            Empty("/etc/subgid", 0o644),
            Templates("postinst"),
        ],
    },
    Rule {
        package: "libc6",
        checked: &["2.41-12+deb13u4", "2.41-12+deb13u5"],
        scripts: &[("preinst", &["327f61e17014", "00ed83b12d3b"]), ("postinst", &["ebfa67931c20"])],
        effects: &[Always(divert_loader), Templates("preinst"), Templates("postinst")],
    },
    Rule {
        package: "base-files",
        checked: &["13.8+deb13u7", "13.8+deb13u8"],
        scripts: &[("preinst", &["0a8778f397af", "f8f10b0ed14a"]), ("postinst", &["9396e6ac7fce", "3cfd223605c2"])],
        effects: &[
            Always(divert_top_folders),
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
            Call(local_folders),
            Call(|system| local_folder(system, "/libexec")),
            Link("/usr/local/man", "share/man"),
            Owned("/var/log/wtmp", 0o664, UTMP),
            Owned("/var/log/btmp", 0o660, UTMP),
            Owned("/var/log/lastlog", 0o664, UTMP),
            Call(info_index),
            MergedLink("lib32"),
            Call(merged_lib64),
            MergedLink("libo32"),
            MergedLink("libx32"),
        ],
    },
    Rule {
        package: "libc-bin",
        checked: &["2.41-12+deb13u4", "2.41-12+deb13u5", "2.36-9+deb12u14"],
        scripts: &[("postinst", &["4321593bd35f"])],
        effects: &[Copy("/usr/share/libc-bin/nsswitch.conf", "/etc/nsswitch.conf")],
    },
    Rule {
        package: "libreadline8t64",
        checked: &["8.2-6"],
        scripts: &[("preinst", &["b711fedec09f"])],
        effects: &[Always(divert_readline)],
    },
    Rule {
        package: "netbase",
        checked: &["6.5"],
        scripts: &[("postinst", &["5c9061a96f3d"])],
        effects: &[HereDocument("/etc/hosts"), HereDocument("/etc/networks")],
    },
    Rule {
        package: "readline-common",
        checked: &["8.2-6"],
        scripts: &[("postinst", &["ace8fd5f5a44"])],
        effects: &[Copy("/usr/share/readline/inputrc", "/etc/inputrc")],
    },
    Rule {
        package: "openssl",
        checked: &["3.5.7-1~deb13u3"],
        scripts: &[("postinst", &["9fb8c4464c97"])],
        effects: &[Link("/usr/lib/ssl", "/etc/ssl")],
    },
    Rule {
        package: "pkgconf-bin",
        checked: &["1.8.1-4"],
        scripts: &[("postinst", &["66d910e4da07"])],
        effects: &[Dir("/usr/lib/pkgconfig", 0o755, 0)],
    },
    Rule {
        package: "xz-utils",
        checked: &["5.8.1-1+deb13u2"],
        scripts: &[("postinst", &["7e0304cc6f98"])],
        effects: &[Always(lzma_alternative)],
    },
    Rule {
        package: "python3.13-minimal",
        checked: &["3.13.5-2+deb13u5"],
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
        scripts: &[("preinst", &["c88c6a4f75f7"]), ("postinst", &["c9e170a1d314"])],
        effects: &[HereDocument("/etc/python3/debian_config"), LeaveOut(COMPILED_PYTHON)],
    },
    Rule {
        package: "python3-minimal",
        checked: &["3.13.5-1"],
        scripts: &[("postinst", &["48aee92b2898"])],
        effects: &[LeaveOut(COMPILED_PYTHON)],
    },
    Rule {
        package: "python3.13",
        checked: &["3.13.5-2+deb13u5"],
        scripts: &[("postinst", &["4c460b70008e"])],
        effects: &[LeaveOut(COMPILED_PYTHON)],
    },
    Rule {
        package: "bash",
        checked: &["5.2.37-2+b10", "5.2.15-2+b13"],
        scripts: &[("postinst", &["fb419481cc20"])],
        effects: &[],
    },
    // only an upgrade finds diversions to undo
    Rule {
        package: "dash",
        checked: &["0.5.12-12"],
        scripts: &[("preinst", &["d4cfe15757a7"]), ("postinst", &["f7de222703bf"])],
        effects: &[],
    },
    Rule {
        package: "gzip",
        checked: &["1.13-1+deb13u1"],
        scripts: &[("preinst", &["8c949f73cae1"]), ("postinst", &["4c00e1806a5d"])],
        effects: &[],
    },
    Rule {
        package: "init-system-helpers",
        checked: &["1.69~deb13u1", "1.65.2+deb12u1"],
        scripts: &[("postinst", &["833f4487d8d5"])],
        effects: &[],
    },
    Rule {
        package: "debianutils",
        checked: &["5.23.2"],
        scripts: &[("postinst", &["9cb2146c6548"])],
        effects: &[Copy("/usr/share/debianutils/shells", "/etc/shells")],
    },
    Rule {
        package: "dpkg",
        checked: &["1.22.22"],
        scripts: &[("postinst", &["f06ad690b7e1"])],
        effects: &[
            Call(|system| {
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
        scripts: &[],
        effects: &[Answer("debconf/frontend", "Dialog", false), Answer("debconf/priority", "high", false)],
    },
    Rule {
        package: "libpam0g",
        checked: &["1.7.0-5", "1.5.2-6+deb12u2"],
        scripts: &[("postinst", &["61b3dc0a9b71"])],
        effects: &[Templates("postinst")],
    },
    Rule {
        package: "libpam-modules",
        checked: &["1.7.0-5"],
        scripts: &[("preinst", &["634dd254a143"]), ("postinst", &["7f5f78d2094d"])],
        effects: &[Templates("preinst"), Empty("/etc/security/opasswd", 0o600), Empty("/etc/environment", 0o644)],
    },
    Rule {
        package: "libpam-runtime",
        checked: &["1.7.0-5", "1.5.2-6+deb12u2"],
        scripts: &[("postinst", &["65a7babcbb46"])],
        effects: &[Templates("postinst"), Answer("libpam-runtime/override", "false", false)],
    },
    // before passwd, as apt configures them, so its accounts come first in the shadows
    Rule {
        package: "systemd",
        checked: &["257.13-1~deb13u1"],
        scripts: &[("preinst", &["461597740124"]), ("postinst", &["0ce4ea4cef30"])],
        effects: &[
            Snippets,
            Run(&[
                "ln -s /usr/lib/systemd/system/getty@.service /etc/systemd/system/getty.target.wants/getty@tty1.service",
                "ln -s /usr/lib/systemd/system/remote-fs.target \
                 /etc/systemd/system/multi-user.target.wants/remote-fs.target",
                "ln -s /usr/lib/systemd/system/systemd-pstore.service \
                 /etc/systemd/system/sysinit.target.wants/systemd-pstore.service",
                // empty: the first start of a machine fills it
                "touch /etc/machine-id",
                "mkdir -p /var/log/journal",
                "mkdir -p /var/lib/systemd/catalog",
            ]),
            LeaveOut("the index of messages' explanations, which systemd-journal-catalog-update.service makes"),
        ],
    },
    Rule {
        package: "udev",
        checked: &["257.13-1~deb13u1"],
        scripts: &[("preinst", &["2e629cee5687"]), ("postinst", &["3dda3587892c"])],
        effects: &[Snippets, LeaveOut("the index of the hardware database, which systemd-hwdb-update.service makes")],
    },
    Rule { package: "libselinux1", checked: &["3.8.1-1"], scripts: &[("postinst", &["01e2066ac2c4"])], effects: &[] },
    Rule { package: "login.defs", checked: &["1:4.17.4-2"], scripts: &[("postinst", &["50e459678f04"])], effects: &[] },
    Rule {
        package: "passwd",
        checked: &["1:4.17.4-2", "1:4.13+dfsg1-1+deb12u2"],
        scripts: &[("postinst", &["5c3753319860"])],
        effects: &[Call(|system| accounts::shadow(&mut system.root, system.moment.seconds()))],
    },
    Rule {
        package: "tzdata",
        checked: &["2026f-0+deb13u1"],
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
        scripts: &[("postinst", &["3feb90ad670c"])],
        effects: &[],
    },
    Rule {
        package: "apt",
        checked: &["3.0.4", "2.6.2"],
        scripts: &[("postinst", &["09542138401d"])],
        effects: &[Call(partial_folders)],
    },
    Rule {
        package: "ca-certificates",
        checked: &["20250419+deb13u1"],
        scripts: &[("postinst", &["a185fea12d03"])],
        effects: &[Templates("postinst"), Always(list_certificates)],
    },
];

/// Scripts whose own lines do nothing on a first installation: they serve upgrades, restart services, or remove what
/// was never there. Package, version, script, fingerprint.
const WITHOUT_EFFECT: &[(&str, &str, &str, &str)] = &[
    ("adduser", "3.134", "preinst", "6b1bdf663cb5"),
    ("adduser", "3.152", "preinst", "6b1bdf663cb5"),
    ("automake", "1:1.17-4", "postinst", "84bc9decd2f8"),
    ("automake", "1:1.17-4", "preinst", "589af34a5edc"),
    ("binutils", "2.44-3", "preinst", "2d68c3b3fa62"),
    ("bison", "2:3.8.2+dfsg-1+b2", "postinst", "e7fe77889474"),
    ("bison", "2:3.8.2+dfsg-1+b2", "preinst", "696df1b1f320"),
    ("cpp", "4:14.2.0-1", "postinst", "e2d369b539cd"),
    ("cpp-14-aarch64-linux-gnu", "14.2.0-19cross1", "preinst", "c1be5ab8961c"),
    ("flex", "2.6.4-8.2+b4", "postinst", "232053e824f2"),
    ("g++", "4:14.2.0-1", "postinst", "64694112c781"),
    ("g++-14-aarch64-linux-gnu", "14.2.0-19cross1", "preinst", "f1884964a1a3"),
    ("gcc", "4:14.2.0-1", "postinst", "aca8e2809f87"),
    ("gcc-14-aarch64-linux-gnu", "14.2.0-19cross1", "preinst", "0e2a3ee96b0f"),
    ("git", "1:2.47.3-0+deb13u1", "preinst", "c17800cc913c"),
    ("golang-go", "2:1.24~2", "preinst", "821e2d550d36"),
    ("libgssapi-krb5-2", "1.21.3-5+deb13u1", "postinst", "dd57fbc0704d"),
    ("libpython3.13-minimal", "3.13.5-2+deb13u5", "postinst", "d72eada95e61"),
    ("perl", "5.40.1-6+deb13u1", "postinst", "d5b9b673cd06"),
    ("pkgconf", "1.8.1-4", "preinst", "95dd026dfdf2"),
    ("procps", "2:4.0.4-9", "postinst", "3451a24e1b02"),
];

/// Rules whose effects happen in the order in which they stand.
fn of_the_base() -> impl Iterator<Item = &'static Rule> {
    bookworm::RULES.iter().chain(RULES)
}

/// All rules.
fn rules() -> impl Iterator<Item = &'static Rule> {
    services::RULES.iter().chain(of_the_base())
}

/// All scripts without effect.
fn without_effect() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str, &'static str)> {
    bookworm::WITHOUT_EFFECT.iter().chain(services::WITHOUT_EFFECT).chain(WITHOUT_EFFECT)
}

impl Rule {
    /// Whether the rule vouches for a script's own lines.
    fn vouches(&self, script: &str, fingerprint: &str) -> bool {
        self.scripts.iter().any(|(name, known)| *name == script && known.contains(&fingerprint))
    }

    fn apply(&self, system: &mut System<'_>, state: PackageState) -> Result<(), ConfigureError> {
        self.effects.iter().try_for_each(|effect| effect.apply(system, self.package, state))
    }

    /// What images do without, told of the last of the rule's scripts.
    pub(super) fn left_out(&self, script: &str) -> impl Iterator<Item = &'static str> {
        let told = self.scripts.last().is_some_and(|(name, _)| *name == script);
        self.effects.iter().filter_map(move |effect| match effect {
            LeaveOut(what) if told => Some(*what),
            _ => None,
        })
    }
}

/// The rule for a package whose scripts have these own lines (name and fingerprint): the one that vouches for most of
/// them, and for a version that none was checked with, that of the newest release. Where no script has lines of its
/// own, only a rule that is not about scripts applies.
pub(super) fn find(package: &str, scripts: &[(&str, String)]) -> Option<&'static Rule> {
    let vouched = |rule: &&Rule| scripts.iter().filter(|(name, lines)| rule.vouches(name, lines)).count();
    let applies = |rule: &&Rule| rule.package == package && (rule.scripts.is_empty() || !scripts.is_empty());
    // the last of equals, which `rules` has from the newest release
    rules().filter(applies).max_by_key(vouched)
}

/// The package of those that `are_there` beside which the scripts of `package` do more than its rules say.
pub(super) fn more_with(package: &str, are_there: impl Fn(&str) -> bool) -> Option<&'static str> {
    let mut others = services::MORE_WITH.iter().filter(|(of, _)| *of == package);
    others.find(|(_, other)| are_there(other)).map(|(_, other)| *other)
}

/// Applies the rules of the packages that are there: those of the base system first, then those of services, a package
/// after the packages that it needs.
pub(super) fn apply(system: &mut System<'_>) -> Result<(), ConfigureError> {
    for rule in of_the_base() {
        let Some((package, chosen)) = system.package_with_rule(rule.package) else { continue };
        if chosen.is_some_and(|chosen| std::ptr::eq(chosen, rule)) {
            rule.apply(system, package.state)?;
        }
    }
    for (package, rule) in system.in_order() {
        system.run_snippets(&package.name, Tool::Sysusers)?;
        let of_a_service = |rule: &&Rule| !of_the_base().any(|other| std::ptr::eq(*rule, other));
        if let Some(rule) = rule.filter(of_a_service) {
            rule.apply(system, package.state)?;
        }
        system.run_snippets(&package.name, Tool::Tmpfiles)?;
    }
    Ok(())
}

/// Versions of a package with which its rules were checked.
pub(super) fn checked(package: &str) -> Vec<&'static str> {
    let of_rules = rules().filter(|rule| rule.package == package).flat_map(|rule| rule.checked.iter().copied());
    let without = without_effect().filter(|(of, ..)| *of == package).map(|(_, version, ..)| *version);
    let mut versions: Vec<_> = of_rules.chain(without).collect();
    versions.dedup();
    versions
}

/// Who vouches for a script's own lines, of which there are some: `rule`, which was chosen for the package, or the list
/// of those without effect; none when nobody does.
pub(super) fn cover(rule: Option<&'static Rule>, package: &str, script: &str, fingerprint: String) -> Option<Cover> {
    if let Some(rule) = rule.filter(|rule| rule.vouches(script, &fingerprint)) {
        let checked = rule.checked.to_vec();
        return Some(match rule.effects {
            [] => Cover::NoEffect { fingerprint, checked },
            _ => Cover::Rule { fingerprint, checked },
        });
    }
    let known = without_effect().filter(|(of, _, name, lines)| (*of, *name, *lines) == (package, script, &fingerprint));
    let checked: Vec<_> = known.map(|(_, version, ..)| *version).collect();
    (!checked.is_empty()).then_some(Cover::NoEffect { fingerprint, checked })
}

/// The loader is in packages of two architectures while Debian moves it into `/usr`.
fn divert_loader(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let loader = system.platform.loader();
    system.divert(Diversion::new(loader, format!("{loader}.usr-is-merged"), "libc6"));
    Ok(())
}

/// Top folders for libraries of other word sizes, except the one that base-files ships because the loader is in it.
fn divert_top_folders(system: &mut System<'_>) -> Result<(), ConfigureError> {
    for name in ["libx32", "lib64", "lib32", "libo32"] {
        if !system.platform.loader().starts_with(&format!("/{name}/")) {
            system.divert(Diversion::new(format!("/{name}"), format!("/.{name}.usr-is-merged"), "base-files"));
        }
    }
    Ok(())
}

/// Where the package does not ship the link because the loader is elsewhere, its script makes it.
fn merged_lib64(system: &mut System<'_>) -> Result<(), ConfigureError> {
    if system.platform.loader().starts_with("/lib64/") {
        return Ok(());
    }
    MergedLink("lib64").apply(system, "base-files", PackageState::Unpacked)
}

/// Moved into `/usr` between releases.
fn divert_readline(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let folder = format!("/lib/{}", system.platform.multiarch());
    for library in ["libhistory.so.8", "libhistory.so.8.2", "libreadline.so.8", "libreadline.so.8.2"] {
        let path = format!("{folder}/{library}");
        system.divert(Diversion::new(path.clone(), format!("{path}.usr-is-merged"), "libreadline8t64"));
    }
    Ok(())
}

/// The names of the older LZMA tools.
fn lzma_alternative(system: &mut System<'_>) -> Result<(), ConfigureError> {
    const MANUALS: &str = "/usr/share/man/man1";
    let slave = |folder: &str, name: &str, target: &str| {
        [format!("{folder}/{name}"), name.to_owned(), format!("{folder}/{target}")]
    };
    let mut slaves = vec![slave(MANUALS, "lzma.1.gz", "xz.1.gz")];
    let more = ["cat", "more", "less", "diff", "cmp", "grep", "egrep", "fgrep"];
    let names = more.map(|tool| (format!("lz{tool}"), format!("xz{tool}")));
    for (name, target) in [("unlzma".to_owned(), "unxz".to_owned())].into_iter().chain(names) {
        slaves.push(slave("/usr/bin", &name, &target));
        slaves.push(slave(MANUALS, &format!("{name}.1.gz"), &format!("{target}.1.gz")));
    }
    system.add_alternative(Alternative::new("/usr/bin/lzma", "lzma", "/usr/bin/xz", 20, slaves));
    Ok(())
}

/// Folders for what is not packaged; of the group `staff` where the administrator wants that.
fn local_folders(system: &mut System<'_>) -> Result<(), ConfigureError> {
    const BELOW: &[&str] = &["", "/share", "/share/man", "/bin", "/games", "/lib", "/include", "/sbin", "/src", "/etc"];
    BELOW.iter().try_for_each(|below| local_folder(system, below))
}

fn local_folder(system: &mut System<'_>, below: &str) -> Result<(), ConfigureError> {
    const STAFF: u32 = 50;
    let staff = system.root.is_file(&at("/etc/staff-group-for-usr-local")?);
    let path = at(&format!("/usr/local{below}"))?;
    match (staff, system.root.is_dir(&path)) {
        (true, _) => system.root.mkdir(&path, 0o2775, (0, STAFF)),
        (false, false) => system.root.mkdir(&path, 0o755, (0, 0)),
        (false, true) => {}
    }
    Ok(())
}

/// The index of info documents, where there is a folder for them.
fn info_index(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let there = system.root.is_dir(&at("/usr/share/info")?) && !system.root.is_file(&at("/usr/info/dir")?);
    let index = at("/usr/share/info/dir")?;
    if there && !system.root.is_file(&index) {
        system.root.copy(&at("/usr/share/base-files/info.dir")?, &index)?;
    }
    Ok(())
}

/// Where apt downloads to, which it gives to its own user at its first run.
fn partial_folders(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let Some(user) = accounts::user(&system.root, "_apt")? else { return Ok(()) };
    for path in ["/var/cache/apt/archives/partial", "/var/lib/apt/lists/partial"] {
        system.root.mkdir(&at(path)?, 0o700, (user, 0));
    }
    Ok(())
}

fn list_certificates(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let script = system.postinst("ca-certificates").unwrap_or_default();
    let names = certificates::list(&mut system.root, &script)?.join(", ");
    system.debconf.answer("ca-certificates/enable_crts", &names, false);
    system.debconf.answer("ca-certificates/trust_new_crts", "yes", false);
    system.debconf.substitute("ca-certificates/enable_crts", "enable_crts", &names);
    system.debconf.substitute("ca-certificates/new_crts", "new_crts", "");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::commands::Command;
    use super::*;

    fn checked(package: &str, scripts: &[(&str, &str)]) -> Option<&'static [&'static str]> {
        let scripts: Vec<_> = scripts.iter().map(|(name, lines)| (*name, (*lines).to_owned())).collect();
        find(package, &scripts).map(|rule| rule.checked)
    }

    #[test]
    fn the_scripts_choose_the_rule() {
        let of = |rules: &'static [Rule]| {
            let rule = rules.iter().find(|rule| rule.package == "tzdata").expect("a rule");
            (rule.scripts[0].1[0], rule.checked)
        };
        for (lines, versions) in [of(RULES), of(bookworm::RULES)] {
            assert_eq!(checked("tzdata", &[("postinst", lines)]), Some(versions));
        }
        assert_eq!(checked("tzdata", &[("postinst", "000000000000")]), Some(of(RULES).1), "the newest stands in");
        assert_eq!(checked("tzdata", &[]), None, "a version without scripts does nothing");
        assert!(checked("debconf", &[]).is_some(), "its rule is about no script");
    }

    #[test]
    fn every_command_of_a_rule_is_known() {
        for rule in rules() {
            for line in rule
                .effects
                .iter()
                .filter_map(|effect| if let Effect::Run(lines) = effect { Some(lines) } else { None })
                .copied()
                .flatten()
            {
                assert!(Command::parse(line).is_some(), "{}: {line}", rule.package);
            }
        }
    }

    #[test]
    fn every_rule_can_be_chosen() {
        for rule in rules().filter(|rule| !rule.scripts.is_empty()) {
            let scripts: Vec<_> = rule.scripts.iter().map(|(name, lines)| (*name, lines[0].to_owned())).collect();
            let chosen = find(rule.package, &scripts).expect("a rule");
            assert!(std::ptr::eq(chosen, rule), "{}: another rule vouches for the same scripts", rule.package);
        }
    }
}
