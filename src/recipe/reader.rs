//! Takes a node apart: each argument, property and child is asked for once, by name, with the type it must have. What is
//! missing, wrong or left over becomes a mistake, and the reading goes on.
//!
//! A block is read by a [`Table`]: one row per node that may stand in it.

use crate::model::{Place, Spanned};

use super::Mistake;
use super::context::Context;
use super::node::{Node, Value};
use super::read::Read;
use super::reads::Anything;
use super::record::{At, ReaderCall};
use super::shape::{Block, Identity, RECIPE_BLOCK, Shape, Times};
use crate::diagnostic::nearest::{list, nearest, suggestion};

/// What reads a node into `T`, which collects a block.
type ReadNode<T> = fn(&mut T, &mut Reader<'_>);

/// A node that may stand in a block, and how it is read.
pub(super) struct Row<T> {
    pub(super) shape: Shape,
    read: ReadNode<T>,
}

impl<T> Row<T> {
    pub(super) const fn new(shape: Shape, read: ReadNode<T>) -> Self {
        Self { shape, read }
    }
}

/// Most nodes of a block within a recipe: many of them are compared with each other.
const MOST_OF_BLOCK: usize = 2000;

/// The nodes that may stand in a block.
pub(super) struct Table<T: 'static> {
    /// What the block is, as in "unknown node in …".
    pub(super) what: &'static str,
    pub(super) rows: &'static [Row<T>],
}

impl<T> Block for Table<T> {
    fn what(&self) -> &'static str {
        self.what
    }

    fn shapes(&self) -> Vec<&'static Shape> {
        self.rows.iter().map(|row| &row.shape).collect()
    }

    fn shape(&self, name: &str) -> Option<&'static Shape> {
        self.rows.iter().map(|row| &row.shape).find(|shape| shape.name == name)
    }
}

impl<T> Table<T> {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.rows.iter().map(|row| row.shape.name)
    }

    /// Reads the nodes of a block into `draft`.
    pub(super) fn read(&self, nodes: &[Node], draft: &mut T, cx: &Context<'_>) {
        let mut seen: Vec<Option<Place>> = vec![None; self.rows.len()];
        if let Some(extra) = nodes.get(MOST_OF_BLOCK).filter(|_| self.what != RECIPE_BLOCK) {
            let message = format!("{} has more than {MOST_OF_BLOCK} nodes", self.what);
            let help = "split it, or put files into a folder that is copied as a whole";
            return cx.sink.push(Mistake::new(extra.header, message, "this is one too many", help));
        }
        for node in nodes.iter().take_while(|_| !cx.sink.is_full()) {
            cx.sink.within(node.via.as_ref(), || self.read_node(node, draft, &mut seen, cx));
        }
    }

    fn read_node(&self, node: &Node, draft: &mut T, seen: &mut [Option<Place>], cx: &Context<'_>) {
        let Some(index) = self.rows.iter().position(|row| row.shape.name == *node.name) else {
            return self.unknown(node, cx);
        };
        let Row { shape, read } = &self.rows[index];
        if let (Times::Once, Some(first)) = (shape.times, seen[index]) {
            let message = format!("`{}` is given twice", shape.name);
            let again = Mistake::new(node.header, message, "again here", "keep one of the two");
            return cx.sink.push(again.and(first, "first here"));
        }
        seen[index] = Some(node.header);
        misplaced_default(node, shape.identity, cx);
        let mut reader = Reader::new(node, (self.what, shape.example), cx);
        read(draft, &mut reader);
        reader.finish();
    }

    fn unknown(&self, node: &Node, cx: &Context<'_>) {
        let name = node.name.as_str();
        let message = format!("unknown node `{name}` in {}", self.what);
        let vocabulary = cx.sink.vocabulary();
        let near = nearest(name, self.names()).filter(|_| !(vocabulary.comes_before_meaning)(name));
        let help = match (near, (vocabulary.elsewhere)(name)) {
            (None, Some(_)) if node.via.is_some() && self.what == RECIPE_BLOCK && (vocabulary.is_of_image)(name) => {
                format!(
                    "put it into a block of the definition, like `image {{ {name} … }}`, or use the definition in an image"
                )
            }
            (Some(near), Some(elsewhere)) => format!("did you mean `{near}`? ({elsewhere})"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, Some(elsewhere)) => elsewhere,
            (None, None) => format!("{} may have {}", self.what, list(self.names())),
        };
        cx.sink.push(Mistake::new(node.name.place, message, "not known here", help));
    }
}

/// `(default)` marks what people may disagree on: not what identifies a node.
fn misplaced_default(node: &Node, identity: Identity, cx: &Context<'_>) {
    let allowed = match identity {
        Identity::Single | Identity::Sequence => Some(0),
        Identity::Keyed { .. } => Some(1),
        Identity::Set | Identity::Whole => None,
    };
    let Some(mark) = node.yields.filter(|mark| Some(*mark) != allowed) else { return };
    let Some(argument) = node.arguments.get(mark) else { return };
    let (message, help) = match allowed {
        None => (
            format!("what `{}` names is united with what others name: nothing gives way", *node.name),
            "remove `(default)`".to_owned(),
        ),
        Some(first) if mark > first => (
            format!("the arguments of `{}` are one value, which gives way as a whole", *node.name),
            "put `(default)` before the first of them".to_owned(),
        ),
        Some(_) => (
            format!("this tells one `{}` from another, and cannot give way", *node.name),
            "put `(default)` before what follows it".to_owned(),
        ),
    };
    cx.sink.push(Mistake::new(argument.place, message, "not a default", help));
}

/// Takes one node apart.
pub(super) struct Reader<'n> {
    pub(super) node: &'n Node,
    pub(super) cx: &'n Context<'n>,
    /// The block that the node stands in.
    block: &'static str,
    example: &'static str,
    /// Arguments taken so far.
    taken: usize,
    /// Properties asked for so far.
    asked: Vec<&'static str>,
    block_read: bool,
}

impl<'n> Reader<'n> {
    fn new(node: &'n Node, (block, example): (&'static str, &'static str), cx: &'n Context<'n>) -> Self {
        Self { node, cx, block, example, taken: 0, asked: Vec::new(), block_read: false }
    }

    /// Notes for the description of the language what is asked for.
    pub(super) fn note(&self, asked: ReaderCall) {
        if let Some(record) = self.cx.record {
            record.note(self.block, &self.node.name, asked);
        }
    }

    /// The node without its block.
    pub(super) fn place(&self) -> Place {
        self.node.header
    }

    /// Reports a mistake.
    pub(super) fn mistake(&self, place: Place, message: impl Into<String>, label: &str, help: impl Into<String>) {
        self.cx.sink.push(Mistake::new(place, message, label, help));
    }

    /// "write it like …", for this node.
    pub(super) fn like(&self) -> String {
        format!("write it like `{}`", self.example)
    }

    fn read<T: Read>(&self, value: &Spanned<Value>) -> Option<Spanned<T>> {
        if value.value == Value::Lost {
            return None;
        }
        let read = T::read(&value.value).or_else(|| T::read(&value.value.spelled()?));
        match read {
            Some(Ok(read)) => return Some(Spanned::new(read, value.place)),
            Some(Err(message)) => {
                let help = format!("write {}, like `{}`", T::EXPECTED, T::EXAMPLE);
                self.mistake(value.place, message, &format!("not {}", T::EXPECTED), help);
            }
            None => {
                let message = format!("{} is expected here, not {}", T::EXPECTED, value.value.kind());
                let help = match &value.value {
                    Value::Number { written, .. } if T::EXAMPLE.starts_with('"') => {
                        format!("write it in quotes: `\"{written}\"`")
                    }
                    _ => format!("write {}, like `{}`", T::EXPECTED, T::EXAMPLE),
                };
                self.mistake(value.place, message, "of the wrong kind", help);
            }
        }
        None
    }

    /// The next argument, if there is one.
    pub(super) fn optional_argument<T: Read>(&mut self) -> Option<Spanned<T>> {
        self.note(ReaderCall::argument::<T>(self.taken, ""));
        let value = self.node.arguments.get(self.taken)?;
        self.taken += 1;
        self.read(value)
    }

    /// The next argument, `what` it is with its article.
    pub(super) fn argument<T: Read>(&mut self, what: &str) -> Option<Spanned<T>> {
        self.note(ReaderCall::argument::<T>(self.taken, what));
        self.note(ReaderCall::Required(At::Argument(self.taken)));
        if self.taken >= self.node.arguments.len() {
            let message = format!("`{}` needs {what}", *self.node.name);
            self.mistake(self.node.header, message, "something is missing", self.like());
            return None;
        }
        self.optional_argument()
    }

    /// All further arguments, at least one.
    pub(super) fn arguments<T: Read>(&mut self, what: &str) -> Vec<Spanned<T>> {
        self.note(ReaderCall::Rest(self.taken));
        let mut all: Vec<Spanned<T>> = self.argument(what).into_iter().collect();
        while self.taken < self.node.arguments.len() {
            all.extend(self.optional_argument());
        }
        all
    }

    /// A property, if it is there.
    pub(super) fn property<T: Read>(&mut self, name: &'static str) -> Option<Spanned<T>> {
        self.note(ReaderCall::property::<T>(name));
        self.asked.push(name);
        let property = self.node.properties.iter().find(|property| *property.name == name)?;
        self.read(&property.value)
    }

    /// A property as it is written, if it is there.
    pub(super) fn written(&mut self, name: &'static str) -> Option<Spanned<Value>> {
        self.note(ReaderCall::property::<Anything>(name));
        self.asked.push(name);
        self.node.property(name).map(|property| property.value.clone())
    }

    /// A property that must be there.
    pub(super) fn required<T: Read>(&mut self, name: &'static str) -> Option<Spanned<T>> {
        self.required_or(name, |node| node.missing(name))
    }

    /// A property that must be there; otherwise `missing` reports it.
    pub(super) fn required_or<T: Read>(
        &mut self,
        name: &'static str,
        missing: impl FnOnce(&Self),
    ) -> Option<Spanned<T>> {
        let read = self.property(name);
        self.note(ReaderCall::Required(At::Property(name)));
        if !self.has(name) {
            missing(self);
        }
        read
    }

    /// Reports that a property is missing.
    pub(super) fn missing(&self, name: &str) {
        let message = format!("`{}` needs the property `{name}`", *self.node.name);
        self.mistake(self.node.header, message, "it is missing", self.like());
    }

    /// Leaves the arguments, which are read as `T`, to someone who has read them already.
    pub(super) fn pass<T: Read>(&mut self, what: &str) {
        self.note(ReaderCall::Rest(0));
        self.note(ReaderCall::argument::<T>(0, what));
        self.note(ReaderCall::Required(At::Argument(0)));
        self.taken = self.node.arguments.len();
    }

    /// Whether a property is there, rightly written or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.node.properties.iter().any(|property| *property.name == name)
    }

    /// Where the value of a property stands.
    pub(super) fn place_of(&self, name: &str) -> Option<Place> {
        let property = self.node.properties.iter().find(|property| *property.name == name)?;
        Some(property.value.place)
    }

    /// Reads its block, if it has one.
    pub(super) fn optional_block<T>(&mut self, table: &Table<T>, draft: &mut T) {
        self.block_read = true;
        if let Some(children) = &self.node.children {
            table.read(children, draft, self.cx);
        }
    }

    /// Reads its block, which must be there.
    pub(super) fn block<T>(&mut self, table: &Table<T>, draft: &mut T) {
        if self.node.children.is_none() {
            let message = format!("`{}` needs a block", *self.node.name);
            let help = format!("{}; the block may have {}", self.like(), list(table.names()));
            self.mistake(self.node.header, message, "nothing follows", help);
        }
        self.optional_block(table, draft);
    }

    /// Reports what nobody asked for.
    fn finish(self) {
        let name = self.node.name.as_str();
        if let Some(extra) = self.node.arguments.get(self.taken) {
            let message = match self.taken {
                0 => format!("`{name}` takes no argument"),
                1 => format!("`{name}` takes one argument"),
                more => format!("`{name}` takes {more} arguments"),
            };
            self.mistake(extra.place, message, "one too many", self.like());
        }
        for property in self.node.properties.iter().filter(|property| !self.asked.contains(&property.name.as_str())) {
            let message = format!("`{name}` has no property `{}`", *property.name);
            let otherwise = self.like();
            let help = suggestion(&property.name, self.asked.iter().copied(), &otherwise);
            self.mistake(property.name.place, message, "not known here", help);
        }
        if self.node.children.is_some() && !self.block_read {
            self.mistake(self.node.header, format!("`{name}` takes no block"), "it has one", self.like());
        }
    }
}

/// What several nodes share.
impl Reader<'_> {
    /// Whether its block has a node of this name, rightly written or not.
    pub(super) fn has_child(&self, name: &str) -> bool {
        self.node.children.iter().flatten().any(|child| *child.name == name)
    }

    fn choose<T: Copy>(&self, written: &Spanned<String>, words: &[(&'static str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == written.as_str());
        if found.is_none() {
            let known = list(words.iter().map(|(word, _)| *word));
            let near = nearest(written, words.iter().map(|(word, _)| *word));
            let help = near.map_or_else(|| format!("write one of {known}"), |near| format!("did you mean `{near}`?"));
            // a long list is worth reading once
            let message = match words.len() {
                ..=8 => format!("`{}` is not one of {known}", **written),
                _ => format!("`{}` does not know `{}`", *self.node.name, **written),
            };
            self.mistake(written.place, message, "not known", help);
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// The next argument, which must be one of `words`.
    pub(super) fn word<T: Copy>(&mut self, what: &str, words: &[(&'static str, T)]) -> Option<T> {
        self.note(ReaderCall::words(At::Argument(self.taken), words));
        let written = self.argument::<String>(what)?;
        self.choose(&written, words)
    }

    /// A property that must be one of `words`, if it is there.
    pub(super) fn property_word<T: Copy>(&mut self, name: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        self.note(ReaderCall::words(At::Property(name), words));
        let written = self.property::<String>(name)?;
        self.choose(&written, words)
    }

    /// A property that must be there and one of `words`.
    pub(super) fn required_word<T: Copy>(&mut self, name: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        self.note(ReaderCall::words(At::Property(name), words));
        let written = self.required::<String>(name)?;
        self.choose(&written, words)
    }

    /// The suite of a distribution; Alpine calls it a release.
    pub(super) fn suite(&mut self) -> Option<Spanned<String>> {
        self.asked.push("release");
        match (self.place_of("release"), self.has("suite")) {
            (Some(_), false) => self.required("release"),
            (Some(release), true) => {
                self.mistake(release, "`suite` and `release` say the same", "one too many", "keep one of the two");
                self.property("suite")
            }
            (None, _) => self.required("suite"),
        }
    }
}

/// All arguments as texts.
pub(super) fn texts(node: &mut Reader<'_>, what: &str) -> Vec<String> {
    node.arguments::<String>(what).into_iter().map(|text| text.value).collect()
}
