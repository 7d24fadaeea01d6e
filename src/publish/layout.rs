//! An OCI image layout (OCI image specification, image-layout.md): a folder of blobs, and an index that names images.

use std::os::unix::ffi::OsStrExt as _;

use crate::beneath::{Beneath, Emerging, Metadata, is_emerging, remove_abandoned, replace};
use crate::image::oci::{Descriptor, Index, REF_NAME, bytes};
use crate::model::Digest;
use crate::store::Store;

use super::{PublishError, PublishedImage};

/// Largest index that is read: of some ten thousand images.
const LARGEST_INDEX: u64 = 64 << 20;
/// The file that makes a folder a layout.
const MARK: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// What publishing wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Blobs that were not there.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the index changed.
    pub index: bool,
}

/// Puts `images` into the layout at `folder`: each under its references, one index over its platforms. Other images
/// that are there stay. Blobs are copied (as clones that share storage until they are written to, where the file system
/// can do that); those that are there are left alone.
///
/// # Errors
/// When the folder holds something else, or cannot be written.
pub fn layout(store: &Store, folder: &Beneath, images: &[PublishedImage<'_>]) -> Result<Written, PublishError> {
    // two builds that publish into one folder both have to read and to write its index
    let shown = folder.shown();
    let absolute = std::path::absolute(&shown).map_err(|source| PublishError::io("find", &shown, source))?;
    let _claim = store.claim("layout", &Digest::of(absolute.as_os_str().as_bytes()))?;
    for folder in [folder, &folder.join("blobs/sha256")] {
        remove_abandoned(folder).map_err(|source| PublishError::io("tidy", &folder.shown(), source))?;
    }
    let index_path = folder.join("index.json");
    let (before, text) = read_index(folder, &index_path)?;
    let mut written = Written::default();
    for image in images {
        let blobs = image.images.iter().flat_map(crate::image::BuiltImage::blobs);
        for blob in blobs.chain([image.index]) {
            copy_blob(store, folder, blob, &mut written)?;
        }
    }
    let mark = folder.join("oci-layout");
    if find(&mark)?.is_none() {
        write(&mark, MARK.as_bytes())?;
    }
    let after = bytes(&with(before.as_ref(), images));
    if text.as_deref() != Some(&after) {
        write(&index_path, &after)?;
        written.index = true;
    }
    Ok(written)
}

fn find(path: &Beneath) -> Result<Option<Metadata>, PublishError> {
    path.dir().find(path.below()).map_err(|source| PublishError::io("look at", &path.shown(), source))
}

/// The index that is there, and its text; an error when the folder is not empty and no layout.
fn read_index(folder: &Beneath, path: &Beneath) -> Result<(Option<Index>, Option<Vec<u8>>), PublishError> {
    if find(path)?.is_none() {
        let names = folder.names().map_err(|source| PublishError::io("list", &folder.shown(), source))?;
        let is_foreign = names.iter().any(|name| name != "oci-layout" && name != "blobs" && !is_emerging(name));
        return if is_foreign { Err(PublishError::NotALayout { path: folder.shown() }) } else { Ok((None, None)) };
    }
    let read = path.dir().read(path.below(), LARGEST_INDEX);
    let text = read.map_err(|source| PublishError::io("read", &path.shown(), source))?;
    let index = serde_json::from_slice(&text);
    let index = index.map_err(|source| PublishError::Index { path: path.shown(), source })?;
    Ok((Some(index), Some(text)))
}

/// The index with `images` in place of what has their references, sorted by reference.
fn with(before: Option<&Index>, images: &[PublishedImage<'_>]) -> Index {
    let named = |descriptor: &Descriptor| descriptor.annotations.get(REF_NAME).cloned();
    let is_new = |name: &String| images.iter().any(|image| image.references.contains(name));
    let kept = before.into_iter().flat_map(|index| &index.manifests);
    let mut manifests: Vec<Descriptor> =
        kept.filter(|kept| !named(kept).is_some_and(|name| is_new(&name))).cloned().collect();
    for image in images {
        for reference in &image.references {
            let mut descriptor = image.index.clone();
            descriptor.annotations.insert(REF_NAME.to_owned(), reference.clone());
            manifests.push(descriptor);
        }
    }
    manifests.sort_by_cached_key(|descriptor| (named(descriptor), descriptor.digest));
    Index::over(manifests, before.map(|index| index.annotations.clone()).unwrap_or_default())
}

fn copy_blob(store: &Store, folder: &Beneath, blob: &Descriptor, written: &mut Written) -> Result<(), PublishError> {
    let target = folder.join("blobs/sha256").join(blob.digest.hex());
    if find(&target)?.is_some_and(|there| there.is_file() && there.size == blob.size) {
        return Ok(());
    }
    let mut source = store.open_blob(&blob.digest)?.into_file();
    let mut copied = || {
        let mut emerging = Emerging::at(&target, 0o644)?;
        std::io::copy(&mut source, emerging.file_mut())?; // within the kernel, as a clone where it can
        emerging.commit()
    };
    copied().map_err(|source| PublishError::io("write", &target.shown(), source))?;
    written.blobs += 1;
    written.bytes += blob.size;
    Ok(())
}

fn write(path: &Beneath, text: &[u8]) -> Result<(), PublishError> {
    replace(path, text, 0o644).map_err(|source| PublishError::io("write", &path.shown(), source))
}
