//! A recipe as it reads for one platform: `on` blocks spliced or dropped, `${…}` replaced.

use std::collections::BTreeMap;

use crate::model::{Platform, Spanned};

use super::Mistake;
use super::nearest::nearest;
use super::node::{Node, Property, Value};
use super::sink::Sink;
use super::values::Values;

/// The nodes of a recipe for one platform.
pub(super) struct Reading {
    pub(super) platform: Platform,
    /// The values of `let`.
    pub(super) values: BTreeMap<String, String>,
    /// All other nodes.
    pub(super) nodes: Vec<Node>,
}

/// Reads `nodes`, the whole recipe in `file`, for `platform`.
pub(super) fn read(nodes: &[Node], platform: Platform, file: &str, sink: &Sink) -> Reading {
    let selected = select(nodes, platform, sink);
    let values = Values::read(&selected, platform, file, sink);
    let rest = selected.into_iter().filter(|node| *node.name != "let").map(|node| expand(node, "", &values)).collect();
    Reading { platform, values: values.named().clone(), nodes: rest }
}

/// Replaces `${…}` in a file that has no values, so that nobody takes it for one that was.
pub(super) fn plain(nodes: Vec<Node>, file: &str, sink: &Sink) -> Vec<Node> {
    let values = Values::none(file, sink);
    nodes.into_iter().map(|node| expand(node, "", &values)).collect()
}

/// The platform that a value names.
pub(super) fn platform(value: &Spanned<Value>, sink: &Sink) -> Option<Platform> {
    let Value::Text(text) = &value.value else {
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
            || format!("known are {}", super::nearest::list(known.iter().copied())),
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

fn select(nodes: &[Node], wanted: Platform, sink: &Sink) -> Vec<Node> {
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
            selected.push(Node { children, ..shallow(node) });
        }
    }
    selected
}

fn shallow(node: &Node) -> Node {
    Node {
        name: node.name.clone(),
        header: node.header,
        arguments: node.arguments.clone(),
        properties: node.properties.clone(),
        children: None,
    }
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
            let Value::Text(text) = &argument.value else { continue };
            if text.parse::<Platform>().is_ok_and(|platform| !built.contains(&platform)) {
                let message = format!("the recipe is not built for {text}");
                let help = "add it to `platforms`, or remove the block";
                sink.push(Mistake::new(argument.place, message, "never applies", help).as_warning());
            }
        }
    }
}

/// Replaces `${…}` everywhere but in the scripts of steps, where the values are environment variables.
fn expand(node: Node, parent: &str, values: &Values<'_>) -> Node {
    if *node.name == "run" && matches!(parent, "stage" | "vendor") {
        return node;
    }
    let replace = |value: Spanned<Value>| match value.value {
        Value::Text(text) => {
            let text = Spanned::new(text, value.place);
            Spanned::new(Value::Text(values.interpolate(&text)), value.place)
        }
        other => Spanned::new(other, value.place),
    };
    let children =
        node.children.map(|children| children.into_iter().map(|child| expand(child, &node.name, values)).collect());
    let properties =
        node.properties.into_iter().map(|property| Property { value: replace(property.value), ..property });
    Node {
        header: node.header,
        arguments: node.arguments.into_iter().map(replace).collect(),
        properties: properties.collect(),
        children,
        name: node.name,
    }
}
