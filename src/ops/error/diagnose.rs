//! An error of a verb as people read it: the message and those of all causes, the place in the recipes, the help.

use std::error::Error;
use std::io::ErrorKind;

use super::{OpsError, StepError};
use crate::diagnostic::Diagnostic;
use crate::image::ImageError;
use crate::model::{RecipeName, printable_output};
use crate::plan::{Misfit, PlanError};
use crate::stage::{RootError, ScriptsError, StageError};
use crate::store::FREE_SPACE;

impl OpsError {
    /// What people are shown, in this order. Mistakes in recipes have texts of their own and are drawn from
    /// [`OpsError::Recipes`].
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Recipes { mistakes } => mistakes.list.iter().map(crate::recipe::Mistake::diagnostic).collect(),
            Self::Steps { failures, .. } => failures.iter().flat_map(Self::diagnostics).collect(),
            Self::Plan { source: PlanError::Unfit { misfits } } => unfit(misfits),
            Self::Unsatisfiable { source, .. } => {
                let labels = source.places.iter();
                vec![labels.fold(self.drawn(""), |drawn, (place, label)| drawn.at(*place, label))]
            }
            Self::Step { source, .. } => {
                let (label, output) = match source.as_ref() {
                    StepError::Stage(StageError::Failed(failure)) => (
                        "this step",
                        format!(
                            "\n  while it ran{}{}",
                            indented(failure.script.trim_end().lines().map(str::trim_start)),
                            last(&failure.tail)
                        ),
                    ),
                    StepError::Root(RootError::Scripts { tail, .. }) => ("asked for here", last(tail)),
                    StepError::Image(ImageError::Scripts { source: ScriptsError::Failed { tail, .. } }) => {
                        ("asked for here", last(tail))
                    }
                    _ => ("asked for here", String::new()),
                };
                vec![self.labelled(self.drawn(&output), label)]
            }
            _ => vec![self.labelled(self.drawn(""), "asked for here")],
        }
    }

    /// Message, causes and help, without a place; `more` follows the causes.
    fn drawn(&self, more: &str) -> Diagnostic {
        // whatever else could be done, it needs room first
        let help = if is_full(self) { Some(FREE_SPACE.to_owned()) } else { self.help() };
        Diagnostic::new(&(chain(self) + more)).with_help(help.as_deref())
    }

    fn labelled(&self, diagnostic: Diagnostic, label: &str) -> Diagnostic {
        match self.place() {
            Some(place) => diagnostic.at(place, label),
            None => diagnostic,
        }
    }
}

/// What a lock does not answer, by recipe: each is mended by a refresh of its own.
fn unfit(misfits: &[Misfit]) -> Vec<Diagnostic> {
    let mut recipes: Vec<&RecipeName> = misfits.iter().map(|misfit| &misfit.recipe).collect();
    recipes.dedup();
    let of = |recipe: &RecipeName| {
        let of_recipe: Vec<&Misfit> = misfits.iter().filter(|misfit| misfit.recipe == *recipe).collect();
        let mut lines: Vec<String> = of_recipe.iter().map(|misfit| format!("\n  - {misfit}")).collect();
        lines.dedup();
        let mut places: Vec<_> = of_recipe.iter().map(|misfit| misfit.place).collect();
        places.sort_unstable();
        places.dedup();
        let diagnostic = Diagnostic::new(&format!("the lock does not fit recipe `{recipe}`:{}", lines.concat()))
            .with_help(Some(&format!("run `orchestrate refresh {recipe}`")));
        places.into_iter().fold(diagnostic, |diagnostic, place| diagnostic.at(place, "asked for here"))
    };
    recipes.into_iter().map(of).collect()
}

/// The message and those of all causes, each on its own line.
fn chain(error: &OpsError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let message = source.to_string();
        if !text.ends_with(&message) {
            text.push_str("\n  ");
            text.push_str(&message.replace('\n', "\n  "));
        }
        cause = source.source();
    }
    text
}

/// Whether a file system without room, or a quota that is used up, is among the causes.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let own = matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded));
    own || error.source().is_some_and(is_full)
}

/// The last lines of a log.
fn last(tail: &[String]) -> String {
    format!("\n  last lines of its output{}", indented(tail.iter().map(|line| printable_output(line))))
}

fn indented<L: std::fmt::Display>(lines: impl Iterator<Item = L>) -> String {
    lines.map(|line| format!("\n    {line}")).collect()
}
