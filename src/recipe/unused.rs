//! What was declared and serves nobody: a slip, or left behind by a change. A file that is included may hold more
//! definitions than are used: it was written for others as well.

use std::collections::BTreeSet;

use crate::model::Spanned;

use super::Mistake;
use super::definitions::{Definition, Library};
use super::file::Written;
use super::node::Node;
use super::sink::Sink;
use super::values::names_in;
use super::variables::words;

/// Checks what the project's own files declare. What counts is the text, whatever platform it is written for.
pub(super) fn check(shared: &Library, files: &[Written], sink: &Sink) {
    let mut used: BTreeSet<&str> = bodies(shared).flat_map(uses).collect();
    used.extend(files.iter().flat_map(|file| uses(&file.nodes)));
    used.extend(files.iter().flat_map(|file| bodies(&file.library)).flat_map(uses));
    for definition in shared.definitions.values() {
        self::definition(definition, &used, sink);
    }
    for file in files {
        let used: BTreeSet<&str> = uses(&file.nodes).into_iter().chain(bodies(&file.library).flat_map(uses)).collect();
        for definition in file.library.definitions.values() {
            self::definition(definition, &used, sink);
        }
        let mut unused = Vec::new();
        lets(&file.nodes, &mut unused);
        let said = said(&file.nodes, unused.iter().map(|name| name.value).collect());
        for name in unused.iter().filter(|name| name.value != VERSION && !said.contains(name.value)) {
            let help = format!("write `${{{}}}` where it belongs, or remove it", **name);
            let message = format!("nothing uses the value `{}`", **name);
            sink.push(Mistake::new(name.place, message, "never used", help).as_warning());
        }
    }
}

fn bodies(library: &Library) -> impl Iterator<Item = &[Node]> {
    library.definitions.values().map(|definition| definition.body.as_slice())
}

/// The definitions that nodes ask for.
fn uses(nodes: &[Node]) -> Vec<&str> {
    let mut found = Vec::new();
    each(nodes, &mut |node| {
        if let ("is", Some(name)) = (node.name.as_str(), node.key()) {
            found.push(name.value);
        }
    });
    found
}

/// Calls `look` with every node, blocks included; blocks are nested a few dozen deep at most.
fn each<'n>(nodes: &'n [Node], look: &mut impl FnMut(&'n Node)) {
    for node in nodes {
        look(node);
        each(node.block(), look);
    }
}

fn definition(definition: &Definition, used: &BTreeSet<&str>, sink: &Sink) {
    let name = definition.name.as_str();
    if !definition.included && !used.contains(name) {
        let help = format!("use it with `is \"{name}\"`, or remove it");
        let message = format!("nothing uses the definition `{name}`");
        sink.push(Mistake::new(definition.name.place, message, "never used", help).as_warning());
    }
    let parameters = definition.parameters.iter().map(|parameter| parameter.name.as_str());
    let said = said(&definition.body, parameters.collect());
    for parameter in definition.parameters.iter().filter(|parameter| !said.contains(parameter.name.as_str())) {
        let parameter = &parameter.name;
        let help = format!("write `${{{}}}` where its value belongs, or remove it", **parameter);
        let message = format!("nothing in `{name}` uses the parameter `{}`", **parameter);
        sink.push(Mistake::new(parameter.place, message, "never used", help).as_warning());
    }
}

/// Those of `names` that a text has as `${name}`, or a script as a variable: each text is read once, however many names
/// there are.
fn said<'n>(nodes: &'n [Node], names: BTreeSet<&'n str>) -> BTreeSet<&'n str> {
    let mut found = BTreeSet::new();
    each(nodes, &mut |node| {
        let values = node.arguments.iter().chain(node.properties.iter().map(|property| &property.value));
        for text in values.filter_map(|value| value.value.text()) {
            found.extend(names_in(text).filter_map(|used| names.get(used)));
            if *node.name == "run" {
                found.extend(words(text).filter_map(|word| names.get(word)));
            }
        }
    });
    found
}

/// A value that also says which version the images are of: it becomes their label.
const VERSION: &str = "version";

/// Collects the names of `let` nodes among `nodes`, the blocks of platforms and variants included.
fn lets<'n>(nodes: &'n [Node], found: &mut Vec<Spanned<&'n str>>) {
    for node in nodes {
        match node.name.as_str() {
            "let" => found.extend(node.key()),
            "on" | "variant" => lets(node.block(), found),
            _ => {}
        }
    }
}
