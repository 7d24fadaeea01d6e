//! Images in the store → what other tools read: an OCI layout, a docker archive, a root file system.
//!
//! Whatever is written appears under its name only when it is complete, and never shares storage with the store that a
//! user could change it through.

mod docker;
mod error;
mod layout;
mod rootfs;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::image::BuiltImage;
use crate::image::oci::Descriptor;

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

/// A file that appears under its name when it is complete; nothing stays of it when it is dropped before.
struct Emerging {
    file: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Emerging {
    /// Begins a file that will be at `target`; its folder is made when it is not there.
    fn at(target: &Path) -> Result<Self, PublishError> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io = |source| PublishError::io("create", target, source);
        fs_err::create_dir_all(folder).map_err(io)?;
        let file = tempfile::Builder::new().prefix(".orchestrate-").tempfile_in(folder).map_err(io)?;
        Ok(Self { file, target: target.to_owned() })
    }

    /// Gives the file its name.
    fn commit(mut self) -> Result<(), PublishError> {
        let target = self.target;
        let io = |source| PublishError::io("write", &target, source);
        self.file.flush().map_err(io)?;
        self.file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(io)?;
        self.file.persist(&target).map_err(|error| io(error.error))?;
        Ok(())
    }
}

impl std::io::Write for Emerging {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
