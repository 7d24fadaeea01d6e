//! The digest of a folder: what two trees must share to be the same input.
//!
//! # Format
//! SHA-256 of `orchestrate tree 1` and a zero byte, followed by one item for everything in the folder, itself left out:
//! a folder before what is in it, names within a folder in the order of their bytes. An item is
//!
//! 1. one byte: `d` folder, `f` file, `x` file that its owner may execute, `l` symbolic link;
//! 2. the path below the folder, parts separated by `/`: its length as eight bytes, least significant first, its bytes;
//! 3. of a file the 32 bytes of the SHA-256 of its content, of a link the length and bytes of its target, as above.
//!
//! Owners, other permissions, times, extended attributes and whether files are linked to each other are not in it.
//! Devices, pipes and sockets are refused.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::{Doing as _, StoreError};
use crate::beneath::{Dir, Kind, Metadata};
use crate::model::{Digest, Hasher};

/// How many items a tree may have; the largest source trees have fewer than a tenth of it.
const MOST_ENTRIES: u64 = 4_000_000;
/// How many files are hashed before their digests are taken up.
const BATCH: usize = 4096;

/// What a tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeFacts {
    /// Its digest, in the format of this module.
    pub digest: Digest,
    /// How many files, folders and links are in it.
    pub entries: u64,
    /// How many bytes are in its files.
    pub bytes: u64,
}

/// The digest of the folder at `path`; the format is described in the source of this function's module and never
/// changes without another first line.
///
/// # Errors
/// When it holds anything but files, folders and links, has too many of them, or cannot be read.
pub fn digest_tree(path: &Path) -> Result<Digest, StoreError> {
    inspect_tree(path).map(|facts| facts.digest)
}

/// The digest of a folder, and how much is in it. Files are hashed in parallel; memory grows with the number of items,
/// not with their size.
///
/// # Errors
/// As [`digest_tree`].
pub fn inspect_tree(path: &Path) -> Result<TreeFacts, StoreError> {
    inspect_folder(&Dir::open(path).doing("open", path)?, u64::MAX)
}

/// Like [`inspect_tree`], of a folder whose files may have `most_bytes` in all, every name of a file and every hole
/// counted. Nothing is read of a folder that has more.
///
/// # Errors
/// As [`digest_tree`], and when there is more.
pub fn inspect_folder(folder: &Dir, most_bytes: u64) -> Result<TreeFacts, StoreError> {
    let items = list(folder, most_bytes)?;
    let mut hasher = TreeHasher::new();
    for batch in items.chunks(BATCH) {
        let contents: Vec<Content> = batch.par_iter().map(|item| item.content(folder)).collect::<Result<_, _>>()?;
        for (item, content) in batch.iter().zip(contents) {
            let path = item.below.as_os_str().as_bytes();
            match content {
                Content::Folder => hasher.folder(path),
                Content::Link(target) => hasher.link(path, &target),
                Content::File { digest, length, executable } => hasher.file(path, &digest, length, executable),
            }
        }
    }
    Ok(hasher.finish())
}

/// Makes the digest of a tree out of those of its files, for who knows them. Items come in the order of the format: a
/// folder before what is in it, names within a folder in the order of their bytes, which is the order of
/// [`crate::model::ImagePath`].
pub struct TreeHasher {
    hasher: Hasher,
    entries: u64,
    bytes: u64,
}

impl Default for TreeHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl TreeHasher {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut hasher = Hasher::new();
        hasher.update(b"orchestrate tree 1\0");
        Self { hasher, entries: 0, bytes: 0 }
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: &[u8]) {
        self.item(b'd', path);
    }

    /// Adds a file of `length` bytes, which its owner may execute or not.
    pub fn file(&mut self, path: &[u8], content: &Digest, length: u64, executable: bool) {
        self.item(if executable { b'x' } else { b'f' }, path);
        self.hasher.update(content.as_bytes());
        self.bytes += length;
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &[u8], target: &[u8]) {
        self.item(b'l', path);
        absorb_bytes(target, &mut self.hasher);
    }

    fn item(&mut self, letter: u8, path: &[u8]) {
        self.hasher.update(&[letter]);
        absorb_bytes(path, &mut self.hasher);
        self.entries += 1;
    }

    /// The digest of what was added, and how much that is.
    #[must_use]
    pub fn finish(self) -> TreeFacts {
        TreeFacts { digest: self.hasher.finish(), entries: self.entries, bytes: self.bytes }
    }
}

struct Item {
    below: PathBuf,
    metadata: Metadata,
}

enum Content {
    Folder,
    File { digest: Digest, length: u64, executable: bool },
    Link(Vec<u8>),
}

/// All that is in `root`, in canonical order, without recursion: the depth is up to whoever made the tree.
fn list(root: &Dir, most_bytes: u64) -> Result<Vec<Item>, StoreError> {
    let mut items: Vec<Item> = Vec::new();
    let mut bytes = 0_u64;
    let mut waiting = vec![(PathBuf::new(), root.metadata("").doing("look at", root.path())?)];
    while let Some((below, metadata)) = waiting.pop() {
        if metadata.is_dir() {
            let folder = root.dir(&below).doing("open", &root.shown(&below))?;
            for name in folder.names("").doing("list", folder.path())?.into_iter().rev() {
                let metadata = folder.metadata(&name).doing("look at", &folder.shown(Path::new(&name)))?;
                waiting.push((below.join(name), metadata));
            }
        }
        if metadata.is_file() {
            bytes = bytes.saturating_add(metadata.size);
        }
        let too_much = |what, limit| Err(StoreError::TooMuch { path: root.path().to_owned(), what, limit });
        if bytes > most_bytes {
            return too_much("bytes", most_bytes);
        }
        if items.len() as u64 >= MOST_ENTRIES {
            return too_much("files and folders", MOST_ENTRIES);
        }
        if !matches!(metadata.kind, Kind::Dir | Kind::File | Kind::Symlink) {
            return Err(StoreError::Special { path: root.shown(&below), kind: metadata.kind.words() });
        }
        if !below.as_os_str().is_empty() {
            items.push(Item { below, metadata });
        }
    }
    Ok(items)
}

impl Item {
    fn content(&self, root: &Dir) -> Result<Content, StoreError> {
        let shown = || root.shown(&self.below);
        match self.metadata.kind {
            Kind::Dir => Ok(Content::Folder),
            Kind::Symlink => {
                let target = root.read_link(&self.below).doing("read", &shown())?;
                Ok(Content::Link(target.as_bytes().to_vec()))
            }
            _ => {
                let mut file = root.open_file(&self.below).doing("open", &shown())?;
                let mut hasher = Hasher::new();
                let length = copy(&mut file, &mut hasher).doing("read", &shown())?;
                let executable = self.metadata.is_executable();
                Ok(Content::File { digest: hasher.finish(), length, executable })
            }
        }
    }
}

fn absorb_bytes(bytes: &[u8], hasher: &mut Hasher) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// [`io::copy`] with a buffer worth a system call.
pub(super) fn copy(reader: &mut impl io::Read, hasher: &mut Hasher) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                total += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl TreeFacts {
    /// Writes them beside a tree, in the folder around it.
    pub(super) fn write(&self, entry: &Path) -> Result<(), StoreError> {
        let path = entry.join("digest");
        let text = format!("{} {} {}\n", self.digest, self.entries, self.bytes);
        fs_err::write(&path, text).doing("write", &path)
    }

    /// Reads them; none when the tree or the file is missing or makes no sense, as after a crash.
    pub(super) fn read(entry: &Path) -> Result<Option<Self>, StoreError> {
        let path = entry.join("digest");
        let text = match fs_err::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path, error)),
        };
        let mut words = text.strip_suffix('\n').unwrap_or_default().split(' ');
        let mut next = || words.next();
        let facts = (|| {
            let digest = next()?.parse().ok()?;
            Some(Self { digest, entries: next()?.parse().ok()?, bytes: next()?.parse().ok()? })
        })();
        Ok(facts)
    }
}
