//! Built images into the forms that were asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::build::{ImageReport, ManifestReport};
use super::error::OpsError;
use super::output::Output;
use super::services::Services;
use crate::image::{self, BuiltImage};
use crate::model::ImageName;
use crate::publish;

/// Images by name, each with its platforms in the order of its recipe.
pub(super) type Images = BTreeMap<ImageName, Vec<Arc<BuiltImage>>>;

/// Makes each image's index and writes everything to every output.
pub(super) fn write_out(services: &Services<'_>, images: &Images, outputs: &[Output]) -> Result<Vec<ImageReport>, OpsError> {
    let mut reports = Vec::new();
    let mut indexed = Vec::new();
    for (name, platforms) in images {
        let built: Vec<&BuiltImage> = platforms.iter().map(AsRef::as_ref).collect();
        let owned: Vec<BuiltImage> = platforms.iter().map(|image| image.as_ref().clone()).collect();
        let index = image::index(&services.store, &owned, BTreeMap::new())?;
        reports.push(ImageReport {
            name: name.clone(),
            index: index.digest,
            platforms: built.iter().map(|image| manifest_report(image)).collect(),
        });
        indexed.push((name, index, built));
    }
    for output in outputs {
        match output {
            Output::Oci(folder) => {
                let images: Vec<_> = indexed.iter().map(|(name, index, built)| (*name, index, built.as_slice())).collect();
                publish::oci_layout(&services.store, folder, &images)?;
            }
            Output::DockerArchive(file) => {
                let mut one_each = Vec::new();
                for (name, _, built) in &indexed {
                    one_each.push((*name, only(output, "one platform of each image", built)?));
                }
                publish::docker_archive(&services.store, file, &one_each)?;
            }
            Output::Rootfs(file) => {
                let all: Vec<&BuiltImage> = indexed.iter().flat_map(|(_, _, built)| built.iter().copied()).collect();
                publish::rootfs(&services.store, file, only(output, "one image for one platform", &all)?)?;
            }
        }
    }
    Ok(reports)
}

fn only<'i>(output: &Output, takes: &'static str, built: &[&'i BuiltImage]) -> Result<&'i BuiltImage, OpsError> {
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
    }
}
