//! KDL text → spanned nodes → [`Project`]: what a person wrote, made concrete, with all mistakes of all files at once.
//!
//! A file goes through `scan` (bounds, habits), `syntax` (spanned nodes), `definitions` (what recipes share), `file`,
//! `platforms` and `values` (one reading per variant and platform, `on` and `${…}` resolved), `uses` and `unify` (what
//! definitions bring, made one with what is written), and is then decoded by tables of nodes: one file per noun, over
//! one `reader`. What spans recipes comes last: `references`, `policy` and `unused`.
//!
//! `format` lays one file out anew, from its text alone.

mod accounts;
mod bases;
mod budget;
mod caches;
mod checks;
mod config;
mod context;
mod decode;
mod definitions;
mod drafts;
mod entries;
mod file;
mod format;
mod habits;
mod images;
mod inspect;
mod language;
mod load;
mod mistake;
mod node;
mod not_yet;
mod parameters;
mod platforms;
mod policy;
mod project;
mod project_dir;
mod project_file;
mod read;
mod reader;
mod reads;
mod recipe_file;
mod record;
mod references;
mod scan;
mod shape;
mod show;
mod sink;
mod sources;
mod stages;
mod syntax;
mod unify;
mod unused;
mod uses;
mod values;
mod variables;
mod vocabulary;

pub(crate) use caches::filled_folder;
pub use format::format;
pub use inspect::{Hover, Inspected, Proposal};
pub use language::{LanguageDescription, language};
pub use load::{Loaded, inspect, load, parse};
pub use mistake::{Mistake, Mistakes};
pub use project::*;
pub use project_dir::ProjectDir;
pub use show::{Provenance, Shown, ShownPart, UnifiedProject};
pub use syntax::LARGEST as LARGEST_FILE;

#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
