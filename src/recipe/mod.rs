//! KDL text → spanned nodes → [`Project`]: what a person wrote, made concrete, with all mistakes of all files at once.
//!
//! A file goes through `scan` (bounds, habits), `syntax` (spanned nodes), `platforms` and `values` (one reading per
//! platform, `on` and `${…}` resolved), and is then decoded by tables of nodes: one file per noun, over one `reader`.
//! What spans recipes comes last: `references` and `policy`. Definitions that unify will stand between `platforms` and
//! the tables, as a change of nodes into nodes.
//!
//! `format` lays one file out anew, from its text alone.

mod accounts;
mod checks;
mod config;
mod context;
mod decode;
mod entries;
mod format;
mod habits;
mod images;
mod load;
mod mistake;
mod nearest;
mod node;
mod platforms;
mod policy;
mod project;
mod project_file;
mod reader;
mod reads;
mod recipe_file;
mod references;
mod scan;
mod sink;
mod sources;
mod stages;
mod syntax;
mod values;
mod vocabulary;

pub use format::format;
pub use load::{Loaded, load, parse};
pub use mistake::{Mistake, Mistakes, Report, Severity};
pub use project::*;

#[cfg(test)]
mod tests;
