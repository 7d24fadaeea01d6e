//! Images in the store → what other tools read: an OCI layout, a docker archive, a root file system.
//!
//! Whatever is written appears under its name only when it is complete, and never shares storage with the store that a
//! user could change it through.

mod docker;
mod error;
mod layout;
mod rootfs;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::beneath::Beneath;
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
    file: File,
    folder: Beneath,
    /// What it is called meanwhile.
    hidden: OsString,
    target: OsString,
    done: bool,
}

impl Emerging {
    /// Begins a file that will be at `target`, in place of a file or link that may be there.
    fn at(target: &Beneath) -> Result<Self, PublishError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let io = |source| PublishError::io("create", &target.shown(), source);
        let nameless = || io(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it has no name"));
        let name = target.below().file_name().ok_or_else(nameless)?.to_owned();
        let folder = Beneath::new(target.shared_dir(), target.below().parent().unwrap_or(Path::new("")));
        folder.dir().create_dir_all(folder.below()).map_err(io)?;
        let hidden: OsString =
            format!(".orchestrate-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into();
        // of a process with the same number that was killed
        folder.dir().remove_file(folder.below().join(&hidden)).map_err(io)?;
        let file = folder.dir().create_file(folder.below().join(&hidden), 0o644).map_err(io)?;
        Ok(Self { file, folder, hidden, target: name, done: false })
    }

    /// Gives the file its name.
    fn commit(mut self) -> Result<(), PublishError> {
        let (from, to) = (self.folder.join(&self.hidden), self.folder.join(&self.target));
        let renamed = self.folder.dir().rename(from.below(), self.folder.dir(), to.below());
        renamed.map_err(|source| PublishError::io("write", &to.shown(), source))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Emerging {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.folder.dir().remove_file(self.folder.join(&self.hidden).below()); // the failure is told already
        }
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
