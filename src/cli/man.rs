//! `man`: manual pages, made of what the command line is parsed with.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::io::Write as _;

use camino::Utf8Path;
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::args::Arguments;
use super::{Exit, terminal};
use crate::ops::OpsError;

/// Writes `orchestrate.1` and a page for each verb into `folder`, else the first of them on standard output.
pub(super) fn run(folder: Option<&Utf8Path>) -> Result<Exit, OpsError> {
    // nobody reads a manual page about `help`
    let command = Arguments::command().disable_help_subcommand(true);
    match folder {
        Some(folder) => {
            fs_err::create_dir_all(folder)?;
            clap_mangen::generate_to(command, folder)?;
        }
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            terminal::data().write_all(&page)?;
        }
    }
    Ok(Exit::Done)
}
