//! The one installer: packages → one tree, configured, then packed as layers of an image or laid out as a root.
//!
//! A package is read once for each of the two uses. For images it becomes a *segment*, its files as a compressed piece
//! of a layer; for roots a folder, from whose files roots are linked. Either way an index says what is in it, and what
//! packages have in common, what they dispute and what configuration adds is worked out on the indexes alone.
//!
//! | module | does |
//! |---|---|
//! | `segment`, `stream` | a package → compressed members and an index |
//! | `unpacked` | a package → a folder and an index |
//! | `entry`, `relations` | the index; what packages say of each other |
//! | `tree`, `merge`, `aliases` | the indexes → one tree |
//! | `configure` | what configuration by the model adds to the tree |
//! | `set`, `installed` | the packages of an image |
//! | `root` | the packages of a root, laid out |
//! | `shelf` | reads files out of segments |

mod aliases;
mod configure;
mod cores;
mod entry;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzzed;
mod installed;
mod merge;
mod relations;
mod root;
mod segment;
mod set;
mod shelf;
pub(crate) mod stream;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod unpacked;

pub(crate) use configure::{Configuring, Effects};
pub use entry::PackageEntry;
pub use error::PackagesError;
pub use installed::InstalledPackage;
pub use merge::Clash;
pub use root::{PackageRoot, RootTree};
pub use segment::{Edits, Segment, SegmentKey};
pub(crate) use segment::{KIND as SEGMENTS, known as known_segment};
pub use set::PackageBlob;
pub(crate) use set::{ImagePackages, Packing};
pub use shelf::Shelf;
pub use stream::Stream;
pub(crate) use tree::plain_folder;
pub use tree::{Content, FileTree, Last, LinkLoop, Node, NodeOwner};
pub use unpacked::RootPackage;

#[cfg(test)]
mod tests;
