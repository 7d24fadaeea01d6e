//! The command line: arguments in, data on stdout, everything else on stderr, an exit code out.

mod args;
mod audit;
mod check;
mod completions;
mod fmt;
mod import;
mod lsp;
mod man;
mod memory;
mod new;
mod progress;
mod report;
mod setup;
mod show;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use args::Arguments;

/// How a run ended (docs/commands.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// Something is wrong that the user can mend.
    Failed = 1,
    /// `--check` found something that is not up to date.
    NotUpToDate = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A bug of ours.
const BUG: u8 = 70;

/// Runs the program with the given arguments (the program's name first).
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    memory::bound();
    std::panic::set_hook(Box::new(|panic| {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "orchestrate has a bug: {panic}\nplease report it with the command that you gave"
        );
    }));
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print(); // nobody is left to tell
            return ExitCode::from(code);
        }
    };
    std::panic::catch_unwind(|| verbs::run(&arguments)).map_or(ExitCode::from(BUG), ExitCode::from)
}
