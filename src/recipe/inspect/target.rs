//! Where what a word names is declared.

use super::super::definitions::beside;
use super::super::node::Node;
use super::super::values::names_in;
use super::Inspected;
use super::locate::{Located, On};
use crate::model::{FileId, ImageName, Place};

/// The declaration of what the cursor is on; `nodes` are those of the file that it is in.
pub(super) fn declaration(project: &Inspected, file: FileId, nodes: &[Node], located: &Located<'_>) -> Option<Place> {
    let word = located.value().and_then(|value| value.value.text()).unwrap_or_default();
    if let Some(found) = names_in(word).find_map(|name| value(nodes, located, name)) {
        return Some(found);
    }
    match (located.node.name.as_str(), located.on, located.property()) {
        ("is", On::Argument(0), _) => project.definition(word).map(|(place, _)| place),
        ("is", _, Some(parameter)) => {
            let (_, node) = project.definition(&located.node.key()?)?;
            named(node.block(), "param", parameter)
        }
        ("include", On::Argument(0), _) => {
            let path = beside(&project.sources().file(file).name, word)?;
            let file = project.sources().find(path.as_str())?;
            Some(Place { file, offset: 0, length: 0 })
        }
        ("use", On::Argument(0), _) => named(nodes, "source", word),
        ("from", On::Argument(0), _) | ("image" | "stage" | "vendor", _, Some("from")) | ("test", _, Some("image")) => {
            image(project, nodes, word)
        }
        ("copy", _, Some("from")) => {
            named(nodes, "stage", word).or_else(|| named(nodes, "source", word)).or_else(|| image(project, nodes, word))
        }
        _ => None,
    }
}

/// The node of this kind whose first argument is `name`, blocks for platforms and variants included.
fn named(nodes: &[Node], kind: &str, name: &str) -> Option<Place> {
    nodes.iter().find_map(|node| match node.name.as_str() {
        "on" | "variant" => named(node.block(), kind, name),
        found if found == kind && node.key().is_some_and(|key| *key == name) => Some(node.header),
        _ => None,
    })
}

/// A value: a parameter of the definition around, else a `let` of the recipe.
fn value(nodes: &[Node], located: &Located<'_>, name: &str) -> Option<Place> {
    let definition = located.around.iter().find(|node| *node.name == "define");
    definition.map_or_else(|| named(nodes, "let", name), |definition| named(definition.block(), "param", name))
}

fn image(project: &Inspected, nodes: &[Node], name: &str) -> Option<Place> {
    let own = named(nodes, "image", name);
    let wanted = ImageName::new(name).ok()?;
    let elsewhere = || {
        let recipes = project.project.recipes.values().flat_map(|set| set.on.values());
        let images = recipes.flat_map(|recipe| recipe.images.values());
        images.filter(|image| image.name.value == wanted).map(|image| image.name.place).next()
    };
    own.or_else(elsewhere)
}
