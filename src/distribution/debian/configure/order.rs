//! The order in which packages are configured: what a package needs comes before it, as dpkg has it, and where needs leave
//! a choice or go round in a circle, the names decide. The numbers of accounts that scripts ask for depend on it.

use std::collections::{BTreeMap, BTreeSet};

use super::UnpackedPackage;
use crate::distribution::debian::deb822::{Limits, Reader};
use crate::distribution::debian::relation;

/// Positions in `packages`, all of them.
pub(super) fn of(packages: &[UnpackedPackage]) -> Vec<usize> {
    after_needs(packages, |_| true)
}

/// The positions of the essential packages and of what these need: tools that bootstrap a system configure them before they
/// unpack any other.
pub(super) fn essential(packages: &[UnpackedPackage]) -> BTreeSet<usize> {
    after_needs(packages, |needs| needs.essential).into_iter().collect()
}

/// The positions of the packages that are wanted and of what they need.
fn after_needs(packages: &[UnpackedPackage], is_wanted: impl Fn(&Needs) -> bool) -> Vec<usize> {
    let needs: Vec<Needs> = packages.iter().map(Needs::of).collect();
    let mut providers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, needs) in needs.iter().enumerate() {
        // a real package before those that provide its name
        providers.entry(&needs.name).or_default().insert(0, index);
        needs.provides.iter().for_each(|name| providers.entry(name).or_default().push(index));
    }
    let mut by_name: Vec<usize> = (0..packages.len()).filter(|&index| is_wanted(&needs[index])).collect();
    by_name.sort_by_key(|&index| &needs[index].name);
    let mut order = Vec::with_capacity(packages.len());
    let mut seen = vec![false; packages.len()];
    // a stack and not a recursion: packages of strangers may need each other to any depth
    let mut open: Vec<Step> = by_name.into_iter().rev().map(Step::Enter).collect();
    while let Some(step) = open.pop() {
        match step {
            Step::Leave(index) => order.push(index),
            Step::Enter(index) if seen[index] => {}
            Step::Enter(index) => {
                seen[index] = true;
                open.push(Step::Leave(index));
                let first =
                    |group: &Vec<String>| group.iter().find_map(|name| providers.get(name.as_str())?.first().copied());
                open.extend(needs[index].groups.iter().rev().filter_map(first).map(Step::Enter));
            }
        }
    }
    order
}

enum Step {
    Enter(usize),
    Leave(usize),
}

/// What a package needs and provides, by its control file; what cannot be read says nothing.
struct Needs {
    name: String,
    essential: bool,
    provides: Vec<String>,
    groups: Vec<Vec<String>>,
}

impl Needs {
    fn of(package: &UnpackedPackage) -> Self {
        let mut stanzas = Reader::new(package.control.control.as_bytes(), Limits::default());
        let stanza = stanzas.next().ok().flatten();
        let groups = |name: &str| -> Vec<Vec<String>> {
            let text = stanza.and_then(|stanza| stanza.get(name)).unwrap_or_default();
            let groups = relation::parse(text).unwrap_or_default();
            groups.iter().map(|group| group.iter().map(|relation| relation.name.to_owned()).collect()).collect()
        };
        Self {
            name: package.name.clone(),
            essential: stanza.and_then(|stanza| stanza.get("Essential")) == Some("yes"),
            provides: groups("Provides").concat(),
            groups: [groups("Pre-Depends"), groups("Depends")].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Control;
    use crate::distribution::debian::configure::{PackageRequest, PackageState};

    fn package(name: &str, fields: &str) -> UnpackedPackage {
        let control = format!("Package: {name}\nVersion: 1\nArchitecture: all\n{fields}");
        UnpackedPackage {
            name: name.to_owned(),
            version: "1".to_owned(),
            architecture: "all".to_owned(),
            control: Control { control, ..Control::default() },
            entries: Vec::new(),
            state: PackageState::Unpacked,
            request: PackageRequest::Manual,
        }
    }

    fn names(packages: &[UnpackedPackage]) -> Vec<&str> {
        of(packages).into_iter().map(|index| packages[index].name.as_str()).collect()
    }

    #[test]
    fn what_is_needed_comes_first_then_names_decide() {
        let packages = [
            package("zebra", ""),
            package("avahi", "Depends: nothing | dbus, bus-library\n"),
            package("dbus", "Pre-Depends: libc (>= 1)\n"),
            package("libbus", "Provides: bus-library (= 1)\n"),
            package("libc", ""),
        ];
        assert_eq!(names(&packages), ["libc", "dbus", "libbus", "avahi", "zebra"]);
    }

    #[test]
    fn essential_packages_bring_what_they_need() {
        let packages = [
            package("tar", "Essential: yes\nDepends: libacl\n"),
            package("libacl", ""),
            package("cron", "Depends: tar\n"),
        ];
        assert_eq!(essential(&packages), BTreeSet::from([0, 1]));
    }

    #[test]
    fn a_circle_is_cut_where_it_is_entered() {
        let packages = [package("a", "Depends: b\n"), package("b", "Depends: c\n"), package("c", "Depends: a\n")];
        assert_eq!(names(&packages), ["c", "b", "a"]);
    }
}
