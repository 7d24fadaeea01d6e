//! The root file system of an image as one tar archive: its layers flattened, in two readings of them, so that memory
//! holds names and no content.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read};

use crate::archive::{ArchiveError, Entry, EntryKind, Limits, TarReader, TarWriter, Whiteout, decompress};
use crate::beneath::{Beneath, Emerging};
use crate::image::{BuiltImage, Layer};
use crate::model::ImagePath;
use crate::store::Store;

use super::PublishError;

/// The layers are our own: only an image that fills a disk exceeds this.
const LIMITS: Limits = Limits { entries: 50_000_000, entry_size: 1 << 40, total_size: 1 << 42, extended: 1 << 20 };

/// Writes the root file system of `image` to `file`: folders by path, then files and links in the order of the layers
/// that have them last. What upper layers hide is left out.
///
/// # Errors
/// When the store does not have the layers, or the file cannot be written.
pub fn rootfs(store: &Store, file: &Beneath, image: &BuiltImage) -> Result<(), PublishError> {
    let merged = Merged::of(store, &image.layers)?;
    let emerging =
        Emerging::swept_at(file, 0o644).map_err(|source| PublishError::io("create", &file.shown(), source))?;
    let mut out = TarWriter::new(BufWriter::with_capacity(1 << 18, emerging));
    let unwritable = |source| PublishError::Archive { path: file.shown(), source };
    for winner in merged.winners.values().filter(|winner| winner.entry.kind == EntryKind::Dir) {
        out.append(&winner.entry, io::empty()).map_err(unwritable)?;
    }
    for (number, layer) in image.layers.iter().enumerate() {
        each(store, layer, |entry, content| match merged.place(number, &entry) {
            Some(entry) => out.append(&entry, content),
            None => Ok(()),
        })?;
    }
    let writer = out.finish().map_err(unwritable)?;
    let emerging = writer.into_inner().map_err(|error| PublishError::io("write", &file.shown(), error.into_error()))?;
    emerging.commit().map_err(|source| PublishError::io("write", &file.shown(), source))
}

/// What is at a path in the end, and which layer it comes from.
struct Winner {
    layer: usize,
    entry: Entry,
}

/// All layers together.
#[derive(Default)]
struct Merged {
    winners: BTreeMap<ImagePath, Winner>,
    /// Files that are hidden while a hard link to them is not: the link, which gets their bytes.
    heirs: BTreeMap<(usize, ImagePath), ImagePath>,
}

impl Merged {
    fn of(store: &Store, layers: &[Layer]) -> Result<Self, PublishError> {
        let mut merged = Self::default();
        for (number, layer) in layers.iter().enumerate() {
            each(store, layer, |entry, _| {
                merged.add(number, entry);
                Ok(())
            })?;
        }
        merged.refuse_what_is_below_no_folder(layers)?;
        merged.find_heirs();
        Ok(merged)
    }

    fn add(&mut self, layer: usize, entry: Entry) {
        if Whiteout::is_mark(&entry.path) {
            match Whiteout::read(&entry.path) {
                Some(Whiteout::Path(path)) => self.hide(layer, &path, true),
                Some(Whiteout::Within(folder)) => self.hide(layer, &folder, false),
                None => {}
            }
        } else if !entry.path.is_root() {
            if entry.kind != EntryKind::Dir {
                self.hide(layer, &entry.path, true);
            }
            self.winners.insert(entry.path.clone(), Winner { layer, entry });
        }
    }

    /// Takes out what lower layers have in `path`, and at it.
    fn hide(&mut self, layer: usize, path: &ImagePath, itself: bool) {
        let within = self.winners.range(path.clone()..).take_while(|(other, _)| other.is_within(path));
        let lower = within.filter(|(other, winner)| winner.layer < layer && (itself || *other != path));
        let hidden: Vec<ImagePath> = lower.map(|(other, _)| other.clone()).collect();
        for path in hidden {
            self.winners.remove(&path);
        }
    }

    /// Whoever unpacks the archive would write such an entry where a link leads.
    fn refuse_what_is_below_no_folder(&self, layers: &[Layer]) -> Result<(), PublishError> {
        for (path, winner) in &self.winners {
            let above = path.ancestors().find_map(|above| {
                self.winners
                    .get(&above)
                    .filter(|winner| winner.entry.kind != EntryKind::Dir)
                    .map(|winner| (above, winner))
            });
            if let Some((above, other)) = above {
                let layer = layers[winner.layer].descriptor.digest;
                let kind = other.entry.kind.to_string();
                return Err(PublishError::BelowNoFolder { path: path.clone(), layer, above, kind });
            }
        }
        Ok(())
    }

    fn find_heirs(&mut self) {
        for (path, Winner { layer, entry }) in &self.winners {
            let EntryKind::Hardlink { target } = &entry.kind else { continue };
            if self.winners.get(target).is_none_or(|winner| winner.layer != *layer) {
                self.heirs.entry((*layer, target.clone())).or_insert_with(|| path.clone());
            }
        }
    }

    /// An entry of a layer as the result has it; nothing when it is not in the result.
    fn place(&self, layer: usize, entry: &Entry) -> Option<Entry> {
        let mut entry = entry.clone();
        if let Some(heir) = self.heirs.get(&(layer, entry.path.clone())) {
            entry.path = heir.clone();
            return Some(entry);
        }
        let winner = self.winners.get(&entry.path).filter(|winner| winner.layer == layer)?;
        if winner.entry.kind != entry.kind || entry.kind == EntryKind::Dir {
            return None;
        }
        if let EntryKind::Hardlink { target } = &mut entry.kind
            && let Some(heir) = self.heirs.get(&(layer, target.clone()))
        {
            if *heir == entry.path {
                return None; // it was written with the bytes of its target
            }
            *target = heir.clone();
        }
        Some(entry)
    }
}

/// Reads the entries of a layer with their content.
fn each(
    store: &Store,
    layer: &Layer,
    mut visit: impl FnMut(Entry, &mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<(), PublishError> {
    let wrong = |source| PublishError::Layer { layer: layer.descriptor.digest, source };
    let blob = store.open_blob(&layer.descriptor.digest)?;
    let mut tar = TarReader::layer(decompress(BufReader::with_capacity(1 << 17, blob)).map_err(wrong)?, LIMITS);
    while let Some((entry, mut content)) = tar.next().map_err(wrong)? {
        visit(entry, &mut content).map_err(wrong)?;
    }
    Ok(())
}
