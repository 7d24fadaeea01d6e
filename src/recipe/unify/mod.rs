//! Blocks that say something of the same thing, made one.
//!
//! A [`Tree`] holds all that was said: of each node, told apart by its [`Identity`], every candidate for every value.
//! The union of two trees is the union of these sets, so it depends neither on order nor on repetition. Only then does
//! [`Tree::resolve`] take from each set the value that all agree on, or that no other wants to replace, and report
//! where people disagree.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{FileId, Place, Spanned};

use super::Mistake;
use super::node::{Node, Property, Value, Via, Weight};
use super::shape::{Block, Identity, Shape};
use super::sink::Sink;

/// Where something stands among the rest: what definitions bring comes before what a recipe itself says, and either is
/// in the order of its writing.
type Order = (bool, FileId, u32, u32);

/// All that was said in the blocks that became one.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<Identifier, Entry>,
    /// What must be there, by name and first argument.
    required: BTreeMap<(String, Option<String>), Said<()>>,
}

/// What a node is told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identifier {
    name: String,
    key: Vec<String>,
}

/// Something that was said, and by whom.
#[derive(Clone, Debug)]
struct Said<T> {
    order: Order,
    place: Place,
    via: Option<Arc<Via>>,
    what: T,
}

/// All that was said of one node.
#[derive(Clone, Debug)]
struct Entry {
    /// By its order, each node that said something, without what is in the fields below.
    headers: BTreeMap<Order, Said<Spanned<String>>>,
    /// The arguments that name it.
    key: Said<Vec<Spanned<Value>>>,
    /// The arguments after those.
    tail: Slot<Vec<Spanned<Value>>>,
    properties: BTreeMap<String, Slot<Property>>,
    /// All nodes of its name, where these are one list.
    list: Slot<Vec<Node>>,
    block: Option<Tree>,
    /// What is in its block though it may have none.
    stray: Option<Vec<Node>>,
}

/// The candidates for one value, by what they mean.
#[derive(Clone, Debug)]
struct Slot<T> {
    plain: BTreeMap<Vec<String>, Said<T>>,
    defaults: BTreeMap<Vec<String>, Said<T>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { plain: BTreeMap::new(), defaults: BTreeMap::new() }
    }
}

/// Joins two maps; of two that say the same the first one written is kept.
fn join<K: Ord, T>(one: &mut BTreeMap<K, Said<T>>, other: BTreeMap<K, Said<T>>) {
    for (key, said) in other {
        match one.get(&key) {
            Some(known) if known.order <= said.order => {}
            _ => {
                one.insert(key, said);
            }
        }
    }
}

impl<T> Slot<T> {
    fn of(yields: bool, meaning: Vec<String>, said: Said<T>) -> Self {
        let one = BTreeMap::from([(meaning, said)]);
        match yields {
            true => Self { plain: BTreeMap::new(), defaults: one },
            false => Self { plain: one, defaults: BTreeMap::new() },
        }
    }

    /// All candidates.
    fn all(&self) -> impl Iterator<Item = &T> {
        self.plain.values().chain(self.defaults.values()).map(|said| &said.what)
    }

    fn union(&mut self, other: Self) {
        join(&mut self.plain, other.plain);
        join(&mut self.defaults, other.defaults);
    }

    /// The value, and whether it is a default; `what` it is of when people disagree.
    fn resolve(self, what: &str, sink: &Sink) -> Option<(T, bool)> {
        let yields = self.plain.is_empty();
        let mut candidates: Vec<(Vec<String>, Said<T>)> =
            if yields { self.defaults } else { self.plain }.into_iter().collect();
        // what the recipe itself says is told first: it is most likely what is to change
        candidates.sort_by_key(|(_, said)| (!said.order.0, said.order));
        if let [(first, said), (second, other), ..] = &candidates[..] {
            disagreement(what, yields, (first, said), (second, other), sink);
        }
        candidates.into_iter().next().map(|(_, said)| (said.what, yields))
    }
}

fn disagreement<T>(
    what: &str,
    yields: bool,
    (first, one): (&[String], &Said<T>),
    (second, other): (&[String], &Said<T>),
    sink: &Sink,
) {
    let shown = |meaning: &[String]| {
        let text = meaning.join(" ");
        match text.char_indices().nth(60) {
            Some((end, _)) => format!("`{}…`", text[..end].replace('\n', " ")),
            None => format!("`{}`", text.replace('\n', " ")),
        }
    };
    let (message, help) = match yields {
        true => (
            format!("two defaults for {what}"),
            format!("say in the recipe which it is, like {} without `(default)`", shown(first)),
        ),
        false => (
            format!("two values for {what}"),
            "make them equal, take one away, or let the definition's give way: `(default)` right before it".to_owned(),
        ),
    };
    let mistake = Mistake::new(one.place, message, format!("{} here", shown(first)), help);
    let mut mistake = mistake.and(other.place, format!("{} here", shown(second)));
    for via in [&one.via, &other.via].into_iter().flatten() {
        if mistake.others.iter().all(|(place, _)| *place != via.used) {
            mistake = mistake.and(via.used, format!("the definition `{}` is used here", *via.definition));
        }
    }
    sink.push(mistake);
}

fn order(via: Option<&Arc<Via>>, place: Place) -> Order {
    (via.is_none(), place.file, place.offset, place.length)
}

fn said<T>(node: &Node, place: Place, what: T) -> Said<T> {
    Said { order: order(node.via.as_ref(), place), place, via: node.via.clone(), what }
}

/// What a node is told apart by from others of its name: its first argument and these properties, each with what it is
/// when it is not written.
pub(super) fn key_of(node: &Node, properties: &[(&str, &str)]) -> Vec<String> {
    let first = node.arguments.first().map(|first| first.value.canonical()).unwrap_or_default();
    let rest = properties.iter().map(|(property, otherwise)| {
        node.property(property).map_or_else(|| (*otherwise).to_owned(), |found| found.value.canonical())
    });
    std::iter::once(first).chain(rest).collect()
}

fn meaning(values: &[Spanned<Value>]) -> Vec<String> {
    values.iter().map(|value| value.value.canonical()).collect()
}

/// From the first to the last of some values.
fn across(values: &[Spanned<Value>], otherwise: Place) -> Place {
    match values {
        [first, .., last] if first.place.file == last.place.file && first.place.offset <= last.place.offset => {
            Place { length: last.place.offset + last.place.length - first.place.offset, ..first.place }
        }
        [first, ..] => first.place,
        [] => otherwise,
    }
}

impl Entry {
    /// What one node says of itself, when its first `named` arguments name it.
    fn of(node: &Node, named: usize, block: Option<Tree>) -> Self {
        let named = named.min(node.arguments.len());
        let (key, rest) = node.arguments.split_at(named);
        let mut tail = Slot::default();
        if !rest.is_empty() {
            let yields = node.yields.is_some_and(|mark| mark == named);
            tail = Slot::of(yields, meaning(rest), said(node, across(rest, node.header), rest.to_vec()));
        }
        let properties = node.properties.iter().map(|property| {
            let place = Place {
                length: property.value.place.offset + property.value.place.length - property.name.place.offset,
                ..property.name.place
            };
            let meaning = vec![property.value.value.canonical()];
            (property.name.value.clone(), Slot::of(property.yields, meaning, said(node, place, property.clone())))
        });
        let header = said(node, node.header, node.name.clone());
        Self {
            headers: BTreeMap::from([(header.order, header)]),
            key: said(node, node.header, key.to_vec()),
            tail,
            properties: properties.collect(),
            list: Slot::default(),
            stray: node.children.clone().filter(|_| block.is_none()),
            block,
        }
    }

    fn union(&mut self, other: Self) {
        self.headers.extend(other.headers);
        // the recipe's own words first, as for the header
        let first = |key: &Said<Vec<Spanned<Value>>>| (!key.order.0, key.order);
        if first(&other.key) < first(&self.key) {
            self.key = other.key;
        }
        self.tail.union(other.tail);
        for (name, slot) in other.properties {
            self.properties.entry(name).or_default().union(slot);
        }
        self.list.union(other.list);
        self.stray = self.stray.take().or(other.stray);
        match (&mut self.block, other.block) {
            (Some(own), Some(other)) => own.union(other),
            (own @ None, other) => *own = other,
            (Some(_), None) => {}
        }
    }

    /// The node that speaks for all: one of the recipe's own, when there is one.
    fn speaker(&self) -> Option<&Said<Spanned<String>>> {
        self.headers.values().find(|header| header.order.0).or_else(|| self.headers.values().next())
    }

    fn resolve(self, name: &str, shape: Option<&'static Shape>, sink: &Sink) -> Vec<Node> {
        let Some(speaker) = self.speaker().cloned() else { return Vec::new() };
        let first = self.key.what.first().map(|key| key.value.canonical());
        let named = match (&first, shape.map(|shape| shape.identity)) {
            (Some(first), Some(Identity::Keyed { .. })) => format!("`{name} {first}`"),
            _ => format!("`{name}`"),
        };
        let list = self.list.resolve(&named, sink);
        if let Some((nodes, _)) = list {
            return nodes;
        }
        let mut arguments = self.key.what;
        let mut yields = None;
        if let Some((tail, default)) = self.tail.resolve(&named, sink) {
            yields = default.then_some(arguments.len());
            arguments.extend(tail);
        }
        let properties = self.properties.into_iter().filter_map(|(property, slot)| {
            let (property, yields) = slot.resolve(&format!("`{property}` of {named}"), sink)?;
            Some(Property { yields, ..property })
        });
        let properties = properties.collect();
        let block = shape.and_then(|shape| shape.block);
        let children = self.block.map(|tree| tree.resolve(block, speaker.place, sink)).or(self.stray);
        let (header, name, via) = (speaker.place, speaker.what, speaker.via);
        vec![Node { name, header, arguments, yields, properties, children, via }]
    }
}

/// What values take.
fn values_weight(values: &[Spanned<Value>]) -> Weight {
    Weight { parts: values.len(), text: values.iter().map(|value| value.value.text().map_or(0, str::len)).sum() }
}

impl Entry {
    /// What it takes, all candidates for its values included.
    fn weight(&self) -> Weight {
        let tails = self.tail.all().map(|tail| values_weight(tail));
        let properties = self.properties.values().flat_map(Slot::all);
        let properties = properties.map(|property| values_weight(std::slice::from_ref(&property.value)));
        let nodes = self.list.all().flatten().chain(self.stray.iter().flatten()).map(Node::weight);
        let own = Weight { parts: 1, text: 0 } + values_weight(&self.key.what);
        let block = self.block.as_ref().map(Tree::weight).unwrap_or_default();
        own + tails.sum() + properties.sum() + nodes.sum() + block
    }
}

impl Tree {
    /// Adds all that `other` says.
    pub(super) fn union(&mut self, other: Self) {
        for (identifier, entry) in other.entries {
            self.add_entry(identifier, entry);
        }
        join(&mut self.required, other.required);
    }

    fn add_entry(&mut self, identifier: Identifier, entry: Entry) {
        match self.entries.get_mut(&identifier) {
            Some(known) => known.union(entry),
            None => {
                self.entries.insert(identifier, entry);
            }
        }
    }

    /// Adds a node with what is in its block; `shape` is none for a node that the block does not know.
    pub(super) fn add(&mut self, node: &Node, shape: Option<&'static Shape>, block: Option<Self>) {
        let name = node.name.value.clone();
        let all = || {
            let properties =
                node.properties.iter().map(|property| format!("{}={}", *property.name, property.value.canonical()));
            meaning(&node.arguments).into_iter().chain(properties).collect()
        };
        match shape.map_or(Identity::Whole, |shape| shape.identity) {
            Identity::Single => self.add_entry(Identifier { name, key: Vec::new() }, Entry::of(node, 0, block)),
            Identity::Keyed { properties } => {
                let key = key_of(node, properties);
                self.add_entry(Identifier { name, key }, Entry::of(node, 1, block));
            }
            Identity::Set => {
                let bare = node.bare();
                for argument in &node.arguments {
                    let member = Node { arguments: vec![argument.clone()], header: argument.place, ..bare.clone() };
                    let key = vec![argument.value.canonical()];
                    self.add_entry(Identifier { name: name.clone(), key }, Entry::of(&member, 1, None));
                }
            }
            Identity::Whole | Identity::Sequence => {
                let key = all();
                self.add_entry(Identifier { name, key }, Entry::of(node, usize::MAX, block));
            }
        }
    }

    /// Adds all nodes of a block that are one list together.
    pub(super) fn add_list(&mut self, nodes: Vec<Node>) {
        let Some(first) = nodes.first() else { return };
        let mut entry = Entry::of(&Node { properties: Vec::new(), ..first.bare() }, 0, None);
        let identifier = Identifier { name: first.name.value.clone(), key: Vec::new() };
        let words = nodes.iter().map(|node| meaning(&node.arguments).join(" ")).collect();
        entry.list = Slot::of(first.yields == Some(0), words, said(first, first.header, nodes.clone()));
        self.add_entry(identifier, entry);
    }

    /// Notes that a node of the name of `node`'s first argument must be there.
    pub(super) fn require(&mut self, node: &Node) {
        let Some(name) = node.key() else { return };
        let key = node.arguments.get(1).map(|key| key.value.canonical());
        let required = BTreeMap::from([((name.value.to_owned(), key), said(node, node.header, ()))]);
        join(&mut self.required, required);
    }

    /// How many nodes are called `name`.
    pub(super) fn count(&self, name: &str) -> usize {
        self.entries.keys().filter(|identifier| identifier.name == name).count()
    }

    /// How many nodes there are, those in blocks included.
    pub(super) fn size(&self) -> usize {
        self.entries.values().map(|entry| 1 + entry.block.as_ref().map_or(0, Self::size)).sum()
    }

    /// What its nodes take, those in blocks included.
    pub(super) fn weight(&self) -> Weight {
        self.entries.values().map(Entry::weight).sum()
    }

    /// Adds `other` to the block of every node called `name`.
    pub(super) fn everywhere(&mut self, name: &str, other: &Self) {
        for (_, entry) in self.entries.iter_mut().filter(|(identifier, _)| identifier.name == name) {
            entry.block.get_or_insert_default().union(other.clone());
        }
    }

    /// What all agree on, in the order of writing; `place` is that of the node around it.
    pub(super) fn resolve(self, block: Option<&dyn Block>, place: Place, sink: &Sink) -> Vec<Node> {
        let mut all: Vec<(Order, Vec<Node>)> = Vec::with_capacity(self.entries.len());
        for (identifier, entry) in self.entries {
            let shape = block.and_then(|block| block.shape(&identifier.name));
            let Some(first) = entry.headers.keys().next().copied() else { continue };
            all.push((first, entry.resolve(&identifier.name, shape, sink)));
        }
        all.sort_by_key(|(order, _)| *order);
        let nodes: Vec<Node> = all.into_iter().flat_map(|(_, nodes)| nodes).collect();
        for ((name, key), required) in &self.required {
            missing(name, key.as_deref(), required, &nodes, block, place, sink);
        }
        nodes
    }
}

fn missing(
    name: &str,
    key: Option<&str>,
    required: &Said<()>,
    nodes: &[Node],
    block: Option<&dyn Block>,
    place: Place,
    sink: &Sink,
) {
    let keyed =
        |node: &&Node| key.is_none_or(|key| node.arguments.first().is_some_and(|first| first.value.canonical() == key));
    if nodes.iter().filter(|node| *node.name == name).any(|node| keyed(&node)) {
        return;
    }
    let what = key.map_or_else(|| format!("`{name}`"), |key| format!("`{name} {key}`"));
    let example = block.and_then(|block| block.shape(name)).map(|shape| shape.example);
    let help = match example {
        Some(example) => format!("write it like `{example}`, or do without the definition"),
        None => "add it, or do without the definition".to_owned(),
    };
    let mistake = Mistake::new(place, format!("{what} is missing here"), "in this block", help);
    let mut mistake = mistake.and(required.place, "it is required here");
    if let Some(via) = &required.via {
        mistake = mistake.and(via.used, format!("the definition `{}` is used here", *via.definition));
    }
    sink.push(mistake);
}

#[cfg(test)]
mod tests;
