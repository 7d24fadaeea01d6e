//! Project + lock → the graph of steps, each with its key, before any work is done.
//!
//! A [`Step`] is plain data that says everything that shapes its output. Its key is the hash of that data and of the
//! keys of the steps it needs; the same value is hashed, shown by `orchestrate plan`, and executed, so the key cannot
//! forget an input. What enters which key:
//!
//! | step | key |
//! |---|---|
//! | root | versions of unpacking and merging · platform · name, version and hash of each package, in order |
//! | vendor | hash of the tree that the lock says it gives; its `inputs` are those of a stage |
//! | source | hashes of what was pinned · edits, and the hash of each patch |
//! | stage | the [`StepSpec`] that is run: scripts, the whole environment, files of the cross build, output folder, network, caches, limits, names of secrets · root · sources and where they appear · copies |
//! | base | platform · hashes of the configuration and of the layers |
//! | image | versions of segments and images, fingerprint of the rules that configure packages · the whole image node · labels, creation time · hash of each package · base · what is copied in |
//!
//! The versions are in [`crate::model::formats`]; the fingerprint moves by itself. So a store that another version of the
//! program filled never changes a result.
//!
//! Never in a key: mirrors and URLs, the contents of caches and secrets, the number of cores. A step that has a cache or a
//! secret, and every step after it, is `impure`: its result counts in the trust domain that it was made in alone.

mod builder;
mod change;
mod cross;
mod error;
mod fit;
mod format;
#[cfg(test)]
mod key_tests;
mod request;
mod selection;
mod sources;
mod spec;
mod stages;
mod step;

pub use builder::{LocalFiles, plan, vendor_plan};
pub use change::{Change, explain};
pub use cross::{CrossEnvironment, cross_environment};
pub use error::PlanError;
pub use fit::{Misfit, MisfitKind};
pub use format::{ImageFormat, RootFormat};
pub use request::{SetRequest, base_packages, image_request, source_request, stage_request};
pub use selection::Selection;
pub use spec::{Input, Network, StepSpec};
pub use step::{
    BaseWork, EditInput, ImageWork, Location, Need, PackageInput, Part, Plan, RemoteFile, Role, RootEntry, RootWork,
    SourceInput, SourceWork, StageWork, Step, StepId, Subject, VendorWork, Work,
};
