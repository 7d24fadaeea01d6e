//! The command line: arguments in, data on stdout, everything else on stderr, an exit code out.

mod args;
mod audit;
mod bars;
mod check;
mod completions;
mod find;
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
mod terminal;
mod verbs;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::Arguments;
use terminal::Colours;

use crate::model::printable;

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
        terminal::say(format_args!("orchestrate has a bug: {panic}\nplease report it with the command that you gave"));
    }));
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            say_about_arguments(&error);
            return ExitCode::from(code);
        }
    };
    std::panic::catch_unwind(|| verbs::run(&arguments)).map_or(ExitCode::from(BUG), ExitCode::from)
}

/// Prints help, or what is wrong with the arguments. These are quoted, and a name that a shell put there may hold
/// anything: then nothing is coloured.
fn say_about_arguments(error: &clap::Error) {
    let plain = error.render().to_string();
    let quotes_nothing = printable(&plain) == plain && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    if error.use_stderr() {
        let coloured = quotes_nothing && terminal::people_have_a_terminal();
        let text = if coloured { error.render().ansi().to_string() } else { plain };
        terminal::draw(&text, Colours::when(coloured));
    } else {
        let coloured = quotes_nothing && terminal::data_goes_to_a_terminal();
        let text = if coloured { error.render().ansi().to_string() } else { plain };
        // a reader that has seen enough is no failure
        let _ = terminal::coloured_data(Colours::when(coloured)).write_all(text.as_bytes());
    }
}
