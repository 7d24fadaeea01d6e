//! Packages and files → layers → configuration → manifest → index.
//!
//! The packages of an image are merged and configured by the room `packages`, as pieces of layers. A layer is such
//! pieces put one after the other, so that a new image of known packages costs about as much as hashing its bytes.
//!
//! | module | does |
//! |---|---|
//! | `assemble` | the flow: packages, configuration, entries, layers, documents |
//! | `scripts` | configuration by running the packages' scripts |
//! | `entries`, `accounts`, `capability` | what the recipe adds |
//! | `check` | whether the result can work |
//! | `layer` | pieces → a layer with both its digests |
//! | `import` | an image of a registry → one to build on |
//! | `config`, `oci`, `index` | the documents |
//! | `state` | what another image needs to be built on this one |

mod accounts;
mod assemble;
mod capability;
mod check;
mod config;
mod entries;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzzed;
mod import;
mod index;
mod layer;
pub mod oci;
mod scripts;
mod state;

pub use accounts::AccountError;
pub use assemble::{AssembleInputs, BuiltImage, Configuration, assemble};
pub use check::{Finding, MissingFile, ProgramRole};
pub use config::{CONTRACT, contract};
pub use entries::{CopyContent, ResolvedEntry};
pub use error::{EntryProblem, ImageError};
pub use import::{Foreign, import};
pub use index::index;
pub use layer::Layer;
pub use scripts::ScriptRunner;

#[cfg(test)]
pub(crate) mod tests;
