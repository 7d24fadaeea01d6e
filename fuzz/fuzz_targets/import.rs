//! Any text as a file of others: what comes out can be read as a recipe or refused with mistakes, and never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orchestrate::model::RecipeName;
use orchestrate::ops::{ImportKind, import};
use orchestrate::recipe;

fuzz_target!(|text: &str| {
    for kind in [ImportKind::Dockerfile, ImportKind::Apko, ImportKind::Melange] {
        let name = RecipeName::new("fuzz").ok();
        if let Ok(imported) = import("File".into(), text, Some(kind), name) {
            let files = vec![("images/fuzz/recipe.kdl".to_owned(), imported.recipe)];
            if let Err(mistakes) = recipe::parse(files, "/".into()) {
                assert!(!mistakes.is_empty());
            }
        }
    }
});
