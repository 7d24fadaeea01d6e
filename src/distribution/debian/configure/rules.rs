//! The table of packages whose scripts somebody has read: what their own lines do on a first installation. A script
//! that consists of known snippets only needs no rule.
//!
//! A package has as many rules as there are versions whose scripts do different things; the fingerprints tell which one
//! is meant. The rules of Debian 13 are in `base` and `services`, those of packages that do something else in another release
//! in a file of that release.
//!
//! To vouch for a new version: read the unknown lines that [`super::UnmodelledScript`] shows, change the effects when
//! they differ, add the fingerprint and the version. `tests/fidelity` compares the result with the real scripts.

mod base;
mod base_effects;
mod bookworm;
#[cfg(test)]
mod documented_tests;
mod services;

use super::effect::Effect::{self, LeaveOut};
use super::scripts::Interpreted;
use super::system::{System, Tool};
use super::{ConfigureError, Cover, PackageState, order};

/// What is known of one package, or of some versions of it.
pub(super) struct Rule {
    package: &'static str,
    /// Versions whose scripts were compared with the effects.
    checked: &'static [&'static str],
    /// What compares the effects with the scripts: a set of the campaign (`tests/fidelity/sets.rs`), or `minbase`, the tests
    /// of a minimal system.
    compared: &'static str,
    /// Scripts with lines of their own, and the fingerprints of those lines; several where versions or architectures
    /// differ.
    scripts: &'static [(&'static str, &'static [&'static str])],
    effects: &'static [Effect],
}

/// Rules whose effects happen in the order in which they stand.
fn of_the_base() -> impl Iterator<Item = &'static Rule> {
    bookworm::RULES.iter().chain(base::RULES)
}

/// All rules.
fn rules() -> impl Iterator<Item = &'static Rule> {
    services::RULES.iter().chain(of_the_base())
}

/// All scripts without effect.
fn without_effect() -> impl Iterator<Item = &'static WithoutEffect> {
    bookworm::WITHOUT_EFFECT.iter().chain(services::WITHOUT_EFFECT).chain(base::WITHOUT_EFFECT)
}

/// A script whose own lines do nothing on a first installation: package, version, script, fingerprint, and what compares
/// it, as with a rule.
type WithoutEffect = (&'static str, &'static str, &'static str, &'static str, &'static str);

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

/// Applies the rules of the packages that are there: those of the base system first, then the others in the order in which
/// dpkg would configure the packages.
/// `chosen` has the rule of each package; scripts that are interpreted run where their package is configured, those that run
/// before unpacking before all others.
pub(super) fn apply(
    system: &mut System<'_>,
    chosen: &[Option<&'static Rule>],
    interpreted: &Interpreted,
) -> Result<(), ConfigureError> {
    let packages = system.packages;
    let order = order::of(packages);
    let chosen = |index: usize| chosen.get(index).copied().flatten();
    for rule in of_the_base() {
        let Some(index) = system.position(rule.package) else { continue };
        if chosen(index).is_some_and(|chosen| std::ptr::eq(chosen, rule)) {
            rule.apply(system, packages[index].state)?;
        }
    }
    let scripts = |index: usize| interpreted.get(&index).into_iter();
    let has =
        |index: usize, script| scripts(index).find(|(names, _)| names.contains(&script)).map(|(_, linked)| *linked);
    for index in order.iter().copied() {
        if let Some(linked) = has(index, "preinst") {
            system.interpret(index, "preinst", linked);
        }
    }
    for (index, rule) in order.into_iter().map(|index| (index, chosen(index))) {
        let package = &packages[index];
        system.run_snippets(package.id.name.as_str(), Tool::Sysusers)?;
        let of_a_service = |rule: &&Rule| !of_the_base().any(|other| std::ptr::eq(*rule, other));
        if let Some(rule) = rule.filter(of_a_service) {
            rule.apply(system, package.state)?;
        }
        system.run_snippets(package.id.name.as_str(), Tool::Tmpfiles)?;
        if let Some(linked) = has(index, "postinst") {
            system.interpret(index, "postinst", linked);
        }
        system.finish(package.id.name.as_str());
    }
    // a trigger may activate others; each package runs once for those that came in the meantime
    for _ in 0..packages.len() {
        let Some((index, names)) = system.triggered.pop_first() else { break };
        if let Some(linked) = has(index, "postinst") {
            let names: Vec<String> = names.into_iter().collect();
            system.interpret_triggers(index, &names.join(" "), linked);
        }
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
        let (checked, compared) = (rule.checked.to_vec(), rule.compared);
        return Some(match rule.effects {
            [] => Cover::NoEffect { fingerprint, checked, compared },
            _ => Cover::Rule { fingerprint, checked, compared },
        });
    }
    let known =
        without_effect().filter(|(of, _, name, lines, _)| (*of, *name, *lines) == (package, script, &fingerprint));
    let (checked, compared): (Vec<_>, Vec<_>) = known.map(|(_, version, _, _, compared)| (*version, *compared)).unzip();
    compared.last().map(|compared| Cover::NoEffect { fingerprint, checked, compared })
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
        for (lines, versions) in [of(base::RULES), of(bookworm::RULES)] {
            assert_eq!(checked("tzdata", &[("postinst", lines)]), Some(versions));
        }
        assert_eq!(checked("tzdata", &[("postinst", "000000000000")]), Some(of(base::RULES).1), "the newest stands in");
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
    fn a_script_that_does_more_beside_another_package_is_not_vouched_for_there() {
        let beside = |package, other: &'static str| more_with(package, |name| name == other);
        assert_eq!(beside("squid", "libcap2-bin"), Some("libcap2-bin"));
        assert_eq!(beside("squid", "libc6"), None);
        for (package, _) in services::MORE_WITH {
            let known = rules().any(|rule| rule.package == *package);
            assert!(known || without_effect().any(|(of, ..)| of == package), "nothing is known of {package}");
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
