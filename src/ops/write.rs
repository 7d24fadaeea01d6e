//! Built images into the forms that were asked for.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::error::OpsError;
use super::output::Output;
use super::services::Services;
use crate::beneath::Beneath;
use crate::image::oci::Descriptor;
use crate::image::{self, BuiltImage};
use crate::model::{Digest, ImageName, Platform};
use crate::publish::{self, PublishedImage};

/// Images by name, each with its platforms in the order of its recipe.
pub(super) type Images = BTreeMap<ImageName, Vec<BuiltImage>>;

/// An image that was built.
#[derive(Debug, Serialize)]
pub struct ImageReport {
    /// Its name.
    pub name: ImageName,
    /// Its index over all platforms.
    pub index: Digest,
    /// Its manifests.
    pub platforms: Vec<ManifestReport>,
}

/// An image for one platform.
#[derive(Debug, Serialize)]
pub struct ManifestReport {
    /// The platform.
    pub platform: Platform,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Bytes of its layers, as they are stored and sent.
    pub size: u64,
    /// Number of layers.
    pub layers: usize,
    /// What was left out on purpose, waived, or done by an exception that the recipe declares: a line each, also when the
    /// image was there already.
    pub notes: Vec<String>,
}

/// Makes each image's index and writes everything to every output.
pub(super) fn write_out(
    services: &Services<'_>,
    project: &Path,
    images: &Images,
    outputs: &[Output],
) -> Result<Vec<ImageReport>, OpsError> {
    let store = &services.store;
    let mut indexed = Vec::new();
    for (name, platforms) in images {
        let index = image::index(store, platforms, BTreeMap::new())?;
        indexed.push((name.to_string(), index, platforms.as_slice()));
    }
    for output in outputs {
        match output {
            Output::Oci(folder) => {
                let published = indexed.iter().map(|(name, index, images)| PublishedImage {
                    references: vec![name.clone()],
                    index,
                    images,
                });
                publish::layout(store, &place(project, folder, folder)?, &published.collect::<Vec<_>>())?;
            }
            Output::DockerArchive(file) => {
                let one_each = indexed.iter().map(|(name, _, images)| {
                    Ok((vec![name.clone()], only(output, "one platform of each image", images)?))
                });
                publish::docker_archive(
                    store,
                    &place(project, file, parent(file))?,
                    &one_each.collect::<Result<Vec<_>, OpsError>>()?,
                )?;
            }
            Output::Rootfs(file) => {
                let all: Vec<BuiltImage> = images.values().flatten().cloned().collect();
                publish::rootfs(
                    store,
                    &place(project, file, parent(file))?,
                    only(output, "one image for one platform", &all)?,
                )?;
            }
        }
    }
    let report = |((name, platforms), (_, index, _)): ((&ImageName, &Vec<BuiltImage>), &(String, _, _))| ImageReport {
        name: name.clone(),
        index: digest_of(index),
        platforms: platforms.iter().map(manifest_report).collect(),
    };
    Ok(images.iter().zip(&indexed).map(report).collect())
}

fn parent(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// An output's place, whose `folder` is made when it is not there. A path that the user gave is theirs, links in it
/// included. Within the project it may be anybody's who changes the project: no link in there is followed.
fn place(project: &Path, path: &Path, folder: &Path) -> Result<Beneath, OpsError> {
    let here = Path::new(".");
    let absolute = |path: &Path| std::path::absolute(if path.as_os_str().is_empty() { here } else { path });
    let (root, path, folder) = (absolute(project)?, absolute(path)?, absolute(folder)?);
    if let Ok(below) = path.strip_prefix(&root) {
        let place = Beneath::open(&root)?.join(below);
        place.dir().create_dir_all(folder.strip_prefix(&root).unwrap_or(below))?;
        return Ok(place);
    }
    fs_err::create_dir_all(&folder)?;
    let below = path.strip_prefix(&folder).unwrap_or(Path::new("")).to_owned();
    Ok(Beneath::open(&folder)?.join(below))
}

fn digest_of(index: &Descriptor) -> Digest {
    index.digest
}

fn only<'i>(output: &Output, takes: &'static str, built: &'i [BuiltImage]) -> Result<&'i BuiltImage, OpsError> {
    match built {
        [one] => Ok(one),
        _ => Err(OpsError::Output { output: output.to_string(), takes, given: built.len() }),
    }
}

fn manifest_report(image: &BuiltImage) -> ManifestReport {
    ManifestReport {
        platform: image.platform,
        manifest: image.manifest.digest,
        size: image.layers.iter().map(|layer| layer.descriptor.size).sum(),
        layers: image.layers.len(),
        notes: image.notes.clone(),
    }
}
