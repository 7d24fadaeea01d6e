//! How much the objects of a git repository may be: a few megabytes of a pack can stand for any number of gigabytes.

use std::sync::{Arc, Mutex, PoisonError};

use git2::ObjectType;

use super::super::config::FetchLimits;

/// The largest commit or tag that is read; a page of text and a signature are a few kB.
const LARGEST_COMMIT: u64 = 4 << 20;
/// The largest folder that is read: hundreds of thousands of files.
const LARGEST_TREE: u64 = 32 << 20;

/// What may still be read for a source, in all its repositories together. Clones share it.
#[derive(Clone)]
pub(super) struct Allowance {
    /// The largest file, and the largest object that is made from another one.
    pub(super) file: u64,
    /// Bytes of one pack as it is sent.
    pub(super) pack: u64,
    left: Arc<Mutex<Left>>,
}

struct Left {
    objects: u64,
    bytes: u64,
    refusal: Option<String>,
}

impl Allowance {
    pub(super) fn new(limits: &FetchLimits) -> Self {
        let left = Left { objects: limits.git_objects, bytes: limits.git_unpacked, refusal: None };
        Self { file: limits.git_file, pack: limits.git_pack, left: Arc::new(Mutex::new(left)) }
    }

    /// The largest object of a kind.
    pub(super) const fn largest(&self, kind: ObjectType) -> u64 {
        match kind {
            ObjectType::Commit | ObjectType::Tag => LARGEST_COMMIT,
            ObjectType::Tree => LARGEST_TREE,
            ObjectType::Blob | ObjectType::Any => self.file,
        }
    }

    /// Takes one object of a kind into account before it is read.
    pub(super) fn object(&self, kind: ObjectType, size: u64) -> Result<(), String> {
        let largest = self.largest(kind);
        if size > largest {
            return self.refuse(format!("a {kind} in it has {size} bytes, {largest} are allowed"));
        }
        self.objects(1)?;
        self.bytes(size)
    }

    pub(super) fn objects(&self, number: u64) -> Result<(), String> {
        self.take(|left| &mut left.objects, number, "git objects")
    }

    pub(super) fn bytes(&self, number: u64) -> Result<(), String> {
        self.take(|left| &mut left.bytes, number, "bytes of unpacked git objects")
    }

    fn take(&self, which: impl Fn(&mut Left) -> &mut u64, number: u64, what: &str) -> Result<(), String> {
        let rest = {
            let mut left = self.left();
            let rest = which(&mut left).checked_sub(number);
            *which(&mut left) = rest.unwrap_or(0);
            rest
        };
        match rest {
            Some(_) => Ok(()),
            None => self.refuse(format!("it holds more {what} than are allowed, submodules included")),
        }
    }

    /// Remembers why the source is refused: what passes through libgit2 may lose its words.
    pub(super) fn refuse(&self, reason: String) -> Result<(), String> {
        self.left().refusal.get_or_insert_with(|| reason.clone());
        Err(reason)
    }

    /// Why the source is refused, when it is.
    pub(super) fn refusal(&self) -> Option<String> {
        self.left().refusal.clone()
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner) // numbers are never half-changed
    }
}
