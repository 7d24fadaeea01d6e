//! `show`: recipes after unification, as KDL with comments or as JSON.

use std::io::{self, IsTerminal as _, Write as _};

use super::Exit;
use super::args::{Common, Show, When};
use super::{setup, verbs};
use crate::ops::{self, OpsError};
use crate::recipe::{Part, Shown};

pub(super) fn run(common: &Common, verb: &Show) -> Result<Exit, OpsError> {
    let shown = ops::show(&setup::project_root(common)?, &verb.names, verb.platform)?;
    if verb.json {
        verbs::json(&shown)?;
        return Ok(Exit::Done);
    }
    let colour = match common.color {
        When::Auto => setup::colour(common) && io::stdout().is_terminal(),
        _ => setup::colour(common),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (index, recipe) in shown.iter().enumerate() {
        if shown.len() > 1 {
            writeln!(out, "{}// recipe {}", if index == 0 { "" } else { "\n" }, recipe.recipe)?;
        }
        match verb.plain {
            true => write!(out, "{}", recipe.text())?,
            false => print(recipe, colour, &mut out)?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Prints with comments, which are faint in colour.
fn print(recipe: &Shown, colour: bool, out: &mut impl io::Write) -> io::Result<()> {
    for line in recipe.lines() {
        for part in line {
            match part {
                Part::Code(text) => write!(out, "{text}")?,
                Part::Origin(text) if colour => write!(out, "\u{1b}[2m{text}\u{1b}[0m")?,
                Part::Origin(text) => write!(out, "{text}")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
