//! Integration tests: one binary, so that they link once.

mod apt_oracle;
mod architecture;
mod bad_input;
mod fidelity;
mod import;
mod ldconfig;
mod live;
mod promises;
mod recipe_cases;
mod registry;
mod roots;
mod sandbox;
mod support;
