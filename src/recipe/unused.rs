//! What was declared and serves nobody: a slip, or left behind by a change. A file that is included may hold more
//! definitions than are used: it was written for others as well.

use std::collections::BTreeSet;

use super::Mistake;
use super::definitions::{Definition, Library};
use super::file::Written;
use super::node::Node;
use super::sink::Sink;
use super::values::names_in;
use super::variables::mentions;

/// Checks what the project's own files declare. It is told by what is written, whatever platform it is written for.
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
        lets(&file.nodes, &file.nodes, sink);
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
    for parameter in &definition.parameters {
        let parameter = &parameter.name;
        if !says(&definition.body, parameter) {
            let help = format!("write `${{{}}}` where its value belongs, or remove it", **parameter);
            let message = format!("nothing in `{name}` uses the parameter `{}`", **parameter);
            sink.push(Mistake::new(parameter.place, message, "never used", help).as_warning());
        }
    }
}

/// Whether any text has `${name}`, or a script has the name as a variable.
fn says(nodes: &[Node], name: &str) -> bool {
    let mut found = false;
    each(nodes, &mut |node| {
        let values = node.arguments.iter().chain(node.properties.iter().map(|property| &property.value));
        found |= values
            .filter_map(|value| value.value.text())
            .any(|text| names_in(text).any(|used| used == name) || (*node.name == "run" && mentions(text, name)));
    });
    found
}

/// A value that also says which version the images are of: it becomes their label.
const VERSION: &str = "version";

/// Reports `let` nodes among `nodes`, the blocks of platforms and variants included, that nothing in `file` uses.
fn lets(nodes: &[Node], file: &[Node], sink: &Sink) {
    for node in nodes {
        match node.name.as_str() {
            "let" => {
                let Some(name) = node.key().filter(|name| **name != VERSION && !says(file, name)) else { continue };
                let help = format!("write `${{{}}}` where it belongs, or remove it", *name);
                let message = format!("nothing uses the value `{}`", *name);
                sink.push(Mistake::new(name.place, message, "never used", help).as_warning());
            }
            "on" | "variant" => lets(node.block(), file, sink),
            _ => {}
        }
    }
}
