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
use crate::publish::{Destination, DockerArchive, OciLayout, PublishError, PublishedImage, RootFsArchive};
use crate::store::Store;

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
    let mut indexes = Vec::new();
    for platforms in images.values() {
        indexes.push(image::index(&services.store, platforms, BTreeMap::new())?);
    }
    let published: Vec<PublishedImage<'_>> = images
        .iter()
        .zip(&indexes)
        .map(|((name, images), index)| PublishedImage { references: vec![name.to_string()], index, images })
        .collect();
    for output in outputs {
        publish(&services.store, output, destination(project, output)?.as_ref(), &published)?;
    }
    let report = |((name, platforms), index): ((&ImageName, &Vec<BuiltImage>), &Descriptor)| ImageReport {
        name: name.clone(),
        index: index.digest,
        platforms: platforms.iter().map(manifest_report).collect(),
    };
    Ok(images.iter().zip(&indexes).map(report).collect())
}

/// Sends images to a destination, which is called as the user wrote it where it has no room for them.
fn publish(
    store: &Store,
    output: &Output,
    destination: &dyn Destination,
    images: &[PublishedImage<'_>],
) -> Result<(), OpsError> {
    destination.publish(store, images).map_err(|error| match error {
        PublishError::Takes { takes, given } => OpsError::Output { output: output.to_string(), takes, given },
        other => other.into(),
    })
}

/// What an output of the command line stands for.
fn destination(project: &Path, output: &Output) -> Result<Box<dyn Destination>, OpsError> {
    Ok(match output {
        Output::Oci(folder) => Box::new(OciLayout(place(project, folder, folder)?)),
        Output::DockerArchive(file) => Box::new(DockerArchive(place(project, file, parent(file))?)),
        Output::Rootfs(file) => Box::new(RootFsArchive(place(project, file, parent(file))?)),
    })
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

fn manifest_report(image: &BuiltImage) -> ManifestReport {
    ManifestReport {
        platform: image.platform,
        manifest: image.manifest.digest,
        size: image.layers.iter().map(|layer| layer.descriptor.size).sum(),
        layers: image.layers.len(),
        notes: image.notes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::image::tests::bench::{Bench, plain};

    /// Keeps the names of what it was sent, and has room for one image.
    struct Shelf(RefCell<Vec<String>>);

    impl Destination for Shelf {
        fn publish(&self, _: &Store, images: &[PublishedImage<'_>]) -> Result<(), PublishError> {
            let [one] = images else {
                return Err(PublishError::Takes { takes: "one image", given: images.len() });
            };
            self.0.borrow_mut().extend(one.references.iter().map(|name| format!("{name} {}", one.index.digest)));
            Ok(())
        }
    }

    #[test]
    fn a_destination_says_what_it_takes_and_the_error_names_the_output() {
        let bench = Bench::new();
        let built = [bench.image(&plain("one"), None, &[])];
        let index = image::index(&bench.store, &built, BTreeMap::new()).expect("an index");
        let named = |name: &str| PublishedImage { references: vec![name.to_owned()], index: &index, images: &built };
        let (shelf, output) = (Shelf(RefCell::default()), Output::Rootfs("x.tar".into()));
        let error = publish(&bench.store, &output, &shelf, &[named("one"), named("two")]).expect_err("too many");
        assert_eq!(error.to_string(), "`rootfs:x.tar` takes one image, and 2 were asked for");
        publish(&bench.store, &output, &shelf, &[named("one")]).expect("room for one");
        assert_eq!(*shelf.0.borrow(), [format!("one {}", index.digest)]);
    }
}
