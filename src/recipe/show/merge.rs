//! What a recipe says on each of its platforms, as one text: what differs stands in `on` blocks.

use std::collections::{BTreeMap, VecDeque};

use super::super::shape::{Block, Identity};
use super::shown::ShownNode;
use crate::model::Platform;

/// A node's identity among those of its block, and which of several alike it is.
type Key = (String, usize);

/// What is said on one platform, each node with its key.
struct Reading {
    platform: Platform,
    nodes: VecDeque<(Key, ShownNode)>,
}

/// Merges what is said on each platform. What stands on all of them, in the same order, is said once; what stands
/// between that, in blocks for the platforms that have it: the order of some nodes means something.
pub(super) fn merge(lists: Vec<(Platform, Vec<ShownNode>)>, block: &'static dyn Block) -> Vec<ShownNode> {
    let mut readings: Vec<Reading> =
        lists.into_iter().map(|(platform, nodes)| Reading { platform, nodes: with_keys(nodes, block) }).collect();
    let mut merged = Vec::new();
    for key in everywhere(&readings) {
        between(&mut readings, Some(&key), &mut merged);
        let at_key = readings.iter_mut().filter_map(|reading| Some((reading.platform, reading.nodes.pop_front()?.1)));
        for node in of_one(at_key.collect(), block) {
            join(&mut merged, node);
        }
    }
    between(&mut readings, None, &mut merged);
    merged
}

fn with_keys(nodes: Vec<ShownNode>, block: &dyn Block) -> VecDeque<(Key, ShownNode)> {
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    let keyed = nodes.into_iter().map(|node| {
        let identity = identity(&node, block);
        let count = alike.entry(identity.clone()).or_default();
        *count += 1;
        ((identity, *count), node)
    });
    keyed.collect()
}

/// The keys that all have, as many as are in the same order everywhere.
fn everywhere(readings: &[Reading]) -> Vec<Key> {
    let Some((first, others)) = readings.split_first() else { return Vec::new() };
    let mut common: Vec<Key> = first.nodes.iter().map(|(key, _)| key.clone()).collect();
    for reading in others {
        let places: BTreeMap<&Key, usize> = reading.nodes.iter().enumerate().map(|(at, (key, _))| (key, at)).collect();
        let found: Vec<(usize, Key)> = common.into_iter().filter_map(|key| Some((*places.get(&key)?, key))).collect();
        common = longest_rising(found);
    }
    common
}

/// The longest part of a list that rises, by patience sorting.
fn longest_rising(list: Vec<(usize, Key)>) -> Vec<Key> {
    let mut piles: Vec<usize> = Vec::new(); // the last of the best list of each length
    let mut before: Vec<Option<usize>> = Vec::with_capacity(list.len());
    for (index, (place, _)) in list.iter().enumerate() {
        let pile = piles.partition_point(|&top| list[top].0 < *place);
        before.push(pile.checked_sub(1).map(|lower| piles[lower]));
        match piles.get_mut(pile) {
            Some(top) => *top = index,
            None => piles.push(index),
        }
    }
    let mut chosen = vec![false; list.len()];
    let mut next = piles.last().copied();
    while let Some(index) = next {
        chosen[index] = true;
        next = before[index];
    }
    list.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|((_, key), _)| key).collect()
}

/// Takes what stands before `key`, or all that is left, on each platform, as blocks for those that say the same.
fn between(readings: &mut [Reading], key: Option<&Key>, merged: &mut Vec<ShownNode>) {
    let mut groups: Vec<(Vec<Platform>, Vec<ShownNode>)> = Vec::new();
    for reading in readings {
        let mut nodes = Vec::new();
        while reading.nodes.front().is_some_and(|(known, _)| Some(known) != key) {
            nodes.extend(reading.nodes.pop_front().map(|(_, node)| node));
        }
        if nodes.is_empty() {
            continue;
        }
        let same = |known: &[ShownNode]| {
            known.len() == nodes.len() && known.iter().zip(&nodes).all(|(one, other)| one.says_as(other))
        };
        match groups.iter_mut().find(|(_, known)| same(known)) {
            Some((platforms, _)) => platforms.push(reading.platform),
            None => groups.push((vec![reading.platform], nodes)),
        }
    }
    for (platforms, nodes) in groups {
        join(merged, on(&platforms, nodes));
    }
}

/// `on PLATFORM… { … }`.
fn on(platforms: &[Platform], nodes: Vec<ShownNode>) -> ShownNode {
    ShownNode { children: Some(nodes), ..ShownNode::plain("on", platforms.iter().map(ToString::to_string)) }
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

/// One node as it is on all platforms.
fn of_one(nodes: Vec<(Platform, ShownNode)>, block: &'static dyn Block) -> Vec<ShownNode> {
    let Some((_, first)) = nodes.first() else { return Vec::new() };
    if nodes.iter().all(|(_, node)| node.says_as(first)) {
        return vec![first.clone()];
    }
    let alike = nodes.iter().all(|(_, node)| node.header() == first.header() && node.children.is_some());
    let inner = block.shape(&first.name).and_then(|shape| shape.block);
    if let (true, Some(inner)) = (alike, inner) {
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
    groups.into_iter().map(|(platforms, node)| on(&platforms, vec![node])).collect()
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
