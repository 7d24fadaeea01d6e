//! Packages installed by dpkg and apt, so that their own maintainer scripts run.

mod archive;
mod chrootless;
mod commands;
mod environment;

use std::collections::BTreeSet;
use std::fmt::Write as _;

#[cfg(any(test, feature = "fuzz"))]
pub(crate) use chrootless::unaware_line;

use super::configure::DpkgDatabase;
use crate::distribution::scripts::{
    Install, OWN, ScriptFacts, ScriptPrograms, ScriptRun, ScriptedPackage, UnawareScript,
};
use crate::distribution::system::UnpackedPackage;
use crate::model::PackageId;

/// dpkg, and apt where there is one.
#[derive(Debug)]
pub(super) struct DpkgPrograms;

/// The folder of dpkg's database.
const DPKG: &str = "var/lib/dpkg";

static FACTS: ScriptFacts =
    ScriptFacts { runner: "dpkg", installers: &[commands::APT], leavings: LEAVINGS, root_leavings: ROOT_LEAVINGS };

/// What dpkg, apt and debconf leave.
const LEAVINGS: &[&str] = &[
    "/var/cache/apt/{pkgcache,srcpkgcache}.bin",
    "/var/cache/debconf/*-old",
    "/var/lib/apt/extended_states-old",
    "/var/lib/dpkg/*-old",
];

/// The same in a root, and the locks.
const ROOT_LEAVINGS: &[&str] = &[
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/passwords.dat-old",
    "var/cache/debconf/templates.dat-old",
    "var/lib/dpkg/available-old",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/statoverride-old",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/dpkg/triggers/Unincorp",
];

impl ScriptPrograms for DpkgPrograms {
    fn facts(&self) -> &'static ScriptFacts {
        &FACTS
    }

    fn install(&self, install: &Install<'_>) -> ScriptRun {
        let mut run = ScriptRun {
            script: commands::script(install),
            env: environment::variables(),
            guards: environment::GUARDS.to_vec(),
            ..ScriptRun::default()
        };
        run.env.insert("APT_CONFIG".to_owned(), format!("/{OWN}/apt.conf"));
        run.files.push(("apt.conf".to_owned(), commands::apt_configuration(install)));
        archive::add(install.packages, &mut run);
        run
    }

    fn configure(&self, packages: &[&UnpackedPackage]) -> ScriptRun {
        let guards = environment::GUARDS.to_vec();
        ScriptRun { script: script(packages), env: environment::variables(), guards, ..ScriptRun::default() }
    }

    fn unaware(&self, packages: &[ScriptedPackage], inert: &BTreeSet<(String, &'static str)>) -> Vec<UnawareScript> {
        chrootless::unaware(packages, inert)
    }

    /// dpkg reports: `installed PACKAGE package post-installation script subprocess returned …`.
    fn culprit(&self, tail: &[String]) -> Option<(String, &'static str)> {
        const SCRIPTS: &[(&str, &str)] = &[
            ("pre-installation script", "preinst"),
            ("post-installation script", "postinst"),
            ("pre-removal script", "prerm"),
            ("post-removal script", "postrm"),
        ];
        tail.iter().rev().find_map(|line| {
            let (rest, name) = SCRIPTS.iter().find_map(|(words, name)| Some((line.split_once(words)?.0, name)))?;
            let package = rest.trim_end().strip_suffix(" package")?.rsplit(' ').next()?;
            Some((package.to_owned(), *name))
        })
    }
}

/// What happens in the sandbox. `dpkg --configure` runs no `preinst`, which is of the time before files are unpacked;
/// so they run here, that of `base-passwd` first, because others look up users.
fn script(packages: &[&UnpackedPackage]) -> String {
    let mut text = "export DPKG_RUNNING_VERSION=\"$(dpkg-query -f '${Version}' -W dpkg)\"\n".to_owned();
    text.push_str("export DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= DPKG_FORCE=unsafe-io DPKG_MAINTSCRIPT_NAME=preinst\n");
    let mut with_preinst: Vec<&UnpackedPackage> =
        packages.iter().copied().filter(|package| package.control.file("preinst").is_some()).collect();
    with_preinst.sort_by_key(|package| package.id.name != "base-passwd");
    for package in with_preinst {
        let PackageId { name, architecture, .. } = &package.id;
        let file = format!("/{DPKG}/info/{}.preinst", DpkgDatabase::info_name(package));
        let _ = writeln!(
            text,
            "echo 'Preparing {name} ...'\nDPKG_MAINTSCRIPT_PACKAGE={name} DPKG_MAINTSCRIPT_ARCH={architecture} \
             DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 {file} install"
        );
    }
    text.push_str("unset DPKG_MAINTSCRIPT_NAME DPKG_RUNNING_VERSION DPKG_ADMINDIR DPKG_ROOT DPKG_FORCE\n");
    text.push_str("dpkg --force-unsafe-io --force-confold --configure -a\n");
    // libraries of the other architectures have no scripts that ask for it
    text.push_str("if command -v ldconfig > /dev/null; then ldconfig; fi\n");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::archive::Control;
    use crate::distribution::system::PackageState;
    use crate::model::{Format, Why};

    #[test]
    fn accounts_are_there_before_other_scripts_run() {
        let package = |name: &str| UnpackedPackage {
            id: PackageId::new(Format::Deb, name, "1", "amd64").expect("a package"),
            control: Control {
                control: String::new(),
                files: BTreeMap::from([("preinst".to_owned(), (crate::model::Mode::from_bits(0o755), Vec::new()))]),
            },
            entries: Vec::new(),
            state: PackageState::Unpacked,
            why: Why::Asked,
        };
        let (a, b) = (package("adduser"), package("base-passwd"));
        let text = script(&[&a, &b]);
        let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} in {text}"));
        assert!(at("base-passwd.preinst install") < at("adduser.preinst install"));
        assert!(at("adduser.preinst install") < at("--configure -a"));
    }

    #[test]
    fn the_script_that_failed_is_named() {
        let lines = |line: &str| vec!["Setting up x (1) ...".to_owned(), line.to_owned(), "Errors were".to_owned()];
        let culprit = |line: &str| DpkgPrograms.culprit(&lines(line));
        assert_eq!(culprit("dpkg: error processing package x (--configure):\n"), None);
        let real = " installed postgresql-17 package post-installation script subprocess returned error exit status 1";
        assert_eq!(culprit(real), Some(("postgresql-17".to_owned(), "postinst")));
    }
}
