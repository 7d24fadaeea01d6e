//! Where a definition brings a script, the parameters that it mentions become variables of the step: `${…}` is the shell's
//! in a script, and the shell knows variables.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::Spanned;

use super::definitions::Definition;
use super::node::{Node, Value, Via, Weight};
use super::parameters::Parameter;
use super::values::{Setting, Values};

/// One use of a definition, with its arguments.
pub(super) struct CallSite<'t> {
    pub(super) definition: &'t Definition,
    pub(super) values: &'t Values<'t>,
    pub(super) setting: &'t Setting<'t>,
    /// The `is` node.
    pub(super) node: &'t Node,
    pub(super) via: &'t Arc<Via>,
}

impl CallSite<'_> {
    /// The nodes that the definition brings into a block called `block`, each script with its variables beside it.
    pub(super) fn with_variables(&self, nodes: Vec<Node>, block: &str) -> Vec<Node> {
        let mut all: Vec<Node> = Vec::with_capacity(nodes.len());
        let mut mentioned: Vec<&Parameter> = Vec::new();
        for mut node in nodes {
            if matches!(block, "stage" | "vendor") && *node.name == "run" {
                let script = node.arguments.first().and_then(|script| script.value.text()).unwrap_or_default();
                let said: BTreeSet<&str> = words(script).collect();
                let new = |one: &&Parameter| {
                    said.contains(one.name.as_str()) && mentioned.iter().all(|known| *known.name != *one.name)
                };
                let new: Vec<&Parameter> = self.definition.parameters.iter().filter(new).collect();
                mentioned.extend(new);
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

    /// `env NAME TEXT`, at the place of the argument, or of the default.
    fn variable(&self, parameter: &Parameter) -> Option<Node> {
        let text = self.values.named().get(parameter.name.as_str())?;
        if !self.setting.budget.charge(Weight { parts: 3, text: text.len() }, self.node.header) {
            return None;
        }
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

/// The words of a script: what may be a variable in `$name` or `${name}`, or an argument of `printenv`.
pub(super) fn words(script: &str) -> impl Iterator<Item = &str> {
    script.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
}
