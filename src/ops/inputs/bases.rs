//! Pins images of registries: the manifest for a platform behind a digest, and the blobs that it names. The registry's
//! answers are checked by the digest that the recipe names, and by those that follow from it.

use serde::Deserialize;

use crate::lock::{BasePin, BlobPin};
use crate::model::{Digest, ImageReference, Platform};
use crate::ops::error::PinError;
use crate::ops::evidence::{self, BaseBlobs};
use crate::ops::services::Services;
use crate::store::Store;

const MOST_LAYERS: usize = 127;
const LARGEST_CONFIG: u64 = 8 << 20;

/// What is read of a manifest or an index, of the OCI's or of Docker's kind: the fields are the same.
#[derive(Deserialize)]
struct Document {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    size: u64,
    platform: Option<On>,
}

#[derive(Deserialize)]
struct On {
    architecture: String,
    os: String,
    variant: Option<String>,
}

impl On {
    fn is(&self, platform: Platform) -> bool {
        let same = self.os == platform.os() && self.architecture == platform.oci_architecture();
        // arm64 has one variant, which is written or not
        let variant = self.variant.as_deref().filter(|variant| *variant != "v8" || platform.variant().is_some());
        same && variant == platform.variant()
    }
}

impl Descriptor {
    const fn pin(&self) -> BlobPin {
        BlobPin { size: self.size, digest: self.digest }
    }
}

/// Whether a pin answers `reference`, and says what the registry said here before.
pub(in crate::ops) fn is_confirmed(
    store: &Store,
    pin: &BasePin,
    reference: &ImageReference,
    platform: Platform,
) -> bool {
    let seen = evidence::base(store, reference, platform).ok().flatten();
    pin.reference == *reference && seen == Some(blobs(pin))
}

fn blobs(pin: &BasePin) -> BaseBlobs {
    BaseBlobs { config: pin.config.digest, layers: pin.layers.iter().map(|layer| layer.digest).collect() }
}

/// Asks the registry for the image behind `reference` for `platform`, and notes what it said.
pub(in crate::ops) fn pin_base(
    services: &Services<'_>,
    reference: &ImageReference,
    platform: Platform,
) -> Result<BasePin, PinError> {
    let (document, size) = read(services, reference, reference.digest())?;
    let (manifest, document) = if document.config.is_some() {
        (BlobPin { size, digest: *reference.digest() }, document)
    } else {
        let on = |descriptor: &&Descriptor| descriptor.platform.as_ref().is_some_and(|on| on.is(platform));
        let found = document.manifests.iter().find(on).ok_or_else(|| {
            let known = document.manifests.iter().filter_map(|one| one.platform.as_ref());
            let known = known.map(|on| format!("{}/{}{}", on.os, on.architecture, variant(on))).collect();
            PinError::NoPlatform { platform, known }
        })?;
        (found.pin(), read(services, reference, &found.digest)?.0)
    };
    let config = document.config.ok_or_else(|| not_an_image("it has no configuration"))?;
    if let Some(layer) = document.layers.iter().find(|layer| !layer.media_type.contains("tar")) {
        return Err(not_an_image(&format!("`{}` is not a layer of files", layer.media_type)));
    }
    if document.layers.len() > MOST_LAYERS {
        return Err(not_an_image(&format!("it has {} layers; runtimes stack {MOST_LAYERS}", document.layers.len())));
    }
    if config.size > LARGEST_CONFIG {
        return Err(not_an_image(&format!("its configuration has {} bytes", config.size)));
    }
    let layers = document.layers.iter().map(Descriptor::pin).collect();
    let pin = BasePin { reference: reference.clone(), manifest, config: config.pin(), layers };
    evidence::note_base(&services.store, reference, platform, &blobs(&pin))?;
    Ok(pin)
}

fn variant(on: &On) -> String {
    on.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default()
}

fn not_an_image(reason: &str) -> PinError {
    PinError::NotAnImage { reason: reason.to_owned() }
}

/// A document that is what its digest says, and its size.
fn read(services: &Services<'_>, reference: &ImageReference, digest: &Digest) -> Result<(Document, u64), PinError> {
    let url = reference.manifest_url(digest);
    let url = url.parse().map_err(|source| PinError::Url { url: url.clone(), source })?;
    let bytes = services.fetcher.manifest(&url)?.bytes;
    let found = Digest::of(&bytes);
    if found != *digest {
        return Err(PinError::OtherManifest { expected: *digest, found });
    }
    let document = serde_json::from_slice(&bytes).map_err(|error| not_an_image(&error.to_string()))?;
    Ok((document, bytes.len() as u64))
}
