//! The packages of an image: their segments, and what their control files say of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::archive::Entry;
use crate::distribution::debian::configure::{PackageState, UnpackedPackage};
use crate::distribution::debian::deb822::{Limits, Reader, Stanza};
use crate::distribution::debian::needs::{Graph, Needs};
use crate::distribution::debian::relation::{self, Qualifier};
use crate::model::Digest;
use crate::recipe::{Compression, Image};
use crate::store::Store;

use super::ImageError;
use super::merge::Relations;
use super::requested;
use super::segment::{Edits, Segment, SegmentKey};
use super::state::InstalledPackage;

/// A package that an image gets, in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageBlob {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// The `.deb`.
    pub digest: Digest,
    /// Whether it is of a set that the recipe asked for; what the recipe names, and what makes a system essential, is
    /// asked for anyhow.
    pub requested: bool,
}

/// A package with its segment.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) installed: InstalledPackage,
    pub(super) segment: Segment,
    /// Whether it is the image's own, and not of its base.
    pub(super) own: bool,
}

/// The packages of an image by number: those of its base first.
#[derive(Debug, Default)]
pub(super) struct Packages {
    pub(super) all: Vec<Opened>,
    replaces: BTreeMap<usize, Vec<Replaced>>,
    graph: Graph,
}

/// One relation of a `Replaces` field.
#[derive(Debug)]
struct Replaced {
    name: String,
    architecture: Option<String>,
    constraint: Option<relation::Constraint<'static>>,
}

impl Packages {
    /// Makes or looks up the segments of the image's own packages on all cores, and those of its base's.
    pub(super) fn open(
        store: &Store,
        image: &Image,
        base: Vec<InstalledPackage>,
        own: &[PackageBlob],
    ) -> Result<Self, ImageError> {
        let mut own: Vec<&PackageBlob> = own.iter().collect();
        own.sort_by(|one, other| (&one.name, &one.architecture).cmp(&(&other.name, &other.architecture)));
        let edits = Edits::default();
        let segments = on_all_cores(&by_size(store, &own), own.len(), |index| {
            let key = key_of(own[index].full_name().as_str(), own[index].digest, image, &edits);
            Ok((key, segment_of(store, &own[index].full_name(), own[index].digest, image, &edits)?))
        })?;
        let order: Vec<usize> = (0..base.len()).collect();
        let of_base = on_all_cores(&order, base.len(), |index| {
            let key = base[index].segment;
            super::segment::known(store, &key)?.ok_or(ImageError::Lost { what: "a segment", digest: key })
        })?;
        let mut packages = Self::default();
        for (installed, segment) in base.into_iter().zip(of_base) {
            packages.all.push(Opened { installed, segment, own: false });
        }
        for (blob, (key, segment)) in own.into_iter().zip(segments) {
            packages.all.push(Opened { installed: blob.installed(key), segment, own: true });
        }
        let needs = (0..packages.all.len()).map(|index| packages.read_control(index)).collect::<Result<Vec<_>, _>>()?;
        packages.graph = Graph::new(needs);
        let named: Vec<&str> = image.packages.iter().map(|request| request.name.as_str()).collect();
        requested::mark(&mut packages.all, &packages.graph, &named);
        Ok(packages)
    }

    /// Checks that a package is the one that was pinned, and reads what it says of others.
    fn read_control(&mut self, index: usize) -> Result<Needs, ImageError> {
        let Opened { installed, segment, .. } = &self.all[index];
        let wrong = |source| ImageError::Control { package: installed.name.clone(), source };
        let mut stanzas = Reader::new(segment.control.control.as_bytes(), Limits::default());
        let Some(stanza) = stanzas.next().map_err(wrong)? else { return Ok(Needs::default()) };
        let field = |name| stanza.get(name).unwrap_or_default();
        let found = format!("{} {} {}", field("Package"), field("Version"), field("Architecture"));
        let wanted = format!("{} {} {}", installed.name, installed.version, installed.architecture);
        if found != wanted {
            return Err(ImageError::OtherPackage { wanted, found });
        }
        let (needs, replaced) = (Needs::of(stanza), replaced(stanza));
        self.replaces.insert(index, replaced);
        Ok(needs)
    }

    /// The image's own packages with their numbers, the most basic first: `base-files` says what the root looks like.
    pub(super) fn own(&self) -> Vec<(u32, &Opened)> {
        let numbered = (0_u32..).zip(&self.all).filter(|(_, package)| package.own);
        let mut own: Vec<(u32, &Opened)> = numbered.collect();
        own.sort_by_key(|(_, package)| package.installed.name != "base-files");
        own
    }

    /// The numbers of the image's own packages that are essential or `named`, or that those need.
    pub(super) fn basic(&self, named: &[&str]) -> BTreeSet<u32> {
        let basic = requested::basic(&self.graph, named);
        (0_u32..)
            .zip(&self.all)
            .filter(|(number, package)| package.own && basic.contains(&(*number as usize)))
            .map(|(number, _)| number)
            .collect()
    }

    /// Makes the segment of a package again, without what it loses.
    pub(super) fn edit(&mut self, store: &Store, image: &Image, package: u32, edits: &Edits) -> Result<(), ImageError> {
        let opened = &mut self.all[package as usize];
        let (name, digest) = (opened.installed.full_name(), opened.installed.digest);
        opened.segment = segment_of(store, &name, digest, image, edits)?;
        opened.installed.segment = key_of(&name, digest, image, edits);
        Ok(())
    }

    /// The packages as configuration sees them.
    pub(super) fn unpacked(&self) -> Vec<UnpackedPackage> {
        let one = |package: &Opened| {
            let InstalledPackage { name, version, architecture, lost, .. } = &package.installed;
            let kept = package.segment.entries.iter().filter(|shipped| !lost.contains(&shipped.entry.path));
            let entries = kept.map(|shipped| {
                let path = shipped.packed.as_ref().unwrap_or(&shipped.entry.path).clone();
                Entry { path, ..shipped.entry.clone() }
            });
            UnpackedPackage {
                name: name.clone(),
                version: version.clone(),
                architecture: architecture.clone(),
                control: package.segment.control.clone(),
                entries: entries.collect(),
                state: if package.own { PackageState::Unpacked } else { PackageState::Configured },
                request: package.installed.request(),
            }
        };
        self.all.iter().map(one).collect()
    }
}

impl Relations for Packages {
    fn replaces(&self, one: u32, other: u32) -> bool {
        let InstalledPackage { name, version, architecture, .. } = &self.all[other as usize].installed;
        let matches = |replaced: &Replaced| {
            replaced.name == *name
                && replaced.architecture.as_ref().is_none_or(|wanted| wanted == architecture)
                && replaced.constraint.as_ref().is_none_or(|constraint| constraint.allows(version))
        };
        self.replaces.get(&(one as usize)).is_some_and(|replaced| replaced.iter().any(matches))
    }

    fn name(&self, package: u32) -> String {
        self.all[package as usize].installed.full_name()
    }
}

impl PackageBlob {
    fn full_name(&self) -> String {
        format!("{}:{}", self.name, self.architecture)
    }

    fn installed(&self, segment: Digest) -> InstalledPackage {
        InstalledPackage {
            name: self.name.clone(),
            version: self.version.clone(),
            architecture: self.architecture.clone(),
            digest: self.digest,
            requested: self.requested,
            segment,
            lost: BTreeSet::new(),
        }
    }
}

fn replaced(stanza: &Stanza) -> Vec<Replaced> {
    let text = stanza.get("Replaces").unwrap_or_default();
    // a field that cannot be read replaces nothing: then the clash is reported
    let relations = relation::parse_flat(text).unwrap_or_default();
    let own = |relation: relation::Relation<'_>| Replaced {
        name: relation.name.to_owned(),
        architecture: match relation.qualifier {
            Qualifier::Architecture(architecture) => Some(architecture.to_owned()),
            _ => None,
        },
        constraint: relation.constraint.map(relation::Constraint::into_owned),
    };
    relations.into_iter().map(own).collect()
}

fn key_of(name: &str, package: Digest, image: &Image, edits: &Edits) -> Digest {
    SegmentKey { name, package, policy: &image.policy, compression: image.compression, edits }.digest()
}

fn segment_of(store: &Store, name: &str, package: Digest, image: &Image, edits: &Edits) -> Result<Segment, ImageError> {
    let compression: Compression = image.compression;
    SegmentKey { name, package, policy: &image.policy, compression, edits }.segment(store)
}

/// Numbers of packages, the largest first: a large one that is begun last keeps a single core busy at the end.
fn by_size(store: &Store, packages: &[&PackageBlob]) -> Vec<usize> {
    let size = |index: &usize| store.blob_size(&packages[*index].digest).unwrap_or_default();
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_cached_key(|index| (std::cmp::Reverse(size(index)), *index));
    order
}

/// Does `work` for the numbers in `order` on as many threads as there are cores; results come in the order of numbers.
///
/// These are threads of its own and not of rayon's pool: a thread of the pool that waits for compressed blocks would
/// begin another package meanwhile, and so on, and each holds the memory of a decompressor.
fn on_all_cores<T: Send>(
    order: &[usize],
    count: usize,
    work: impl Fn(usize) -> Result<T, ImageError> + Sync,
) -> Result<Vec<T>, ImageError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<T, ImageError>>>> = Mutex::new((0..count).map(|_| None).collect());
    let run = || {
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(index);
            results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..rayon::current_num_threads().min(count) {
            scope.spawn(run);
        }
        run();
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().flatten().collect() // the first error by number, whichever came first in time
}
