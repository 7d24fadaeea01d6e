//! `import`: the recipe is data, what it does not say is for people.

use std::io::Write as _;

use super::args::{Common, FileKind, Import};
use super::terminal::{self, Colours};
use super::{Exit, setup};
use crate::import::{ImportKind, Imported};
use crate::ops::{self, OpsError};

pub(super) fn import(common: &Common, verb: &Import) -> Result<Exit, OpsError> {
    let kind = verb.kind.map(|kind| match kind {
        FileKind::Dockerfile => ImportKind::Dockerfile,
        FileKind::Apko => ImportKind::Apko,
        FileKind::Melange => ImportKind::Melange,
    });
    let imported = ops::import_file(&verb.file, kind, verb.name.clone())?;
    let written = match verb.write {
        true => Some(ops::write_import(&setup::project_root(common)?, &imported)?),
        false => None,
    };
    match (verb.json, &written) {
        (true, _) => terminal::json(&imported)?,
        (false, Some(path)) => writeln!(terminal::data(), "{path}")?,
        (false, None) => write!(terminal::data(), "{}", imported.recipe)?,
    }
    if !common.quiet && !verb.json {
        terminal::draw(&drawn(verb.file.file_name().unwrap_or_default(), &imported), Colours::Stop);
    }
    Ok(Exit::Done)
}

/// A line for each finding.
fn drawn(file: &str, imported: &Imported) -> String {
    let lines = imported.findings.iter();
    lines.map(|finding| format!("{file}:{}: {}: {}\n", finding.line, finding.what, finding.why)).collect()
}
