//! Which packages of an image count as asked for, as apt's `extended_states` records it: those that the recipe names, by
//! their own name or one that they provide, those of the sets that it names, and what makes a system essential.
//! Bootstrapping tools unpack the essential packages, with all that these need, before there is an apt that could mark them
//! as automatic; the oracle is mmdebstrap.

use std::collections::BTreeSet;

use crate::distribution::debian::needs::Graph;

/// The packages of `graph` that count as asked for; `named` is what the recipe asks for.
pub(super) fn asked(graph: &Graph, named: &[&str]) -> BTreeSet<usize> {
    let mut asked = basic(graph, &[]);
    asked.extend(named.iter().filter_map(|name| graph.providers(name).first()));
    asked
}

/// The essential packages, those `named`, and all that these need.
pub(super) fn basic(graph: &Graph, named: &[&str]) -> BTreeSet<usize> {
    let wanted = graph.all(|package| package.essential || named.contains(&package.name.as_str()));
    graph.with_needs(&wanted, &[]).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::debian::deb822::{Limits, Reader};
    use crate::distribution::debian::needs::Needs;

    fn graph(text: &str) -> Graph {
        let mut stanzas = Reader::new(text.as_bytes(), Limits::default());
        let mut packages = Vec::new();
        while let Some(stanza) = stanzas.next().expect("a stanza") {
            packages.push(Needs::of(stanza));
        }
        Graph::new(packages)
    }

    #[test]
    fn what_provides_the_name_that_the_recipe_gives_is_asked_for() {
        let graph = graph(
            "Package: exim4-base\nPriority: optional\n\n\
             Package: exim4-daemon-light\nProvides: mail-transport-agent, default-mta\nDepends: exim4-base\n\n\
             Package: dash\nEssential: yes\nDepends: libc6\n\nPackage: libc6\n\n\
             Package: own\n\nPackage: other\nProvides: own\n\n",
        );
        let asked = |named: &[&str]| -> Vec<String> {
            asked(&graph, named).into_iter().map(|index| graph.packages()[index].name.clone()).collect()
        };
        assert_eq!(asked(&["default-mta"]), ["exim4-daemon-light", "dash", "libc6"]);
        assert_eq!(asked(&["own", "unknown"]), ["dash", "libc6", "own"]);
    }
}
