//! Any text as a recipe: its mistakes can be drawn, whatever their spans.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::recipe;

fuzz_target!(|text: &str| {
    let project = include_str!("../../images/project.kdl").to_owned();
    let recipe = text.to_owned();
    let files = vec![("images/project.kdl".to_owned(), project), ("images/fuzz/recipe.kdl".to_owned(), recipe)];
    if let Err(mistakes) = recipe::parse(files, "/".into()) {
        assert!(!mistakes.is_empty() && !mistakes.to_string().is_empty());
        for report in mistakes.reports() {
            let _ = format!("{:?}", miette::Report::new(report));
        }
    }
});
