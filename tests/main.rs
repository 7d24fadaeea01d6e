//! Integration tests: one binary, so that they link once.

#![allow(clippy::disallowed_methods, reason = "tests follow paths in folders of their own")]

mod apt_oracle;
mod architecture;
mod audit;
mod bad_input;
mod check;
mod editors;
#[allow(dead_code, reason = "the campaign uses all of it")]
mod faults;
mod fidelity;
mod format;
mod golden;
mod hostile;
mod import;
mod ldconfig;
mod live;
mod lsp;
mod promises;
mod random_recipes;
mod recipe_cases;
mod registry;
mod roots;
mod runs;
mod sandbox;
mod scripts;
mod support;
mod variants;
