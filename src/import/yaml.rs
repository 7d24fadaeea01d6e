//! YAML as a tree of texts, each with its line.
//!
//! What aliases stand for is counted as often as they are used, and everything is bounded, so that no small file grows
//! into a large tree.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::ImportError;

/// Deepest nesting.
const DEEPEST: usize = 64;
/// Most nodes, aliases resolved.
const MOST_NODES: usize = 50_000;
/// Most bytes of text, aliases resolved.
const MOST_BYTES: usize = 4 << 20;

/// A node and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing: `~`, `null`, or no text at all.
    Nothing,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    /// The text; none for what is no text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a list holds; what is no list holds nothing.
    pub(super) fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(nodes) => nodes,
            _ => &[],
        }
    }

    /// What a map holds; what is no map holds nothing.
    pub(super) fn map(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What a map holds under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.map().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text under `key`.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// How many nodes and bytes of text it holds, itself counted.
    fn size(&self) -> (usize, usize) {
        let of = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
            sizes.fold((1, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
        };
        match &self.value {
            Value::Nothing => (1, 0),
            Value::Text(text) => (1, text.len()),
            Value::List(nodes) => of(&mut nodes.iter().map(Node::size)),
            Value::Map(entries) => of(&mut entries.iter().map(|entry| {
                let (nodes, bytes) = entry.value.size();
                (nodes, bytes + entry.key.len())
            })),
        }
    }
}

/// Reads the first document of `text`.
pub(super) fn read(text: &str) -> Result<Node, ImportError> {
    let mut reader = Reader { open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, bytes: 0, done: None };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| refused(&error))?;
        if event == Event::DocumentEnd {
            break;
        }
        reader.event(event, span.start.line())?;
    }
    Ok(reader.done.unwrap_or(Node { line: 1, value: Value::Nothing }))
}

fn refused(error: &ScanError) -> ImportError {
    ImportError::Yaml { line: error.marker().line(), reason: error.info().to_owned() }
}

/// A list or map that is not closed yet.
struct Open {
    line: usize,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    /// With a key that waits for its value.
    Map(Vec<Entry>, Option<(String, usize)>),
}

struct Reader {
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize, usize)>,
    nodes: usize,
    bytes: usize,
    done: Option<Node>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), ImportError> {
        match event {
            Event::SequenceStart(anchor, _) => self.start(line, anchor, Kind::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.start(line, anchor, Kind::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let value = match open.kind {
                    Kind::List(nodes) => Value::List(nodes),
                    Kind::Map(entries, _) => Value::Map(entries),
                };
                self.node(Node { line: open.line, value }, open.anchor)
            }
            Event::Scalar(text, style, anchor, _) => {
                self.count(1, text.len())?;
                let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if nothing { Value::Nothing } else { Value::Text(text.into_owned()) };
                self.node(Node { line, value }, anchor)
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let reason = "this alias stands for something that is not complete".to_owned();
                let (mut node, nodes, bytes) = known.ok_or(ImportError::Yaml { line, reason })?;
                self.count(nodes, bytes)?;
                node.line = line;
                self.node(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, line: usize, anchor: usize, kind: Kind) -> Result<(), ImportError> {
        self.count(1, 0)?;
        if self.open.len() >= DEEPEST {
            return Err(ImportError::TooMuch { most: DEEPEST, what: "levels of lists and maps" });
        }
        self.open.push(Open { line, anchor, kind });
        Ok(())
    }

    fn count(&mut self, nodes: usize, bytes: usize) -> Result<(), ImportError> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MOST_NODES {
            return Err(ImportError::TooMuch { most: MOST_NODES, what: "nodes" });
        }
        if self.bytes > MOST_BYTES {
            return Err(ImportError::TooMuch { most: MOST_BYTES, what: "bytes of text" });
        }
        Ok(())
    }

    /// Puts a whole node into what is open.
    fn node(&mut self, node: Node, anchor: usize) -> Result<(), ImportError> {
        if anchor > 0 {
            let (nodes, bytes) = node.size();
            self.anchors.insert(anchor, (node.clone(), nodes, bytes));
            self.count(nodes, bytes)?;
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.done = Some(node),
            Some(Kind::List(nodes)) => nodes.push(node),
            Some(Kind::Map(entries, waiting)) => match waiting.take() {
                Some((key, line)) => entries.push(Entry { key, line, value: node }),
                None => {
                    let reason = "a key is a text".to_owned();
                    let Value::Text(key) = node.value else {
                        return Err(ImportError::Yaml { line: node.line, reason });
                    };
                    *waiting = Some((key, node.line));
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_lines() {
        let node = read("a:\n  b: [1, ~]\nc: &x |\n  text\nd: *x\n").expect("YAML");
        assert_eq!(node.text_of("c"), Some("text\n"));
        assert_eq!(node.text_of("d"), Some("text\n"));
        let lines: Vec<usize> = node.map().iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [1, 3, 5]);
        let list = node.get("a").and_then(|node| node.get("b")).map(Node::list).unwrap_or_default();
        assert_eq!((list[0].text(), &list[1].value), (Some("1"), &Value::Nothing));
    }

    #[test]
    fn nothing_grows_without_bounds() {
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            let aliases = vec![alias; 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(matches!(read(&laughs), Err(ImportError::TooMuch { .. })));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 1000].join(", "));
        assert!(matches!(read(&long), Err(ImportError::TooMuch { .. })));
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(1000)).is_err());
        assert!(read("a: *b").is_err() && read("a: &a [*a]").is_err());
        assert_eq!(read("").map(|node| node.value), Ok(Value::Nothing));
    }
}
