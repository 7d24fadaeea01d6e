//! A recipe as it reads for one platform: `on` blocks spliced or dropped, `${…}` replaced.

use std::collections::BTreeMap;

use crate::model::{Architecture, Place, Platform, Spanned};

use super::Mistake;
use super::definitions::Library;
use super::node::{Node, Property, Value};
use super::shape::Block;
use super::sink::Sink;
use super::uses::Uses;
use super::values::{Setting, Values};
use crate::diagnostic::nearest::nearest;

/// The nodes of a recipe for one platform.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) platform: Platform,
    /// The values of `let`.
    pub(super) values: BTreeMap<String, String>,
    /// Where each of them stands.
    pub(super) places: BTreeMap<String, Place>,
    /// All other nodes.
    pub(super) nodes: Vec<Node>,
}

/// Reads `parts`, which together are the whole recipe (`block`), for the platform of `setting`; what they use of definitions is in
/// the libraries: the project's, and the recipe's own.
pub(super) fn read(
    parts: &[&[Node]],
    block: &'static dyn Block,
    place: Place,
    libraries: (&Library, &Library),
    setting: &Setting<'_>,
) -> Reading {
    let platform = setting.platform.unwrap_or(Platform::new(Architecture::Amd64));
    let mut parts: Vec<Vec<Node>> = parts.iter().map(|nodes| select(nodes, platform, setting.sink)).collect();
    let weight = parts.iter().flatten().map(Node::weight).sum();
    if !setting.budget.charge(weight, place) {
        parts.clear();
    }
    let lets: Vec<Node> = parts.iter().flatten().filter(|node| *node.name == "let").cloned().collect();
    let values = Values::read(&lets, setting);
    let parts = parts.into_iter().map(|nodes| {
        let rest = nodes.into_iter().filter(|node| *node.name != "let");
        rest.map(|node| expand(node, "", &values)).collect()
    });
    let uses = Uses::new(libraries.0, libraries.1, setting);
    let nodes = uses.apply(parts.collect(), block, "recipe", place);
    Reading { platform, values: values.named().clone(), places: values.places().clone(), nodes }
}

/// Replaces `${…}` in a file that has no values, so that nobody takes it for one that was.
pub(super) fn plain(nodes: Vec<Node>, setting: &Setting<'_>) -> Vec<Node> {
    let values = Values::none(setting);
    nodes.into_iter().map(|node| expand(node, "", &values)).collect()
}

/// The platform that a value names.
pub(super) fn platform(value: &Spanned<Value>, sink: &Sink) -> Option<Platform> {
    if value.value == Value::Lost {
        return None;
    }
    let Some(text) = value.value.text() else {
        let message = format!("a platform is expected here, not {}", value.kind());
        sink.push(Mistake::new(value.place, message, "not a platform", "write it like `\"linux/arm64\"`"));
        return None;
    };
    let parsed = text.parse::<Platform>();
    if parsed.is_err() {
        let known: Vec<String> = Platform::all().map(|platform| platform.to_string()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let near = nearest(text, known.iter().copied());
        let help = near.map_or_else(
            || format!("known are {}", crate::diagnostic::nearest::list(known.iter().copied())),
            |near| format!("did you mean `{near}`?"),
        );
        sink.push(Mistake::new(
            value.place,
            format!("`{text}` is not a platform that can be built for"),
            "not known",
            help,
        ));
    }
    parsed.ok()
}

pub(super) fn select(nodes: &[Node], wanted: Platform, sink: &Sink) -> Vec<Node> {
    let mut selected = Vec::with_capacity(nodes.len());
    for node in nodes {
        if *node.name == "on" {
            if applies(node, wanted, sink) {
                let children = node.children.as_deref().unwrap_or_default();
                let (wrong, right): (Vec<_>, Vec<_>) =
                    select(children, wanted, sink).into_iter().partition(|child| *child.name == "platforms");
                for node in wrong {
                    let help = "put `platforms` at the top of the recipe";
                    sink.push(Mistake::new(node.header, "`platforms` cannot depend on the platform", "in `on`", help));
                }
                selected.extend(right);
            }
        } else {
            let children = node.children.as_ref().map(|children| select(children, wanted, sink));
            selected.push(Node { children, ..node.shallow() });
        }
    }
    selected
}

/// Whether an `on` node names the platform.
fn applies(node: &Node, wanted: Platform, sink: &Sink) -> bool {
    const HELP: &str = "write it like `on \"linux/arm64\" { … }`";
    for property in &node.properties {
        let message = format!("`on` has no property `{}`", *property.name);
        sink.push(Mistake::new(property.name.place, message, "not known here", HELP));
    }
    if node.arguments.is_empty() {
        sink.push(Mistake::new(node.header, "`on` names no platform", "which one?", HELP));
    }
    if node.children.is_none() {
        sink.push(Mistake::new(node.header, "`on` needs a block", "nothing follows", HELP));
    }
    // all of them are read, so that a mistake is told on every platform
    let named: Vec<Platform> = node.arguments.iter().filter_map(|value| platform(value, sink)).collect();
    named.contains(&wanted)
}

/// Reports `on` blocks for platforms that the recipe is not built for; `built` is empty when that is unknown.
pub(super) fn idle(nodes: &[Node], built: &[Platform], sink: &Sink) {
    for node in nodes.iter().filter(|_| !built.is_empty()) {
        idle(node.children.as_deref().unwrap_or_default(), built, sink);
        for argument in node.arguments.iter().filter(|_| *node.name == "on") {
            let Some(text) = argument.value.text() else { continue };
            if text.parse::<Platform>().is_ok_and(|platform| !built.contains(&platform)) {
                let message = format!("the recipe is not built for {text}");
                let help = "add it to `platforms`, or remove the block";
                sink.push(Mistake::new(argument.place, message, "never applies", help).as_warning());
            }
        }
    }
}

/// Replaces `${…}` everywhere but in the scripts of steps, where the values are environment variables.
pub(super) fn expand(node: Node, parent: &str, values: &Values<'_>) -> Node {
    if *node.name == "run" && matches!(parent, "stage" | "vendor") {
        return node;
    }
    let children =
        node.children.map(|children| children.into_iter().map(|child| expand(child, &node.name, values)).collect());
    let properties =
        node.properties.into_iter().map(|property| Property { value: values.fill(property.value), ..property });
    Node {
        header: node.header,
        arguments: node.arguments.into_iter().map(|value| values.fill(value)).collect(),
        properties: properties.collect(),
        children,
        name: node.name,
        yields: node.yields,
        via: node.via,
    }
}
