//! The fast tests: made archives, servers on this machine, no root and no network. `cargo test` runs them after those of
//! the library; what takes more is in `tests/system`. One binary, so that they link once.

#![allow(clippy::disallowed_methods, reason = "tests follow paths in folders of their own")]

mod architecture;
mod audit;
mod bad_input;
mod check;
mod circles;
mod distributions;
mod editors;
mod format;
mod golden;
mod hostile {
    //! Attacks that need nothing but the program.
    mod network;
    mod recipes;
    mod terminal;
}
mod import;
mod lsp;
mod promises;
mod random_recipes;
mod recipe_cases;
mod runs;
mod seams;
#[allow(dead_code, reason = "tests/system uses all of it")]
mod support;
mod variants;
