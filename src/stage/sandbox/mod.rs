//! A sandbox made of namespaces, for root and for ordinary users alike.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// Whether a program's first argument asks for a process of the sandbox.
#[must_use]
pub fn is_entry(argument: &OsStr) -> bool {
    argument == "__sandbox" || argument == "__sandbox-init"
}

/// The processes that build the sandbox around themselves; `main` of the program hands over its arguments from the
/// first on when [`is_entry`] says so.
#[must_use]
pub fn main(_arguments: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::FAILURE
}
