//! `fmt`: files, or what an editor hands over.

use std::io::{self, Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::Exit;
use super::args::{Common, Fmt};
use super::progress::plural;
use super::{setup, terminal};
use crate::ops::{self, FormatMode, FormatReport, OpsError};

/// Stands for standard input.
const INPUT: &str = "-";

/// Lays out what is named, or all of the project.
pub(super) fn fmt(common: &Common, verb: &Fmt) -> Result<Exit, OpsError> {
    if verb.files.iter().any(|file| file == INPUT) {
        return match verb.files.as_slice() {
            [_] => input(verb),
            _ => Err(io::Error::other("`-` is standard input, and stands alone").into()),
        };
    }
    let (root, files) = if verb.files.is_empty() {
        let root = setup::project_root(common)?;
        let files = ops::written_files(&root)?;
        (Some(root), files)
    } else {
        // a file needs no project around it
        (setup::project_root(common).ok(), verb.files.clone())
    };
    let mode = if verb.check { FormatMode::Check } else { FormatMode::Write };
    let report = ops::format(root.as_deref(), &files, mode)?;
    print_changed(&report.changed)?;
    if !common.quiet {
        terminal::say(summary(&report, mode));
    }
    Ok(if verb.check && !report.changed.is_empty() { Exit::NotUpToDate } else { Exit::Done })
}

fn print_changed(changed: &[Utf8PathBuf]) -> Result<(), OpsError> {
    let mut out = terminal::data();
    for path in changed {
        writeln!(out, "{path}")?;
    }
    Ok(out.flush()?)
}

fn summary(report: &FormatReport, mode: FormatMode) -> String {
    let (files, changed) = (report.files, report.changed.len());
    match (changed, mode) {
        (0, _) => format!("{files} file{}: nothing to change", plural(files)),
        (_, FormatMode::Check) => format!("{changed} of {files} file{} would change", plural(files)),
        (_, FormatMode::Write) => format!("{changed} of {files} file{} changed", plural(files)),
    }
}

/// Reads a text and writes it laid out; with `--check` says only whether it would change.
fn input(verb: &Fmt) -> Result<Exit, OpsError> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    let formatted = ops::format_text("standard input", &text)?;
    if !verb.check {
        let mut out = terminal::data();
        out.write_all(formatted.as_bytes())?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    if formatted == text {
        return Ok(Exit::Done);
    }
    print_changed(&[Utf8Path::new(INPUT).to_owned()])?;
    Ok(Exit::NotUpToDate)
}
