//! The order in which packages are configured: that of dpkg when apt (2.6 to 3.0) has it install them, for the numbers of
//! accounts that scripts ask for depend on it.
//!
//! Essential packages come first. Then come packages that others need before they can be unpacked (`Pre-Depends`), each after
//! what it needs. Then apt leaves it to `dpkg --configure --pending`, which goes through its table of names again and again,
//! and configures those whose needs are met; the table is hashed, so that is not the order of the alphabet.

use std::collections::{BTreeMap, BTreeSet};

use super::{PackageState, UnpackedPackage};
use crate::distribution::debian::deb822::{Limits, Reader};
use crate::distribution::debian::relation;

/// Debian Policy §2.5: apt unpacks the more important ones earlier.
const PRIORITIES: &[&str] = &["required", "important", "standard", "optional"];

/// Bins of dpkg's table of packages (libdpkg, `pkg-hash.c`).
const BINS: u32 = 65_521;

/// Positions in `packages`, all of them; those that are configured first.
pub(super) fn of(packages: &[UnpackedPackage]) -> Vec<usize> {
    let mut order = Order::new(packages);
    for (index, package) in packages.iter().enumerate() {
        if package.state == PackageState::Configured {
            order.configure(index);
        }
    }
    order.configure_with_needs(order.all(|needs| needs.essential));
    let mut choosy = order.all(|needs| !needs.before_unpacking.is_empty());
    choosy.sort_by_key(|&index| order.needs[index].rank); // names decide among equals
    for index in choosy {
        let targets = order.needs[index].before_unpacking.clone();
        let targets = targets.iter().filter_map(|group| order.first_of(group)).collect();
        order.configure_with_needs(targets);
    }
    order.configure_pending();
    order.done
}

/// The positions of the essential packages and of what these need: tools that bootstrap a system configure them before they
/// unpack any other.
pub(super) fn essential(packages: &[UnpackedPackage]) -> BTreeSet<usize> {
    let mut order = Order::new(packages);
    order.configure_with_needs(order.all(|needs| needs.essential));
    order.done.into_iter().collect()
}

/// Packages while they are being configured.
struct Order {
    needs: Vec<Needs>,
    /// Those that have or provide a name; one of that name first.
    providers: BTreeMap<String, Vec<usize>>,
    done: Vec<usize>,
    is_done: Vec<bool>,
}

enum Step {
    Enter(usize),
    Leave(usize),
}

impl Order {
    fn new(packages: &[UnpackedPackage]) -> Self {
        let needs: Vec<Needs> = packages.iter().map(Needs::of).collect();
        let mut providers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, needs) in needs.iter().enumerate() {
            providers.entry(needs.name.clone()).or_default().insert(0, index);
            needs.provides.iter().for_each(|name| providers.entry(name.clone()).or_default().push(index));
        }
        Self { is_done: vec![false; needs.len()], needs, providers, done: Vec::new() }
    }

    /// The positions of the packages that are wanted, by name.
    fn all(&self, is_wanted: impl Fn(&Needs) -> bool) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.needs.len()).filter(|&index| is_wanted(&self.needs[index])).collect();
        all.sort_by_key(|&index| &self.needs[index].name);
        all
    }

    fn configure(&mut self, index: usize) {
        if !std::mem::replace(&mut self.is_done[index], true) {
            self.done.push(index);
        }
    }

    /// Configures packages, each after what it needs; a circle is cut where it is entered.
    fn configure_with_needs(&mut self, wanted: Vec<usize>) {
        let mut seen = self.is_done.clone();
        // a stack and not a recursion: packages of strangers may need each other to any depth
        let mut open: Vec<Step> = wanted.into_iter().rev().map(Step::Enter).collect();
        while let Some(step) = open.pop() {
            match step {
                Step::Leave(index) => self.configure(index),
                Step::Enter(index) if seen[index] => {}
                Step::Enter(index) => {
                    seen[index] = true;
                    open.push(Step::Leave(index));
                    let needs = &self.needs[index];
                    let groups = needs.before_unpacking.iter().chain(&needs.before_configuring);
                    let needed: Vec<usize> = groups.filter_map(|group| self.first_of(group)).collect();
                    open.extend(needed.into_iter().rev().map(Step::Enter));
                }
            }
        }
    }

    /// Configures all that is left, as dpkg goes through its table.
    fn configure_pending(&mut self) {
        let mut pending: Vec<usize> = (0..self.needs.len()).filter(|&index| !self.is_done[index]).collect();
        pending.sort_by_key(|&index| (bin(&self.needs[index].name), index));
        while !pending.is_empty() {
            let mut left = Vec::new();
            for &index in &pending {
                if self.are_met(index) {
                    self.configure(index);
                } else {
                    left.push(index);
                }
            }
            if left.len() == pending.len() {
                self.configure(left.remove(0)); // they need each other
            }
            pending = left;
        }
    }

    /// Whether nothing that a package needs waits to be configured; what is not there at all is not waited for.
    fn are_met(&self, index: usize) -> bool {
        let needs = &self.needs[index];
        let mut groups = needs.before_unpacking.iter().chain(&needs.before_configuring);
        groups.all(|group| {
            let mut providers = group.iter().filter_map(|name| self.providers.get(name)).flatten().peekable();
            providers.peek().is_none() || providers.any(|&provider| self.is_done[provider] || provider == index)
        })
    }

    /// Who meets the first alternative that anybody does.
    fn first_of(&self, group: &[String]) -> Option<usize> {
        group.iter().find_map(|name| self.providers.get(name)?.first().copied())
    }
}

/// Where dpkg's table has a name: by the hash of Fowler, Noll and Vo (FNV-1a, 32 bits).
fn bin(name: &str) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    name.bytes().fold(2_166_136_261, mix) % BINS
}

/// What a package needs and provides, by its control file; what cannot be read says nothing.
struct Needs {
    name: String,
    essential: bool,
    /// Its priority: the smaller, the more important.
    rank: usize,
    provides: Vec<String>,
    /// `Pre-Depends`, groups of alternatives.
    before_unpacking: Vec<Vec<String>>,
    /// `Depends`.
    before_configuring: Vec<Vec<String>>,
}

impl Needs {
    fn of(package: &UnpackedPackage) -> Self {
        let mut stanzas = Reader::new(package.control.control.as_bytes(), Limits::default());
        let stanza = stanzas.next().ok().flatten();
        let field = |name: &str| stanza.and_then(|stanza| stanza.get(name)).unwrap_or_default();
        let groups = |name: &str| -> Vec<Vec<String>> {
            let groups = relation::parse(field(name)).unwrap_or_default();
            groups.iter().map(|group| group.iter().map(|relation| relation.name.to_owned()).collect()).collect()
        };
        Self {
            name: package.name.clone(),
            essential: field("Essential") == "yes",
            rank: PRIORITIES.iter().position(|name| *name == field("Priority")).unwrap_or(PRIORITIES.len()),
            provides: groups("Provides").concat(),
            before_unpacking: groups("Pre-Depends"),
            before_configuring: groups("Depends"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Control;
    use crate::distribution::debian::configure::PackageRequest;

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

    /// As a log of dpkg has it, of trixie with these and more.
    #[test]
    fn names_are_in_the_order_of_dpkgs_table() {
        let logged = ["libexpat1", "liblmdb0", "libtext-charwidth-perl", "runit-helper", "liburcu8t64", "libkeyutils1"];
        let mut packages: Vec<_> = logged.iter().map(|name| package(name, "")).collect();
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(names(&packages), logged);
    }

    #[test]
    fn what_is_needed_is_waited_for() {
        let packages = [
            package("libexpat1", "Depends: liblmdb0\n"),
            package("liblmdb0", "Depends: nothing | runit-helper, absent\n"),
            package("runit-helper", ""),
            package("libtext-charwidth-perl", "Depends: character-library (= 1)\n"),
            package("libkeyutils1", "Provides: character-library (= 1)\n"),
        ];
        let expected = ["runit-helper", "libkeyutils1", "liblmdb0", "libtext-charwidth-perl", "libexpat1"];
        assert_eq!(names(&packages), expected);
    }

    #[test]
    fn essential_packages_and_what_unpacking_needs_come_first() {
        let packages = [
            package("libexpat1", ""),
            package("cron", "Priority: important\nPre-Depends: cron-common\n"),
            package("aaa", "Priority: optional\nPre-Depends: passwd\n"),
            package("cron-common", "Depends: systemd | standalone, adduser\n"),
            package("adduser", "Depends: passwd\n"),
            package("passwd", ""),
            package("systemd", ""),
            package("tar", "Essential: yes\nPre-Depends: libacl1\n"),
            package("libacl1", ""),
        ];
        let order = names(&packages);
        assert_eq!(order[..6], ["libacl1", "tar", "systemd", "passwd", "adduser", "cron-common"]);
        assert_eq!(essential(&packages), BTreeSet::from([7, 8]));
    }

    #[test]
    fn a_circle_is_cut_and_what_is_configured_comes_first() {
        let mut packages = [
            package("a", "Depends: b\n"),
            package("b", "Depends: c\n"),
            package("c", "Depends: a\n"),
            package("d", ""),
        ];
        packages[3].state = PackageState::Configured;
        let order = names(&packages);
        assert_eq!((order.len(), order[0]), (4, "d"));
    }
}
