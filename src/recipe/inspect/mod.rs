//! A project as an editor looks at it: with mistakes in it, half written, and asked about the word under the cursor.

mod hover;
mod locate;
mod target;

#[cfg(test)]
mod tests;

use crate::model::{FileId, Place, SourceMap};

use super::language::without_links;
use super::node::Node;
use super::show::UnifiedProject;
use super::{Mistakes, Project, syntax};

use locate::locate;

/// A project as far as it can be read.
#[derive(Debug)]
pub struct Inspected {
    /// All that is wrong with it, or worth a second look.
    pub mistakes: Mistakes,
    pub(super) project: Project,
    pub(super) unified: UnifiedProject,
}

/// What is known of the word under the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// Markdown.
    pub text: String,
    /// The word.
    pub place: Place,
}

/// A node that could be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its name.
    pub name: String,
    /// How it is written.
    pub example: String,
    /// What it means, in Markdown.
    pub meaning: String,
}

impl Inspected {
    /// What could be read of the project.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The texts of all files that were read.
    #[must_use]
    pub fn sources(&self) -> &SourceMap {
        &self.project.sources
    }

    /// What is known of the word at byte `offset` of the file called `name`.
    #[must_use]
    pub fn hover(&self, name: &str, offset: usize) -> Option<Hover> {
        let (_, nodes) = self.nodes(name)?;
        hover::hover(self, &locate(&nodes, name, offset)?)
    }

    /// Where what is named at byte `offset` of the file called `name` is declared.
    #[must_use]
    pub fn declaration(&self, name: &str, offset: usize) -> Option<Place> {
        let (file, nodes) = self.nodes(name)?;
        target::declaration(self, file, &nodes, &locate(&nodes, name, offset)?)
    }

    /// The nodes that may be written at byte `offset` of the file called `name`, where no node is yet.
    #[must_use]
    pub fn proposals(&self, name: &str, offset: usize) -> Vec<Proposal> {
        let Some((_, nodes)) = self.nodes(name) else { return Vec::new() };
        let shapes = locate::blocks_at(&nodes, name, offset).into_iter().flat_map(|block| block.shapes());
        let node = |shape: &'static super::shape::Shape| Proposal {
            name: shape.name.to_owned(),
            example: shape.example.to_owned(),
            meaning: without_links(shape.meaning),
        };
        let own = shapes.map(node);
        let definitions = self.unified.definitions.iter().map(|(_, definition)| Proposal {
            name: format!("is \"{definition}\""),
            example: format!("is \"{definition}\""),
            meaning: "Uses this definition.".to_owned(),
        });
        own.chain(definitions).collect()
    }

    /// What a file says by itself.
    fn nodes(&self, name: &str) -> Option<(FileId, Vec<Node>)> {
        let file = self.sources().find(name)?;
        let text = &self.sources().file(file).text;
        Some((file, syntax::parse(file, text).nodes?))
    }

    /// The `define` node of this name, where it stands.
    fn definition(&self, name: &str) -> Option<(Place, Node)> {
        let (place, _) = self.unified.definitions.iter().find(|(_, known)| known == name)?;
        let text = &self.sources().file(place.file).text;
        let nodes = syntax::parse(place.file, text).nodes?;
        let found = |node: &Node| *node.name == "define" && node.key().is_some_and(|key| *key == name);
        nodes.into_iter().find(found).map(|node| (node.header, node))
    }

    fn text(&self, place: Place) -> &str {
        let (start, end) = (place.offset as usize, (place.offset + place.length) as usize);
        self.sources().file(place.file).text.get(start..end).unwrap_or_default()
    }
}
