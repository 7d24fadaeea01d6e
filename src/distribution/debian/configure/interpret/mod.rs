//! Maintainer scripts that no rule knows, run by the interpreter of [`crate::shell`] on the tree: what they call are the
//! effects that the rules use as well. Nothing is executed.

mod accounts;
mod answers;
mod apache;
mod caches;
mod capabilities;
mod files;
mod packages;
mod programs;
mod services;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::system::System;
use super::{UnmodelledScript, UnpackedPackage};
use crate::distribution::debian::configure::script::Script as Text;
use crate::shell::{Call, Dialect, Outcome, Quota, Script, Unsupported, run};

/// What dpkg tells a script of itself.
const RUNNING: &str = "1.22.21";

/// A program that scripts call: it gives its exit status.
type Known = fn(&mut DebianMachine<'_, '_>, &mut Call<'_>) -> Result<i32, Unsupported>;

/// A machine that runs the scripts of one package.
pub(super) struct DebianMachine<'a, 's> {
    system: &'a mut System<'s>,
    package: &'s UnpackedPackage,
    script: &'static str,
    /// Whether the script speaks to debconf.
    asks: bool,
    /// Who makes the links of units.
    linked: super::units::Linked,
}

/// How a script is called, and with which arguments.
const CALLS: &[(&str, &[&str])] = &[("preinst", &["install"]), ("postinst", &["configure", ""])];

impl System<'_> {
    /// Runs a script of a package; one that is not understood, or fails, is refused.
    pub(super) fn interpret(&mut self, index: usize, script: &'static str, linked: super::units::Linked) {
        let Some((_, arguments)) = CALLS.iter().find(|(name, _)| *name == script) else { return };
        let package = &self.packages[index];
        let Some(text) = package.control.file(script) else { return };
        let text = String::from_utf8_lossy(text).into_owned();
        if script == "postinst" && text.contains(answers::CONFMODULE) && package.control.file("config").is_some() {
            // debconf's frontend asks before it starts the script
            self.load_templates(package.id.name.as_str(), script);
            let config = String::from_utf8_lossy(package.control.file("config").unwrap_or_default()).into_owned();
            if let Err(refused) = self.call(package, "config", &config, arguments, linked) {
                self.refuse_script(package, script, &config, &refused);
                return;
            }
        }
        if let Err(refused) = self.call(package, script, &text, arguments, linked) {
            self.refuse_script(package, script, &text, &refused);
        }
    }

    /// Runs the script of a package for triggers that it waits for.
    pub(super) fn interpret_triggers(&mut self, index: usize, names: &str, linked: super::units::Linked) {
        let package = &self.packages[index];
        let Some(text) = package.control.file("postinst") else { return };
        let text = String::from_utf8_lossy(text).into_owned();
        if let Err(refused) = self.call(package, "postinst", &text, &["triggered", names], linked) {
            self.refuse_script(package, "postinst", &text, &refused);
        }
    }

    fn call(
        &mut self,
        package: &UnpackedPackage,
        script: &'static str,
        text: &str,
        arguments: &[&str],
        linked: super::units::Linked,
    ) -> Result<(), Unsupported> {
        let Some(dialect) = Dialect::of(text.as_bytes()) else {
            let first = text.lines().next().unwrap_or_default();
            return Err(Unsupported::new(1, format!("a script for `{}`", first.trim_start_matches("#!").trim())));
        };
        let name = package.id.name.as_str();
        let environment: BTreeMap<String, String> = [
            ("DEBIAN_FRONTEND", "noninteractive"),
            ("DPKG_ADMINDIR", "/var/lib/dpkg"),
            ("DPKG_MAINTSCRIPT_ARCH", package.id.architecture.as_str()),
            ("DPKG_MAINTSCRIPT_NAME", script),
            ("DPKG_MAINTSCRIPT_PACKAGE", name),
            ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
            ("DPKG_ROOT", ""),
            ("DPKG_RUNNING_VERSION", RUNNING),
            ("HOME", "/root"),
            ("LC_ALL", "C.UTF-8"),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let path = format!("/var/lib/dpkg/info/{name}.{script}");
        // the package outlives this call: it is one of the system's
        let Some(package) = self.package(name) else { return Ok(()) };
        let asks = script == "config";
        let mut machine = DebianMachine { system: self, package, script, asks, linked };
        let called = Script { text, dialect, name: &path, arguments, environment: &environment };
        let Outcome { status, errors, .. } = run(&called, Quota::default(), &mut machine)?;
        if status == 0 {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&errors);
        let last = errors.lines().last().unwrap_or("it says nothing");
        Err(Unsupported::new(0, format!("the script ends with status {status}: {last}")))
    }

    fn refuse_script(&mut self, package: &UnpackedPackage, script: &'static str, text: &str, refused: &Unsupported) {
        let own = Text::read(text, self.platform);
        let at = usize::try_from(refused.line).unwrap_or(0);
        // a script that fails has no line
        let why = if at == 0 { refused.what.clone() } else { refused.to_string() };
        let line = text.lines().nth(at.wrapping_sub(1)).filter(|_| refused.file.is_none()).map(str::trim);
        let lines = line.into_iter().map(str::to_owned).chain([format!("# {why}")]).collect();
        let (package, version) = (package.id.name.to_string(), package.id.version.to_string());
        let (fingerprint, checked) = (own.fingerprint(), Vec::new());
        self.refused.push(UnmodelledScript { package, version, script, fingerprint, lines, checked });
    }
}
