//! An image on one platform, from its packages, its recipe's entries and its base.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use crate::archive::{Control, Entry, EntryKind, Whiteout};
use crate::distribution::system::{Extent, UnmodelledScript};
use crate::model::{Check, Digest, ImageName, ImagePath, Mode, Platform, Timestamp};
use crate::packages::stream::{Stream, StreamWriter};
use crate::packages::{
    Content, Edits, Effects, FileTree, ImagePackages, InstalledPackage, Node, NodeOwner, PackageBlob, Packing,
    SEGMENTS, Segment, Shelf, known_segment, plain_folder,
};
use crate::recipe::Image;
use crate::store::{Scratch, Store};

use super::accounts::Accounts;
use super::entries::{Editor, ResolvedEntry, Taken};
use super::layer::{self, Layer};
use super::oci::{self, Descriptor, ImageConfig, Manifest};
use super::scripts::{Ran, ScriptRunner, Subject};
use super::state::{self, State};
use super::{ImageError, check, config};

/// Everything that an image is made from.
#[derive(Debug)]
pub struct AssembleInputs<'a> {
    /// What it runs on.
    pub platform: Platform,
    /// The recipe's node.
    pub image: &'a Image,
    /// Labels of the project, the recipe and the image; those of the runtime contract are added.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// When its pins moved last.
    pub created: Timestamp,
    /// What it is built on.
    pub base: Option<&'a BuiltImage>,
    /// Its own packages, beyond those of its base.
    pub packages: Vec<PackageBlob>,
    /// Who configures them.
    pub configuration: Configuration<'a>,
    /// The recipe's entries, in the order written.
    pub entries: Vec<ResolvedEntry<'a>>,
}

/// Who configures the packages of an image.
#[derive(Clone, Copy)]
pub enum Configuration<'a> {
    /// Nobody: they are written down as installed, and that is all.
    None,
    /// What is known of their scripts, as data.
    Model,
    /// Their scripts.
    Scripts(ScriptRunner<'a>),
}

impl std::fmt::Debug for Configuration<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::None => "None",
            Self::Model => "Model",
            Self::Scripts(_) => "Scripts",
        })
    }
}

/// An image on one platform, whose blobs are in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltImage {
    /// Its name.
    pub name: ImageName,
    /// What it runs on.
    pub platform: Platform,
    /// Its manifest, with the platform.
    pub manifest: Descriptor,
    /// Its configuration.
    pub config: Descriptor,
    /// Its layers, lowest first, those of its base included.
    pub layers: Vec<Layer>,
    /// Its packages, those of its base first.
    pub packages: Vec<InstalledPackage>,
    /// What another image needs to be built on it: a blob.
    pub state: Digest,
    /// What people may want to know about how it was made.
    pub notes: Vec<String>,
}

impl BuiltImage {
    /// Bytes of its compressed layers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.descriptor.size).sum()
    }

    /// Bytes of its uncompressed layers.
    #[must_use]
    pub fn unpacked_size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.length).sum()
    }

    /// Every blob that is the image: manifest, configuration, layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        [&self.manifest, &self.config].into_iter().chain(self.layers.iter().map(|layer| &layer.descriptor))
    }

    /// What is in it, path by path; a [`crate::packages::Shelf`] reads its files.
    ///
    /// # Errors
    /// When the store does not have it any more.
    pub fn tree(&self, store: &Store) -> Result<FileTree, ImageError> {
        Ok(state::load(store, self)?.tree)
    }

    /// Whether the store still has everything that the image is and that others need to be built on it.
    #[must_use]
    pub fn is_whole(&self, store: &Store) -> bool {
        let segments =
            self.packages.iter().all(|package| matches!(known_segment(store, &package.segment), Ok(Some(_))));
        segments && store.has_blob(&self.state) && self.blobs().all(|blob| store.has_blob(&blob.digest))
    }
}

/// Makes an image for one platform; all its blobs are then in the store.
///
/// # Errors
/// When packages cannot be together, an entry cannot be added, the image would not work, or the store fails.
pub fn assemble(store: &Store, inputs: &AssembleInputs<'_>) -> Result<BuiltImage, ImageError> {
    let shelf = Shelf::new(store);
    let State { packages: base_packages, tree: base } = match inputs.base {
        Some(image) => state::load(store, image)?,
        None => State::default(),
    };
    let mut tree = base.clone();
    let image = inputs.image;
    let packing = Packing { policy: &image.policy, compression: image.compression };
    let named: Vec<&str> = image.packages.iter().map(|request| request.name.as_str()).collect();
    let mut packages = ImagePackages::open(store, packing, &named, base_packages, &inputs.packages)?;
    for package in &packages.all {
        shelf.add(package.installed.segment, package.segment.stream.clone());
    }
    let merged = packages.merge(&mut tree, |_| true)?;
    for (package, lost) in merged.lost {
        packages.all[package as usize].installed.lost.extend(lost);
    }
    let mut edits = merged.edits;
    // what scripts wrote stays where it is until it is in a layer
    let (effects, _written) = configure(store, inputs, &packages, &mut tree, &base, &shelf)?;
    let lower = Lower::of(&tree);
    let mut editor = Editor::new(&mut tree, &base, &shelf);
    for entry in &inputs.entries {
        editor.apply(entry)?;
    }
    let (accounts, taken) = editor.finish(inputs.image)?;
    let split = inputs.image.layers > 1;
    lose(&mut edits, &effects.packages);
    lose(&mut edits, &taken.packages);
    if !split {
        lose(&mut edits, &taken.covered);
    }
    packages.edit(&mut tree, &edits)?;
    let mut making = Making { store, inputs, shelf: &shelf, tree: &mut tree, packages: &packages };
    let layers = if split { making.split(lower, effects.base, taken)? } else { making.whole(effects.base, taken)? };
    finish(&shelf, inputs, &tree, &accounts, packages, Made { layers, notes: effects.notes })
}

/// Configures the image's own packages, if it has any.
fn configure(
    store: &Store,
    inputs: &AssembleInputs<'_>,
    packages: &ImagePackages<'_>,
    tree: &mut FileTree,
    base: &FileTree,
    shelf: &Shelf<'_>,
) -> Result<(Effects, Option<Scratch>), ImageError> {
    if inputs.packages.is_empty() {
        return Ok((Effects::default(), None));
    }
    let unpacked = packages.unpacked();
    let subject =
        Subject { store, platform: inputs.platform, image: inputs.image, packages, unpacked: &unpacked, base, shelf };
    let model = match &inputs.configuration {
        Configuration::None => Extent::Recorded,
        Configuration::Model => Extent::Configured,
        Configuration::Scripts(runner) => {
            let Ran { effects, folder } = subject.run(tree, runner)?;
            return Ok((effects, Some(folder)));
        }
    };
    let effects = subject.by_model(tree, model)?;
    refuse_unknown(inputs.image, &effects.unmodelled)?;
    Ok((effects, None))
}

/// A script that nobody has read may do anything, so an image with it is not made unless it is excused.
fn refuse_unknown(image: &Image, unmodelled: &[UnmodelledScript]) -> Result<(), ImageError> {
    let excused = |script: &UnmodelledScript| {
        let names = |subject: &String| *subject == script.package;
        image
            .waivers
            .iter()
            .any(|waiver| waiver.check == Check::MaintainerScript && waiver.subject.as_ref().is_none_or(names))
    };
    let scripts: Vec<UnmodelledScript> = unmodelled.iter().filter(|script| !excused(script)).cloned().collect();
    if scripts.is_empty() { Ok(()) } else { Err(ImageError::UnknownScripts { scripts }) }
}

/// Adds paths that packages do without.
fn lose(edits: &mut BTreeMap<u32, Edits>, paths: &BTreeMap<u32, BTreeSet<ImagePath>>) {
    for (package, paths) in paths {
        let edits = edits.entry(*package).or_default();
        paths.iter().for_each(|path| edits.lose(path));
    }
}

/// The tree before the recipe's entries: what the lower of two layers holds.
struct Lower {
    folders: BTreeMap<ImagePath, Entry>,
    generated: Vec<Node>,
}

impl Lower {
    fn of(tree: &FileTree) -> Self {
        let own: Vec<&Node> = tree.iter().filter(|node| node.own).collect();
        let mut folders = BTreeMap::new();
        for node in &own {
            if node.entry.kind == EntryKind::Dir {
                folders.insert(node.entry.path.clone(), node.entry.clone());
            }
            add_ancestors(&mut folders, tree, &node.entry.path);
        }
        let generated = own.into_iter().filter(|node| is_generated(node)).cloned().collect();
        Self { folders, generated }
    }
}

fn is_generated(node: &Node) -> bool {
    node.own && node.owner == NodeOwner::Generated && node.entry.kind != EntryKind::Dir
}

/// Unpackers make folders that a layer does not mention as they like, so it mentions all that its files are in.
fn add_ancestors(folders: &mut BTreeMap<ImagePath, Entry>, tree: &FileTree, path: &ImagePath) {
    for folder in path.ancestors() {
        folders.entry(folder).or_insert_with_key(|folder| {
            tree.get(folder).map_or_else(|| plain_folder(folder.clone()), |node| node.entry.clone())
        });
    }
}

/// Turns a finished tree into layers.
struct Making<'a> {
    store: &'a Store,
    inputs: &'a AssembleInputs<'a>,
    shelf: &'a Shelf<'a>,
    tree: &'a mut FileTree,
    packages: &'a ImagePackages<'a>,
}

impl Making<'_> {
    /// Everything in one layer.
    fn whole(&mut self, mut hidden: BTreeSet<ImagePath>, taken: Taken) -> Result<Vec<Layer>, ImageError> {
        hidden.extend(taken.base);
        let Lower { folders, .. } = Lower::of(self.tree);
        let nodes = self.own_files(|_| true);
        let packages = self.own_packages();
        let mut parts = vec![self.folders(folders)?];
        parts.extend(packages.iter().map(|&index| self.stream_of(index)));
        parts.push(self.files(nodes, &hidden)?);
        let comment = self.comment(packages.len(), true);
        self.layers(vec![(parts, comment)])
    }

    /// Packages and configuration below, the recipe's own entries above, so that a change of those is small; where more
    /// layers are allowed, the largest packages have their own.
    fn split(&mut self, lower: Lower, hidden: BTreeSet<ImagePath>, taken: Taken) -> Result<Vec<Layer>, ImageError> {
        let Lower { mut folders, mut generated } = lower;
        folders.retain(|path, _| self.tree.is_folder(path));
        generated.retain(|node| !taken.generated.contains(&node.entry.path));
        let mut layers = Vec::new();
        let mut packages = self.own_packages();
        let recipe = self.own_files(|owner| owner == NodeOwner::Recipe);
        let budget = usize::from(self.inputs.image.layers) - 1;
        for index in self.largest(&packages, budget.saturating_sub(1)) {
            packages.retain(|other| *other != index);
            let mut own = BTreeMap::new();
            for shipped in &self.packages.all[index].segment.entries {
                if !shipped.left_out && shipped.entry.kind != EntryKind::Dir {
                    add_ancestors(&mut own, self.tree, &shipped.entry.path);
                }
            }
            let comment = format!("package {}", self.packages.all[index].installed.id.name);
            layers.push((vec![self.folders(own)?, self.stream_of(index)], comment));
        }
        let has_lower = !(packages.is_empty() && generated.is_empty() && folders.is_empty() && hidden.is_empty());
        if has_lower {
            let mut parts = vec![self.folders(folders)?];
            parts.extend(packages.iter().map(|&index| self.stream_of(index)));
            parts.push(self.files(generated, &hidden)?);
            layers.push((parts, self.comment(packages.len(), false)));
        }
        if let Some(parts) = self.recipe_layer(recipe, &taken.base)? {
            layers.push((parts, "files of the recipe".to_owned()));
        }
        self.layers(layers)
    }

    fn recipe_layer(
        &mut self,
        nodes: Vec<Node>,
        hidden: &BTreeSet<ImagePath>,
    ) -> Result<Option<Vec<Stream>>, ImageError> {
        let mut folders = BTreeMap::new();
        for node in self.tree.iter().filter(|node| node.own && node.owner == NodeOwner::Recipe) {
            if node.entry.kind == EntryKind::Dir {
                folders.insert(node.entry.path.clone(), node.entry.clone());
            }
            add_ancestors(&mut folders, self.tree, &node.entry.path);
        }
        if nodes.is_empty() && hidden.is_empty() && folders.is_empty() {
            return Ok(None);
        }
        hidden.iter().for_each(|path| add_ancestors(&mut folders, self.tree, path));
        folders.retain(|path, _| self.tree.is_folder(path));
        Ok(Some(vec![self.folders(folders)?, self.files(nodes, hidden)?]))
    }

    /// Own files and links that no package's segment has.
    fn own_files(&self, wanted: impl Fn(NodeOwner) -> bool) -> Vec<Node> {
        let made = |node: &&Node| matches!(node.owner, NodeOwner::Generated | NodeOwner::Recipe);
        let nodes = self.tree.iter().filter(|node| node.own && node.entry.kind != EntryKind::Dir);
        nodes.filter(made).filter(|node| wanted(node.owner)).cloned().collect()
    }

    fn own_packages(&self) -> Vec<usize> {
        (0..self.packages.all.len()).filter(|&index| self.packages.all[index].own).collect()
    }

    /// The largest packages, in the order of their names.
    fn largest(&self, packages: &[usize], count: usize) -> Vec<usize> {
        let mut largest = packages.to_vec();
        largest.sort_by_key(|&index| (std::cmp::Reverse(self.packages.all[index].segment.stream.size), index));
        largest.truncate(count);
        largest.sort_unstable();
        largest
    }

    fn stream_of(&self, index: usize) -> Stream {
        self.packages.all[index].segment.stream.clone()
    }

    fn comment(&self, packages: usize, with_entries: bool) -> String {
        let entries = if with_entries && !self.inputs.entries.is_empty() { ", files of the recipe" } else { "" };
        match packages {
            0 => "files of the recipe".to_owned(),
            1 => format!("1 package and its configuration{entries}"),
            count => format!("{count} packages and their configuration{entries}"),
        }
    }

    fn folders(&self, folders: BTreeMap<ImagePath, Entry>) -> Result<Stream, ImageError> {
        let mut out = StreamWriter::new(self.store, self.inputs.image.compression)?;
        for entry in folders.into_values() {
            out.append(&entry, io::empty())
                .map_err(|source| ImageError::Write { what: "the folders of a layer", source })?;
        }
        Ok(out.finish()?)
    }

    /// Writes files, links and the marks that hide paths of the base; the tree then knows where the bytes are.
    fn files(&mut self, nodes: Vec<Node>, hidden: &BTreeSet<ImagePath>) -> Result<Stream, ImageError> {
        let mut out = StreamWriter::new(self.store, self.inputs.image.compression)?;
        let wrong = |source| ImageError::Write { what: "the files of a layer", source };
        for mark in hidden.iter().filter_map(|path| whiteout(self.tree, path)) {
            out.append(&mark, io::empty()).map_err(wrong)?;
        }
        let mut written = Vec::new();
        for node in nodes {
            match &node.content {
                Some(content) => {
                    let bytes = self.shelf.open(content, node.entry.kind.size())?;
                    let place = out.append(&node.entry, bytes).map_err(wrong)?;
                    written.push((node, place));
                }
                None => _ = out.append(&node.entry, io::empty()).map_err(wrong)?,
            }
        }
        let stream = out.finish()?;
        let key = Digest::of_value(&("files", stream.blob));
        let segment = Segment { control: Control::default(), entries: Vec::new(), stream: stream.clone() };
        self.store.put_record(SEGMENTS, &key, &segment)?;
        self.shelf.add(key, segment.stream);
        for (node, place) in written {
            let Some(there) = self.tree.get_mut(&node.entry.path).filter(|there| there.owner == node.owner) else {
                continue;
            };
            there.content = Some(Content::Stored { key, offset: place.offset, digest: place.digest });
            there.elf = place.elf;
        }
        Ok(stream)
    }

    fn layers(&self, layers: Vec<(Vec<Stream>, String)>) -> Result<Vec<Layer>, ImageError> {
        let filled = layers.into_iter().filter(|(parts, _)| parts.iter().any(|part| part.length > 0));
        let compression = self.inputs.image.compression;
        filled.map(|(parts, comment)| layer::build(self.store, compression, &parts, &comment)).collect()
    }
}

/// The mark that hides what lower layers have at `path` (OCI image specification, layer.md, "Whiteouts"): the file
/// `.wh.NAME`, or in a folder that is there anew, one that hides what the old one held. Another file needs none.
fn whiteout(tree: &FileTree, path: &ImagePath) -> Option<Entry> {
    let whiteout = match tree.get(path).map(|node| &node.entry.kind) {
        None => Whiteout::Path(path.clone()),
        Some(EntryKind::Dir) => Whiteout::Within(path.clone()),
        Some(_) => return None,
    };
    Some(Entry { kind: EntryKind::File { size: 0 }, mode: Mode::from_bits(0o600), ..plain_folder(whiteout.mark()?) })
}

/// What came out of making an image's own layers.
struct Made {
    layers: Vec<Layer>,
    notes: Vec<String>,
}

/// Checks the image, and writes its documents.
fn finish(
    shelf: &Shelf<'_>,
    inputs: &AssembleInputs<'_>,
    tree: &FileTree,
    accounts: &Accounts,
    packages: ImagePackages<'_>,
    made: Made,
) -> Result<BuiltImage, ImageError> {
    let Made { layers: own_layers, mut notes } = made;
    let (image, store) = (inputs.image, shelf.store());
    let base_config = inputs.base.map(|base| base_config(store, base)).transpose()?;
    let mut labels = config::contract(&image.config, &image.runtime);
    labels.extend(inputs.labels.clone());
    let execution = config::execution(&image.config, labels, base_config.as_ref().map(|base| &base.config));
    let subject = check::Subject { image, platform: inputs.platform, execution: &execution, tree, accounts, shelf };
    let verdict = check::check(&subject);
    if !verdict.findings.is_empty() {
        return Err(ImageError::Checks { findings: verdict.findings, hints: Vec::new() });
    }
    notes.extend(verdict.notes);
    let history = own_layers.iter().map(|layer| (layer.diff_id, layer.comment.clone())).collect();
    let document = config::document(inputs.platform, inputs.created, execution, base_config.as_ref(), history);
    let config = put(store, oci::CONFIG, &oci::bytes(&document))?;
    let mut layers = inputs.base.map(|base| base.layers.clone()).unwrap_or_default();
    layers.extend(own_layers);
    let mut annotations = inputs.annotations.clone();
    if let Some(base) = inputs.base {
        annotations.entry("org.opencontainers.image.base.name".into()).or_insert_with(|| base.name.to_string());
        annotations
            .entry("org.opencontainers.image.base.digest".into())
            .or_insert_with(|| base.manifest.digest.to_string());
    }
    let document = Manifest {
        schema_version: 2,
        media_type: oci::MANIFEST.to_owned(),
        config: config.clone(),
        layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
        annotations,
    };
    let mut manifest = put(store, oci::MANIFEST, &oci::bytes(&document))?;
    manifest.platform = Some(inputs.platform.into());
    let packages: Vec<InstalledPackage> = packages.all.into_iter().map(|package| package.installed).collect();
    let state = state::save(store, packages.clone(), tree)?;
    let (name, platform) = (image.name.value.clone(), inputs.platform);
    Ok(BuiltImage { name, platform, manifest, config, layers, packages, state, notes })
}

fn put(store: &Store, media_type: &str, bytes: &[u8]) -> Result<Descriptor, ImageError> {
    Ok(Descriptor::new(media_type, store.put_blob(bytes)?, bytes.len() as u64))
}

fn base_config(store: &Store, base: &BuiltImage) -> Result<ImageConfig, ImageError> {
    let doing = || format!("read the configuration of the image {}", base.name);
    let blob = store.open_blob(&base.config.digest)?;
    serde_json::from_reader(io::BufReader::new(blob))
        .map_err(|error| ImageError::Io { doing: doing(), source: error.into() })
}
