//! Where each node belongs, for those who put it elsewhere.

use super::accounts::GROUP;
use super::checks::TEST;
use super::config::RUNTIME;
use super::context::Context;
use super::images::IMAGE;
use super::node::Node;
use super::parameters::PARAMETERS;
use super::project_file::{ARCHIVE, DISTRIBUTION, POLICY, PROJECT};
use super::recipe_file::RECIPE;
use super::shape::Block;
use super::sources::{DOWNLOAD, SOURCE};
use super::stages::STAGE;

macro_rules! each_table {
    ($do:ident) => {
        $do![
            PROJECT,
            ARCHIVE,
            DISTRIBUTION,
            POLICY,
            PARAMETERS,
            RECIPE,
            SOURCE,
            DOWNLOAD,
            STAGE,
            IMAGE,
            GROUP,
            RUNTIME,
            TEST
        ]
    };
}

/// Every block of the language.
pub(super) fn blocks() -> Vec<&'static dyn Block> {
    macro_rules! blocks {
        ($($table:expr),*) => { vec![$(&$table as &'static dyn Block),*] };
    }
    each_table!(blocks)
}

/// Reads nodes of a block, and drops what they mean.
type ReadAndDrop = fn(&[Node], &Context<'_>);

/// What reads each block, and the examples of its nodes.
pub(super) fn readers() -> Vec<(ReadAndDrop, Vec<&'static str>)> {
    fn examples(block: &dyn Block) -> Vec<&'static str> {
        block
            .shapes()
            .into_iter()
            .flat_map(|shape| std::iter::once(shape.example).chain(shape.also.iter().copied()))
            .collect()
    }
    macro_rules! readers {
        ($($table:expr),*) => {
            vec![$((
                (|nodes: &[Node], cx: &Context<'_>| $table.read(nodes, &mut Default::default(), cx)) as ReadAndDrop,
                examples(&$table),
            )),*]
        };
    }
    each_table!(readers)
}

/// What is planned, and what to write until then.
const PLANNED: &[(&str, &str)] = &[
    ("package", "packages of one's own cannot be built yet; copy the stage's output into the image"),
    ("start", "a test can only `run` a program yet"),
    ("wait-healthy", "a test can only `run` a program yet"),
    ("http", "a test can only `run` a program yet"),
];

/// Nodes that stand before all meaning, and where.
const BEFORE_MEANING: &[(&str, &str)] = &[
    ("let", "put `let` at the top of the recipe"),
    ("on", "recipes and definitions alone can say something `on` a platform"),
    ("define", "put `define` at the top of images/project.kdl, of a recipe, or of a file that they include"),
    ("include", "put `include` at the top of images/project.kdl or of a recipe"),
    ("param", "put `param` at the top of a `define`"),
    ("is", "a definition is used in a recipe, an image, a stage or a source"),
    ("require", "`require` belongs in a `define`: what you write yourself need not be required"),
    ("variant", "put `variant` at the top of the recipe"),
];

/// Whether a node of this name is understood before all others, where it may stand.
pub(super) fn comes_before_meaning(name: &str) -> bool {
    BEFORE_MEANING.iter().any(|(known, _)| *known == name)
}

/// Help for a node that is known, though not where it stands.
pub(super) fn elsewhere(name: &str) -> Option<String> {
    if let Some((_, help)) = PLANNED.iter().chain(BEFORE_MEANING).find(|(known, _)| *known == name) {
        return Some((*help).to_owned());
    }
    let homes: Vec<&str> =
        blocks().into_iter().filter(|block| block.shape(name).is_some()).map(|block| block.what()).collect();
    (!homes.is_empty()).then(|| format!("`{name}` belongs in {}", homes.join(" or ")))
}
