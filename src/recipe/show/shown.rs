//! Nodes as they are shown: every value as it would be written, and where it came from.

use serde::Serialize;

use super::super::language::Language;
use super::super::node::{Node, Value, Via};
use super::super::platforms::Reading;
use super::super::read::Written;
use super::super::recipe_file::RECIPE;
use super::super::record::AcceptedValue;
use super::super::shape::Block;
use super::strings::quoted;
use crate::model::{ImageName, Place, Platform, RecipeName, SourceMap};

/// A recipe after unification.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Its name, with that of the variant.
    pub recipe: RecipeName,
    /// What it is shown for.
    pub platforms: Vec<Platform>,
    pub(super) nodes: Vec<ShownNode>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// `images/router/recipe.kdl`.
    pub file: String,
    /// Counted from one.
    pub line: usize,
    /// The definition that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Where a recipe uses the definition that brought it, `FILE:LINE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// Whether it is a `(default)` that nobody replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownNode {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) arguments: Vec<ShownValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<ShownProperty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) children: Option<Vec<ShownNode>>,
    /// Where the node itself stands; none for what `show` adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Provenance>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownValue {
    /// The value as data.
    value: serde_json::Value,
    /// As KDL writes it on one line.
    #[serde(skip)]
    pub(super) written: String,
    /// The text of a script, which is written as it is.
    #[serde(skip)]
    pub(super) script: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Provenance>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownProperty {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) value: ShownValue,
}

impl ShownNode {
    /// A node of texts that nobody wrote.
    pub(super) fn plain(name: &str, arguments: impl IntoIterator<Item = String>) -> Self {
        let value = |text: String| ShownValue {
            written: quoted(&literal(&text)),
            value: text.into(),
            script: None,
            origin: None,
        };
        Self {
            name: name.to_owned(),
            arguments: arguments.into_iter().map(value).collect(),
            properties: Vec::new(),
            children: None,
            origin: None,
        }
    }

    /// What it says, without where from and without its block.
    pub(super) fn header(&self) -> Vec<&str> {
        let arguments = self.arguments.iter().map(|value| value.written.as_str());
        let properties = self.properties.iter().flat_map(|one| [one.name.as_str(), one.value.written.as_str()]);
        std::iter::once(self.name.as_str()).chain(arguments).chain(properties).collect()
    }

    /// Whether it says the same as another, wherever both came from.
    pub(super) fn says_as(&self, other: &Self) -> bool {
        let same = |(one, other): (&Self, &Self)| one.says_as(other);
        self.header() == other.header()
            && match (&self.children, &other.children) {
                (Some(own), Some(others)) => own.len() == others.len() && own.iter().zip(others).all(same),
                (None, None) => true,
                _ => false,
            }
    }
}

/// What `show` says of the recipe as a whole.
pub(super) fn header(recipe: &RecipeName, platforms: &[Platform]) -> Vec<ShownNode> {
    let variant = recipe.variant().map(|variant| ShownNode::plain("variant", [variant.to_owned()]));
    let platforms =
        (!platforms.is_empty()).then(|| ShownNode::plain("platforms", platforms.iter().map(ToString::to_string)));
    variant.into_iter().chain(platforms).collect()
}

/// The nodes of the image alone, also where they are in blocks for platforms.
pub(super) fn only(nodes: Vec<ShownNode>, image: &ImageName) -> Vec<ShownNode> {
    let mut kept = Vec::new();
    for mut node in nodes {
        if node.name == "on" {
            let children = only(node.children.take().unwrap_or_default(), image);
            if !children.is_empty() {
                kept.push(ShownNode { children: Some(children), ..node });
            }
        } else if node.name == "image" && node.arguments.first().is_some_and(|name| name.value == image.base()) {
            kept.push(node);
        }
    }
    kept
}

/// A text in which `${` stands for itself.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// Makes what is shown of what was unified.
pub(super) struct Maker<'m> {
    pub(super) sources: &'m SourceMap,
    pub(super) definitions: &'m [(Place, String)],
}

impl Maker<'_> {
    /// What the recipe says on one platform, in the order of the reference: among the nodes of a recipe it is free.
    pub(super) fn recipe(&self, reading: &Reading) -> Vec<ShownNode> {
        let lets = reading.values.iter().map(|(name, value)| {
            let origin = reading.places.get(name).map(|place| self.origin(*place, None, false));
            ShownNode { origin, ..ShownNode::plain("let", [name.clone(), value.clone()]) }
        });
        let rank = |node: &&Node| RECIPE.names().position(|known| known == node.name.as_str());
        let mut nodes: Vec<&Node> = reading.nodes.iter().filter(|node| *node.name != "platforms").collect();
        nodes.sort_by_key(rank);
        lets.chain(nodes.into_iter().map(|node| self.node(node, &RECIPE))).collect()
    }

    pub(super) fn node(&self, node: &Node, block: &'static dyn Block) -> ShownNode {
        let described = Language::get().node(block.what(), &node.name);
        let script = *node.name == "run" && block.what() == super::super::stages::STAGE.what;
        let arguments = node.arguments.iter().enumerate().map(|(index, value)| {
            let taken = described.and_then(|described| described.argument(index));
            let yields = node.yields.is_some_and(|mark| mark <= index);
            self.value(node, &value.value, value.place, (yields, taken, script))
        });
        let properties = node.properties.iter().map(|property| {
            let name = property.name.value.clone();
            let taken = described.and_then(|described| described.property(&name));
            let marks = (property.yields, taken, false);
            let value = self.value(node, &property.value.value, property.value.place, marks);
            ShownProperty { name, value }
        });
        let inner = block.shape(&node.name).and_then(|shape| shape.block).unwrap_or(block);
        ShownNode {
            name: node.name.value.clone(),
            arguments: arguments.collect(),
            properties: properties.collect(),
            children: node.children.as_ref().map(|all| self.block(all, inner)),
            origin: Some(self.origin(node.header, node.via.as_deref(), false)),
        }
    }

    /// The nodes of a block, that which says what it is built on first: all others stay in their order.
    fn block(&self, nodes: &[Node], block: &'static dyn Block) -> Vec<ShownNode> {
        let (bases, others): (Vec<&Node>, Vec<&Node>) =
            nodes.iter().partition(|node| matches!(node.name.as_str(), "from" | "oci"));
        bases.into_iter().chain(others).map(|node| self.node(node, block)).collect()
    }

    /// A value of `node`: whether it is a default, what it is taken as, and whether it is a script.
    fn value(
        &self,
        node: &Node,
        value: &Value,
        place: Place,
        (default, taken, script): (bool, Option<&AcceptedValue>, bool),
    ) -> ShownValue {
        // a text that stands where a number or a yes or no is wanted was read as one
        let spelled = match taken.and_then(|taken| taken.written) {
            Some(Written::Number | Written::Bool) => value.spelled(),
            _ => None,
        };
        let (data, written) = match spelled.as_ref().unwrap_or(value) {
            Value::Text(text) | Value::Filled(text) if script => (text.as_str().into(), quoted(text)),
            Value::Text(text) | Value::Filled(text) => (text.as_str().into(), quoted(&literal(text))),
            Value::Number { written, whole } => {
                let number = whole.and_then(|whole| i64::try_from(whole).ok()).map(serde_json::Value::from);
                (number.unwrap_or_else(|| written.as_str().into()), written.clone())
            }
            Value::Bool(yes) => ((*yes).into(), format!("#{yes}")),
            Value::Null | Value::Lost => (serde_json::Value::Null, "#null".to_owned()),
        };
        let script = value.text().filter(|_| script).map(str::to_owned);
        ShownValue { value: data, written, script, origin: Some(self.origin(place, node.via.as_deref(), default)) }
    }

    fn origin(&self, place: Place, via: Option<&Via>, default: bool) -> Provenance {
        let (file, line) = self.sources.position(place);
        let within = |whole: &Place| {
            whole.file == place.file && (whole.offset..whole.offset + whole.length).contains(&place.offset)
        };
        let definition = self.definitions.iter().find(|(whole, _)| within(whole)).map(|(_, name)| name.clone());
        let used = via.and_then(|via| via.chain().last()).map(|via| self.sources.line(via.used));
        let used = used.filter(|_| definition.is_some());
        Provenance { file: file.to_owned(), line, definition, used, default }
    }
}
