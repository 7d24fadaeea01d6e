//! KDL text → spanned nodes → [`Project`]: what a person wrote, made concrete, with all mistakes of all files at once.

mod load;
mod mistake;
mod project;

pub use load::{Loaded, load};
pub use mistake::{Mistake, Mistakes, Report, Severity};
pub use project::*;
