//! An image of a registry as one to build on: its layers stay as they are, and what is in them is learned once, with the
//! bytes of its files put where a [`crate::packages::Shelf`] reads them.

use std::io::{self, BufReader, Read};

use crate::archive::{ArchiveError, Control, Entry, EntryKind, Limits, TarReader, Whiteout, decompress};
use crate::model::{Digest, HashingReader, ImageName, ImagePath, Platform, formats};
use crate::packages::stream::{StreamWriter, Written};
use crate::packages::{Content, FileTree, Last, LinkLoop, Node, NodeOwner, SEGMENTS, Segment};
use crate::recipe::Compression;
use crate::store::Store;

use super::layer::Layer;
use super::oci::{self, Descriptor, ImageConfig, Manifest};
use super::{BuiltImage, ImageError, state};

/// An image whose blobs are in the store.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a> {
    /// What it is called here.
    pub name: &'a ImageName,
    /// What it is to run on.
    pub platform: Platform,
    /// Its configuration.
    pub config: Digest,
    /// Its layers, lowest first.
    pub layers: &'a [Digest],
}

/// Learns what is in an image.
///
/// # Errors
/// When its configuration is for another platform or does not fit its layers, a layer is broken or holds what has no
/// place in an image, or the store fails.
pub fn import(store: &Store, image: &Foreign<'_>) -> Result<BuiltImage, ImageError> {
    let refused = |reason: String| ImageError::Foreign { reason };
    let config: ImageConfig = serde_json::from_reader(BufReader::new(store.open_blob(&image.config)?))
        .map_err(|error| refused(format!("its configuration cannot be read: {error}")))?;
    let platform = image.platform;
    if (config.os.as_str(), config.architecture.as_str()) != (platform.os(), platform.oci_architecture()) {
        return Err(refused(format!("it is for {}/{} and not for {platform}", config.os, config.architecture)));
    }
    if config.rootfs.diff_ids.len() != image.layers.len() {
        let (said, there) = (config.rootfs.diff_ids.len(), image.layers.len());
        return Err(refused(format!("its configuration speaks of {said} layers, and it has {there}")));
    }
    let mut tree = FileTree::default();
    let mut layers = Vec::new();
    for (digest, diff_id) in image.layers.iter().zip(&config.rootfs.diff_ids) {
        let layer = read_layer(store, digest, &mut tree)?;
        if layer.diff_id != *diff_id {
            let (said, found) = (diff_id.short(), layer.diff_id.short());
            return Err(refused(format!(
                "its configuration says that layer {} unpacks to {said}, and it does to {found}",
                digest.short()
            )));
        }
        layers.push(layer);
    }
    let size = store.blob_size(&image.config)?;
    let config = Descriptor::new(oci::CONFIG, image.config, size);
    let document = Manifest {
        schema_version: 2,
        media_type: oci::MANIFEST.to_owned(),
        config: config.clone(),
        layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
        annotations: Default::default(),
    };
    let bytes = oci::bytes(&document);
    let mut manifest = Descriptor::new(oci::MANIFEST, store.put_blob(&bytes)?, bytes.len() as u64);
    manifest.platform = Some(platform.into());
    let state = state::save(store, Vec::new(), &tree)?;
    let name = image.name.clone();
    Ok(BuiltImage { name, platform, manifest, config, layers, packages: Vec::new(), state, notes: Vec::new() })
}

fn io_error(doing: &str, source: io::Error) -> ImageError {
    ImageError::Io { doing: doing.to_owned(), source }
}

/// Adds a layer to the tree, and its files to the store.
fn read_layer(store: &Store, digest: &Digest, tree: &mut FileTree) -> Result<Layer, ImageError> {
    let broken = |source| ImageError::ForeignLayer { digest: *digest, source };
    let size = store.blob_size(digest)?;
    let media_type = media_type(store, digest)?;
    let mut unpacked = HashingReader::new(decompress(store.open_blob(digest)?).map_err(broken)?);
    let mut kept = StreamWriter::new(store, Compression::Zstd)?;
    let mut entries = Vec::new();
    let mut tar = TarReader::layer(&mut unpacked, Limits::default());
    while let Some((entry, content)) = tar.next().map_err(broken)? {
        let is_file = matches!(entry.kind, EntryKind::File { .. });
        let written = if is_file { Some(kept.append(&entry, content).map_err(broken)?) } else { None };
        entries.push((entry, written));
    }
    drop(tar);
    // what follows the end blocks belongs to the layer's digest
    io::copy(&mut unpacked, &mut io::sink()).map_err(|source| broken(ArchiveError::from_read(source)))?;
    let stream = kept.finish()?;
    let key = Digest::of_value(&("import", formats::BASE, stream.blob));
    let segment = Segment { control: Control::default(), entries: Vec::new(), stream };
    store.put_record(SEGMENTS, &key, &segment)?;
    merge(tree, entries, key).map_err(|error| ImageError::Foreign { reason: error.to_string() })?;
    let (diff_id, length) = unpacked.finish();
    let comment = "of the image that this one is built on".to_owned();
    Ok(Layer { descriptor: Descriptor::new(media_type, *digest, size), diff_id, length, comment })
}

/// The OCI's name for the kind of a layer, by its first bytes: Docker's names mean the same.
fn media_type(store: &Store, digest: &Digest) -> Result<&'static str, ImageError> {
    let mut head = Vec::new();
    store.open_blob(digest)?.take(4).read_to_end(&mut head).map_err(|source| io_error("read a layer", source))?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => oci::LAYER_GZIP,
        [0x28, 0xb5, 0x2f, 0xfd] => oci::LAYER_ZSTD,
        _ => oci::LAYER_TAR,
    })
}

/// Puts a layer over the tree (OCI image specification, layer.md): what its marks hide goes first, for they speak of the
/// layers below alone. What lies below a link of a lower layer goes where that leads within the image, as runtimes put it.
fn merge(tree: &mut FileTree, entries: Vec<(Entry, Option<Written>)>, key: Digest) -> Result<(), LinkLoop> {
    let (marks, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(entry, _)| Whiteout::is_mark(&entry.path));
    for whiteout in marks.iter().filter_map(|(mark, _)| Whiteout::read(&mark.path)) {
        match whiteout {
            Whiteout::Path(path) => remove_within(tree, &tree.resolve(&path, Last::Keep)?, true),
            Whiteout::Within(folder) => remove_within(tree, &tree.resolve(&folder, Last::Keep)?, false),
        }
    }
    for (mut entry, written) in entries.into_iter().filter(|(entry, _)| !entry.path.is_root()) {
        entry.path = tree.resolve(&entry.path, Last::Keep)?;
        if let EntryKind::Hardlink { target } = &mut entry.kind {
            *target = tree.resolve(target, Last::Keep)?;
        }
        let there = tree.get(&entry.path).map(|node| &node.entry.kind);
        if entry.kind != EntryKind::Dir || there.is_some_and(|kind| *kind != EntryKind::Dir) {
            remove_within(tree, &entry.path, true);
        }
        let elf = written.as_ref().and_then(|written| written.elf.clone());
        let content = written.map(|Written { digest, offset, .. }| Content::Stored { key, offset, digest });
        tree.insert(Node { entry, owner: NodeOwner::Generated, own: false, content, elf });
    }
    Ok(())
}

/// Takes out what is in `path`, and what is at it.
fn remove_within(tree: &mut FileTree, path: &ImagePath, itself: bool) {
    let gone: Vec<ImagePath> =
        tree.within(path).map(|node| node.entry.path.clone()).filter(|other| itself || other != path).collect();
    for path in gone {
        tree.detach_links(&path);
        tree.remove(&path);
    }
}
