//! Errors and mistakes on standard error.

use super::terminal::{self, Colours};
use crate::diagnostic::Style;
use crate::model::SourceMap;
use crate::ops::OpsError;
use crate::recipe::Mistakes;

/// Draws `error`, over the lines of the recipes that it is about.
pub(super) fn report(error: &OpsError, sources: Option<&SourceMap>, colour: bool) {
    if let OpsError::Recipes { mistakes: found } = error {
        mistakes(found, colour);
        let count = found.list.len();
        terminal::say(format!("{count} mistake{} in the recipes", super::progress::plural(count)));
        return;
    }
    let drawn = error.diagnostics().iter().map(|diagnostic| diagnostic.draw(sources, style(colour)) + "\n").collect();
    show(drawn, colour);
}

/// Draws mistakes.
pub(super) fn mistakes(mistakes: &Mistakes, colour: bool) {
    show(mistakes.draw(style(colour)), colour);
}

fn style(colour: bool) -> Style {
    Style { width: terminal::width(), colour }
}

fn show(drawn: String, colour: bool) {
    terminal::draw(&drawn, Colours::when(colour));
}
