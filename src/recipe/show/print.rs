//! What is shown as canonical KDL, in lines of parts, so that a terminal can colour them.

use super::shown::{Provenance, Shown, ShownNode, ShownValue};
use super::strings::of_lines;

/// A stretch of what is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownPart {
    /// KDL.
    Code(String),
    /// A comment that says where something came from.
    Origin(String),
}

impl Shown {
    /// The recipe as KDL, one line after the other; every value with where it came from.
    #[must_use]
    pub fn lines(&self) -> Vec<Vec<ShownPart>> {
        let mut lines = Vec::new();
        let own = format!("images/{}/recipe.kdl:", self.recipe.base());
        for (index, node) in self.nodes.iter().enumerate() {
            // what has a block stands apart
            let before = index.checked_sub(1).map(|before| &self.nodes[before]);
            if before.is_some_and(|before| before.children.is_some() || node.children.is_some()) {
                lines.push(Vec::new());
            }
            print(node, 0, &own, &mut lines);
        }
        lines
    }

    /// The recipe as KDL without any comment.
    #[must_use]
    pub fn text(&self) -> String {
        let code = |part: &ShownPart| match part {
            ShownPart::Code(text) => Some(text.clone()),
            ShownPart::Origin(_) => None,
        };
        let lines =
            self.lines().into_iter().filter(|line| line.is_empty() || line.iter().any(|part| code(part).is_some()));
        let text = lines.map(|line| line.iter().filter_map(code).collect::<String>().trim_end().to_owned() + "\n");
        text.collect()
    }
}

/// `own` is how places in the recipe's own file begin.
fn print(node: &ShownNode, depth: usize, own: &str, lines: &mut Vec<Vec<ShownPart>>) {
    let indentation = "    ".repeat(depth);
    let deeper = "    ".repeat(depth + 1);
    let mut code = format!("{indentation}{}", node.name);
    let mut several = false;
    for argument in &node.arguments {
        let of_lines = argument.script.as_deref().and_then(|script| of_lines(script, &deeper));
        several |= of_lines.is_some();
        code.push(' ');
        code.push_str(of_lines.as_ref().unwrap_or(&argument.written));
    }
    for property in &node.properties {
        code.push_str(&format!(" {}={}", property.name, property.value.written));
    }
    if node.children.is_some() {
        code.push_str(" {");
    }
    match origins(node, own) {
        // nothing may follow the quotes that open a text of several lines
        Some(origins) if several => {
            lines.push(vec![ShownPart::Origin(format!("{indentation}// {origins}"))]);
            lines.push(vec![ShownPart::Code(code)]);
        }
        Some(origins) => {
            lines.push(vec![ShownPart::Code(format!("{code}  ")), ShownPart::Origin(format!("// {origins}"))])
        }
        None => lines.push(vec![ShownPart::Code(code)]),
    }
    if let Some(children) = &node.children {
        for child in children {
            print(child, depth + 1, own, lines);
        }
        lines.push(vec![ShownPart::Code(format!("{indentation}}}"))]);
    }
}

/// Where the values of a node came from: once for all of them, and by name for those from elsewhere.
fn origins(node: &ShownNode, own: &str) -> Option<String> {
    let main = node.arguments.last().and_then(|value| value.origin.as_ref()).or(node.origin.as_ref())?;
    let mut text = shown(main, own);
    let other = |value: &ShownValue| value.origin.clone().filter(|origin| origin != main);
    for property in &node.properties {
        if let Some(origin) = other(&property.value) {
            let same_place = Provenance { default: main.default, ..origin.clone() } == *main;
            let said = if same_place && origin.default { "default".to_owned() } else { shown(&origin, own) };
            text.push_str(&format!("; {}: {said}", property.name));
        }
    }
    Some(text)
}

fn shown(origin: &Provenance, own: &str) -> String {
    let mut text = format!("{}:{}", origin.file, origin.line);
    if let Some(definition) = &origin.definition {
        text.push_str(&format!(", definition {definition}"));
        if let Some(used) = &origin.used {
            match used.strip_prefix(own) {
                Some(line) => text.push_str(&format!(" used in line {line}")),
                None => text.push_str(&format!(" used at {used}")),
            }
        }
    }
    if origin.default {
        text.push_str(", default");
    }
    text
}
