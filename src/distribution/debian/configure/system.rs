//! The system while it is being configured: its files, and what packages have asked of the tools that they share.

use std::collections::BTreeMap;

use super::Tree;
use super::alternatives::{self, Alternative};
use super::database::DpkgDatabase;
use super::debconf::Debconf;
use super::init_scripts::InitScript;
use super::rules::Rule;
use super::script::{Action, Script};
use super::tree::{Root, at};
use super::units::{Linked, Manager};
use super::{
    ConfigureError, Configured, Cover, LeftOut, PackageState, ScriptCoverage, UnmodelledScript, UnpackedPackage,
    accounts, certificates, ldcache, order, pam, rules, shells, tmpfiles, units,
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
const WITH_TMPFILES: &[&str] = &["systemd", "systemd-standalone-tmpfiles"];

/// A name that a package keeps from others (dpkg-divert(1)).
pub(super) struct Diversion {
    path: String,
    to: String,
    package: &'static str,
}

impl Diversion {
    pub(super) fn new(path: impl Into<String>, to: impl Into<String>, package: &'static str) -> Self {
        Self { path: path.into(), to: to.into(), package }
    }
}

/// Everything that effects act on.
pub(super) struct System<'s> {
    pub(super) root: Root<'s>,
    pub(super) platform: Platform,
    pub(super) moment: Timestamp,
    pub(super) debconf: Debconf,
    packages: &'s [UnpackedPackage],
    alternatives: Vec<Alternative>,
    units: Vec<(Manager, String, Linked)>,
    init_scripts: Vec<InitScript>,
    recorded_units: Vec<String>,
    local_profiles: Vec<String>,
    /// What snippets of packages ask of tools: names of files.
    snippets: BTreeMap<(String, Tool), Vec<String>>,
    /// What turned out to be unknown when it was to happen.
    refused: Vec<UnmodelledScript>,
    /// The rule for each of the packages.
    rules: Vec<Option<&'static Rule>>,
    diversions: Vec<Diversion>,
    scripts: Vec<ScriptCoverage>,
    left_out: Vec<LeftOut>,
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
            rules: Vec::new(),
            diversions: Vec::new(),
            scripts: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The package of this name, of the system's own architecture before others.
    pub(super) fn package(&self, name: &str) -> Option<&'s UnpackedPackage> {
        self.position(name).map(|index| &self.packages[index])
    }

    /// The same with the rule that was chosen for it.
    pub(super) fn package_with_rule(&self, name: &str) -> Option<(&'s UnpackedPackage, Option<&'static Rule>)> {
        let index = self.position(name)?;
        Some((&self.packages[index], self.rules.get(index).copied().flatten()))
    }

    /// The packages in the order in which they are configured, with their rules.
    pub(super) fn in_order(&self) -> Vec<(&'s UnpackedPackage, Option<&'static Rule>)> {
        let rule = |index: usize| self.rules.get(index).copied().flatten();
        order::of(self.packages).into_iter().map(|index| (&self.packages[index], rule(index))).collect()
    }

    fn position(&self, name: &str) -> Option<usize> {
        let of_name = |package: &UnpackedPackage| package.id.name == name;
        let native = |package: &UnpackedPackage| of_name(package) && package.id.architecture == self.platform.deb();
        self.packages.iter().position(native).or_else(|| self.packages.iter().position(of_name))
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

    /// Configures everything.
    pub(super) fn configure(mut self) -> Result<Configured, ConfigureError> {
        self.read_all_scripts();
        rules::apply(&mut self)?;
        alternatives::install(&mut self.root, &self.alternatives)?;
        if self.package("init-system-helpers").is_some() {
            for (manager, unit, linked) in std::mem::take(&mut self.units) {
                units::enable(&mut self.root, manager, &unit, linked)?;
            }
            for unit in std::mem::take(&mut self.recorded_units) {
                units::record(&mut self.root, Manager::System, &unit)?;
            }
            for script in std::mem::take(&mut self.init_scripts) {
                script.link(&mut self.root)?;
            }
        }
        for name in std::mem::take(&mut self.local_profiles) {
            self.place_for_additions(&name)?;
        }
        self.run_triggers()?;
        self.write_databases()?;
        let (files, removed) = self.root.into_changes();
        let mut unmodelled: Vec<_> = self.scripts.into_iter().filter_map(UnmodelledScript::of).collect();
        unmodelled.append(&mut self.refused);
        unmodelled.sort();
        self.left_out.sort();
        self.left_out.dedup();
        Ok(Configured { files, removed, unmodelled, left_out: self.left_out })
    }

    /// An empty file for the administrator's additions to a profile of AppArmor.
    fn place_for_additions(&mut self, profile: &str) -> Result<(), ConfigureError> {
        let local = at(&format!("/etc/apparmor.d/local/{profile}"))?;
        if self.root.is_file(&at(&format!("/etc/apparmor.d/{profile}"))?) && !self.root.exists(&local) {
            self.root.write(&local, 0o644, (0, 0), "");
        }
        Ok(())
    }

    /// Reads all scripts and does nothing.
    pub(super) fn coverage(mut self) -> Vec<ScriptCoverage> {
        self.read_all_scripts();
        self.scripts
    }

    fn read_all_scripts(&mut self) {
        let has_systemctl = self.has_any(&["systemd"]);
        let early = order::essential(self.packages);
        for (index, package) in self.packages.iter().enumerate() {
            let linked = match has_systemctl && !early.contains(&index) {
                true => Linked::BySystemctl,
                false => Linked::ByHelper,
            };
            self.read_scripts(package, linked);
        }
    }

    fn has_any(&self, names: &[&str]) -> bool {
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
            let (package, version) = (of.id.name.to_string(), of.id.version.clone());
            let (script, checked) = ("postinst", Vec::new());
            self.refused.push(UnmodelledScript { package, version, script, fingerprint, lines: unknown, checked });
        }
    }

    /// Reads the scripts of a package and chooses its rule; `linked` says who makes the links of its units.
    fn read_scripts(&mut self, package: &'s UnpackedPackage, linked: Linked) {
        let read = |name: &'static str| {
            let text = package.control.file(name)?;
            Some((name, Script::read(&String::from_utf8_lossy(text), self.platform)))
        };
        let scripts: Vec<(&'static str, Script)> = ["preinst", "postinst"].into_iter().filter_map(read).collect();
        let own = scripts.iter().filter(|(_, script)| !script.rest.is_empty());
        let own: Vec<_> = own.map(|(name, script)| (*name, script.fingerprint())).collect();
        let rule = rules::find(package.id.name.as_str(), &own);
        self.rules.push(rule);
        for (name, script) in scripts {
            self.read_script(package, rule, name, script, linked);
        }
    }

    fn read_script(
        &mut self,
        package: &'s UnpackedPackage,
        rule: Option<&'static Rule>,
        name: &'static str,
        script: Script,
        linked: Linked,
    ) {
        let new = package.state == PackageState::Unpacked;
        let left_out_before = self.left_out.len();
        let mut unknown = Vec::new();
        let of_other = rules::more_with(package.id.name.as_str(), |other| self.package(other).is_some());
        if let Some(other) = of_other.filter(|_| !script.rest.is_empty()) {
            unknown.push(format!("# what this does beside the package {other} is not known:"));
            unknown.extend(script.rest.iter().cloned());
        }
        for action in script.actions.iter().cloned() {
            match action {
                Action::Alternative(alternative) => self.alternatives.push(alternative),
                Action::Templates if script.rest.is_empty() => self.load_templates(package.id.name.as_str(), name),
                Action::EnableUnit(unit) if new => self.units.push((Manager::System, unit, linked)),
                Action::EnableUserUnit(unit) if new => self.units.push((Manager::User, unit, linked)),
                Action::RecordUnit(unit) if new => self.recorded_units.push(unit),
                Action::LocalProfile(name) if new => self.local_profiles.push(name),
                Action::InitScript { .. } if new && self.orders_init_scripts() => self.leave_out(
                    package.id.name.as_str(),
                    "links of its init script in /etc/rc?.d, in the order that insserv or OpenRC would compute: nothing \
                     starts services in a container",
                ),
                Action::InitScript { name, verb } => match InitScript::new(&name, &verb) {
                    Some(script) if new => self.init_scripts.push(script),
                    Some(_) => {}
                    None => unknown.push(format!("update-rc.d {name} {verb}")),
                },
                Action::ByteCompile if new => self.leave_out(package.id.name.as_str(), COMPILED_PYTHON),
                // where the tool is missing, a snippet does without it
                Action::Tmpfiles(files) if new && self.has_any(WITH_TMPFILES) => {
                    self.snippets.entry((package.id.name.to_string(), Tool::Tmpfiles)).or_default().extend(files);
                }
                Action::Sysusers(files) if new && self.reads_sysusers() => {
                    self.snippets.entry((package.id.name.to_string(), Tool::Sysusers)).or_default().extend(files);
                }
                Action::Sysusers(files) if new => unknown.push(format!("systemd-sysusers {}", files.join(" "))),
                _ => {}
            }
        }
        if new {
            let mut left_out: Vec<_> = self.left_out[left_out_before..].iter().map(|left| left.what).collect();
            let cover = cover(package, rule, name, &script, unknown);
            if let (Cover::Rule { .. }, Some(rule)) = (&cover, rule) {
                left_out.extend(rule.left_out(name));
            }
            left_out.dedup();
            let (package, version) = (package.id.name.to_string(), package.id.version.clone());
            let snippets = script.snippets.into_iter().collect();
            self.scripts.push(ScriptCoverage { package, version, script: name, cover, snippets, left_out });
        }
    }

    /// Whether a program is there that `update-rc.d` leaves the order of init scripts to.
    fn orders_init_scripts(&self) -> bool {
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
    fn run_triggers(&mut self) -> Result<(), ConfigureError> {
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
            ldcache::update(&mut self.root, self.platform, &library.id.version)?;
        }
        Ok(())
    }

    fn write_databases(&mut self) -> Result<(), ConfigureError> {
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

/// Who vouches for a script; `unknown` are commands in it whose effects are not modelled.
fn cover(
    package: &UnpackedPackage,
    rule: Option<&'static Rule>,
    name: &str,
    script: &Script,
    mut unknown: Vec<String>,
) -> Cover {
    let fingerprint = script.fingerprint();
    let known = match script.rest.is_empty() {
        true => Some(Cover::Snippets),
        false => rules::cover(rule, package.id.name.as_str(), name, fingerprint.clone()),
    };
    match known {
        Some(cover) if unknown.is_empty() => cover,
        known => {
            if known.is_none() {
                unknown.extend(script.rest.iter().cloned());
            }
            Cover::Nothing { fingerprint, lines: unknown, checked: rules::checked(package.id.name.as_str()) }
        }
    }
}
