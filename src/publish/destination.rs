//! What images can be sent to. Each kind of output is a destination of its own, and takes what its format can hold.

use crate::beneath::Beneath;
use crate::image::BuiltImage;
use crate::store::Store;

use super::{PublishError, PublishedImage, docker_archive, layout, rootfs};

/// A place that takes images.
pub trait Destination {
    /// Writes the images, whose blobs are in `store`. Whoever reads the place sees what was there before or all of it.
    ///
    /// # Errors
    /// When its format has no room for them ([`PublishError::Takes`]), the store lacks a blob, or the place cannot be written.
    fn publish(&self, store: &Store, images: &[PublishedImage<'_>]) -> Result<(), PublishError>;
}

/// A folder in the OCI image layout, with all images in it.
#[derive(Debug)]
pub struct OciLayout(pub Beneath);

impl Destination for OciLayout {
    fn publish(&self, store: &Store, images: &[PublishedImage<'_>]) -> Result<(), PublishError> {
        layout(store, &self.0, images).map(drop)
    }
}

/// A file that `docker load` reads: images of one platform.
#[derive(Debug)]
pub struct DockerArchive(pub Beneath);

impl Destination for DockerArchive {
    fn publish(&self, store: &Store, images: &[PublishedImage<'_>]) -> Result<(), PublishError> {
        let one_each = images
            .iter()
            .map(|image| Ok((image.references.clone(), only("one platform of each image", image.images)?)));
        docker_archive(store, &self.0, &one_each.collect::<Result<Vec<_>, PublishError>>()?)
    }
}

/// A tar file with the root file system of one image for one platform.
#[derive(Debug)]
pub struct RootFsArchive(pub Beneath);

impl Destination for RootFsArchive {
    fn publish(&self, store: &Store, images: &[PublishedImage<'_>]) -> Result<(), PublishError> {
        rootfs(store, &self.0, Self::image(images)?)
    }
}

impl RootFsArchive {
    fn image<'i>(images: &[PublishedImage<'i>]) -> Result<&'i BuiltImage, PublishError> {
        let all: Vec<&BuiltImage> = images.iter().flat_map(|image| image.images).collect();
        match all[..] {
            [one] => Ok(one),
            _ => Err(PublishError::Takes { takes: "one image for one platform", given: all.len() }),
        }
    }
}

fn only<'i>(takes: &'static str, images: &'i [BuiltImage]) -> Result<&'i BuiltImage, PublishError> {
    match images {
        [one] => Ok(one),
        _ => Err(PublishError::Takes { takes, given: images.len() }),
    }
}
