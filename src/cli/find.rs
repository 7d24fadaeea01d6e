//! `find`: a line per file and package, or JSON.

use std::io::Write as _;

use super::Exit;
use super::args::{Common, Find};
use super::progress::Progress;
use super::{setup, terminal};
use crate::ops::{self, OpsError, Workspace};

pub(super) fn run(common: &Common, verb: &Find, workspace: &Workspace, progress: &Progress) -> Result<Exit, OpsError> {
    let services = setup::services(common, verb.offline, progress)?;
    let platform = verb.platform.unwrap_or(services.build);
    let found = ops::find(workspace, &services, &verb.files, platform)?;
    progress.clear();
    if verb.json {
        terminal::json(&found)?;
    } else {
        let mut out = terminal::data();
        for file in &found {
            for package in &file.packages {
                writeln!(out, "{}\t{package}", file.file)?;
            }
        }
        out.flush()?;
    }
    let missing: Vec<_> = found.iter().filter(|file| file.packages.is_empty()).collect();
    if !common.quiet {
        for file in &missing {
            terminal::say(format_args!("no package for {platform} has `{}`", file.file));
        }
    }
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Failed })
}
