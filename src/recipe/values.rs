//! What `let` and parameters name, and `${…}` stands for.
//!
//! A value may use values that come earlier or later; a circle is a mistake. `$${` is a plain `${`. Texts that grow
//! beyond reason through values of values are refused before they take memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Place, Platform, SourceMap, Spanned};

use super::Mistake;
use super::budget::Budget;
use super::node::{Node, Value};
use super::sink::Sink;
use crate::diagnostic::nearest::suggestion;

/// Longest value, in bytes.
const LONGEST: usize = 64 << 10;

/// What every value of a recipe is read with.
pub(super) struct Setting<'s> {
    /// The platform that is read for; none for `project.kdl`.
    pub(super) platform: Option<Platform>,
    /// All files, to find the place of a `${…}` inside a text.
    pub(super) sources: &'s SourceMap,
    pub(super) sink: &'s Sink,
    /// What the recipe may still come to.
    pub(super) budget: &'s Budget,
}

impl Setting<'_> {
    /// Whether reading on helps nobody: there are too many mistakes, or what was read is too much already.
    pub(super) fn is_over(&self) -> bool {
        self.sink.is_full() || self.budget.is_spent()
    }
}

/// The values that a stretch of a file sees.
pub(super) struct Values<'s> {
    setting: &'s Setting<'s>,
    /// Where they come from, for who looks for one more.
    whence: Whence,
    named: BTreeMap<String, String>,
    /// Where those of a recipe stand.
    places: BTreeMap<String, Place>,
    /// Those that could not be read.
    lost: BTreeSet<String>,
}

/// Where values come from.
enum Whence {
    /// Nowhere: `project.kdl` has none.
    Nowhere,
    /// The `let` nodes of a recipe.
    Recipe,
    /// The parameters of the definition of this name.
    Definition(String),
}

/// A `let` as written.
struct Let {
    name: Spanned<String>,
    text: Spanned<String>,
}

impl<'s> Values<'s> {
    /// No values at all, for `project.kdl`.
    pub(super) fn none(setting: &'s Setting<'s>) -> Self {
        Self {
            setting,
            whence: Whence::Nowhere,
            named: BTreeMap::new(),
            places: BTreeMap::new(),
            lost: BTreeSet::new(),
        }
    }

    /// What the parameters of `definition` stand for.
    pub(super) fn of_definition(
        definition: &str,
        arguments: BTreeMap<String, String>,
        setting: &'s Setting<'s>,
    ) -> Self {
        let whence = Whence::Definition(definition.to_owned());
        Self { setting, whence, named: arguments, places: BTreeMap::new(), lost: BTreeSet::new() }
    }

    /// Reads all `let` nodes among `nodes`.
    pub(super) fn read(nodes: &[Node], setting: &'s Setting<'s>) -> Self {
        let sink = setting.sink;
        let mut lets: BTreeMap<String, Let> = BTreeMap::new();
        for node in nodes.iter().filter(|node| *node.name == "let") {
            let Some(read) = read_let(node, sink) else { continue };
            if let Some(first) = lets.get(&*read.name) {
                let message = format!("the value `{}` is given twice", *read.name);
                let help = "keep one, or put each into `on \"PLATFORM\" { }` for a platform of its own";
                sink.push(
                    Mistake::new(read.name.place, message, "again here", help).and(first.name.place, "first here"),
                );
                continue;
            }
            lets.insert(read.name.value.clone(), read);
        }
        let places = lets.iter().map(|(name, read)| (name.clone(), read.text.place)).collect();
        let mut values =
            Self { setting, whence: Whence::Recipe, named: BTreeMap::new(), places, lost: BTreeSet::new() };
        for name in lets.keys() {
            values.resolve(name, &lets, &mut Vec::new());
        }
        values
    }

    /// Where the values of a recipe stand, by name.
    pub(super) fn places(&self) -> &BTreeMap<String, Place> {
        &self.places
    }

    /// The values by name.
    pub(super) fn named(&self) -> &BTreeMap<String, String> {
        &self.named
    }

    /// Finds the value of `name`, after those it uses; `chain` holds the names on the way, each with the place of its use.
    fn resolve(&mut self, name: &str, lets: &BTreeMap<String, Let>, chain: &mut Vec<(String, Place)>) {
        let Some(wanted) = lets.get(name).filter(|_| !self.named.contains_key(name)) else { return };
        if let Some(start) = chain.iter().position(|(known, _)| known == name) {
            self.circle(&chain[start..]);
            self.named.insert(name.to_owned(), String::new());
            return;
        }
        if chain.len() >= 64 {
            let message = format!("the value `{name}` is more than 64 values away from a plain text");
            self.setting.sink.push(Mistake::new(wanted.name.place, message, "here", "use fewer values of values"));
            self.named.insert(name.to_owned(), String::new());
            return;
        }
        for used in references(&wanted.text).into_iter().filter_map(|part| part.name) {
            chain.push((name.to_owned(), wanted.text.place));
            self.resolve(used, lets, chain);
            chain.pop();
        }
        if self.named.contains_key(name) {
            return; // part of a circle, which was reported
        }
        let replaced = self.replace(&wanted.text, lets.keys().map(String::as_str));
        if replaced.is_none() {
            self.lost.insert(name.to_owned());
        }
        let mut text = replaced.unwrap_or_default();
        if text.len() > LONGEST {
            let message = format!("the value `{name}` has {} bytes; {LONGEST} are allowed", text.len());
            self.setting.sink.push(Mistake::new(
                wanted.text.place,
                message,
                "here",
                "keep long texts in files beside the recipe",
            ));
            text.clear();
        }
        self.named.insert(name.to_owned(), text);
    }

    fn circle(&self, chain: &[(String, Place)]) {
        let names: Vec<_> = chain.iter().chain(chain.first()).map(|(name, _)| format!("`{name}`")).collect();
        let message = format!("values go round in a circle: {}", names.join(" → "));
        let next = |index: usize| &chain[(index + 1) % chain.len()].0;
        let label = |index: usize| format!("`{}` uses `{}`", chain[index].0, next(index));
        let mut mistake = Mistake::new(chain[0].1, message, label(0), "give one of them a plain text");
        for (index, (_, place)) in chain.iter().enumerate().skip(1) {
            mistake = mistake.and(*place, label(index));
        }
        self.setting.sink.push(mistake);
    }

    /// A value with every `${…}` of its text replaced.
    pub(super) fn fill(&self, value: Spanned<Value>) -> Spanned<Value> {
        match value.value {
            Value::Text(_) if self.setting.is_over() => Spanned::new(Value::Lost, value.place),
            Value::Text(text) => Spanned::new(self.interpolate(&Spanned::new(text, value.place)), value.place),
            other => Spanned::new(other, value.place),
        }
    }

    /// Replaces every `${…}` of a text; those that name nothing become mistakes, and the text is lost.
    fn interpolate(&self, text: &Spanned<String>) -> Value {
        if !text.contains("${") {
            return Value::Text(text.value.clone());
        }
        let Some(replaced) = self.replace(text, self.named.keys().map(String::as_str)) else { return Value::Lost };
        match references(text)[..] {
            [Part { before: "", written: Some(_), name: Some(_) }, Part { before: "", .. }] => Value::Filled(replaced),
            _ => Value::Text(replaced),
        }
    }

    fn replace<'n>(&self, text: &Spanned<String>, known: impl Iterator<Item = &'n str> + Clone) -> Option<String> {
        let mut result = String::new();
        let mut lost = false;
        for part in references(text) {
            result.push_str(part.before);
            if result.len() > self.setting.budget.text_left() {
                break; // what follows charges for it, and reports that it is too much
            }
            let Some(written) = part.written else { continue };
            lost |= part.name.is_none_or(|name| self.lost.contains(name) || self.lookup(name).is_none());
            match part.name {
                None => self.setting.sink.push(Mistake::new(
                    text.place,
                    "`${` is never closed",
                    "in this text",
                    "write `${name}`, or `$${` for the two characters themselves",
                )),
                Some(name) => match self.lookup(name) {
                    Some(value) => result.push_str(value),
                    None => self.unknown(name, written, text, known.clone()),
                },
            }
        }
        let affordable = self.setting.budget.charge_text(result.len(), text.place);
        (affordable && !lost).then_some(result)
    }

    /// The place of `written` inside the text at `place`.
    fn within(&self, place: Place, written: &str) -> Place {
        let start = place.offset as usize;
        let file = self.setting.sources.file(place.file);
        let text = file.text.get(start..start + place.length as usize).unwrap_or_default();
        match text.find(written).map(|at| (u32::try_from(at), u32::try_from(written.len()))) {
            Some((Ok(at), Ok(length))) => Place { offset: place.offset + at, length, ..place },
            _ => place,
        }
    }

    fn lookup(&self, name: &str) -> Option<&str> {
        match (name.strip_prefix("platform."), self.setting.platform) {
            (Some(fact), Some(platform)) => {
                FACTS.iter().find(|(known, _)| *known == fact).map(|(_, read)| read(platform))
            }
            (Some(_), None) => None,
            (None, _) => self.named.get(name).map(String::as_str),
        }
    }

    fn unknown<'n>(
        &self,
        name: &str,
        written: &str,
        text: &Spanned<String>,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        if self.setting.is_over() {
            return; // to look for the name that was meant takes time, and nobody would see it
        }
        let place = self.within(text.place, written);
        if matches!(self.whence, Whence::Nowhere) {
            let help = "write the text itself, or `$${` for a plain `${`";
            self.setting.sink.push(Mistake::new(
                place,
                format!("there are no values in this file, so `{written}` is unknown"),
                "here",
                help,
            ));
            return;
        }
        let facts = FACTS.iter().map(|(fact, _)| format!("platform.{fact}"));
        let known: Vec<String> = known.map(str::to_owned).chain(facts).collect();
        let near = suggestion(name, known.iter().map(String::as_str), "");
        let (label, help) = match &self.whence {
            Whence::Definition(definition) => (
                format!("no parameter of `{definition}`"),
                format!("{near} (a definition sees its own parameters alone: declare more with `param \"{name}\"`)"),
            ),
            _ => (format!("`{name}` is not defined"), format!("{near} (`$${{` is a plain `${{`)")),
        };
        self.setting.sink.push(Mistake::new(place, format!("unknown value `{written}`"), label, help));
    }
}

type ReadFact = fn(Platform) -> &'static str;

/// What `${platform.…}` may say.
const FACTS: &[(&str, ReadFact)] = &[
    ("os", |platform| platform.os()),
    ("arch", |platform| platform.oci_architecture()),
    ("variant", |platform| platform.variant().unwrap_or_default()),
    ("deb", |platform| platform.deb()),
    ("apk", |platform| platform.apk()),
    ("triplet", |platform| platform.triplet()),
    ("go", |platform| platform.oci_architecture()),
    ("rust", |platform| platform.rust()),
];

/// The names in all `${…}` of a text.
pub(super) fn names_in(text: &str) -> impl Iterator<Item = &str> {
    references(text).into_iter().filter_map(|part| part.name)
}

/// Whether a text can name a value: in `run` it is an environment variable.
pub(super) fn is_name(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(letters)
}

/// A stretch of a text: what stands before a `${…}`, and what is in it.
struct Part<'t> {
    before: &'t str,
    /// The whole `${…}`; none at the end of the text and for `$${`.
    written: Option<&'t str>,
    /// The name in it; none when it is not closed.
    name: Option<&'t str>,
}

fn references(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            // `$${`: the first `$` goes
            parts.push(Part { before: &rest[..at - 1], written: None, name: None });
            parts.push(Part { before: "${", written: None, name: None });
            rest = &rest[at + 2..];
            continue;
        }
        let name = rest[at + 2..].split(['}', '\n', ' ', '$']).next().unwrap_or_default();
        let closed = rest[at + 2 + name.len()..].starts_with('}');
        let end = if closed { at + 3 + name.len() } else { at + 2 };
        parts.push(Part { before: &rest[..at], written: Some(&rest[at..end]), name: closed.then_some(name) });
        rest = &rest[end..];
    }
    parts.push(Part { before: rest, written: None, name: None });
    parts
}

fn read_let(node: &Node, sink: &Sink) -> Option<Let> {
    const EXAMPLE: &str = "write it like `let version \"1.2.3\"`";
    let mistake = |place: Place, message: String, label: &str| sink.push(Mistake::new(place, message, label, EXAMPLE));
    if let Some(property) = node.properties.first() {
        mistake(property.name.place, format!("`let` has no property `{}`", *property.name), "not known here");
    }
    if node.children.is_some() {
        mistake(node.header, "`let` takes no block".to_owned(), "not expected");
    }
    let (Some(name), Some(value)) = (node.key(), node.arguments.get(1)) else {
        mistake(node.header, "`let` needs a name and a value".to_owned(), "something is missing");
        return None;
    };
    if let Some(extra) = node.arguments.get(2) {
        mistake(extra.place, "`let` takes one name and one value".to_owned(), "one too many");
    }
    if !is_name(&name) {
        let help =
            "use lower-case letters, digits and `_`, and begin with a letter: in `run` it is an environment variable";
        sink.push(Mistake::new(name.place, format!("`{}` cannot name a value", *name), "not a name", help));
        return None;
    }
    let text = match &value.value {
        Value::Text(text) | Value::Filled(text) => text.clone(),
        Value::Number { written, .. } => written.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null | Value::Lost => {
            mistake(value.place, format!("the value `{}` is nothing", *name), "no value");
            return None;
        }
    };
    Some(Let { name: name.map(str::to_owned), text: Spanned::new(text, value.place) })
}
