//! `is`: the nodes of a definition put where it is used, and made one with what stands there.
//!
//! A block in which nothing is used stays as it was written. Otherwise what it says itself and what each definition
//! brings are one [`Tree`] each, and their union is resolved once, after all of them: so neither the order of `is` nodes
//! nor how definitions build on each other changes what comes out.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Place, Spanned};

use super::Mistake;
use super::definitions::{Definition, Library};
use super::node::{Node, Property, Via, Weight};
use super::parameters;
use super::platforms::{expand, select};
use super::shape::{Block, Identity};
use super::unify::{Tree, key_of};
use super::values::{Setting, Values};
use super::variables::CallSite;
use crate::diagnostic::nearest::suggestion;

/// How far definitions may build on definitions.
const DEEPEST: usize = 32;
/// Most nodes that definitions may bring into a recipe, for all its platforms and variants together.
const MOST: usize = 50_000;
/// So many they may bring for each, however many there are.
const FAIR: usize = 500;

/// Blocks that a definition can be used in.
const USABLE_IN: [&str; 5] = ["recipe", "image", "stage", "vendor", "source"];

/// Puts definitions where they are used.
pub(super) struct Uses<'u> {
    /// The project's definitions, which see each other alone.
    shared: &'u Library,
    /// Those of the recipe itself.
    own: &'u Library,
    setting: &'u Setting<'u>,
    /// How many nodes definitions may bring.
    most: usize,
    /// How many they still may; none once that was too few.
    left: Cell<Option<usize>>,
}

/// A block without a name of its own, for all of its kind: what a definition says of every image.
struct Pattern {
    name: &'static str,
    place: Place,
    tree: Tree,
}

impl<'u> Uses<'u> {
    pub(super) fn new(shared: &'u Library, own: &'u Library, setting: &'u Setting<'u>) -> Self {
        let most = (MOST / setting.budget.readings()).max(FAIR);
        Self { shared, own, setting, most, left: Cell::new(Some(most)) }
    }

    /// What `parts`, which say something of the same block, come to with all definitions that they use. `name` is that of
    /// the block, `place` that of its node.
    pub(super) fn apply(
        &self,
        mut parts: Vec<Vec<Node>>,
        block: &'static dyn Block,
        name: &str,
        place: Place,
    ) -> Vec<Node> {
        let used = USABLE_IN.contains(&name) && parts.iter().flatten().any(|node| *node.name == "is");
        match (parts.len(), used) {
            (0, _) => Vec::new(),
            (1, false) => {
                let nodes = parts.swap_remove(0);
                nodes.into_iter().map(|node| self.within(node, block)).collect()
            }
            _ => self.tree(parts, block, name).resolve(Some(block), place, self.setting.sink),
        }
    }

    /// A node in whose own block nothing is used, with what is used deeper down.
    fn within(&self, mut node: Node, block: &dyn Block) -> Node {
        if let Some(inner) = block.shape(&node.name).and_then(|shape| shape.block)
            && let Some(children) = node.children.take()
        {
            node.children = Some(self.apply(vec![children], inner, &node.name, node.header));
        }
        node
    }

    fn tree(&self, parts: Vec<Vec<Node>>, block: &'static dyn Block, name: &str) -> Tree {
        let mut tree = Tree::default();
        let mut patterns = Vec::new();
        let mut waiting = parts;
        while let Some(part) = waiting.pop() {
            let mut rest = Vec::with_capacity(part.len());
            for node in part {
                match node.name.as_str() {
                    "is" if USABLE_IN.contains(&name) => waiting.extend(self.instance(&node, name)),
                    "require" if node.via.is_some() => self.require(&node, block, &mut tree),
                    _ => rest.push(node),
                }
            }
            tree.union(self.part(rest, block, &mut patterns));
        }
        for Pattern { name, place, tree: pattern } in &patterns {
            let copies = tree.count(name).saturating_sub(1);
            let weight = pattern.weight() * copies;
            let affordable = self.afford(copies.saturating_mul(pattern.size()), *place);
            if affordable && self.setting.budget.charge(weight, *place) {
                tree.everywhere(name, pattern);
            }
        }
        tree
    }

    /// The nodes of one block as somebody wrote them.
    fn part(&self, nodes: Vec<Node>, block: &'static dyn Block, patterns: &mut Vec<Pattern>) -> Tree {
        self.written_twice(&nodes, block);
        let mut tree = Tree::default();
        let mut lists: Vec<Vec<Node>> = Vec::new();
        for node in nodes {
            let shape = block.shape(&node.name);
            if shape.is_some_and(|shape| shape.identity == Identity::Sequence) {
                match lists.iter_mut().find(|list| list[0].name.value == node.name.value) {
                    Some(list) => list.push(node),
                    None => lists.push(vec![node]),
                }
                continue;
            }
            if shape.is_some_and(|shape| shape.identity == Identity::Set) && !self.afford_members(&node) {
                continue;
            }
            let node = match shape.and_then(|shape| shape.block) {
                Some(inner) => with_properties_as_nodes(node, inner),
                None => node,
            };
            let inner = shape.and_then(|shape| shape.block).zip(node.children.clone());
            let inner = inner.map(|(inner, children)| self.tree(vec![children], inner, &node.name));
            let keyed = shape.filter(|shape| matches!(shape.identity, Identity::Keyed { .. }));
            match (keyed, inner) {
                (Some(shape), Some(inner)) if node.via.is_some() && node.arguments.is_empty() => {
                    patterns.push(Pattern { name: shape.name, place: node.header, tree: inner });
                }
                (_, inner) => tree.add(&node, shape, inner),
            }
        }
        for list in lists {
            tree.add_list(list);
        }
        tree
    }

    /// What one hand wrote twice in one block is a slip, even where it says the same.
    fn written_twice(&self, nodes: &[Node], block: &dyn Block) {
        let mut seen: BTreeMap<(&str, Vec<String>), Place> = BTreeMap::new();
        for node in nodes {
            let Some(shape) = block.shape(&node.name) else { continue };
            let key = match shape.identity {
                Identity::Single => Vec::new(),
                Identity::Keyed { properties } => key_of(node, properties),
                Identity::Set | Identity::Whole | Identity::Sequence => continue,
            };
            let key = (shape.name, key);
            if let Some(first) = seen.get(&key) {
                let named = key.1.first().filter(|first| !first.is_empty()).map(|first| format!(" {first}"));
                let message = format!("`{}{}` is given twice", shape.name, named.unwrap_or_default());
                let mistake = Mistake::new(node.header, message, "again here", "keep one of the two");
                self.setting.sink.push(mistake.and(*first, "first here"));
            }
            seen.entry(key).or_insert(node.header);
        }
    }

    fn require(&self, node: &Node, block: &dyn Block, tree: &mut Tree) {
        const LIKE: &str = "write it like `require \"healthcheck\"`, or `require \"env\" \"PORT\"`";
        let sink = self.setting.sink;
        let Some(name) = node.key() else {
            return sink.push(Mistake::new(node.header, "`require` needs the name of a node", "of which?", LIKE));
        };
        if let Some(property) = node.properties.first() {
            let message = format!("`require` has no property `{}`", *property.name);
            return sink.push(Mistake::new(property.name.place, message, "not known here", LIKE));
        }
        if let Some(extra) = node.arguments.get(2) {
            let message = "`require` takes a node and its first argument";
            return sink.push(Mistake::new(extra.place, message, "one too many", LIKE));
        }
        if block.shape(*name).is_none() {
            let names = block.shapes();
            let help = suggestion(*name, names.iter().map(|shape| shape.name), LIKE);
            let message = format!("unknown node `{}` in {}", *name, block.what());
            return sink.push(Mistake::new(name.place, message, "it can never be there", help));
        }
        tree.require(node);
    }

    /// What an `is` node brings into a block called `block`.
    fn instance(&self, node: &Node, block: &str) -> Option<Vec<Node>> {
        let sink = self.setting.sink;
        self.left.get()?; // more than enough
        if self.setting.is_over() {
            return None;
        }
        let (name, definition, shared) = self.find(node)?;
        if self.circle(node, &definition.name, name.value) {
            return None;
        }
        let of = Spanned::new(name.value.to_owned(), name.place);
        let platform = Values::of_definition(&of, Default::default(), self.setting);
        let arguments = parameters::bind(&definition.parameters, &of, node, &platform, sink)?;
        let values = Values::of_definition(&of, arguments, self.setting);
        // charged before it is copied
        let weight = definition.body.iter().map(Node::weight).sum();
        if !self.setting.budget.charge(weight, node.header) {
            return None;
        }
        let via = Via { definition: definition.name.clone(), shared, used: node.header, outer: node.via.clone() };
        let via = Arc::new(via);
        let body = match self.setting.platform {
            Some(platform) => select(&definition.body, platform, sink),
            None => definition.body.clone(),
        };
        let mut brought = 0;
        let body = body.into_iter().map(|child| bring(expand(child, block, &values), &via, &mut brought));
        let body: Vec<Node> = body.collect();
        if !self.afford(brought, node.header) {
            return None;
        }
        let body = body.into_iter().flat_map(|child| spliced(child, block)).collect();
        let site = CallSite { definition, values: &values, setting: self.setting, node, via: &via };
        Some(site.with_variables(body, block))
    }

    /// Charges for the properties of a node whose arguments become nodes of their own: each of them has them all.
    fn afford_members(&self, node: &Node) -> bool {
        let properties = node.bare().weight();
        let weight = Weight { parts: properties.parts - 1, text: properties.text } * node.arguments.len();
        self.setting.budget.charge(weight, node.header)
    }

    /// Counts nodes that a definition brings; reports when they are too many.
    fn afford(&self, count: usize, place: Place) -> bool {
        let Some(left) = self.left.get() else { return false };
        self.left.set(left.checked_sub(count));
        if self.left.get().is_none() {
            let message = format!("definitions bring more than {} nodes into this recipe", self.most);
            let help = "use fewer definitions of definitions, or split the recipe";
            self.setting.sink.push(Mistake::new(place, message, "here at the latest", help));
        }
        self.left.get().is_some()
    }

    /// The definition that an `is` node names, and whether it is one of the project's.
    fn find<'n>(&self, node: &'n Node) -> Option<(Spanned<&'n str>, &'u Definition, bool)> {
        const LIKE: &str = "write it like `is \"service\" port=443`";
        let sink = self.setting.sink;
        let Some(name) = node.key() else {
            sink.push(Mistake::new(node.header, "`is` needs the name of a definition", "of which?", LIKE));
            return None;
        };
        if let Some(extra) = node.arguments.get(1) {
            let help = "give arguments by name: `is \"service\" port=443`";
            sink.push(Mistake::new(extra.place, "`is` takes one name", "one too many", help));
        }
        if node.children.is_some() {
            let help = "put the nodes beside `is`: they unify with what the definition brings";
            sink.push(Mistake::new(node.header, "`is` takes no block", "it has one", help));
        }
        for property in node.properties.iter().filter(|property| property.yields) {
            let message =
                format!("`{}` is an argument of a definition, and cannot be marked `(default)`", *property.name);
            let help = "remove `(default)`; a parameter has a `default=` where it is declared";
            sink.push(Mistake::new(property.value.place, message, "not a default", help));
        }
        let sees_own = node.via.as_ref().is_none_or(|via| !via.shared);
        let own = self.own.definitions.get(*name).filter(|_| sees_own);
        if let Some(found) = own {
            return Some((name, found, false));
        }
        if let Some(found) = self.shared.definitions.get(*name) {
            return Some((name, found, true));
        }
        let own = self.own.definitions.keys().filter(|_| sees_own);
        let known: Vec<&str> = own.chain(self.shared.definitions.keys()).map(String::as_str).collect();
        let otherwise = "no definition is known here: write `define \"…\" { … }` in images/project.kdl or in the recipe, \
                         or `include` a file of them";
        let help = suggestion(*name, known.iter().copied(), otherwise);
        let message = format!("unknown definition `{}`", *name);
        sink.within(node.via.as_ref(), || {
            sink.push(Mistake::new(name.place, message, "not defined", help));
        });
        None
    }

    /// Whether what `node` asks for needs itself, or is too far away from the recipe; reports it.
    fn circle(&self, node: &Node, wanted: &Spanned<String>, name: &str) -> bool {
        let chain: Vec<&Via> = node.via.iter().flat_map(|via| via.chain()).collect();
        let sink = self.setting.sink;
        let Some(end) = chain.iter().position(|via| via.definition.place == wanted.place) else {
            let deep = chain.len() >= DEEPEST;
            if deep {
                let message = format!("definitions build on each other more than {DEEPEST} deep");
                sink.push(Mistake::new(node.header, message, "this one is too deep", "use them side by side"));
            }
            return deep;
        };
        // from the outermost use to the innermost, and back to where the circle begins
        let links: Vec<&Via> = chain[..=end].iter().rev().copied().collect();
        let names: Vec<String> = links.iter().map(|via| format!("`{}`", *via.definition)).collect();
        let message = match links.len() {
            1 => format!("the definition `{name}` builds on itself"),
            _ => format!("definitions go round in a circle: {} → `{name}`", names.join(" → ")),
        };
        let help = "none of them could come to an end: take one of these `is` out";
        let mut mistake = Mistake::new(node.header, message, format!("`{name}` is used again here"), help);
        for via in &links[1..] {
            mistake = mistake.and(via.used, format!("`{}` is used here", *via.definition));
        }
        sink.push(mistake);
        true
    }
}

/// Marks a node and all in it as brought by `via`, and counts them.
fn bring(node: Node, via: &Arc<Via>, count: &mut usize) -> Node {
    *count += 1;
    let children = node.children.map(|children| children.into_iter().map(|child| bring(child, via, count)).collect());
    Node { children, via: Some(Arc::clone(via)), ..node }
}

/// A block without a name, like `image { … }`, is used in an image as if its nodes stood there.
fn spliced(node: Node, block: &str) -> Vec<Node> {
    let same = *node.name == block || (block == "vendor" && *node.name == "stage");
    match node.children {
        Some(children) if same && node.arguments.is_empty() && node.properties.is_empty() => children,
        _ => vec![node],
    }
}

/// `image "a" from="b"` as `image "a" { from "b" }`: two ways to say one thing.
fn with_properties_as_nodes(mut node: Node, block: &dyn Block) -> Node {
    let single = |name: &str| block.shape(name).is_some_and(|shape| shape.identity == Identity::Single);
    let (moved, kept): (Vec<Property>, Vec<Property>) =
        std::mem::take(&mut node.properties).into_iter().partition(|property| single(&property.name));
    node.properties = kept;
    if moved.is_empty() {
        return node;
    }
    let via = node.via.clone();
    let moved = moved.into_iter().map(|Property { name, value, yields }| Node {
        header: Place { length: value.place.offset + value.place.length - name.place.offset, ..name.place },
        name,
        arguments: vec![value],
        yields: yields.then_some(0),
        properties: Vec::new(),
        children: None,
        via: via.clone(),
    });
    let children = moved.chain(node.children.take().into_iter().flatten()).collect();
    Node { children: Some(children), ..node }
}
