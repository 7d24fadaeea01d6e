//! Any texts as a project's file, a recipe, and a file that both include: what has mistakes can be drawn, whatever their
//! spans; what has none can be shown, and what is shown has none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::recipe;

const NAMES: [&str; 3] = ["images/fuzz/recipe.kdl", "images/project.kdl", "images/lib/a.kdl"];

fuzz_target!(|text: &str| {
    // a zero byte, which no recipe has, parts the files
    let files: Vec<(String, String)> =
        NAMES.iter().zip(text.split('\0')).map(|(name, text)| ((*name).to_owned(), text.to_owned())).collect();
    match recipe::parse(files, "/".into()) {
        Ok(loaded) => {
            for name in loaded.project.recipes.keys() {
                let shown = loaded.unified.show(name, None, None, &loaded.project.sources).map(|shown| shown.text());
                assert!(shown.is_some());
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty() && !mistakes.to_string().is_empty());
            for report in mistakes.reports() {
                let _ = format!("{:?}", miette::Report::new(report));
            }
        }
    }
});
