//! What packages of one system need of each other, by their control files.

use std::collections::BTreeMap;

use super::deb822::Stanza;
use super::relation;

/// Debian Policy §2.5, the most important first.
const PRIORITIES: &[&str] = &["required", "important", "standard", "optional"];

/// What a package needs and provides; a relation that cannot be read says nothing.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Its name.
    pub name: String,
    /// Whether a system cannot be without it.
    pub essential: bool,
    /// Its priority: the smaller, the more important.
    pub rank: usize,
    /// Further names that it goes by.
    pub provides: Vec<String>,
    /// `Pre-Depends`: groups of alternatives.
    pub before_unpacking: Vec<Vec<String>>,
    /// `Depends`: groups of alternatives.
    pub before_configuring: Vec<Vec<String>>,
}

impl Needs {
    /// Reads the stanza of a control file.
    #[must_use]
    pub fn of(stanza: &Stanza) -> Self {
        let field = |name: &str| stanza.get(name).unwrap_or_default();
        let groups = |name: &str| -> Vec<Vec<String>> {
            let groups = relation::parse(field(name)).unwrap_or_default();
            groups.iter().map(|group| group.iter().map(|relation| relation.name.to_owned()).collect()).collect()
        };
        Self {
            name: field("Package").to_owned(),
            essential: field("Essential") == "yes",
            rank: PRIORITIES.iter().position(|name| *name == field("Priority")).unwrap_or(PRIORITIES.len()),
            provides: groups("Provides").concat(),
            before_unpacking: groups("Pre-Depends"),
            before_configuring: groups("Depends"),
        }
    }

    /// All groups of alternatives.
    pub fn groups(&self) -> impl Iterator<Item = &Vec<String>> {
        self.before_unpacking.iter().chain(&self.before_configuring)
    }
}

/// All packages of a system; each is known by its position.
#[derive(Debug, Default)]
pub struct Graph {
    packages: Vec<Needs>,
    /// Who goes by a name: first the package of that name, then those that provide it, the most important first.
    providers: BTreeMap<String, Vec<usize>>,
}

enum Step {
    Enter(usize),
    Leave(usize),
}

impl Graph {
    /// Of these packages, in this order.
    #[must_use]
    pub fn new(packages: Vec<Needs>) -> Self {
        let mut providers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, package) in packages.iter().enumerate() {
            for name in [&package.name].into_iter().chain(&package.provides) {
                providers.entry(name.clone()).or_default().push(index);
            }
        }
        for (name, found) in &mut providers {
            found.sort_by_key(|&index| (packages[index].name != *name, packages[index].rank));
        }
        Self { packages, providers }
    }

    /// The packages, by position.
    #[must_use]
    pub fn packages(&self) -> &[Needs] {
        &self.packages
    }

    /// The positions of the packages that are wanted, by name.
    #[must_use]
    pub fn all(&self, is_wanted: impl Fn(&Needs) -> bool) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.packages.len()).filter(|&index| is_wanted(&self.packages[index])).collect();
        all.sort_by_key(|&index| &self.packages[index].name);
        all
    }

    /// Who goes by a name, the best first.
    #[must_use]
    pub fn providers(&self, name: &str) -> &[usize] {
        self.providers.get(name).map_or(&[], Vec::as_slice)
    }

    /// Who meets the first alternative that anybody does.
    #[must_use]
    pub fn first_of(&self, group: &[String]) -> Option<usize> {
        group.iter().find_map(|name| self.providers(name).first().copied())
    }

    /// The packages that are wanted with all that they need, each after what it needs; a circle is cut where it is entered.
    /// Those that `are_done` are left out, with what they need.
    #[must_use]
    pub fn with_needs(&self, wanted: &[usize], are_done: &[bool]) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = are_done.to_vec();
        seen.resize(self.packages.len(), false);
        // a stack and not a recursion: packages of strangers may need each other to any depth
        let mut open: Vec<Step> = wanted.iter().rev().map(|&index| Step::Enter(index)).collect();
        while let Some(step) = open.pop() {
            match step {
                Step::Leave(index) => order.push(index),
                Step::Enter(index) if seen[index] => {}
                Step::Enter(index) => {
                    seen[index] = true;
                    open.push(Step::Leave(index));
                    let needed: Vec<usize> =
                        self.packages[index].groups().filter_map(|group| self.first_of(group)).collect();
                    open.extend(needed.into_iter().rev().map(Step::Enter));
                }
            }
        }
        order
    }
}
