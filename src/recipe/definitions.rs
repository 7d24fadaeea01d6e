//! `define`: nodes that recipes share, read once and kept as written; and `include`, which brings files of them.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::{DefinitionName, ImagePath, Place, SourceMap, Spanned};

use super::Mistake;
use super::context::{Context, Names, World};
use super::node::Node;
use super::parameters::{PARAMETERS, Parameter};
use super::sink::Sink;
use super::syntax;

/// Nodes that a recipe, an image, a stage or a source can ask for by name.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) name: Spanned<String>,
    pub(super) parameters: Vec<Parameter>,
    /// As written: neither platforms nor parameters are known yet.
    pub(super) body: Vec<Node>,
    /// From its name to the end of the last node in it.
    pub(super) whole: Place,
    /// Whether it came with a file that was included, which may well hold more than one project uses.
    pub(super) included: bool,
}

/// The definitions that a file sees.
#[derive(Clone, Debug, Default)]
pub(super) struct Library {
    pub(super) definitions: BTreeMap<String, Definition>,
}

/// Why a file has no text.
pub(super) struct Unread {
    pub(super) message: String,
    pub(super) label: &'static str,
    pub(super) help: &'static str,
}

/// Reads a file of the project by its name relative to the root.
pub(super) type ReadFile<'r> = &'r (dyn Fn(&str) -> Result<String, Unread> + Sync);

/// Takes the definitions out of what a file says, and follows what it includes.
pub(super) struct Collector<'c> {
    pub(super) sources: &'c mut SourceMap,
    pub(super) read: ReadFile<'c>,
    /// Mistakes of syntax in included files.
    pub(super) syntax: &'c mut Vec<Mistake>,
    /// Bytes of included files that the file may still bring.
    pub(super) left: usize,
}

/// Most bytes of all files that one file brings by including them, and those that they include.
pub(super) const MOST_INCLUDED: usize = syntax::LARGEST;

/// A file and what it says, on its way into a library.
struct Written {
    path: String,
    nodes: Vec<Node>,
}

impl Collector<'_> {
    /// The definitions that the file `path` sees because it, or a file that it includes, has them; `nodes` is what it
    /// says, and keeps all the rest. What `shared` has as well is reported.
    pub(super) fn collect(&mut self, path: &str, nodes: &mut Vec<Node>, shared: &Library, sink: &Sink) -> Library {
        let mut library = Library::default();
        self.left = MOST_INCLUDED;
        let (own, rest) = std::mem::take(nodes).into_iter().partition(|node: &Node| is_of_library(&node.name));
        *nodes = rest;
        let mut seen = BTreeSet::from([path.to_owned()]);
        let mut waiting = vec![Written { path: path.to_owned(), nodes: own }];
        while let Some(file) = waiting.pop() {
            for node in file.nodes {
                match node.name.as_str() {
                    "define" => library.declare(node, file.path != path, shared, sink),
                    _ => waiting.extend(self.include(&file.path, &node, &mut seen, sink)),
                }
            }
        }
        library
    }

    /// Reads an included file, unless that was done before.
    fn include(&mut self, from: &str, node: &Node, seen: &mut BTreeSet<String>, sink: &Sink) -> Option<Written> {
        const LIKE: &str = "write it like `include \"../lib/go.kdl\"`, relative to this file";
        let mistake = |place, message: String, label: &str, help: &str| {
            sink.push(Mistake::new(place, message, label, help));
            None
        };
        let Some(written) = node.key() else {
            return mistake(node.header, "`include` needs a file".to_owned(), "which one?", LIKE);
        };
        if let Some(extra) = node.arguments.get(1) {
            return mistake(extra.place, "`include` takes one file".to_owned(), "one too many", LIKE);
        }
        if let Some(property) = node.properties.first() {
            let message = format!("`include` has no property `{}`", *property.name);
            return mistake(property.name.place, message, "not known here", LIKE);
        }
        if node.children.is_some() {
            return mistake(node.header, "`include` takes no block".to_owned(), "it has one", LIKE);
        }
        let Some(path) = beside(from, *written) else {
            let message = format!("`{}` does not lie below `images/`", *written);
            let help = "files are shared below `images/`, usually in `images/lib/`";
            return mistake(written.place, message, "outside", help);
        };
        if path.extension() != Some("kdl") || matches!(path.file_name(), Some("recipe.kdl" | "project.kdl")) {
            let message = format!("`{path}` cannot be included");
            let help = "put what several recipes share into a `.kdl` file of its own, with `define` nodes";
            return mistake(written.place, message, "not a library", help);
        }
        if !seen.insert(path.to_string()) {
            return None;
        }
        self.library(&path, written.place, sink)
    }

    fn library(&mut self, path: &Utf8Path, place: Place, sink: &Sink) -> Option<Written> {
        let text = match (self.read)(path.as_str()) {
            Ok(text) => text,
            Err(Unread { message, help, .. }) => {
                sink.push(Mistake::new(place, format!("`{path}` {message}"), "included here", help));
                return None;
            }
        };
        let Some(left) = self.left.checked_sub(text.len()) else {
            let message = format!("with `{path}` there are more than {MOST_INCLUDED} bytes of included files");
            let help = "include fewer or shorter files: each is read with this one";
            sink.push(Mistake::new(place, message, "too much", help));
            return None;
        };
        self.left = left;
        let id = self.sources.add(path.as_str(), text.as_str());
        let parsed = syntax::parse(id, &text);
        self.syntax.extend(parsed.mistakes);
        let (nodes, others): (Vec<Node>, Vec<Node>) =
            parsed.nodes.unwrap_or_default().into_iter().partition(|node| is_of_library(&node.name));
        for other in others {
            let message = format!("`{}` cannot stand in a file that is included", *other.name);
            let help = "put it into a `define`, or into the recipe itself";
            sink.push(Mistake::new(other.header, message, "neither `define` nor `include`", help));
        }
        Some(Written { path: path.to_string(), nodes })
    }
}

fn is_of_library(name: &str) -> bool {
    matches!(name, "define" | "include")
}

/// `written` as it stands in the file `from`, relative to the root; none when that is not below `images/`.
pub(super) fn beside(from: &str, written: &str) -> Option<Utf8PathBuf> {
    let mut path: Vec<&str> = Utf8Path::new(from).parent()?.as_str().split('/').collect();
    if written.starts_with('/') {
        return None;
    }
    for part in written.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(path.pop()?),
            name => path.push(name),
        }
    }
    let below = path.first() == Some(&"images") && path.len() > 1;
    let whole = path.join("/");
    (below && ImagePath::new(whole.as_bytes()).is_ok()).then(|| whole.into())
}

impl Library {
    /// What each definition is called, and where it stands.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, String)> {
        self.definitions.values().map(|definition| (definition.whole, definition.name.value.clone()))
    }

    /// Takes a `define` node.
    fn declare(&mut self, node: Node, included: bool, shared: &Self, sink: &Sink) {
        let Some(definition) = read(node, included, sink) else { return };
        let name = definition.name.as_str();
        if let Some(first) = self.definitions.get(name).or_else(|| shared.definitions.get(name)) {
            let message = format!("the definition `{name}` is declared twice");
            let mistake = Mistake::new(definition.name.place, message, "again here", "give one of them another name");
            return sink.push(mistake.and(first.name.place, "first here"));
        }
        self.definitions.insert(name.to_owned(), definition);
    }
}

/// Nodes that say something of a whole file, which a definition cannot.
const OF_FILES: &[(&str, &str)] = &[
    ("let", "declare a `param` instead, and tell it where the definition is used"),
    ("platforms", "put `platforms` at the top of the recipe"),
    ("variant", "put `variant` at the top of the recipe"),
    ("include", "put `include` at the top of the file"),
    ("define", "put each `define` at the top of the file; one can use another with `is`"),
];

fn read(node: Node, included: bool, sink: &Sink) -> Option<Definition> {
    const LIKE: &str =
        "write it like `define \"service\" { param \"port\" type=\"port\"; image { expose \"${port}\" } }`";
    let mistake = |place, message: &str, label: &str| sink.push(Mistake::new(place, message, label, LIKE));
    if let Some(property) = node.properties.first() {
        let message = format!("`define` has no property `{}`", *property.name);
        mistake(property.name.place, &message, "not known here");
    }
    if let Some(extra) = node.arguments.get(1) {
        mistake(extra.place, "`define` takes one name", "one too many");
    }
    if node.children.is_none() {
        mistake(node.header, "`define` needs a block", "nothing follows");
    }
    let Some(name) = node.key().map(|name| name.map(str::to_owned)) else {
        mistake(node.header, "`define` needs a name", "something is missing");
        return None;
    };
    let end = end(&node);
    let whole = Place { length: end.saturating_sub(node.header.offset), ..node.header };
    if let Err(error) = DefinitionName::new(name.as_str()) {
        sink.push(Mistake::new(name.place, error.to_string(), "not a name", "write it like `\"go-service\"`"));
        return None;
    }
    let (parameters, mut body): (Vec<Node>, Vec<Node>) =
        node.children.unwrap_or_default().into_iter().partition(|child| *child.name == "param");
    for (wrong, help) in OF_FILES {
        for child in body.iter().filter(|child| *child.name == *wrong) {
            let message = format!("`{wrong}` cannot stand in a definition");
            sink.push(Mistake::new(child.header, message, "here", *help));
        }
        body.retain(|child| *child.name != *wrong);
    }
    let mut draft = BTreeMap::new();
    let (names, world) = (Names::default(), World::default());
    PARAMETERS.read(
        &parameters,
        &mut draft,
        &Context { sink, platform: None, names: &names, world: &world, record: None },
    );
    Some(Definition { name, parameters: draft.into_values().collect(), body, whole, included })
}

/// Where a node ends, but for closing braces.
fn end(node: &Node) -> u32 {
    let inner = node.block().last().map_or(0, end);
    inner.max(node.header.offset + node.header.length)
}
