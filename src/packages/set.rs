//! The packages of an image: their segments, and what their control files say of each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::Entry;
use crate::distribution::scripts::ScriptPrograms;
use crate::distribution::system::{PackageState, SystemModel, UnpackedPackage};
use crate::distribution::world::{MergeRules, world_of};
use crate::model::{Digest, PackageId, PathPolicy, Why};
use crate::recipe::Compression;
use crate::store::Store;

use super::PackagesError;
use super::cores::on_all_cores;
use super::installed::InstalledPackage;
use super::merge::{ContentPlace, Merged, Shipped, merge};
use super::relations::PackageRelations;
use super::segment::{Edits, Segment, SegmentKey};
use super::tree::FileTree;

/// A package that an image gets, in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageBlob {
    /// Which it is.
    pub id: PackageId,
    /// The package file.
    pub digest: Digest,
    /// Why it is there, as far as the lock knows: what the recipe names, and what makes a system essential, becomes
    /// [`Why::Asked`] when the packages are opened.
    pub why: Why,
}

/// How packages become pieces of layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing<'a> {
    /// What is left out.
    pub(crate) policy: &'a PathPolicy,
    /// How they are compressed.
    pub(crate) compression: Compression,
}

/// A package with its segment.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) installed: InstalledPackage,
    pub(crate) segment: Segment,
    /// Whether it is the image's own, and not of its base.
    pub(crate) own: bool,
}

/// The packages of an image by number: those of its base first.
#[derive(Debug)]
pub(crate) struct ImagePackages<'a> {
    store: &'a Store,
    packing: Packing<'a>,
    pub(crate) all: Vec<Opened>,
    pub(crate) relations: PackageRelations,
}

impl<'a> ImagePackages<'a> {
    /// Makes or looks up the segments of the image's own packages on all cores, and those of its base's. `named` are
    /// the packages that the recipe asks for.
    ///
    /// # Errors
    /// When a package cannot be a segment, is another than the one that was pinned, or the store lost a segment.
    pub(crate) fn open(
        store: &'a Store,
        packing: Packing<'a>,
        named: &[&str],
        base: Vec<InstalledPackage>,
        own: &[PackageBlob],
    ) -> Result<Self, PackagesError> {
        let mut own: Vec<&PackageBlob> = own.iter().collect();
        own.sort_by(|one, other| (&one.id.name, &one.id.architecture).cmp(&(&other.id.name, &other.id.architecture)));
        let edits = Edits::default();
        let rules = world_of(own.iter().map(|blob| &blob.id))?.merge_rules();
        let segments = on_all_cores(&by_size(store, &own), own.len(), |index| {
            let PackageBlob { id, digest, .. } = own[index];
            packing.segment(store, rules, id, *digest, &edits)
        })?;
        let order: Vec<usize> = (0..base.len()).collect();
        let of_base = on_all_cores(&order, base.len(), |index| {
            let key = base[index].segment;
            super::segment::known(store, &key)?.ok_or(PackagesError::Lost { what: "a segment", digest: key })
        })?;
        let mut all = Vec::new();
        for (installed, segment) in base.into_iter().zip(of_base) {
            all.push(Opened { installed, segment, own: false });
        }
        for (blob, (key, segment)) in own.into_iter().zip(segments) {
            all.push(Opened { installed: blob.installed(key), segment, own: true });
        }
        let controls: Vec<_> = all.iter().map(|opened| (&opened.installed.id, &opened.segment.control)).collect();
        let relations = PackageRelations::read(&controls)?;
        let asked = relations.asked(named);
        for (_, package) in all.iter_mut().enumerate().filter(|(index, package)| package.own && asked.contains(index)) {
            package.installed.why = Why::Asked;
        }
        Ok(Self { store, packing, all, relations })
    }

    /// The image's own packages with their numbers, the most basic first.
    fn own(&self) -> Vec<(u32, &Opened)> {
        let numbered = (0_u32..).zip(&self.all).filter(|(_, package)| package.own);
        let mut own: Vec<(u32, &Opened)> = numbered.collect();
        let first = self.relations.world.merge_rules().first;
        own.sort_by_key(|(_, package)| package.installed.id.name != *first);
        own
    }

    /// Merges those of the image's own packages whose numbers are `wanted` into the tree.
    ///
    /// # Errors
    /// When two packages claim one path and nothing settles it.
    pub(crate) fn merge(&self, tree: &mut FileTree, wanted: impl Fn(u32) -> bool) -> Result<Merged, PackagesError> {
        let own = self.own().into_iter().filter(|(number, _)| wanted(*number));
        let shipped: Vec<Shipped<'_>> = own
            .map(|(id, package)| Shipped {
                id,
                place: ContentPlace::Segment(package.installed.segment),
                entries: &package.segment.entries,
            })
            .collect();
        merge(tree, &shipped, &self.relations)
    }

    /// What runs the scripts of the packages for real.
    pub(crate) fn scripts(&self) -> &'static dyn ScriptPrograms {
        self.relations.world.scripts()
    }

    /// What configures the system that the packages make.
    pub(crate) fn model(&self) -> &'static dyn SystemModel {
        self.relations.world.model()
    }

    /// The numbers of the image's own packages that are essential or `named`, or that those need.
    pub(crate) fn basic(&self, named: &[&str]) -> BTreeSet<u32> {
        let basic = self.relations.basic(named);
        (0_u32..)
            .zip(&self.all)
            .filter(|(number, package)| package.own && basic.contains(&(*number as usize)))
            .map(|(number, _)| number)
            .collect()
    }

    /// Makes the segments of packages again without what they lose, and points the tree at the bytes in the new ones.
    ///
    /// # Errors
    /// As [`ImagePackages::open`].
    pub(crate) fn edit(&mut self, tree: &mut FileTree, edits: &BTreeMap<u32, Edits>) -> Result<(), PackagesError> {
        for (&package, edits) in edits.iter().filter(|(_, edits)| !edits.is_empty()) {
            let opened = &mut self.all[package as usize];
            let InstalledPackage { id, digest, .. } = &opened.installed;
            let rules = self.relations.world.merge_rules();
            (opened.installed.segment, opened.segment) = self.packing.segment(self.store, rules, id, *digest, edits)?;
            let place = ContentPlace::Segment(opened.installed.segment);
            Shipped { id: package, place, entries: &opened.segment.entries }.reattach(tree);
        }
        Ok(())
    }

    /// The packages as configuration sees them.
    pub(crate) fn unpacked(&self) -> Vec<UnpackedPackage> {
        let one = |package: &Opened| {
            let InstalledPackage { id, lost, .. } = &package.installed;
            let kept = package.segment.entries.iter().filter(|shipped| !lost.contains(&shipped.entry.path));
            let entries = kept.map(|shipped| Entry { path: shipped.packed_path().clone(), ..shipped.entry.clone() });
            UnpackedPackage {
                id: id.clone(),
                control: package.segment.control.clone(),
                entries: entries.collect(),
                state: if package.own { PackageState::Unpacked } else { PackageState::Configured },
                why: package.installed.why,
            }
        };
        self.all.iter().map(one).collect()
    }
}

impl PackageBlob {
    fn installed(&self, segment: Digest) -> InstalledPackage {
        let Self { id, digest, why } = self.clone();
        InstalledPackage { id, digest, why, segment, lost: BTreeSet::new() }
    }
}

impl Packing<'_> {
    /// The segment of a package, with its key.
    fn segment(
        &self,
        store: &Store,
        rules: &MergeRules,
        id: &PackageId,
        package: Digest,
        edits: &Edits,
    ) -> Result<(Digest, Segment), PackagesError> {
        let Self { policy, compression } = *self;
        let name = id.qualified_name();
        let key = SegmentKey { name: &name, package, rules, policy, compression, edits };
        Ok((key.digest(), key.segment(store)?))
    }
}

/// Numbers of packages, the largest first: a large one that is begun last keeps a single core busy at the end.
fn by_size(store: &Store, packages: &[&PackageBlob]) -> Vec<usize> {
    let size = |index: &usize| store.blob_size(&packages[*index].digest).unwrap_or_default();
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_cached_key(|index| (std::cmp::Reverse(size(index)), *index));
    order
}
