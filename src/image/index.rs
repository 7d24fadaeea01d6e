//! One index over the platforms of an image.

use std::collections::BTreeMap;

use crate::store::Store;

use super::oci::{self, Descriptor, Index};
use super::{BuiltImage, ImageError};

/// Stores an index over `images`, the same image on several platforms, in the order of the platforms' names.
///
/// # Errors
/// When the store cannot be written.
pub fn index(
    store: &Store,
    images: &[BuiltImage],
    annotations: BTreeMap<String, String>,
) -> Result<Descriptor, ImageError> {
    let mut images: Vec<&BuiltImage> = images.iter().collect();
    images.sort_by_key(|image| image.platform.to_string());
    let manifests = images.into_iter().map(|image| image.manifest.clone()).collect();
    let bytes = oci::bytes(&Index::over(manifests, annotations));
    Ok(Descriptor::new(oci::INDEX, store.put_blob(&bytes)?, bytes.len() as u64))
}
