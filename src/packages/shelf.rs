//! Reading files out of segments: one member is decompressed at a time.

use std::collections::HashMap;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use crate::archive::{ElfFacts, Entry, EntryKind, locate};
use crate::beneath::Beneath;
use crate::model::{Digest, ImagePath};
use crate::store::Store;

use super::PackagesError;
use super::segment;
use super::stream::{Stream, compression_of, inflate};
use super::tree::{Content, FileTree, Node};

/// Largest file that is read whole: configuration, certificates, lists.
const WHOLE: u64 = 64 << 20;
/// Members that stay decompressed.
const RECENT: usize = 8;

/// Opens the files of a tree.
pub struct Shelf<'a> {
    store: &'a Store,
    streams: Mutex<HashMap<Digest, Arc<Stream>>>,
    recent: Mutex<Vec<Recent>>,
}

type Recent = ((Digest, usize), Arc<Vec<u8>>);

impl<'a> Shelf<'a> {
    /// Reads from `store`.
    #[must_use]
    pub fn new(store: &'a Store) -> Self {
        Self { store, streams: Mutex::default(), recent: Mutex::default() }
    }

    pub(crate) const fn store(&self) -> &'a Store {
        self.store
    }

    /// Spares looking up a stream that is at hand.
    pub(crate) fn add(&self, key: Digest, stream: Stream) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(stream));
    }

    fn stream(&self, key: &Digest) -> Result<Arc<Stream>, PackagesError> {
        if let Some(stream) = self.streams.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(Arc::clone(stream));
        }
        let segment =
            segment::known(self.store, key)?.ok_or(PackagesError::Lost { what: "a segment", digest: *key })?;
        let stream = Arc::new(segment.stream);
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(*key, Arc::clone(&stream));
        Ok(stream)
    }

    /// Opens the bytes of a file of `size` bytes.
    ///
    /// # Errors
    /// When the store lost them, or a file of this machine cannot be opened.
    pub fn open(&self, content: &Content, size: u64) -> Result<Box<dyn Read + '_>, PackagesError> {
        Ok(match content {
            Content::Memory(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
            Content::Unpacked { file, .. } => Box::new(open(file, "read a file of an unpacked package")?),
            Content::Host(file) => Box::new(open(file, "read a file that is copied into the image")?),
            Content::Stored { key, offset, .. } => {
                let stream = self.stream(key)?;
                Box::new(Range { shelf: self, stream, at: *offset, left: size, member: Arc::default(), start: 0 })
            }
        })
    }

    /// The bytes of the regular file at `path`, through links, when it is not larger than 64 MiB.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn read(&self, tree: &FileTree, path: &ImagePath) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{path} is no file of the image"));
        let node = tree.file(path).ok_or_else(missing)?;
        let size = node.entry.kind.size();
        if size > WHOLE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{path} has {size} bytes")));
        }
        let content = node.content.as_ref().ok_or_else(missing)?;
        let mut bytes = Vec::with_capacity(size as usize);
        self.open(content, size).map_err(io::Error::other)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Decompresses a member, unless it was just used.
    fn member(&self, stream: &Stream, index: usize, offset: u64) -> io::Result<Arc<Vec<u8>>> {
        let id = (stream.blob, index);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = recent.iter().position(|(known, _)| *known == id) {
            let member = recent.remove(found);
            recent.push(member);
            return Ok(recent.last().map(|(_, bytes)| Arc::clone(bytes)).unwrap_or_default());
        }
        drop(recent);
        let member = stream.members[index];
        let mut blob = self.store.open_blob(&stream.blob).map_err(io::Error::other)?;
        blob.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        blob.take(member.compressed_len).read_to_end(&mut bytes)?;
        let bytes = Arc::new(inflate(compression_of(&bytes), &bytes, member.uncompressed_len)?);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == RECENT {
            recent.remove(0);
        }
        recent.push((id, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

fn open(file: &Beneath, doing: &str) -> Result<std::fs::File, PackagesError> {
    file.open_file().map_err(|source| PackagesError::Io { doing: doing.to_owned(), source })
}

/// Some bytes of an uncompressed stream.
struct Range<'a> {
    shelf: &'a Shelf<'a>,
    stream: Arc<Stream>,
    at: u64,
    left: u64,
    /// The member that was read last, and the offset of its first byte.
    member: Arc<Vec<u8>>,
    start: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if !(self.start..self.start + self.member.len() as u64).contains(&self.at) {
            let located = locate(&self.stream.members, self.at).ok_or(io::ErrorKind::UnexpectedEof)?;
            self.member = self.shelf.member(&self.stream, located.index, located.compressed_offset)?;
            self.start = located.uncompressed_offset;
        }
        let rest = &self.member[(self.at - self.start) as usize..];
        let read = rest.len().min(buffer.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buffer[..read].copy_from_slice(&rest[..read]);
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// A tree with the bytes of its files, as package configuration wants to see it.
pub(super) struct Readable<'a> {
    pub(super) tree: &'a FileTree,
    pub(super) shelf: &'a Shelf<'a>,
}

impl Readable<'_> {
    /// Hard links are files like any other to whoever reads.
    fn shown(&self, node: &Node) -> Entry {
        match &node.entry.kind {
            EntryKind::Hardlink { target } => {
                let kind = self.tree.get(target).map_or(EntryKind::File { size: 0 }, |node| node.entry.kind.clone());
                Entry { kind, ..node.entry.clone() }
            }
            _ => node.entry.clone(),
        }
    }

    pub(super) fn entry(&self, path: &ImagePath) -> Option<Entry> {
        self.tree.get(path).map(|node| self.shown(node))
    }

    pub(super) fn list(&self, folder: &ImagePath) -> Vec<Entry> {
        self.tree.children(folder).map(|node| self.shown(node)).collect()
    }

    pub(super) fn elf(&self, path: &ImagePath) -> Option<ElfFacts> {
        self.tree.file(path).and_then(|node| node.elf.clone())
    }
}
