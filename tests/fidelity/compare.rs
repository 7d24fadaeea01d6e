//! Two root file systems as tar streams, compared entry by entry: path, kind, mode, owner, size and content, not time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use orchestrate::model::{Digest, Glob, ImagePath};

/// A difference that is right, with its reason.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    /// Which paths.
    pub(crate) path: &'static str,
    /// In what they may differ.
    pub(crate) extent: Extent,
    /// Why.
    pub(crate) reason: &'static str,
}

/// In what two systems may differ at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// One has it and the other does not, or any of what it is.
    Existence,
    /// What a file holds: kind, mode and owner are the same.
    Content,
}

/// Files whose records stand in the order of a hash table, or in that of installation, and whose readers do not mind:
/// the path and how many lines make a record.
const UNORDERED: &[(&str, usize)] = &[
    ("/var/lib/dpkg/diversions", 3),
    ("/var/lib/dpkg/statoverride", 1),
    ("/var/lib/dpkg/triggers/File", 1),
    ("/var/lib/apt/extended_states", 4),
];

/// One entry in words; content small enough to show is kept.
#[derive(Clone, PartialEq, Eq)]
struct Found {
    kind: &'static str,
    mode: u32,
    owner: (u64, u64),
    /// Target of a link, size and digest of a file.
    what: String,
    text: Option<String>,
}

/// How two file systems differ.
pub(crate) struct Comparison {
    /// What no allowance excuses, one line for each path.
    pub(crate) unexplained: Vec<String>,
    /// How many paths allowances excuse.
    pub(crate) explained: usize,
    /// The numbers of allowances that excused something.
    used: BTreeSet<usize>,
}

impl Comparison {
    /// Those of `allowed`, numbered from `first`, that excused nothing, a line each.
    pub(crate) fn idle<'a>(&self, first: usize, allowed: impl IntoIterator<Item = &'a Allowed>) -> Vec<String> {
        let numbered = (first..).zip(allowed).filter(|(number, _)| !self.used.contains(number));
        numbered.map(|(_, idle)| format!("{}: allowed ({}), but does not differ", idle.path, idle.reason)).collect()
    }
}

impl Comparison {
    /// Compares two tar streams.
    pub(crate) fn of(ours: impl Read, theirs: impl Read, allowed: &[&Allowed]) -> Self {
        let (ours, theirs) = (read(ours), read(theirs));
        let globs: Vec<Glob> = allowed.iter().map(|allowed| Glob::new(allowed.path).expect("a pattern")).collect();
        let mut comparison = Self { unexplained: Vec::new(), explained: 0, used: BTreeSet::new() };
        let paths: BTreeSet<&ImagePath> = ours.keys().chain(theirs.keys()).collect();
        for path in paths {
            let Some(difference) = difference(ours.get(path), theirs.get(path)) else { continue };
            let extent = extent(ours.get(path), theirs.get(path));
            let excuses = |allowed: &Allowed| allowed.extent == Extent::Existence || extent == Extent::Content;
            let mut allowances = globs.iter().zip(allowed);
            match allowances.position(|(glob, allowed)| glob.matches(path) && excuses(allowed)) {
                Some(index) => {
                    comparison.used.insert(index);
                    comparison.explained += 1;
                }
                None => comparison.unexplained.push(format!("{path}: {difference}")),
            }
        }
        comparison
    }
}

/// Everything that differs between `ours` and `theirs` and is not `allowed`, one line each. An allowance that
/// excuses nothing is reported as well, so that the list stays short.
pub(crate) fn compare(ours: impl Read, theirs: impl Read, allowed: &[Allowed]) -> Vec<String> {
    let comparison = Comparison::of(ours, theirs, &allowed.iter().collect::<Vec<_>>());
    let idle = comparison.idle(0, allowed);
    [comparison.unexplained, idle].concat()
}

fn extent(ours: Option<&Found>, theirs: Option<&Found>) -> Extent {
    let outside = |found: &Found| (found.kind, found.mode, found.owner);
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if outside(ours) == outside(theirs) && ours.kind == "file" => Extent::Content,
        _ => Extent::Existence,
    }
}

fn difference(ours: Option<&Found>, theirs: Option<&Found>) -> Option<String> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours == theirs => None,
        (Some(ours), Some(theirs)) => {
            let mut text = format!("ours {}, theirs {}", show(ours), show(theirs));
            if let (Some(ours), Some(theirs)) = (&ours.text, &theirs.text) {
                text.push_str(&first_lines(ours, theirs));
            }
            Some(text)
        }
        (Some(ours), None) => Some(format!("only ours: {}", show(ours))),
        (None, Some(theirs)) => Some(format!("only theirs: {}", show(theirs))),
        (None, None) => None,
    }
}

fn show(found: &Found) -> String {
    let (user, group) = found.owner;
    format!("{} {:04o} {user}:{group} {}", found.kind, found.mode, found.what)
}

/// The first lines that differ.
fn first_lines(ours: &str, theirs: &str) -> String {
    let mut shown = String::new();
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.lines().collect(), theirs.lines().collect());
    let longest = ours.len().max(theirs.len());
    for index in (0..longest).filter(|&index| ours.get(index) != theirs.get(index)).take(3) {
        let line =
            |lines: &[&str]| lines.get(index).map_or("(end)".to_owned(), |line| line.chars().take(160).collect());
        shown.push_str(&format!("\n    {}: {:?}\n    instead of {:?}", index + 1, line(&ours), line(&theirs)));
    }
    shown
}

fn read(tar: impl Read) -> BTreeMap<ImagePath, Found> {
    let mut archive = tar::Archive::new(tar);
    let mut found = BTreeMap::new();
    for entry in archive.entries().expect("a tar stream") {
        let mut entry = entry.expect("an entry");
        let path = ImagePath::new(&entry.path_bytes()).expect("a path");
        if path.is_root() {
            continue;
        }
        let header = entry.header();
        let (mode, owner) =
            (header.mode().expect("a mode"), (header.uid().expect("a user"), header.gid().expect("a group")));
        let kind = header.entry_type();
        let target = entry.link_name_bytes().map(|target| target.into_owned());
        let (kind, what, text) = match kind {
            tar::EntryType::Directory => ("folder", String::new(), None),
            tar::EntryType::Symlink => ("link", String::from_utf8_lossy(&target.expect("a target")).into_owned(), None),
            tar::EntryType::Link => {
                // which of its names a file has first is not a property of the file system
                let first: &Found = &found[&ImagePath::new(&target.expect("a target")).expect("a path")];
                found.insert(path, first.clone());
                continue;
            }
            tar::EntryType::Regular => file(&path, &mut entry),
            other => ("device", format!("{other:?}"), None),
        };
        found.insert(path, Found { kind, mode: mode & 0o7777, owner, what, text });
    }
    found
}

fn file(path: &ImagePath, content: &mut impl Read) -> (&'static str, String, Option<String>) {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).expect("content");
    if let Some((_, lines)) = UNORDERED.iter().find(|(unordered, _)| path.to_string() == *unordered) {
        let text = String::from_utf8(bytes).expect("text");
        let all: Vec<&str> = text.lines().collect();
        let mut records: Vec<_> = all.chunks(*lines).collect();
        records.sort();
        bytes = records.concat().join("\n").into_bytes();
    }
    let what = format!("{} bytes {}", bytes.len(), Digest::of(&bytes).short());
    ("file", what, String::from_utf8(bytes).ok())
}
