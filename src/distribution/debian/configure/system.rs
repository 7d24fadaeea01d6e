//! The system while it is being configured: its files, and what packages have asked of the tools that they share.

use std::collections::{BTreeMap, BTreeSet};

use super::Tree;
use super::alternatives::Alternative;
use super::database::DpkgDatabase;
use super::debconf::Debconf;
use super::init_scripts::InitScript;
use super::tree::{Root, at};
use super::units::{Linked, Manager};
use super::{
    ConfigureError, LeftOut, UnmodelledScript, UnpackedPackage, accounts, certificates, ldcache, pam, shells, tmpfiles,
};
use crate::model::{Digest, Platform, Timestamp};

/// Why Python's files are not compiled.
pub(super) const COMPILED_PYTHON: &str =
    "compiled Python files: they are larger than the time they save, and Python does without";

/// A tool of systemd's that reads files of the package when its script says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    /// `systemd-sysusers`.
    Sysusers,
    /// `systemd-tmpfiles --create`.
    Tmpfiles,
}

/// Packages that bring `systemd-sysusers`.
const WITH_SYSUSERS: &[&str] = &["systemd", "systemd-standalone-sysusers"];
/// Packages that bring `systemd-tmpfiles`.
pub(super) const WITH_TMPFILES: &[&str] = &["systemd", "systemd-standalone-tmpfiles"];

/// A name that a package keeps from others (dpkg-divert(1)).
pub(super) struct Diversion {
    path: String,
    to: String,
    package: String,
}

impl Diversion {
    pub(super) fn new(path: impl Into<String>, to: impl Into<String>, package: impl Into<String>) -> Self {
        Self { path: path.into(), to: to.into(), package: package.into() }
    }
}

/// Everything that effects act on.
pub(super) struct System<'s> {
    pub(super) root: Root<'s>,
    pub(super) platform: Platform,
    pub(super) moment: Timestamp,
    pub(super) debconf: Debconf,
    pub(super) packages: &'s [UnpackedPackage],
    pub(super) alternatives: Vec<Alternative>,
    pub(super) units: Vec<(Manager, String, Linked)>,
    pub(super) init_scripts: Vec<InitScript>,
    pub(super) recorded_units: Vec<(Manager, String)>,
    pub(super) local_profiles: Vec<String>,
    /// What snippets of packages ask of tools: names of files.
    pub(super) snippets: BTreeMap<(String, Tool), Vec<String>>,
    /// What turned out to be unknown when it was to happen.
    pub(super) refused: Vec<UnmodelledScript>,
    diversions: Vec<Diversion>,
    /// Packages whose scripts have had their effect, while the others are configured.
    done: BTreeSet<String>,
    /// Triggers that scripts have activated, by the position of the package that waits for them.
    pub(super) triggered: BTreeMap<usize, BTreeSet<String>>,
    pub(super) left_out: Vec<LeftOut>,
}

impl<'s> System<'s> {
    pub(super) fn new(
        platform: Platform,
        packages: &'s [UnpackedPackage],
        tree: &'s dyn Tree,
        moment: Timestamp,
    ) -> Self {
        Self {
            root: Root::new(tree, moment.seconds()),
            platform,
            moment,
            debconf: Debconf::default(),
            packages,
            alternatives: Vec::new(),
            units: Vec::new(),
            init_scripts: Vec::new(),
            recorded_units: Vec::new(),
            local_profiles: Vec::new(),
            snippets: BTreeMap::new(),
            refused: Vec::new(),
            diversions: Vec::new(),
            done: BTreeSet::new(),
            triggered: BTreeMap::new(),
            left_out: Vec::new(),
        }
    }

    /// The package of this name, of the system's own architecture before others.
    pub(super) fn package(&self, name: &str) -> Option<&'s UnpackedPackage> {
        self.position(name).map(|index| &self.packages[index])
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let of_name = |package: &UnpackedPackage| package.id.name == name;
        let native = |package: &UnpackedPackage| of_name(package) && package.id.architecture == self.platform.deb();
        self.packages.iter().position(native).or_else(|| self.packages.iter().position(of_name))
    }

    /// Whether a path is diverted.
    pub(super) fn is_diverted(&self, path: &str) -> bool {
        self.diversions.iter().any(|diversion| diversion.path == path)
    }

    /// Notes that the scripts of a package have had their effect.
    pub(super) fn finish(&mut self, package: &str) {
        self.done.insert(package.to_owned());
    }

    /// Activates a trigger (deb-triggers(5)) for those that wait for it and are configured.
    pub(super) fn activate(&mut self, trigger: &str) {
        for (index, package) in self.packages.iter().enumerate() {
            let text = String::from_utf8_lossy(package.control.file("triggers").unwrap_or_default());
            let waits = text.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next().is_some_and(|verb| verb.starts_with("interest")) && words.next() == Some(trigger)
            });
            if waits && self.done.contains(package.id.name.as_str()) {
                self.triggered.entry(index).or_default().insert(trigger.to_owned());
            }
        }
    }

    /// Whether the scripts of a package have had their effect.
    pub(super) fn is_done(&self, package: &str) -> bool {
        self.done.contains(package)
    }

    pub(super) fn divert(&mut self, diversion: Diversion) {
        self.diversions.push(diversion);
    }

    /// Loads a package's templates; debconf names the owner after the script: before unpacking it knows the package
    /// only, afterwards the file in dpkg's database.
    pub(super) fn load_templates(&mut self, package: &str, script: &str) {
        let Some(package) = self.package(package) else { return };
        let Some(text) = package.control.file("templates") else { return };
        let owner = match script {
            "preinst" => package.id.name.to_string(),
            _ => DpkgDatabase::info_name(package),
        };
        self.debconf.load(&String::from_utf8_lossy(text), &owner);
    }

    /// An empty file for the administrator's additions to a profile of AppArmor.
    pub(super) fn place_for_additions(&mut self, profile: &str) -> Result<(), ConfigureError> {
        let local = at(&format!("/etc/apparmor.d/local/{profile}"))?;
        if self.root.is_file(&at(&format!("/etc/apparmor.d/{profile}"))?) && !self.root.exists(&local) {
            self.root.write(&local, 0o644, (0, 0), "");
        }
        Ok(())
    }

    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.package(name).is_some())
    }

    /// Does what the snippets of a package ask of a tool; once.
    pub(super) fn run_snippets(&mut self, package: &str, tool: Tool) -> Result<(), ConfigureError> {
        let Some(files) = self.snippets.remove(&(package.to_owned(), tool)) else { return Ok(()) };
        match tool {
            Tool::Sysusers => self.add_sysusers(package, &files),
            Tool::Tmpfiles => {
                let said = tmpfiles::create(&mut self.root, &files)?;
                if said.lists {
                    self.leave_out(package, "access control lists that its tmpfiles.d asks for");
                }
                self.refuse(package, said.unknown);
                Ok(())
            }
        }
    }

    /// Whether there is a `systemd-sysusers`.
    pub(super) fn reads_sysusers(&self) -> bool {
        self.has_any(WITH_SYSUSERS)
    }

    /// Adds the accounts that files of a package ask for.
    pub(super) fn add_sysusers(&mut self, package: &str, files: &[String]) -> Result<(), ConfigureError> {
        let unknown = accounts::add_sysusers(&mut self.root, files, self.moment.seconds())?;
        self.refuse(package, unknown);
        Ok(())
    }

    /// Lines of a package's files that turned out to be unknown.
    fn refuse(&mut self, package: &str, unknown: Vec<String>) {
        if let (false, Some(of)) = (unknown.is_empty(), self.package(package)) {
            let fingerprint = Digest::of(unknown.join("\n").as_bytes()).short();
            let (package, version) = (of.id.name.to_string(), of.id.version.to_string());
            let (script, checked) = ("postinst", Vec::new());
            self.refused.push(UnmodelledScript { package, version, script, fingerprint, lines: unknown, checked });
        }
    }

    /// Whether a program is there that `update-rc.d` leaves the order of init scripts to.
    pub(super) fn orders_init_scripts(&self) -> bool {
        ["insserv", "openrc"].iter().any(|name| self.package(name).is_some())
    }

    pub(super) fn leave_out(&mut self, package: &str, what: &'static str) {
        self.left_out.push(LeftOut { package: package.to_owned(), what });
    }

    /// Adds a choice, as `update-alternatives --install` would.
    pub(super) fn add_alternative(&mut self, alternative: Alternative) {
        self.alternatives.push(alternative);
    }

    /// The text of a package's `postinst`.
    pub(super) fn postinst(&self, package: &str) -> Option<String> {
        self.script(package, "postinst")
    }

    /// The text of one of a package's scripts.
    pub(super) fn script(&self, package: &str, name: &str) -> Option<String> {
        Some(String::from_utf8_lossy(self.package(package)?.control.file(name)?).into_owned())
    }

    /// What dpkg's triggers start when all packages are there.
    pub(super) fn run_triggers(&mut self) -> Result<(), ConfigureError> {
        if self.package("debianutils").is_some() {
            shells::update(&mut self.root)?;
        }
        if self.package("libpam-runtime").is_some()
            && let Some(choice) = pam::update(&mut self.root)?
        {
            let question = "libpam-runtime/profiles";
            self.debconf.answer(question, &choice.enabled.join(", "), false);
            self.debconf.substitute(question, "profile_names", &choice.names.join(", "));
            self.debconf.substitute(question, "profiles", &choice.titles.join(", "));
        }
        if self.package("ca-certificates").is_some() {
            certificates::update(&mut self.root)?;
        }
        if let Some(library) = self.package("libc-bin").or_else(|| self.package("libc6")) {
            ldcache::update(&mut self.root, self.platform, library.id.version.as_str())?;
        }
        Ok(())
    }

    pub(super) fn write_databases(&mut self) -> Result<(), ConfigureError> {
        if self.package("debconf").is_some() {
            self.debconf.write(&mut self.root)?;
        }
        if !self.diversions.is_empty() {
            let line = |diversion: &Diversion| format!("{}\n{}\n{}\n", diversion.path, diversion.to, diversion.package);
            let text: String = self.diversions.iter().map(line).collect();
            self.root.write(&at("/var/lib/dpkg/diversions")?, 0o644, (0, 0), text);
        }
        DpkgDatabase::new(self.platform, self.packages).write(&mut self.root)
    }
}
