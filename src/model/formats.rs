//! Versions of what this program makes. Each but the last is part of the keys of the steps that it shapes, so that a store filled by
//! another version of the program never changes a result.
//!
//! Raise one when the same inputs give other bytes from now on, and say why in the commit. A test compares the digests
//! of a small project with those that are written down; it fails when one moves and no number here did.

/// How a pinned tree is unpacked and edited.
pub const SOURCE: u32 = 1;
/// How outputs of vendor steps are named, which locks hold.
pub const VENDORED: u32 = 1;
/// How a build step runs, beyond what its key says, and how its output is kept. 2: caches and limits are in the key.
pub const STAGE: u32 = 2;
/// How packages are unpacked for roots. 2: with an index of what is in them.
pub const UNPACKED: u32 = 2;
/// How roots are made of unpacked packages. 2: they are configured by the model.
pub const ROOT: u32 = 2;
/// How a package becomes a piece of a layer.
pub const SEGMENT: u32 = 1;
/// How images of registries are read.
pub const BASE: u32 = 1;
/// How images are assembled.
pub const IMAGE: u32 = 3;
/// How the store writes down that it saw a pin give what a lock says. It is in the names of these records, in no key.
pub const EVIDENCE: u32 = 1;
