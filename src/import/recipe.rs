//! Nodes of a recipe, and how they are written down: the other direction of `crate::recipe`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What an argument or property says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Plain text: a `${` in it is written `$${`.
    Text(String),
    /// Text in which `${…}` is already the recipe language's.
    Template(String),
    /// The script of a step, in which `${…}` is the shell's.
    Script(String),
    /// A word that needs no quotes where its letters allow that.
    Word(String),
    Number(u32),
    Yes(bool),
}

/// A node with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: &'static str,
    arguments: Vec<Value>,
    properties: Vec<(&'static str, Value)>,
    children: Vec<Item>,
}

/// A line of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Node(Node),
    Comment(String),
    Gap,
}

impl From<Node> for Item {
    fn from(node: Node) -> Self {
        Self::Node(node)
    }
}

impl Node {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, arguments: Vec::new(), properties: Vec::new(), children: Vec::new() }
    }

    /// The same with one more argument.
    pub(super) fn value(mut self, value: Value) -> Self {
        self.arguments.push(value);
        self
    }

    /// The same with a plain text as argument.
    pub(super) fn text(self, text: impl Into<String>) -> Self {
        self.value(Value::Text(text.into()))
    }

    /// The same with a text as argument in which `${…}` stands for a value.
    pub(super) fn template(self, text: impl Into<String>) -> Self {
        self.value(Value::Template(text.into()))
    }

    /// The same with a property.
    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// The same with a block.
    pub(super) fn block(mut self, children: Vec<Item>) -> Self {
        self.children = children;
        self
    }

    /// Gives a property its value, in the place of the one it had.
    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        self.properties.retain(|(known, _)| *known != name);
        self.properties.push((name, value));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.iter().any(|(known, _)| *known == name)
    }

    /// Whether it copies something to the place that it has where it comes from.
    pub(super) fn is_from(&self, at: &str) -> bool {
        self.has("from") && self.arguments.first() == Some(&Value::Template(at.to_owned()))
    }

    /// What is in its block.
    pub(super) fn children_mut(&mut self) -> &mut Vec<Item> {
        &mut self.children
    }

    pub(super) fn has_child(&self, child: &Self) -> bool {
        self.children.iter().any(|item| matches!(item, Item::Node(node) if node == child))
    }
}

/// The text of a whole recipe; gaps at its ends and doubled ones are left out, and so are comments that a block has
/// already.
pub(super) fn print(items: &[Item]) -> String {
    let mut out = String::new();
    print_block(&mut out, items, 0);
    out
}

fn print_block(out: &mut String, items: &[Item], depth: usize) {
    let indent = "    ".repeat(depth);
    let mut gap = false;
    let mut first = true;
    let mut said = BTreeSet::new();
    for item in items {
        let again = matches!(item, Item::Comment(text) if !said.insert(text));
        if *item == Item::Gap || again {
            gap |= !first && !again;
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push('\n');
        }
        first = false;
        match item {
            Item::Gap => {}
            Item::Comment(text) => {
                let _ = writeln!(out, "{indent}// {}", one_line(text)); // writing to a string cannot fail
            }
            Item::Node(node) => print_node(out, node, depth),
        }
    }
}

fn print_node(out: &mut String, node: &Node, depth: usize) {
    let indent = "    ".repeat(depth);
    let _ = write!(out, "{indent}{}", node.name);
    for value in &node.arguments {
        let _ = write!(out, " {}", written(value, depth));
    }
    for (name, value) in &node.properties {
        let _ = write!(out, " {name}={}", written(value, depth));
    }
    if !node.children.is_empty() {
        out.push_str(" {\n");
        print_block(out, &node.children, depth + 1);
        let _ = write!(out, "{indent}}}");
    }
    out.push('\n');
}

fn written(value: &Value, depth: usize) -> String {
    match value {
        Value::Text(text) => quoted(&text.replace("${", "$${")),
        Value::Template(text) => quoted(text),
        Value::Script(text) => script(text, depth),
        Value::Word(word) if is_bare(word) => word.clone(),
        Value::Word(word) => quoted(&word.replace("${", "$${")),
        Value::Number(number) => number.to_string(),
        Value::Yes(yes) => format!("#{yes}"),
    }
}

/// Words that KDL reads as text without quotes, as variables and values usually are.
fn is_bare(word: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let kept = ["true", "false", "null", "inf", "nan", "r"];
    word.bytes().next().is_some_and(letter)
        && word.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        && !kept.contains(&word)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => {} // no text of a recipe can hold it
            other if is_strange(other) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Control characters, ends of lines other than `\n`, and those that turn the direction of text: KDL takes none of
/// them as they are.
fn is_strange(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A script: on one line when it has one, else as a block of text, raw when it holds backslashes.
fn script(text: &str, depth: usize) -> String {
    let text = text.trim_matches('\n');
    let plain = !text.chars().any(|character| character != '\n' && character != '\t' && is_strange(character));
    if !plain || (!text.contains('\n') && !text.contains('\\')) {
        return quoted(text);
    }
    let (open, close) = match (text.contains('\\') || text.contains("\"\"\""), text.contains("\"\"\"#")) {
        (true, true) => return quoted(text),
        (true, false) => ("#\"\"\"", "\"\"\"#"),
        (false, _) => ("\"\"\"", "\"\"\""),
    };
    let indent = "    ".repeat(depth + 1);
    let mut out = format!("{open}\n");
    for line in text.lines() {
        if line.trim().is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{indent}{line}");
        }
    }
    let _ = write!(out, "{indent}{close}");
    out
}

/// A text that ends no comment.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|character| if is_strange(character) { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_so_that_they_are_read_back() {
        let node = Node::new("env")
            .value(Value::Word("A_1".to_owned()))
            .text("${x} \"\\\n\u{202e}")
            .template("${platform.arch}")
            .with("doc", Value::Word("no word".to_owned()))
            .with("uid", Value::Number(7));
        let expected = "env A_1 \"$${x} \\\"\\\\\\n\\u{202e}\" \"${platform.arch}\" doc=\"no word\" uid=7\n";
        assert_eq!(print(&[node.into()]), expected);
    }

    #[test]
    fn scripts_keep_their_lines() {
        let script = |text: &str| print(&[Node::new("run").value(Value::Script(text.to_owned())).into()]);
        assert_eq!(script("make \"$OUT\""), "run \"make \\\"$OUT\\\"\"\n");
        assert_eq!(script("a\n\n  b ${c}\n"), "run \"\"\"\n    a\n\n      b ${c}\n    \"\"\"\n");
        assert_eq!(script("a \\\n b"), "run #\"\"\"\n    a \\\n     b\n    \"\"\"#\n");
        assert_eq!(script("a\u{7}\nb"), "run \"a\\u{7}\\nb\"\n");
    }

    #[test]
    fn comments_stay_on_their_line_and_gaps_are_single() {
        let items =
            [Item::Gap, Item::Comment("a\nimage".to_owned()), Item::Gap, Item::Gap, Node::new("b").into(), Item::Gap];
        assert_eq!(print(&items), "// a image\n\nb\n");
    }
}
