//! The archive that `docker load` and `podman load` read: a tar of configurations and layers, and `manifest.json`
//! (Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format"). Layers stay compressed.

use std::collections::BTreeSet;
use std::io::{BufWriter, Read};

use serde::Serialize;

use crate::archive::{Entry, EntryKind, TarWriter};
use crate::beneath::{Beneath, Emerging};
use crate::image::BuiltImage;
use crate::image::oci::{Descriptor, bytes};
use crate::model::{EPOCH, ImagePath, Mode, Platform};
use crate::store::Store;

use super::PublishError;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestEntry {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes `images` to an archive, each with its references; `latest` is the tag of those that have none. All must be
/// for one platform, because the format has no place for another.
///
/// # Errors
/// When the images are for several platforms, the store does not have them, or the file cannot be written.
pub fn docker_archive(
    store: &Store,
    file: &Beneath,
    images: &[(Vec<String>, &BuiltImage)],
) -> Result<(), PublishError> {
    let platforms: BTreeSet<Platform> = images.iter().map(|(_, image)| image.platform).collect();
    if platforms.len() > 1 {
        let platforms = platforms.into_iter().collect();
        return Err(PublishError::Platforms { output: "a docker archive", platforms });
    }
    let emerging =
        Emerging::swept_at(file, 0o644).map_err(|source| PublishError::io("create", &file.shown(), source))?;
    let mut archive = Archive { store, file, tar: TarWriter::new(BufWriter::new(emerging)), there: BTreeSet::new() };
    let mut manifest = Vec::new();
    for (references, image) in images {
        let config = format!("{}.json", image.config.digest.hex());
        archive.blob(&config, &image.config)?;
        let mut layers = Vec::new();
        for layer in &image.layers {
            let name = format!("{}.tar", layer.descriptor.digest.hex());
            archive.blob(&name, &layer.descriptor)?;
            layers.push(name);
        }
        let repo_tags = references.iter().map(|reference| tagged(reference)).collect();
        manifest.push(ManifestEntry { config, repo_tags, layers });
    }
    let manifest = bytes(&manifest);
    archive.append("manifest.json", manifest.len() as u64, manifest.as_slice())?;
    let writer = archive.tar.finish().map_err(|source| PublishError::Archive { path: file.shown(), source })?;
    let emerging = writer.into_inner().map_err(|error| PublishError::io("write", &file.shown(), error.into_error()))?;
    emerging.commit().map_err(|source| PublishError::io("write", &file.shown(), source))
}

fn tagged(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains(':') { reference.to_owned() } else { format!("{reference}:latest") }
}

struct Archive<'a> {
    store: &'a Store,
    file: &'a Beneath,
    tar: TarWriter<BufWriter<Emerging>>,
    there: BTreeSet<String>,
}

impl Archive<'_> {
    /// Adds a blob once.
    fn blob(&mut self, name: &str, blob: &Descriptor) -> Result<(), PublishError> {
        if self.there.insert(name.to_owned()) {
            let content = self.store.open_blob(&blob.digest)?;
            self.append(name, blob.size, content)?;
        }
        Ok(())
    }

    fn append(&mut self, name: &str, size: u64, content: impl Read) -> Result<(), PublishError> {
        let entry = Entry {
            path: ImagePath::new(name.as_bytes()).unwrap_or_default(), // hexadecimal digits and a suffix
            kind: EntryKind::File { size },
            mode: Mode::from_bits(0o644),
            uid: 0,
            gid: 0,
            mtime: EPOCH.seconds(),
            xattrs: Vec::new(),
        };
        self.tar.append(&entry, content).map_err(|source| PublishError::Archive { path: self.file.shown(), source })
    }
}
