//! An OCI image layout (OCI image specification, image-layout.md): a folder of blobs, and an index that names images.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::image::oci::{Descriptor, Index, REF_NAME, bytes};
use crate::model::Digest;
use crate::store::Store;

use super::{Emerging, PublishError, PublishedImage};

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
pub fn layout(store: &Store, folder: &Path, images: &[PublishedImage<'_>]) -> Result<Written, PublishError> {
    // two builds that publish into one folder both have to read and to write its index
    let absolute = std::path::absolute(folder).map_err(|source| PublishError::io("find", folder, source))?;
    let _claim = store.claim("layout", &Digest::of(absolute.as_os_str().as_bytes()))?;
    let index_path = folder.join("index.json");
    let before = read_index(folder, &index_path)?;
    let mut written = Written::default();
    for image in images {
        let blobs = image.images.iter().flat_map(crate::image::BuiltImage::blobs);
        for blob in blobs.chain([image.index]) {
            copy_blob(store, folder, blob, &mut written)?;
        }
    }
    let mark = folder.join("oci-layout");
    if !mark.exists() {
        write(&mark, MARK.as_bytes())?;
    }
    let after = bytes(&with(before.as_ref(), images));
    if fs_err::read(&index_path).ok().as_deref() != Some(&after) {
        write(&index_path, &after)?;
        written.index = true;
    }
    Ok(written)
}

/// The index that is there; an error when the folder is not empty and no layout.
fn read_index(folder: &Path, path: &Path) -> Result<Option<Index>, PublishError> {
    let text = match fs_err::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let ours = |name: &std::ffi::OsStr| name == "oci-layout" || name == "blobs";
            let foreign = |child: std::io::Result<fs_err::DirEntry>| child.is_ok_and(|child| !ours(&child.file_name()));
            // a folder that is not there, or cannot be read, will be told when it is written to
            let is_foreign = fs_err::read_dir(folder).is_ok_and(|mut children| children.any(foreign));
            return if is_foreign { Err(PublishError::NotALayout { path: folder.to_owned() }) } else { Ok(None) };
        }
        Err(error) => return Err(PublishError::io("read", path, error)),
    };
    let index = serde_json::from_slice(&text);
    index.map(Some).map_err(|source| PublishError::Index { path: path.to_owned(), source })
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

fn copy_blob(store: &Store, folder: &Path, blob: &Descriptor, written: &mut Written) -> Result<(), PublishError> {
    let target = folder.join("blobs/sha256").join(blob.digest.hex());
    if fs_err::symlink_metadata(&target).is_ok_and(|there| there.is_file() && there.len() == blob.size) {
        return Ok(());
    }
    let mut source = store.open_blob(&blob.digest)?;
    let mut emerging = Emerging::at(&target)?;
    let copied = std::io::copy(&mut source, emerging.file.as_file_mut());
    copied.map_err(|source| PublishError::io("write", &target, source))?;
    emerging.commit()?;
    written.blobs += 1;
    written.bytes += blob.size;
    Ok(())
}

fn write(path: &Path, text: &[u8]) -> Result<(), PublishError> {
    let mut emerging = Emerging::at(path)?;
    emerging.write_all(text).map_err(|source| PublishError::io("write", path, source))?;
    emerging.commit()
}
