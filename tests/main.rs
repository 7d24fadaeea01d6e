//! Integration tests: one binary, so that they link once.

// `apt_oracle` compares 200 random requests with apt; it is not part of the run until every difference is explained: add
// `mod apt_oracle;` to run it.
mod architecture;
mod bad_input;
mod fidelity;
mod ldconfig;
mod live;
mod recipe_cases;
mod roots;
mod sandbox;
mod support;
