//! `show`: recipes after unification, as KDL with comments or as JSON.

use std::io::{self, Write as _};

use super::Exit;
use super::args::{Common, Show, When};
use super::setup;
use super::terminal::{self, Colours};
use crate::model::printable;
use crate::ops::{self, OpsError};
use crate::recipe::{Shown, ShownPart};

pub(super) fn run(common: &Common, verb: &Show) -> Result<Exit, OpsError> {
    let shown = ops::show(&setup::project_root(common)?, &verb.names, verb.platform)?;
    if verb.json {
        terminal::json(&shown)?;
        return Ok(Exit::Done);
    }
    let colour = match common.color {
        When::Auto => setup::colour(common) && terminal::data_goes_to_a_terminal(),
        _ => setup::colour(common),
    };
    let people = terminal::data_goes_to_a_terminal();
    let mut out = io::BufWriter::new(terminal::coloured_data(Colours::when(colour)));
    for (index, recipe) in shown.iter().enumerate() {
        if shown.len() > 1 {
            writeln!(out, "{}// recipe {}", if index == 0 { "" } else { "\n" }, recipe.recipe)?;
        }
        match verb.plain {
            true => write!(out, "{}", recipe.text())?,
            false => print(recipe, colour, people, &mut out)?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Prints with comments, which are faint in colour, and stand above what they would not fit behind.
fn print(recipe: &Shown, colour: bool, people: bool, out: &mut impl io::Write) -> io::Result<()> {
    let width = people.then(terminal::width);
    // on a terminal the colours pass, so nothing else may look like one
    let text = |text: &str| if people { printable(text).into_owned() } else { text.to_owned() };
    let (begin, end) = if colour { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
    for line in recipe.lines() {
        match &line[..] {
            [ShownPart::Code(code), ShownPart::Origin(origin)] => {
                let (code, origin) = (text(code), text(origin));
                let fits = width.is_none_or(|width| code.chars().count() + origin.chars().count() <= width);
                let indentation = code.len() - code.trim_start().len();
                match fits {
                    true => writeln!(out, "{code}{begin}{origin}{end}")?,
                    false => writeln!(out, "{}{begin}{origin}{end}\n{}", &code[..indentation], code.trim_end())?,
                }
            }
            parts => {
                for part in parts {
                    match part {
                        ShownPart::Code(code) => write!(out, "{}", text(code))?,
                        ShownPart::Origin(origin) => write!(out, "{begin}{}{end}", text(origin))?,
                    }
                }
                writeln!(out)?;
            }
        }
    }
    Ok(())
}
