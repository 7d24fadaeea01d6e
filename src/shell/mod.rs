//! An interpreter for the shell scripts of packages. It changes a file system that somebody else keeps ([`Files`]) and
//! nothing else: there are no processes, no clock, no environment and no randomness, so a script does the same for every
//! architecture, on every computer, at all times.
//!
//! The language is that of POSIX.1-2024 as dash understands it, with what bash adds and maintainer scripts use. What a
//! script does on the path that it takes must be understood: an unknown command, an unknown option, and anything that would
//! depend on the computer end in [`Unsupported`], which says where. What it would do on other paths does not matter.
//!
//! `parse` makes an `ast` of the text, `run` walks it, `expand` turns words into fields; `builtins` belong to the shell,
//! `tools` are the small programs that every system has, and a [`Machine`] knows those of its distribution.

mod arithmetic;
mod ast;
mod builtins;
mod expand;
mod machine;
#[cfg(any(test, feature = "fuzz"))]
mod memory;
mod parse;
mod pattern;
mod run;
mod simple;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use machine::{Call, FileKind, Files, LONGEST, Machine, Program, Stat, Trouble};
#[cfg(any(test, feature = "fuzz"))]
pub use memory::Memory;
pub use tools::{PATH, is_tool, path_of};

/// The language of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `sh`, as dash understands it.
    Posix,
    /// `bash`.
    Bash,
}

impl Dialect {
    /// The language that the first line of a script names; none where it names no shell that is known.
    #[must_use]
    pub fn of(script: &[u8]) -> Option<Self> {
        let first = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = std::str::from_utf8(first.strip_prefix(b"#!")?).ok()?;
        let mut words = line.split_whitespace();
        let program = words.next()?;
        let name = if program.ends_with("/env") { words.next()? } else { program };
        match name.rsplit('/').next()? {
            "sh" | "dash" | "ash" => Some(Self::Posix),
            "bash" => Some(Self::Bash),
            _ => None,
        }
    }
}

/// A script to be run.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its language.
    pub dialect: Dialect,
    /// What it is called, as `$0`.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: &'a [&'a str],
    /// The variables that it gets.
    pub environment: &'a BTreeMap<String, String>,
}

/// What a script may use.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Commands, turns of loops, and comparisons with patterns.
    pub steps: u64,
    /// Bytes of all words, files and outputs that it makes, counted when they are made.
    pub bytes: u64,
    /// How deep functions and substitutions may call one another.
    pub depth: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { steps: 2_000_000, bytes: 256 << 20, depth: 60 }
    }
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit status.
    pub status: i32,
    /// What it wrote to its standard output.
    pub output: Vec<u8>,
    /// What it wrote to its standard error.
    pub errors: Vec<u8>,
    /// The commands that it used, builtins of the shell aside.
    pub commands: BTreeSet<String>,
    /// Commands that were run.
    pub steps: u64,
}

/// What is not understood, or not allowed, where a script ran into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The line, counted from 1.
    pub line: u32,
    /// The file that the line is in, where it is another one than the script.
    pub file: Option<String>,
    /// What it is.
    pub what: String,
}

impl Unsupported {
    /// A refusal at a line.
    pub fn new(line: u32, what: impl Into<String>) -> Self {
        Self { line, file: None, what: what.into() }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, file, what } = self;
        match file {
            Some(file) => write!(out, "line {line} of {file}: {what}"),
            None => write!(out, "line {line}: {what}"),
        }
    }
}

impl std::error::Error for Unsupported {}

/// Runs a script on a machine, which is its files and programs.
///
/// # Errors
/// When the script does something that is not understood. What it did before that has happened.
pub fn run(script: &Script<'_>, limits: Quota, machine: &mut dyn Machine) -> Result<Outcome, Unsupported> {
    let list = parse::program(script.text, script.dialect)?;
    run::Shell::new(script, limits, machine).whole(&list)
}
