//! Access to folders whose content others wrote: unpacked packages, sources, outputs of steps, roots, the files of a
//! project.
//!
//! A path in such a folder must not be opened by name, because any part of it may be a symbolic link to a file of the
//! machine. [`Dir`] holds a descriptor of the folder and reaches what is in it without following any link: with
//! `openat2(2)` and `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS` where the kernel has it, else one component at a time with
//! `O_NOFOLLOW`. [`resolve`] and [`follow`] follow links as a program does whose root the folder is.
//!
//! `cap-std` was considered. It keeps paths inside of a folder too, but follows links there, so that an entry of one
//! package could still be written through a link of another.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

mod dir;
mod emerging;
mod entries;
mod error;
mod link;
mod open;
mod place;
mod remove;

pub use dir::Dir;
pub use emerging::{Emerging, is_emerging, remove_abandoned, replace};
pub use entries::{Kind, Metadata};
pub use error::cause;
pub use link::{follow, resolve};
pub use place::Beneath;
pub use remove::remove_tree;

#[cfg(test)]
mod tests;
