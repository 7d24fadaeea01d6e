//! `new`: the paths of what was created are data, what to do next is for people.

use std::io::Write as _;

use super::args::{Common, New, StartFrom};
use super::terminal::{self, Colours};
use super::{Exit, setup};
use crate::ops::{self, NewReport, OpsError, Template};

pub(super) fn new(common: &Common, verb: &New) -> Result<Exit, OpsError> {
    let template = match verb.from {
        StartFrom::Go => Template::Go,
        StartFrom::Rust => Template::Rust,
        StartFrom::C => Template::C,
        StartFrom::Packages => Template::Packages,
    };
    let report = ops::new(&setup::project_root_or_here(common)?, &verb.name, template)?;
    let mut out = terminal::data();
    for path in &report.created {
        writeln!(out, "{path}")?;
    }
    if !common.quiet {
        out.flush()?;
        terminal::draw(&next(verb.name.as_str(), &report), Colours::Stop);
    }
    Ok(Exit::Done)
}

/// What to do now.
fn next(name: &str, report: &NewReport) -> String {
    let mut text = String::new();
    if report.project {
        text.push_str("this folder is a project now, with Debian 13 as its distribution\n");
    }
    if !report.looked {
        text.push_str(
            "the recipes of this project have mistakes (`orchestrate check`), so its images were not looked at\n",
        );
    }
    for image in &report.missing {
        text.push_str(&format!("the project has no image `{image}`: name another one in images/{name}/recipe.kdl\n"));
    }
    text.push_str(&format!("next: orchestrate refresh && orchestrate build {name}\n"));
    text
}
