//! A package → a segment, once in its life: its files, links and their bytes as a compressed piece of a layer, and an
//! index of everything in it.
//!
//! Entries keep the order of the package (sorted by path, hard links after what they link to), so a package of
//! any size streams through. Folders are in the index alone: they are merged with those of other packages.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use serde::{Deserialize, Serialize};

use crate::archive::{ArchiveError, Control, DebReader, Entry, EntryKind, Limits, TarReader};
use crate::distribution::world::MergeRules;
use crate::model::{Digest, ImagePath, PathPolicy, formats};
use crate::recipe::Compression;
use crate::store::Store;

use super::entry::PackageEntry;
use super::stream::{Stream, StreamWriter, codec};
use super::{PackagesError, aliases};

/// Where segments are among the store's records.
pub(crate) const KIND: &str = "segment";

/// A package as a piece of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its control member.
    pub control: Control,
    /// Its files, links and folders, in the package's order.
    pub entries: Vec<PackageEntry>,
    /// Their bytes.
    pub stream: Stream,
}

/// What an image changes of a package's segment. Paths are those of the segment's index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edits {
    /// Files and links that are left out.
    pub exclude: BTreeSet<ImagePath>,
    /// Files and links that go somewhere else.
    #[serde(serialize_with = "pairs")]
    pub rename: BTreeMap<ImagePath, ImagePath>,
}

impl Edits {
    /// Whether they change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty() && self.rename.is_empty()
    }
}

fn pairs<S: serde::Serializer>(map: &BTreeMap<ImagePath, ImagePath>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map)
}

/// Everything that shapes a segment.
#[derive(Clone, Copy, Debug)]
pub struct SegmentKey<'a> {
    /// What people call the package.
    pub name: &'a str,
    /// The package file in the store.
    pub package: Digest,
    /// How packages of its world are merged.
    pub rules: &'a MergeRules,
    /// What is left out.
    pub policy: &'a PathPolicy,
    /// How it is compressed.
    pub compression: Compression,
    /// What else is changed.
    pub edits: &'a Edits,
}

impl SegmentKey<'_> {
    /// What the segment is known by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_value(&(
            formats::SEGMENT,
            self.rules.rules,
            codec(self.compression),
            self.package,
            self.policy,
            self.edits,
        ))
    }

    /// The segment, from the store when it was made before.
    ///
    /// # Errors
    /// When the package is not in the store, is not a package, holds what has no place in an image, or ships the same
    /// path twice in a merged system; and when the store cannot be written.
    pub fn segment(&self, store: &Store) -> Result<Segment, PackagesError> {
        let key = self.digest();
        if let Some(known) = known(store, &key)? {
            return Ok(known);
        }
        let _claim = store.claim(KIND, &key)?;
        if let Some(known) = known(store, &key)? {
            return Ok(known); // somebody else made it meanwhile
        }
        // a hard link whose target is left out takes over its bytes; which those are is known only at the end
        let mut heirs = BTreeMap::new();
        let segment = loop {
            let mut pass = Pass::new(self, store, &heirs)?;
            pass.read(store)?;
            if pass.orphans.is_empty() {
                break pass.finish()?;
            }
            heirs = pass.orphans;
        };
        store.put_record(KIND, &key, &segment)?;
        Ok(segment)
    }
}

/// A segment that is in the store together with its bytes.
pub(crate) fn known(store: &Store, key: &Digest) -> Result<Option<Segment>, PackagesError> {
    let segment: Option<Segment> = store.record(KIND, key)?;
    Ok(segment.filter(|segment| store.has_blob(&segment.stream.blob)))
}

/// One reading of a package.
struct Pass<'a> {
    of: &'a SegmentKey<'a>,
    /// For files that are left out: the hard link that gets their bytes.
    heirs: &'a BTreeMap<ImagePath, ImagePath>,
    /// The same, found in this pass.
    orphans: BTreeMap<ImagePath, ImagePath>,
    /// Where things ended up, and the path in the package.
    placed: BTreeMap<ImagePath, ImagePath>,
    out: StreamWriter,
    control: Control,
    entries: Vec<PackageEntry>,
}

impl<'a> Pass<'a> {
    fn new(
        of: &'a SegmentKey<'a>,
        store: &Store,
        heirs: &'a BTreeMap<ImagePath, ImagePath>,
    ) -> Result<Self, PackagesError> {
        let out = StreamWriter::new(store, of.compression)?;
        let (orphans, placed, control) = (BTreeMap::new(), BTreeMap::new(), Control::default());
        Ok(Self { of, heirs, orphans, placed, out, control, entries: Vec::new() })
    }

    fn read(&mut self, store: &Store) -> Result<(), PackagesError> {
        let blob = store.open_blob(&self.of.package)?;
        let package = self.of.name.to_owned();
        let wrong = |source| PackagesError::Package { package: package.clone(), source };
        let mut deb = DebReader::open(BufReader::with_capacity(1 << 16, blob), Limits::default()).map_err(wrong)?;
        let mut data = deb.data().map_err(wrong)?;
        while let Some(packed) = data.next_entry().map_err(wrong)? {
            self.add(packed, &mut data)?;
        }
        drop(data);
        self.control = deb.finish().map_err(wrong)?;
        Ok(())
    }

    fn add<R: std::io::Read>(&mut self, packed: Entry, data: &mut TarReader<R>) -> Result<(), PackagesError> {
        if packed.path.is_root() {
            return Ok(());
        }
        let from = packed.path.clone();
        let mut entry = aliases::merge_entry(self.of.rules, packed);
        let indexed = |entry: Entry, left_out| {
            let packed = (from != entry.path).then(|| from.clone());
            PackageEntry { entry, packed, left_out, content: None, offset: 0, elf: None }
        };
        if entry.kind == EntryKind::Dir {
            let left_out = self.leaves_out(&entry.path);
            self.entries.push(indexed(entry, left_out));
            return Ok(());
        }
        let Some(place) = self.place(&entry) else {
            self.entries.push(indexed(entry, true));
            return Ok(());
        };
        self.claim(&place, &from)?;
        self.link(&mut entry);
        entry.path = place;
        let written = self.out.append(&entry, data.content()).map_err(|source| self.wrong(source))?;
        let mut indexed = indexed(entry, false);
        if let EntryKind::File { .. } = indexed.entry.kind {
            (indexed.content, indexed.offset, indexed.elf) = (Some(written.digest), written.offset, written.elf);
        }
        self.entries.push(indexed);
        Ok(())
    }

    fn leaves_out(&self, path: &ImagePath) -> bool {
        self.of.policy.excludes(path) || self.of.edits.exclude.contains(path)
    }

    /// Where a file or link goes in the stream; nowhere when it is left out, or when it is a hard link that was written
    /// already, with the bytes of what it linked to.
    fn place(&self, entry: &Entry) -> Option<ImagePath> {
        let renamed = |path: &ImagePath| self.of.edits.rename.get(path).unwrap_or(path).clone();
        if let Some(heir) = self.heirs.get(&entry.path) {
            return Some(renamed(heir));
        }
        let is_heir = self.heirs.values().any(|heir| *heir == entry.path);
        (!is_heir && !self.leaves_out(&entry.path)).then(|| renamed(&entry.path))
    }

    /// Points a hard link at where its target went.
    fn link(&mut self, entry: &mut Entry) {
        let EntryKind::Hardlink { target } = &mut entry.kind else { return };
        let holder = match self.heirs.get(target) {
            Some(heir) => heir,
            None if self.leaves_out(target) => {
                self.orphans.entry(target.clone()).or_insert_with(|| entry.path.clone());
                return;
            }
            None => &*target,
        };
        let holder = self.of.edits.rename.get(holder).unwrap_or(holder).clone();
        *target = holder;
    }

    /// Two names of a package may be one path in a merged system.
    fn claim(&mut self, place: &ImagePath, from: &ImagePath) -> Result<(), PackagesError> {
        let Some(first) = self.placed.insert(place.clone(), from.clone()) else { return Ok(()) };
        let (package, path, second) = (self.of.name.to_owned(), place.clone(), from.clone());
        Err(PackagesError::Twice { package, path, first, second })
    }

    fn wrong(&self, source: ArchiveError) -> PackagesError {
        PackagesError::Package { package: self.of.name.to_owned(), source }
    }

    fn finish(self) -> Result<Segment, PackagesError> {
        Ok(Segment { control: self.control, entries: self.entries, stream: self.out.finish()? })
    }
}
