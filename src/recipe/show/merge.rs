//! What a recipe says on each of its platforms, as one text: what differs stands in `on` blocks.

use std::collections::BTreeMap;

use super::super::shape::{Block, Identity};
use super::shown::ShownNode;
use crate::model::Platform;

/// A node's identity among those of its block, and which of several alike it is.
type Key = (String, usize);

/// Merges what is said on each platform.
pub(super) fn merge(mut lists: Vec<(Platform, Vec<ShownNode>)>, block: &'static dyn Block) -> Vec<ShownNode> {
    if lists.len() < 2 {
        return lists.pop().map(|(_, nodes)| nodes).unwrap_or_default();
    }
    let all: Vec<Platform> = lists.iter().map(|(platform, _)| *platform).collect();
    let mut order: Vec<Key> = Vec::new();
    let mut found: BTreeMap<Key, Vec<(Platform, ShownNode)>> = BTreeMap::new();
    for (platform, nodes) in lists {
        let mut after = 0;
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for node in nodes {
            let identity = identity(&node, block);
            let count = alike.entry(identity.clone()).or_default();
            let key = (identity, *count);
            *count += 1;
            match order.iter().position(|known| *known == key) {
                Some(at) => after = at + 1,
                None => {
                    order.insert(after, key.clone());
                    after += 1;
                }
            }
            found.entry(key).or_default().push((platform, node));
        }
    }
    let mut merged: Vec<ShownNode> = Vec::new();
    for key in order {
        let nodes = found.remove(&key).unwrap_or_default();
        for node in of_one(nodes, &all, block) {
            join(&mut merged, node);
        }
    }
    merged
}

/// What tells a node apart, as text.
fn identity(node: &ShownNode, block: &dyn Block) -> String {
    let parts: Vec<&str> = match block.shape(&node.name).map(|shape| shape.identity) {
        Some(Identity::Single) => vec![node.name.as_str()],
        Some(Identity::Keyed { properties }) => {
            let first = node.arguments.first().map(|first| first.written.as_str());
            let rest = properties.iter().map(|(name, otherwise)| {
                let found = node.properties.iter().find(|property| property.name == *name);
                found.map_or(*otherwise, |property| property.value.written.as_str())
            });
            [node.name.as_str()].into_iter().chain(first).chain(rest).collect()
        }
        // `let` is told apart by its name
        None if node.name == "let" => node.header().into_iter().take(2).collect(),
        Some(Identity::Set | Identity::Whole | Identity::Sequence) | None => node.header(),
    };
    parts.join("\u{0}")
}

/// One node as it is on several platforms.
fn of_one(nodes: Vec<(Platform, ShownNode)>, all: &[Platform], block: &'static dyn Block) -> Vec<ShownNode> {
    let everywhere = nodes.len() == all.len();
    let Some((_, first)) = nodes.first() else { return Vec::new() };
    if everywhere && nodes.iter().all(|(_, node)| node.says_as(first)) {
        return vec![first.clone()];
    }
    let alike = nodes.iter().all(|(_, node)| node.header() == first.header() && node.children.is_some());
    let inner = block.shape(&first.name).and_then(|shape| shape.block);
    if let (true, true, Some(inner)) = (everywhere, alike, inner) {
        let node = ShownNode { children: None, ..first.clone() };
        let blocks = nodes.into_iter().map(|(platform, node)| (platform, node.children.unwrap_or_default()));
        return vec![ShownNode { children: Some(merge(blocks.collect(), inner)), ..node }];
    }
    let mut groups: Vec<(Vec<Platform>, ShownNode)> = Vec::new();
    for (platform, node) in nodes {
        match groups.iter_mut().find(|(_, known)| known.says_as(&node)) {
            Some((platforms, _)) => platforms.push(platform),
            None => groups.push((vec![platform], node)),
        }
    }
    let on = |(platforms, node): (Vec<Platform>, ShownNode)| ShownNode {
        children: Some(vec![node]),
        ..ShownNode::plain("on", platforms.iter().map(ToString::to_string))
    };
    groups.into_iter().map(on).collect()
}

/// Adds a node; neighbours for the same platforms share a block.
fn join(merged: &mut Vec<ShownNode>, node: ShownNode) {
    match merged.last_mut() {
        Some(last) if node.name == "on" && last.name == "on" && last.header() == node.header() => {
            last.children.get_or_insert_default().extend(node.children.unwrap_or_default());
        }
        _ => merged.push(node),
    }
}
