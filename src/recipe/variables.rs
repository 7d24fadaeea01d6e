//! Where a definition brings a script, the parameters that it mentions become variables of the step: `${…}` is the shell's
//! in a script, and the shell knows variables.

use std::sync::Arc;

use crate::model::Spanned;

use super::definitions::Definition;
use super::node::{Node, Value, Via};
use super::parameters::Parameter;
use super::values::Values;

/// What one use tells a definition.
pub(super) struct Told<'t> {
    pub(super) definition: &'t Definition,
    pub(super) values: &'t Values<'t>,
    /// The `is` node.
    pub(super) node: &'t Node,
    pub(super) via: &'t Arc<Via>,
}

impl Told<'_> {
    /// The nodes that the definition brings into a block called `block`, each script with its variables beside it.
    pub(super) fn with_variables(&self, nodes: Vec<Node>, block: &str) -> Vec<Node> {
        let mut all: Vec<Node> = Vec::with_capacity(nodes.len());
        let mut mentioned: Vec<&Parameter> = Vec::new();
        for mut node in nodes {
            if matches!(block, "stage" | "vendor") && *node.name == "run" {
                let script = node.arguments.first().and_then(|script| script.value.text()).unwrap_or_default();
                mentioned.extend(self.definition.parameters.iter().filter(|one| mentions(script, &one.name)));
            }
            if let Some(children) = node.children.take() {
                node.children = Some(self.with_variables(children, &node.name));
            }
            all.push(node);
        }
        for parameter in mentioned {
            // what the definition sets itself counts, and a second script needs no second variable
            let set =
                all.iter().any(|node| *node.name == "env" && node.key().is_some_and(|key| *key == *parameter.name));
            if !set {
                all.extend(self.variable(parameter));
            }
        }
        all
    }

    /// `env NAME TEXT`, at the place of what was told, or of the default.
    fn variable(&self, parameter: &Parameter) -> Option<Node> {
        let text = self.values.named().get(parameter.name.as_str())?;
        let written = self.node.property(&parameter.name).map(|property| property.value.place);
        let place = written.or(parameter.default.as_ref().map(|default| default.place)).unwrap_or(self.node.header);
        let argument = |text: &str| Spanned::new(Value::Text(text.to_owned()), place);
        Some(Node {
            name: Spanned::new("env".to_owned(), place),
            header: place,
            arguments: vec![argument(&parameter.name), argument(text)],
            yields: None,
            properties: Vec::new(),
            children: None,
            via: Some(Arc::clone(self.via)),
        })
    }
}

/// Whether a script has this name as a word: `$name`, `${name}`, or as an argument of `printenv`.
pub(super) fn mentions(script: &str, name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = script.as_bytes();
    script.match_indices(name).any(|(at, _)| {
        let before = at.checked_sub(1).is_some_and(|before| word(bytes[before]));
        let after = bytes.get(at + name.len()).is_some_and(|after| word(*after));
        !before && !after
    })
}
