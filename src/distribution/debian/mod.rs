//! Debian: release files, package indexes, versions, relations between packages, and configured systems.

pub mod configure;
pub mod contents;
pub mod deb822;
pub mod index;
pub mod needs;
pub mod relation;
pub mod release;
pub mod sources;
pub mod version;
