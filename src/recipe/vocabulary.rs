//! Where each node belongs, for those who put it elsewhere.

use super::accounts::GROUP;
use super::checks::TEST;
use super::config::RUNTIME;
use super::images::IMAGE;
use super::project_file::{ARCHIVE, DISTRIBUTION, POLICY, PROJECT};
use super::recipe_file::RECIPE;
use super::sources::{DOWNLOAD, SOURCE};
use super::stages::STAGE;

/// Every block of the language: what it is, and its nodes with an example of each.
pub(super) fn blocks() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    macro_rules! blocks {
        ($($table:expr),*) => {
            vec![$(($table.what, $table.rows.iter().map(|row| (row.name, row.example)).collect())),*]
        };
    }
    blocks![PROJECT, ARCHIVE, DISTRIBUTION, POLICY, RECIPE, SOURCE, DOWNLOAD, STAGE, IMAGE, GROUP, RUNTIME, TEST]
}

/// What is planned, and what to write until then.
const PLANNED: &[(&str, &str)] = &[
    ("define", "definitions cannot be read yet; write their nodes where they are used"),
    ("param", "definitions cannot be read yet; write their nodes where they are used"),
    ("is", "definitions cannot be read yet; write the nodes themselves"),
    ("require", "constraints cannot be read yet; remove it"),
    ("include", "files cannot be included yet; write the nodes here"),
    ("variant", "variants cannot be read yet; write one recipe for each"),
    ("package", "packages of one's own cannot be built yet; copy the stage's output into the image"),
    ("start", "a test can only `run` a program yet"),
    ("wait-healthy", "a test can only `run` a program yet"),
    ("http", "a test can only `run` a program yet"),
];

/// Help for a node that is known, though not where it stands.
pub(super) fn elsewhere(name: &str) -> Option<String> {
    match name {
        "let" => return Some("put `let` at the top of the recipe".to_owned()),
        "on" => return Some("recipes alone can say something `on` a platform".to_owned()),
        _ => {}
    }
    if let Some((_, help)) = PLANNED.iter().find(|(planned, _)| *planned == name) {
        return Some((*help).to_owned());
    }
    let homes: Vec<String> = blocks()
        .into_iter()
        .filter(|(_, rows)| rows.iter().any(|(known, _)| *known == name))
        .map(|(what, _)| what.to_owned())
        .collect();
    (!homes.is_empty()).then(|| format!("`{name}` belongs in {}", homes.join(" or ")))
}
