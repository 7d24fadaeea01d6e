//! The order in which packages are configured: that of dpkg when apt (2.6 to 3.0) has it install them, for the numbers of
//! accounts that scripts ask for depend on it.
//!
//! Essential packages come first. Then come packages that others need before they can be unpacked (`Pre-Depends`), each after
//! what it needs. Then apt leaves it to `dpkg --configure --pending`, which goes through its table of names again and again,
//! and configures those whose needs are met; the table is hashed, so that is not the order of the alphabet.

use std::collections::BTreeSet;

use super::{PackageState, UnpackedPackage};
use crate::distribution::debian::deb822::{Reader, StanzaLimits};
use crate::distribution::debian::needs::{Graph, Needs};

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
    order.configure_with_needs(&order.graph.all(|needs| needs.essential));
    let mut choosy = order.graph.all(|needs| !needs.before_unpacking.is_empty());
    choosy.sort_by_key(|&index| order.graph.packages()[index].rank); // names decide among equals
    for index in choosy {
        let groups = &order.graph.packages()[index].before_unpacking;
        let targets: Vec<usize> = groups.iter().filter_map(|group| order.graph.first_of(group)).collect();
        order.configure_with_needs(&targets);
    }
    order.configure_pending();
    order.done
}

/// The positions of the essential packages and of what these need: tools that bootstrap a system configure them before they
/// unpack any other.
pub(super) fn essential(packages: &[UnpackedPackage]) -> BTreeSet<usize> {
    let graph = graph(packages);
    graph.with_needs(&graph.all(|needs| needs.essential), &[]).into_iter().collect()
}

fn graph(packages: &[UnpackedPackage]) -> Graph {
    let needs = packages.iter().map(|package| {
        let mut stanzas = Reader::new(package.control.control.as_bytes(), StanzaLimits::default());
        let read = stanzas.next().ok().flatten().map(Needs::of).unwrap_or_default();
        Needs { name: package.id.name.to_string(), ..read }
    });
    Graph::new(needs.collect())
}

/// Packages while they are being configured.
struct Order {
    graph: Graph,
    done: Vec<usize>,
    is_done: Vec<bool>,
}

impl Order {
    fn new(packages: &[UnpackedPackage]) -> Self {
        Self { graph: graph(packages), done: Vec::new(), is_done: vec![false; packages.len()] }
    }

    fn configure(&mut self, index: usize) {
        if !std::mem::replace(&mut self.is_done[index], true) {
            self.done.push(index);
        }
    }

    fn configure_with_needs(&mut self, wanted: &[usize]) {
        for index in self.graph.with_needs(wanted, &self.is_done) {
            self.configure(index);
        }
    }

    /// Configures all that is left, as dpkg goes through its table.
    fn configure_pending(&mut self) {
        let mut pending: Vec<usize> = (0..self.is_done.len()).filter(|&index| !self.is_done[index]).collect();
        pending.sort_by_key(|&index| (bin(&self.graph.packages()[index].name), index));
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
        self.graph.packages()[index].groups().all(|group| {
            let mut providers = group.iter().flat_map(|name| self.graph.providers(name)).peekable();
            providers.peek().is_none() || providers.any(|&provider| self.is_done[provider] || provider == index)
        })
    }
}

/// Where dpkg's table has a name: by the hash of Fowler, Noll and Vo (FNV-1a, 32 bits).
fn bin(name: &str) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    name.bytes().fold(2_166_136_261, mix) % BINS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Control;
    use crate::model::{Format, PackageId, Why};

    fn package(name: &str, fields: &str) -> UnpackedPackage {
        let control = format!("Package: {name}\nVersion: 1\nArchitecture: all\n{fields}");
        UnpackedPackage {
            id: PackageId::new(Format::Deb, name, "1", "all").expect("a package"),
            control: Control { control, ..Control::default() },
            entries: Vec::new(),
            state: PackageState::Unpacked,
            why: Why::Asked,
        }
    }

    fn names(packages: &[UnpackedPackage]) -> Vec<&str> {
        of(packages).into_iter().map(|index| packages[index].id.name.as_str()).collect()
    }

    /// As a log of dpkg has it, of trixie with these and more.
    #[test]
    fn names_are_in_the_order_of_dpkgs_table() {
        let logged = ["libexpat1", "liblmdb0", "libtext-charwidth-perl", "runit-helper", "liburcu8t64", "libkeyutils1"];
        let mut packages: Vec<_> = logged.iter().map(|name| package(name, "")).collect();
        packages.sort_by(|one, other| one.id.name.cmp(&other.id.name));
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
