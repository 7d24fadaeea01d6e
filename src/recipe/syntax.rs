//! One file's text → [`Node`]s with the place of every part, or what is wrong with its syntax.

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

use crate::model::{FileId, Place, Spanned};

use super::Mistake;
use super::node::{Node, Property, Value};
use super::scan::{Scan, scan};
use crate::diagnostic::nearest::nearest;

/// Largest file, in bytes: some hundred times the longest recipe that one would want to read.
pub const LARGEST: usize = 1 << 20;

/// Most properties of a node: each is compared with the others.
const MOST_PROPERTIES: usize = 256;
/// Most mistakes of one file's syntax that are reported.
const MOST_MISTAKES: usize = 200;

/// What marks a value that gives way to another.
const DEFAULT: &str = "default";

/// What a file says.
pub(super) struct Parsed {
    /// Its nodes; none when its syntax is beyond understanding.
    pub(super) nodes: Option<Vec<Node>>,
    pub(super) mistakes: Vec<Mistake>,
}

/// Parses the text of `file`.
pub(super) fn parse(file: FileId, text: &str) -> Parsed {
    if text.len() > LARGEST {
        let place = Place { file, offset: 0, length: 0 };
        let message = format!("the file has {} bytes; {LARGEST} are allowed", text.len());
        let help = "split the recipe, or keep long texts in files beside it";
        return Parsed { nodes: None, mistakes: vec![Mistake::new(place, message, "here", help)] };
    }
    let Scan { text: mended, mut mistakes, parseable } = scan(file, text);
    if !parseable {
        return Parsed { nodes: None, mistakes };
    }
    let nodes = match KdlDocument::parse_v2(&mended) {
        Ok(document) => {
            let mut builder = Builder { file, text: &mended, mistakes: &mut mistakes, crowded: None };
            Some(builder.nodes(&document))
        }
        Err(error) => {
            refused(file, text, &error, &mut mistakes);
            None
        }
    };
    Parsed { nodes, mistakes }
}

/// What the parser says, in our form: its own diagnostics know no file, span whole blocks and repeat themselves.
fn refused(file: FileId, text: &str, error: &kdl::KdlError, mistakes: &mut Vec<Mistake>) {
    let mut lines = Vec::new();
    for diagnostic in error.diagnostics.iter().take(1000) {
        let start = diagnostic.span.offset().min(text.len());
        let end = (start + diagnostic.span.len()).min(text.len());
        let spanned = text.get(start..end).unwrap_or_default();
        // a span over several lines ends where the parser gave up
        let start = spanned.trim_end().rfind('\n').map_or(start, |newline| start + newline + 1);
        let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count();
        if lines.contains(&line) || mistakes.len() >= 100 {
            continue;
        }
        lines.push(line);
        let written = text.get(start..end).unwrap_or_default();
        let indentation = written.len() - written.trim_start().len();
        let place = Place {
            file,
            offset: u32::try_from(start + indentation).unwrap_or(u32::MAX),
            length: u32::try_from(written.trim().len()).unwrap_or(u32::MAX),
        };
        let said = diagnostic.message.clone().unwrap_or_else(|| "not understood".to_owned());
        let help = diagnostic.help.clone().unwrap_or_else(|| {
            "a node is `name \"text\" 5 property=\"value\" { children }`; compare with docs/reference.md".to_owned()
        });
        mistakes.push(Mistake::new(place, format!("this is not KDL: {}", lower(&said)), "here", lower(&help)));
    }
}

fn lower(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

struct Builder<'t> {
    file: FileId,
    text: &'t str,
    mistakes: &'t mut Vec<Mistake>,
    /// The last node that has too many properties.
    crowded: Option<Place>,
}

impl Builder<'_> {
    /// Takes a mistake, while there are few enough to be looked at.
    fn tell(&mut self, mistake: Mistake) {
        if self.mistakes.len() < MOST_MISTAKES {
            self.mistakes.push(mistake);
        } else if self.mistakes.len() == MOST_MISTAKES {
            let message = format!("this file has more mistakes than the {MOST_MISTAKES} that are shown");
            let help = "correct what is shown: the rest is shown after that";
            self.mistakes.push(Mistake::new(mistake.place, message, "from here on", help));
        }
    }

    /// Spans of the parser are in bytes, whatever its documentation says.
    fn place(&self, start: usize, end: usize) -> Place {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX); // at most `LARGEST`
        Place { file: self.file, offset: number(start), length: number(end.saturating_sub(start)) }
    }

    fn span(&self, span: miette::SourceSpan) -> Place {
        self.place(span.offset(), span.offset() + span.len())
    }

    fn nodes(&mut self, document: &KdlDocument) -> Vec<Node> {
        document.nodes().iter().map(|node| self.node(node)).collect()
    }

    fn node(&mut self, node: &KdlNode) -> Node {
        let name = Spanned::new(node.name().value().to_owned(), self.span(node.name().span()));
        let name_end = node.name().span().offset() + node.name().span().len();
        let entry_end = node.entries().last().map(|entry| entry.span().offset() + entry.span().len());
        let header_end = entry_end.unwrap_or(name_end).max(name_end);
        if let Some(annotation) = node.ty() {
            self.annotation(annotation);
        }
        let mut read = Node {
            header: self.place(node.name().span().offset(), header_end),
            name,
            arguments: Vec::new(),
            yields: None,
            properties: Vec::new(),
            children: None,
            via: None,
        };
        for entry in node.entries() {
            self.entry(entry, &mut read);
        }
        if let Some(children) = node.children() {
            if children.nodes().is_empty() {
                let message = format!("the block of `{}` is empty", *read.name);
                self.tell(Mistake::new(
                    read.header,
                    message,
                    "says nothing",
                    "remove the braces, or say what belongs there",
                ));
            }
            read.children = Some(self.nodes(children));
        }
        read
    }

    fn annotation(&mut self, annotation: &kdl::KdlIdentifier) {
        let place = self.span(annotation.span());
        let word = annotation.value();
        let (message, help) = match word {
            DEFAULT => (
                "`(default)` marks a value, not a node".to_owned(),
                "put it right before the value that may give way: `user (default)\"65532\"`".to_owned(),
            ),
            _ => (
                format!("the annotation `({word})` means nothing here"),
                match nearest(word, [DEFAULT]) {
                    Some(_) => "did you mean `(default)`?".to_owned(),
                    None => "remove it with its parentheses; the language knows `(default)` alone".to_owned(),
                },
            ),
        };
        self.tell(Mistake::new(place, message, "not known", help));
    }

    /// Whether a value is marked `(default)`; reports all other marks.
    fn yields(&mut self, entry: &KdlEntry) -> bool {
        match entry.ty() {
            Some(annotation) if annotation.value() == DEFAULT => true,
            Some(annotation) => {
                self.annotation(annotation);
                false
            }
            None => false,
        }
    }

    fn entry(&mut self, entry: &KdlEntry, node: &mut Node) {
        let yields = self.yields(entry);
        let whole = entry.span();
        let end = whole.offset() + whole.len();
        let length = entry.format().map_or(0, |format| format.value_repr.len());
        let start = end.saturating_sub(length).max(whole.offset());
        let written = self.text.get(start..end).unwrap_or_default();
        let value = Spanned::new(value(entry.value(), written), self.place(start, end));
        let Some(name) = entry.name() else {
            if yields && node.yields.is_none() {
                node.yields = Some(node.arguments.len());
            }
            node.arguments.push(value);
            return;
        };
        let name =
            Spanned::new(name.value().to_owned(), self.place(whole.offset(), whole.offset() + name.span().len()));
        if let Some(first) = node.properties.iter().find(|property| *property.name == *name) {
            let mistake =
                Mistake::new(name.place, format!("`{}` is given twice", *name), "again here", "keep one of the two");
            self.tell(mistake.and(first.name.place, "first here"));
            return;
        }
        if node.properties.len() >= MOST_PROPERTIES {
            // once for each node
            if self.crowded.replace(node.name.place) != Some(node.name.place) {
                let message = format!("a node has {MOST_PROPERTIES} properties at most");
                self.tell(Mistake::new(name.place, message, "one too many", "remove it, and those that follow"));
            }
            return;
        }
        node.properties.push(Property { name, value, yields });
    }
}

fn value(value: &KdlValue, written: &str) -> Value {
    match value {
        KdlValue::String(text) => Value::Text(text.clone()),
        KdlValue::Integer(whole) => Value::Number { written: written.to_owned(), whole: Some(*whole) },
        KdlValue::Float(_) => Value::Number { written: written.to_owned(), whole: None },
        KdlValue::Bool(yes) => Value::Bool(*yes),
        KdlValue::Null => Value::Null,
    }
}
