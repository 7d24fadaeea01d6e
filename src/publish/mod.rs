//! Images in the store → what other tools read: an OCI layout, a docker archive, a root file system.
//!
//! Whatever is written appears under its name only when it is complete, and never shares storage with the store that a
//! user could change it through.

mod destination;
mod docker;
mod error;
mod layout;
mod rootfs;

use crate::image::BuiltImage;
use crate::image::oci::Descriptor;

pub use destination::{Destination, DockerArchive, OciLayout, RootFsArchive};
pub use docker::docker_archive;
pub use error::PublishError;
pub use layout::{Written, layout};
pub use rootfs::rootfs;

/// An image on all its platforms, under the names by which it is published.
#[derive(Debug)]
pub struct PublishedImage<'a> {
    /// `name`, and `name:tag` for each extra tag.
    pub references: Vec<String>,
    /// The index over its platforms.
    pub index: &'a Descriptor,
    /// The image on each platform.
    pub images: &'a [BuiltImage],
}

#[cfg(test)]
mod tests;
