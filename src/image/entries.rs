//! The recipe's own entries, put into the merged tree in the order written.
//!
//! Every path is followed through the links of the image, as if it were the root of the file system, so that a copy to
//! `/var/run/x` goes where `/var/run` leads and nothing can leave the image. A link at the end of a path is replaced,
//! unless it leads to a folder and a folder is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::archive::{Entry, EntryKind};
use crate::beneath::{Beneath, Kind};
use crate::model::{Capability, EPOCH, ImagePath, Mode, Ownership, Place};
use crate::packages::{Content, FileTree, Last, Node, NodeOwner, Shelf, plain_folder};
use crate::recipe;

use super::ImageError;
use super::accounts::{Accounts, FILES};
use super::capability;
use super::error::EntryProblem;

/// An entry of a recipe, and where the files are that it copies.
#[derive(Debug)]
pub struct ResolvedEntry<'a> {
    /// The entry.
    pub entry: &'a recipe::ImageEntry,
    /// What a `copy` copies; nothing for other entries.
    pub content: Option<CopyContent>,
}

/// What a `copy` copies.
#[derive(Clone, Debug)]
pub enum CopyContent {
    /// A file or folder of this machine: owners and times of its files do not matter, and of their modes only whether
    /// they are executable.
    Host(Beneath),
    /// A path of another image: owners, modes and times are kept.
    Image(Box<super::BuiltImage>, ImagePath),
}

/// What the recipe takes out of, or covers in, what was there before.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Paths of the image's own packages that it does without.
    pub(super) packages: BTreeMap<u32, BTreeSet<ImagePath>>,
    /// Paths of the image's own packages and configuration that something else is at.
    pub(super) covered: BTreeMap<u32, BTreeSet<ImagePath>>,
    /// Generated paths that it does without.
    pub(super) generated: BTreeSet<ImagePath>,
    /// Paths of the base image that have to be hidden.
    pub(super) base: BTreeSet<ImagePath>,
}

/// Changes a tree as a recipe says.
pub(super) struct Editor<'a> {
    pub(super) tree: &'a mut FileTree,
    pub(super) base: &'a FileTree,
    pub(super) shelf: &'a Shelf<'a>,
    pub(super) taken: Taken,
    /// Owners by name: accounts are made when all files are there.
    owners: BTreeMap<ImagePath, (Ownership, Place)>,
}

/// What an entry says about what it makes.
#[derive(Clone, Copy)]
struct Wish<'a> {
    owner: Option<&'a Ownership>,
    mode: Option<Mode>,
    place: Place,
}

type Outcome = Result<(), EntryProblem>;

impl<'a> Editor<'a> {
    pub(super) fn new(tree: &'a mut FileTree, base: &'a FileTree, shelf: &'a Shelf<'a>) -> Self {
        Self { tree, base, shelf, taken: Taken::default(), owners: BTreeMap::new() }
    }

    /// Carries out one entry.
    pub(super) fn apply(&mut self, resolved: &ResolvedEntry<'_>) -> Result<(), ImageError> {
        let recipe::ImageEntry { place, kind, owner, mode } = resolved.entry;
        let wish = Wish { owner: owner.as_ref(), mode: *mode, place: *place };
        let (path, outcome) = match kind {
            recipe::ImageEntryKind::Copy { to, .. } => match &resolved.content {
                Some(CopyContent::Host(from)) => (to, self.copy(from, to, wish)),
                Some(CopyContent::Image(image, from)) => {
                    let other = super::state::load(self.shelf.store(), image)?;
                    (to, self.copy_from_image(&other.tree, from, to, wish))
                }
                None => (to, Err(nothing_to_copy(to))),
            },
            recipe::ImageEntryKind::File { path, text } => (path, self.file(path, text.as_bytes(), wish)),
            recipe::ImageEntryKind::Dir { path } => (path, self.dir(path, wish).map(|_| ())),
            recipe::ImageEntryKind::Symlink { path, target } => {
                let entry = Entry {
                    kind: symlink(target.as_bytes()),
                    mode: Mode::from_bits(0o777),
                    ..plain_folder(path.clone())
                };
                (path, self.put(entry, None, wish))
            }
            recipe::ImageEntryKind::Remove { path } => (path, self.remove(path)),
            recipe::ImageEntryKind::FileCapability { path, capabilities } => {
                (path, self.capability(path, capabilities))
            }
        };
        outcome.map_err(|problem| ImageError::Entry { place: *place, path: path.clone(), problem })
    }

    fn file(&mut self, path: &ImagePath, bytes: &[u8], wish: Wish<'_>) -> Outcome {
        let kind = EntryKind::File { size: bytes.len() as u64 };
        let mode = wish.mode.unwrap_or(Mode::from_bits(0o644));
        self.put(Entry { kind, mode, ..plain_folder(path.clone()) }, Some(Content::Memory(bytes.into())), wish)
    }

    /// Makes a folder, or gives the one that is there the owner and mode of the wish. Returns where it really is.
    fn dir(&mut self, path: &ImagePath, wish: Wish<'_>) -> Result<ImagePath, EntryProblem> {
        let path = self.tree.resolve(path, Last::Follow)?;
        if path.is_root() {
            return Ok(path);
        }
        self.make_parents(&path)?;
        let entry = match self.tree.get(&path) {
            Some(there) if there.entry.kind != EntryKind::Dir => {
                let there = there.entry.kind.to_string();
                return Err(EntryProblem::OtherKind { there, new: EntryKind::Dir.to_string() });
            }
            Some(_) if wish.mode.is_none() && wish.owner.is_none() => return Ok(path),
            Some(there) => there.entry.clone(),
            None => plain_folder(path.clone()),
        };
        let mode = wish.mode.unwrap_or(entry.mode);
        self.own(&path, wish);
        self.tree.insert(recipe_node(Entry { mode, ..entry }, None));
        Ok(path)
    }

    /// Puts something that is no folder where its path leads.
    fn put(&mut self, mut entry: Entry, content: Option<Content>, wish: Wish<'_>) -> Outcome {
        let path = self.tree.resolve(&entry.path, Last::Keep)?;
        self.make_parents(&path)?;
        match self.tree.get(&path) {
            Some(there) if there.entry.kind == EntryKind::Dir => {
                let there = there.entry.kind.to_string();
                return Err(EntryProblem::OtherKind { there, new: entry.kind.to_string() });
            }
            Some(_) => self.cover(&path),
            None if path.is_root() => {
                return Err(EntryProblem::OtherKind { there: EntryKind::Dir.to_string(), new: entry.kind.to_string() });
            }
            None => {}
        }
        self.own(&path, wish);
        entry.path = path;
        self.tree.insert(recipe_node(entry, content));
        Ok(())
    }

    fn make_parents(&mut self, path: &ImagePath) -> Outcome {
        for folder in path.ancestors() {
            if let Some(node) = self.tree.get(&folder)
                && node.entry.kind != EntryKind::Dir
            {
                return Err(EntryProblem::NotAFolder { path: folder, kind: node.entry.kind.to_string() });
            }
        }
        self.tree.ensure_parents(path, NodeOwner::Recipe, |_| None);
        Ok(())
    }

    /// Notes that something else will be at `path`.
    fn cover(&mut self, path: &ImagePath) {
        self.tree.detach_links(path);
        if let Some(Node { owner: NodeOwner::Package(package), own: true, .. }) = self.tree.get(path) {
            self.taken.covered.entry(*package).or_default().insert(path.clone());
        }
    }

    fn own(&mut self, path: &ImagePath, wish: Wish<'_>) {
        match wish.owner {
            Some(owner) => _ = self.owners.insert(path.clone(), (owner.clone(), wish.place)),
            None => _ = self.owners.remove(path),
        }
    }

    /// Copies a file or folder of this machine.
    fn copy(&mut self, from: &Beneath, to: &ImagePath, wish: Wish<'_>) -> Outcome {
        let metadata = from.metadata().map_err(|source| unreadable(from, source))?;
        match metadata.kind {
            Kind::Dir => {
                let folder = self.copied_folder(to, wish)?;
                for (name, child) in children(from)? {
                    self.copy(&child, &folder.join(&name), wish)?;
                }
                Ok(())
            }
            Kind::File => {
                let executable = metadata.mode & 0o111 != 0;
                let mode = wish.mode.unwrap_or(Mode::from_bits(if executable { 0o755 } else { 0o644 }));
                let entry = Entry { kind: EntryKind::File { size: metadata.size }, mode, ..plain_folder(to.clone()) };
                self.put(entry, Some(Content::Host(from.clone())), wish)
            }
            Kind::Symlink => {
                let target = from.read_link().map_err(|source| unreadable(from, source))?;
                let kind = symlink(target.as_bytes());
                self.put(Entry { kind, mode: Mode::from_bits(0o777), ..plain_folder(to.clone()) }, None, wish)
            }
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::Socket => {
                let problem = format!("is {}, which has no place in an image", metadata.kind.words());
                Err(refused(&from.shown(), &problem))
            }
        }
    }

    /// A folder that is copied leaves one that is there as it is.
    fn copied_folder(&mut self, to: &ImagePath, wish: Wish<'_>) -> Result<ImagePath, EntryProblem> {
        let there = self.tree.is_folder(&self.tree.resolve(to, Last::Follow)?);
        let mode = wish.mode.map(searchable);
        let wish = if there { Wish { owner: None, mode: None, ..wish } } else { Wish { mode, ..wish } };
        self.dir(to, wish)
    }

    fn copy_from_image(&mut self, other: &FileTree, from: &ImagePath, to: &ImagePath, wish: Wish<'_>) -> Outcome {
        let from = other.resolve(from, Last::Follow)?;
        if !from.is_root() && other.get(&from).is_none() {
            return Err(refused(Path::new(&from.to_string()), "is not in the other image"));
        }
        for node in other.within(&from) {
            let path = node.entry.path.below(&from).map_or_else(|| to.clone(), |below| to.join(&below));
            let mode = wish.mode.unwrap_or(node.entry.mode);
            match &node.entry.kind {
                EntryKind::Dir => self.copied_image_folder(&node.entry, &path, wish)?,
                EntryKind::Symlink { .. } => self.put(Entry { path, ..node.entry.clone() }, None, wish)?,
                EntryKind::File { .. } | EntryKind::Hardlink { .. } => {
                    let Some(file) = other.file(&node.entry.path) else { continue };
                    self.put(Entry { path, mode, ..file.entry.clone() }, file.content.clone(), wish)?;
                }
            }
        }
        Ok(())
    }

    fn copied_image_folder(&mut self, entry: &Entry, path: &ImagePath, wish: Wish<'_>) -> Outcome {
        let there = self.tree.is_folder(&self.tree.resolve(path, Last::Follow)?);
        let path = self.copied_folder(path, wish)?;
        if !there && let Some(made) = self.tree.get_mut(&path) {
            let mode = wish.mode.map_or(entry.mode, searchable);
            made.entry = Entry { path, mode, ..entry.clone() };
        }
        Ok(())
    }

    /// Takes out what is at `path`, with everything in it.
    fn remove(&mut self, path: &ImagePath) -> Outcome {
        let path = self.tree.resolve(path, Last::Keep)?;
        let all: Vec<ImagePath> = self.tree.within(&path).map(|node| node.entry.path.clone()).collect();
        if all.is_empty() || path.is_root() {
            return Err(EntryProblem::Nothing { path });
        }
        for path in &all {
            self.tree.detach_links(path);
            self.owners.remove(path);
            match self.tree.remove(path) {
                Some(Node { owner: NodeOwner::Package(package), own: true, .. }) => {
                    self.taken.packages.entry(package).or_default().insert(path.clone());
                }
                Some(Node { owner: NodeOwner::Generated, own: true, .. }) => {
                    _ = self.taken.generated.insert(path.clone())
                }
                _ => {}
            }
        }
        if self.base.get(&path).is_some() || self.base.within(&path).next().is_some() {
            self.taken.base.insert(path);
        }
        Ok(())
    }

    fn capability(&mut self, path: &ImagePath, capabilities: &[Capability]) -> Outcome {
        let value = capability::encode(capabilities);
        let path = self.tree.resolve(path, Last::Follow)?;
        let file = self.tree.file(&path).cloned().ok_or_else(|| EntryProblem::NoFile { path: path.clone() })?;
        if file.owner != NodeOwner::Recipe {
            self.cover(&path);
        }
        let mut entry = Entry { path, ..file.entry };
        entry.xattrs.retain(|(name, _)| name != capability::XATTR);
        entry.xattrs.push((capability::XATTR.to_owned(), value));
        entry.xattrs.sort();
        self.tree.insert(Node { elf: file.elf, ..recipe_node(entry, file.content) });
        Ok(())
    }

    /// Adds the recipe's accounts to the four files, makes their homes, and gives all files their owners.
    pub(super) fn finish(mut self, image: &recipe::Image) -> Result<(Accounts, Taken), ImageError> {
        let paths = FILES.map(|(path, _)| ImagePath::new(path.as_bytes()).unwrap_or_default());
        let texts = paths.each_ref().map(|path| self.shelf.read(self.tree, path).ok());
        let before = Accounts::read(texts.clone());
        let mut accounts = before.clone();
        accounts.add(&image.accounts, &image.groups)?;
        if accounts != before {
            let place = image.accounts.first().map_or(image.name.place, |account| account.place);
            for ((path, (_, mode)), text) in paths.iter().zip(FILES).zip(accounts.render()) {
                let written = self.account_file(path, mode, &text, &accounts, place);
                written.map_err(|problem| ImageError::Entry { place, path: path.clone(), problem })?;
            }
        }
        for account in &image.accounts {
            let path = ImagePath::absolute(&account.home)
                .ok()
                .filter(|path| account.home != "/nonexistent" && !path.is_root());
            if let Some(path) = path {
                let failed = |problem| ImageError::Entry { place: account.place, path: path.clone(), problem };
                self.home(&path, account).map_err(failed)?;
            }
        }
        for (path, (owner, place)) in std::mem::take(&mut self.owners) {
            let unknown = |who| ImageError::Entry { place, path: path.clone(), problem: EntryProblem::Unknown { who } };
            let (uid, gid) = accounts.resolve(&owner).map_err(unknown)?;
            if let Some(node) = self.tree.get_mut(&path) {
                (node.entry.uid, node.entry.gid) = (uid, gid);
            }
        }
        Ok((accounts, self.taken))
    }

    /// Rewrites an account file with the mode and owner it has.
    fn account_file(&mut self, path: &ImagePath, mode: u32, text: &[u8], accounts: &Accounts, place: Place) -> Outcome {
        let path = self.tree.resolve(path, Last::Follow)?;
        let there = self.tree.get(&path).map(|node| node.entry.clone());
        let gid = if mode & 0o004 == 0 { accounts.shadow_group() } else { 0 };
        let new = Entry { gid, mode: Mode::from_bits(mode), ..plain_folder(path.clone()) };
        let kind = EntryKind::File { size: text.len() as u64 };
        let entry = Entry { kind, mtime: EPOCH.seconds(), ..there.unwrap_or(new) };
        let owner = self.owners.get(&path).cloned();
        self.put(entry, Some(Content::Memory(text.into())), Wish { owner: None, mode: None, place })?;
        self.owners.extend(owner.map(|owner| (path, owner)));
        Ok(())
    }

    fn home(&mut self, path: &ImagePath, account: &recipe::Account) -> Outcome {
        let path = self.tree.resolve(path, Last::Follow)?;
        if self.tree.get(&path).is_none() {
            self.make_parents(&path)?;
            let mode = Mode::from_bits(0o700);
            let entry = Entry { uid: account.uid, gid: account.gid, mode, ..plain_folder(path) };
            self.tree.insert(recipe_node(entry, None));
        }
        Ok(())
    }
}

fn recipe_node(entry: Entry, content: Option<Content>) -> Node {
    Node { entry, owner: NodeOwner::Recipe, own: true, content, elf: None }
}

fn symlink(target: &[u8]) -> EntryKind {
    EntryKind::Symlink { target: target.to_vec() }
}

/// A mode for files, as folders need it: who may read may search.
const fn searchable(mode: Mode) -> Mode {
    let bits = mode.bits();
    Mode::from_bits(bits | (bits & 0o444) >> 2)
}

/// The entries of a folder of this machine, sorted by name, with their names as paths.
fn children(folder: &Beneath) -> Result<Vec<(ImagePath, Beneath)>, EntryProblem> {
    let names = folder.names().map_err(|source| unreadable(folder, source))?;
    let child = |name: std::ffi::OsString| {
        let path = ImagePath::new(name.as_bytes());
        Ok((path.map_err(|error| refused(&folder.shown(), &error.to_string()))?, folder.join(name)))
    };
    names.into_iter().map(child).collect()
}

fn unreadable(path: &Beneath, source: std::io::Error) -> EntryProblem {
    EntryProblem::Read { path: path.shown().display().to_string(), source }
}

fn refused(path: &Path, problem: &str) -> EntryProblem {
    EntryProblem::Source { path: path.display().to_string(), problem: problem.to_owned() }
}

fn nothing_to_copy(to: &ImagePath) -> EntryProblem {
    EntryProblem::Source {
        path: to.to_string(),
        problem: "was not prepared: nothing says where its files are".to_owned(),
    }
}
