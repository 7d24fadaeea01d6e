//! All nodes of the language, and where each belongs, for those who put it elsewhere.

use super::accounts::GROUP;
use super::checks::TEST;
use super::config::RUNTIME;
use super::context::Context;
use super::images::IMAGE;
use super::node::Node;
use super::parameters::PARAMETERS;
use super::project_file::{ARCHIVE, DISTRIBUTION, POLICY, PROJECT};
use super::recipe_file::RECIPE;
use super::shape::{Block, Vocabulary};
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

/// All of it, for those who find a node that they do not know.
pub(super) static VOCABULARY: Vocabulary =
    Vocabulary { elsewhere, comes_before_meaning, is_of_image: |name| IMAGE.shape(name).is_some() };

/// Every block of the language.
pub(super) fn blocks() -> impl Iterator<Item = &'static dyn Block> {
    readers().into_iter().map(|(block, _)| block)
}

/// Reads nodes of a block, and drops what they mean.
pub(super) type ReadAndDrop = fn(&[Node], &Context<'_>);

/// Every block of the language, and what reads it.
pub(super) fn readers() -> Vec<(&'static dyn Block, ReadAndDrop)> {
    macro_rules! readers {
        ($($table:expr),*) => {
            vec![$((
                &$table as &'static dyn Block,
                (|nodes: &[Node], cx: &Context<'_>| $table.read(nodes, &mut Default::default(), cx)) as ReadAndDrop,
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

/// A node that is understood before all others: it says what the file is made of.
pub(super) struct Structure {
    pub(super) name: &'static str,
    /// How it is written, in words for its values.
    pub(super) written: &'static str,
    pub(super) meaning: &'static str,
    pub(super) example: &'static str,
    /// Where it may stand.
    pub(super) stands: &'static str,
    /// What to write where it may not.
    help: &'static str,
}

pub(super) const STRUCTURE: &[Structure] = &[
    Structure {
        name: "let",
        written: "let NAME VALUE",
        meaning: "[A value](#values-and-platforms).",
        example: "let version \"1.2.3\"",
        stands: "at the top of a recipe, also in `on` and `variant` there",
        help: "put `let` at the top of the recipe",
    },
    Structure {
        name: "on",
        written: "on PLATFORM… { … }",
        meaning: "Its nodes stand there [for these platforms alone](#values-and-platforms).",
        example: "on \"linux/arm64\" { env MACHINE \"arm\" }",
        stands: "in any block of a recipe or of a definition",
        help: "recipes and definitions alone can say something `on` a platform",
    },
    Structure {
        name: "variant",
        written: "variant NAME { … }",
        meaning: "The recipe is read once for each of its [variants](#variants), with the nodes in this block.",
        example: "variant \"8.4\" { let php \"8.4\" }",
        stands: "at the top of a recipe",
        help: "put `variant` at the top of the recipe",
    },
    Structure {
        name: "include",
        written: "include FILE",
        meaning: "The [definitions of that file](#files-of-definitions), which is relative to this one.",
        example: "include \"../lib/go.kdl\"",
        stands: "at the top of `project.kdl`, a recipe, or an included file",
        help: "put `include` at the top of images/project.kdl or of a recipe",
    },
    Structure {
        name: "define",
        written: "define NAME { … }",
        meaning: "[Nodes that recipes share](#definitions).",
        example: "define \"service\" { image { require \"healthcheck\" } }",
        stands: "at the top of `project.kdl`, a recipe, or an included file",
        help: "put `define` at the top of images/project.kdl, of a recipe, or of a file that they include",
    },
    Structure {
        name: "param",
        written: "param NAME …",
        meaning: "What a definition [wants to be told](#parameters).",
        example: "param \"port\" type=\"port\" default=8080",
        stands: "at the top of a `define`",
        help: "put `param` at the top of a `define`",
    },
    Structure {
        name: "is",
        written: "is NAME PARAMETER=VALUE…",
        meaning: "Brings the nodes of a definition here.",
        example: "is \"service\" port=443",
        stands: "in a recipe, an image, a stage, a vendor, a source, and in a `define`",
        help: "a definition is used in a recipe, an image, a stage or a source",
    },
    Structure {
        name: "require",
        written: "require NODE [ARGUMENT]",
        meaning: "The block that the definition is used in must have this node in the end, with this first argument.",
        example: "require \"env\" \"PORT\"",
        stands: "in a `define` and the blocks in it",
        help: "`require` belongs in a `define`: what you write yourself need not be required",
    },
];

/// Whether a node of this name is understood before all others, where it may stand.
pub(super) fn comes_before_meaning(name: &str) -> bool {
    STRUCTURE.iter().any(|known| known.name == name)
}

/// Help for a node that is known, though not where it stands.
pub(super) fn elsewhere(name: &str) -> Option<String> {
    let structure = STRUCTURE.iter().map(|known| (known.name, known.help));
    if let Some((_, help)) = PLANNED.iter().copied().chain(structure).find(|(known, _)| *known == name) {
        return Some(help.to_owned());
    }
    let homes: Vec<&str> = blocks().filter(|block| block.shape(name).is_some()).map(|block| block.what()).collect();
    (!homes.is_empty()).then(|| format!("`{name}` belongs in {}", homes.join(" or ")))
}
