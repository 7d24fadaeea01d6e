//! Packages and files → segments → layers → configuration → manifest → index.
//!
//! A package is turned once into a *segment*: its files as a compressed piece of a layer, and an index of them. An
//! image's layers are such pieces put one after the other, so that a new image of known packages costs about as much as
//! hashing its bytes. What packages have in common, what they dispute, and what configuration and recipe add, is worked
//! out on the indexes alone.
//!
//! | module | does |
//! |---|---|
//! | `segment`, `stream` | a package → compressed members and an index |
//! | `tree`, `merge`, `usrmerge`, `diversion` | the indexes → one tree |
//! | `generated` | what configuration of the packages adds, by the model |
//! | `scripts` | the same, by running their scripts |
//! | `entries`, `accounts`, `capability` | what the recipe adds |
//! | `check` | whether the result can work |
//! | `layer` | pieces → a layer with both its digests |
//! | `import` | an image of a registry → one to build on |
//! | `config`, `oci`, `index` | the documents |
//! | `state`, `shelf` | what another image needs to be built on this one; reading files out of segments |

mod accounts;
mod assemble;
mod capability;
mod check;
mod config;
mod diversion;
mod entries;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzzed;
mod generated;
mod import;
mod index;
mod layer;
mod merge;
pub mod oci;
mod packages;
mod requested;
mod scripts;
mod segment;
mod shelf;
mod state;
mod stream;
mod tree;
mod usrmerge;

pub use accounts::AccountError;
pub use assemble::{AssembleInputs, BuiltImage, Configuration, assemble};
pub use check::{Finding, Need, Role};
pub use config::{CONTRACT, contract};
pub use entries::{CopyContent, ResolvedEntry};
pub use error::{EntryProblem, ImageError};
pub use import::{Foreign, import};
pub use index::index;
pub use layer::Layer;
pub use merge::Clash;
pub use packages::PackageBlob;
pub use scripts::ScriptRunner;
pub use segment::{Edits, Segment, SegmentEntry, SegmentKey};
pub use shelf::Shelf;
pub use state::InstalledPackage;
pub use stream::Stream;
pub use tree::{Content, FileTree, Last, LinkLoop, Node, Owner};

#[cfg(test)]
pub(crate) mod tests;
