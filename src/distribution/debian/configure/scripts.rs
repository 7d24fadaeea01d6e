//! What is done with maintainer scripts: all of them are read, a rule is chosen for each package, and then the effects of
//! snippets and rules happen in the order in which dpkg would have them happen.

use std::collections::BTreeMap;

use super::init_scripts::InitScript;
use super::rules::{self, Rule};
use super::script::{Action, Script};
use super::system::{COMPILED_PYTHON, System, Tool, WITH_TMPFILES};
use super::units::{self, Linked, Manager};
use super::{
    ConfigureError, Configured, Cover, PackageState, ScriptCoverage, UnmodelledScript, UnpackedPackage, alternatives,
    order,
};

/// Scripts that are interpreted, by the position of their package, and who makes the links of its units.
pub(super) type Interpreted = BTreeMap<usize, (Vec<&'static str>, Linked)>;

/// The scripts of a system's packages.
pub(super) struct Scripts<'s> {
    system: System<'s>,
    /// The rule for each of the packages.
    rules: Vec<Option<&'static Rule>>,
    /// The packages whose scripts are interpreted, by position: which scripts, and who makes the links of their units.
    interpreted: Interpreted,
    read: Vec<ScriptCoverage>,
}

impl<'s> Scripts<'s> {
    pub(super) const fn of(system: System<'s>) -> Self {
        Self { system, rules: Vec::new(), interpreted: BTreeMap::new(), read: Vec::new() }
    }

    /// Configures everything.
    pub(super) fn configure(mut self) -> Result<Configured, ConfigureError> {
        self.read_all_scripts();
        rules::apply(&mut self.system, &self.rules, &self.interpreted)?;
        alternatives::install(&mut self.system.root, &self.system.alternatives)?;
        if self.system.package("init-system-helpers").is_some() {
            for (manager, unit, linked) in std::mem::take(&mut self.system.units) {
                units::enable(&mut self.system.root, manager, &unit, linked)?;
            }
            for (manager, unit) in std::mem::take(&mut self.system.recorded_units) {
                units::record(&mut self.system.root, manager, &unit)?;
            }
            for script in std::mem::take(&mut self.system.init_scripts) {
                script.link(&mut self.system.root)?;
            }
        }
        for name in std::mem::take(&mut self.system.local_profiles) {
            self.system.place_for_additions(&name)?;
        }
        self.system.run_triggers()?;
        self.system.write_databases()?;
        let (files, removed) = self.system.root.into_changes();
        let mut unmodelled: Vec<_> = self.read.into_iter().filter_map(UnmodelledScript::of).collect();
        unmodelled.append(&mut self.system.refused);
        unmodelled.sort();
        self.system.left_out.sort();
        self.system.left_out.dedup();
        Ok(Configured { files, removed, unmodelled, left_out: self.system.left_out })
    }

    /// Reads all scripts and does nothing.
    pub(super) fn coverage(mut self) -> Vec<ScriptCoverage> {
        self.read_all_scripts();
        self.read
    }

    fn read_all_scripts(&mut self) {
        let has_systemctl = self.system.has_any(&["systemd"]);
        let early = order::essential(self.system.packages);
        for (index, package) in self.system.packages.iter().enumerate() {
            let linked = match has_systemctl && !early.contains(&index) {
                true => Linked::BySystemctl,
                false => Linked::ByHelper,
            };
            self.read_scripts(index, package, linked);
        }
    }

    /// Reads the scripts of a package and chooses its rule; `linked` says who makes the links of its units.
    fn read_scripts(&mut self, index: usize, package: &'s UnpackedPackage, linked: Linked) {
        let read = |name: &'static str| {
            let text = package.control.file(name)?;
            Some((name, Script::read(&String::from_utf8_lossy(text), self.system.platform)))
        };
        let scripts: Vec<(&'static str, Script)> = ["preinst", "postinst"].into_iter().filter_map(read).collect();
        let own = scripts.iter().filter(|(_, script)| !script.rest.is_empty());
        let own: Vec<_> = own.map(|(name, script)| (*name, script.fingerprint())).collect();
        let rule = rules::find(package.id.name.as_str(), &own);
        let vouched = |(name, lines): &(&'static str, String)| {
            rules::cover(rule, package.id.name.as_str(), name, lines.clone()).is_some()
        };
        if package.state == PackageState::Unpacked && !own.iter().all(vouched) {
            self.interpret_scripts(index, package, &scripts, linked);
            self.rules.push(None);
            return;
        }
        self.rules.push(rule);
        for (name, script) in scripts {
            self.read_script(package, rule, name, script, linked);
        }
    }

    /// Leaves all scripts of a package to the interpreter: it does what snippets say as well.
    fn interpret_scripts(
        &mut self,
        index: usize,
        package: &'s UnpackedPackage,
        scripts: &[(&'static str, Script)],
        linked: Linked,
    ) {
        for (name, script) in scripts {
            let (package, version) = (package.id.name.to_string(), package.id.version.to_string());
            let cover = match script.rest.is_empty() {
                true => Cover::Snippets,
                false => Cover::Interpreted { fingerprint: script.fingerprint() },
            };
            let snippets = script.snippets.iter().cloned().collect();
            self.read.push(ScriptCoverage { package, version, script: name, cover, snippets, left_out: Vec::new() });
        }
        self.interpreted.insert(index, (scripts.iter().map(|(name, _)| *name).collect(), linked));
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
        let left_out_before = self.system.left_out.len();
        let mut unknown = Vec::new();
        let of_other = rules::more_with(package.id.name.as_str(), |other| self.system.package(other).is_some());
        if let Some(other) = of_other.filter(|_| !script.rest.is_empty()) {
            unknown.push(format!("# what this does beside the package {other} is not known:"));
            unknown.extend(script.rest.iter().cloned());
        }
        for action in script.actions.iter().cloned() {
            match action {
                Action::Alternative(alternative) => self.system.alternatives.push(alternative),
                Action::Templates if script.rest.is_empty() => self.system.load_templates(package.id.name.as_str(), name),
                Action::EnableUnit(unit) if new => self.system.units.push((Manager::System, unit, linked)),
                Action::EnableUserUnit(unit) if new => self.system.units.push((Manager::User, unit, linked)),
                Action::RecordUnit(unit) if new => self.system.recorded_units.push((Manager::System, unit)),
                Action::LocalProfile(name) if new => self.system.local_profiles.push(name),
                Action::InitScript { .. } if new && self.system.orders_init_scripts() => self.system.leave_out(
                    package.id.name.as_str(),
                    "links of its init script in /etc/rc?.d, in the order that insserv or OpenRC would compute: nothing \
                     starts services in a container",
                ),
                Action::InitScript { name, verb } => match InitScript::new(&name, &verb) {
                    Some(script) if new => self.system.init_scripts.push(script),
                    Some(_) => {}
                    None => unknown.push(format!("update-rc.d {name} {verb}")),
                },
                Action::ByteCompile if new => self.system.leave_out(package.id.name.as_str(), COMPILED_PYTHON),
                // where the tool is missing, a snippet does without it
                Action::Tmpfiles(files) if new && self.system.has_any(WITH_TMPFILES) => {
                    self.system.snippets.entry((package.id.name.to_string(), Tool::Tmpfiles)).or_default().extend(files);
                }
                Action::Sysusers(files) if new && self.system.reads_sysusers() => {
                    self.system.snippets.entry((package.id.name.to_string(), Tool::Sysusers)).or_default().extend(files);
                }
                Action::Sysusers(files) if new => unknown.push(format!("systemd-sysusers {}", files.join(" "))),
                _ => {}
            }
        }
        if new {
            let mut left_out: Vec<_> = self.system.left_out[left_out_before..].iter().map(|left| left.what).collect();
            let cover = cover(package, rule, name, &script, unknown);
            if let (Cover::Rule { .. }, Some(rule)) = (&cover, rule) {
                left_out.extend(rule.left_out(name));
            }
            left_out.dedup();
            let (package, version) = (package.id.name.to_string(), package.id.version.to_string());
            let snippets = script.snippets.into_iter().collect();
            self.read.push(ScriptCoverage { package, version, script: name, cover, snippets, left_out });
        }
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
