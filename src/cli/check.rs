//! `check`: findings drawn for people, or printed for programs.

use super::Exit;
use super::args::{Check, Common};
use super::progress::plural;
use super::{report, setup, terminal};
use crate::diagnostic::Severity;
use crate::model::Platform;
use crate::ops::{self, CheckReport, OpsError};

pub(super) fn run(common: &Common, verb: &Check) -> Result<Exit, OpsError> {
    let build = Platform::of_this_machine().ok_or(OpsError::UnknownMachine)?;
    let found = ops::check(&setup::project_root(common)?, build)?;
    if verb.sarif {
        terminal::json(&found.sarif())?;
    } else if verb.json {
        terminal::json(&found.json())?;
    } else {
        report::mistakes(&found.mistakes(), setup::colour(common));
    }
    if !common.quiet {
        terminal::say(summary(&found));
    }
    Ok(if found.failed(verb.strict) { Exit::Failed } else { Exit::Done })
}

fn summary(found: &CheckReport) -> String {
    let errors = found.findings.iter().filter(|finding| finding.mistake.severity == Severity::Error).count();
    let warnings = found.findings.len() - errors;
    let CheckReport { recipes, images, steps, .. } = found;
    let looked = format!("{recipes} recipes, {images} images, {steps} steps");
    match (errors, warnings) {
        (0, 0) => format!("{looked}: recipes and lock fit, nothing was found"),
        (0, _) => format!("{looked}: recipes and lock fit; {warnings} warning{}", plural(warnings)),
        (_, 0) => format!("{errors} mistake{}", plural(errors)),
        _ => format!("{errors} mistake{}, {warnings} warning{}", plural(errors), plural(warnings)),
    }
}
