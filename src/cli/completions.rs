//! `completions`: scripts that know verbs and options, and ask the program itself for what a project has: images,
//! recipes, platforms. And `list --names`, which answers them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Exit;
use super::args::{Arguments, Common, Names};
use super::{setup, terminal};
use crate::ops::OpsError;
use crate::recipe;

/// Prints the script for a shell.
pub(super) fn run(shell: Shell) -> Result<Exit, OpsError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "orchestrate", &mut script);
    let script = String::from_utf8_lossy(&script);
    let script = match shell {
        Shell::Bash => format!("{script}{}", include_str!("completions/names.bash")),
        Shell::Zsh => zsh(&script),
        Shell::Fish => format!("{script}{}", include_str!("completions/names.fish")),
        _ => script.into_owned(),
    };
    terminal::data().write_all(script.as_bytes())?;
    Ok(Exit::Done)
}

/// What zsh is to offer for arguments and options of these descriptions, instead of files.
const ZSH: &[(&str, &str)] = &[
    (":images -- ", "_orchestrate_images"),
    (":recipes -- ", "_orchestrate_recipes"),
    (":names -- ", "_orchestrate_recipes"),
    ("--platform=", "_orchestrate_platforms"),
    ("-p+", "_orchestrate_platforms"),
];

fn zsh(script: &str) -> String {
    let line = |line: &str| match ZSH.iter().find(|(description, _)| line.contains(description)) {
        Some((_, function)) => line.replace(":_default'", &format!(":{function}'")) + "\n",
        None => line.to_owned() + "\n",
    };
    let script: String = script.lines().map(line).collect();
    // the functions have to be there before the script calls its own
    match script.split_once("\n_orchestrate() {") {
        Some((head, rest)) => format!("{head}\n{}\n_orchestrate() {{{rest}", include_str!("completions/names.zsh")),
        None => script,
    }
}

/// Prints names, one a line: of all that can be read, and nothing where there is no project.
pub(super) fn names(common: &Common, wanted: Names) -> Result<Exit, OpsError> {
    let Ok(root) = setup::project_root(common) else { return Ok(Exit::Done) };
    let found = recipe::inspect(&root, &BTreeMap::new());
    let sets = found.project().recipes.values();
    let names: BTreeSet<String> = match wanted {
        Names::Images => sets
            .flat_map(|set| set.on.values())
            .flat_map(|recipe| recipe.images.keys())
            .map(ToString::to_string)
            .collect(),
        Names::Recipes => sets.map(|set| set.name.to_string()).collect(),
        Names::Platforms => sets.flat_map(|set| &set.platforms).map(ToString::to_string).collect(),
    };
    let mut out = terminal::data();
    for name in names {
        writeln!(out, "{name}")?;
    }
    Ok(Exit::Done)
}
