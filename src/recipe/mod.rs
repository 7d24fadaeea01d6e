//! KDL text → spanned nodes → [`Project`]: what a person wrote, made concrete, with all mistakes of all files at once.

mod project;

pub use project::*;
