//! Whether an image can work: what only its whole tree tells. Each check has a name by which a recipe can be excused
//! from it (`waive`).
//!
//! | check | finds |
//! |---|---|
//! | `entrypoint` | a program to start that is missing or cannot be executed by the user, or whose loader is missing |
//! | `healthcheck` | the same of the health check |
//! | `user` | a user or group to run as that the image does not know |
//! | `machine` | programs and libraries of the recipe that are for another architecture |
//! | `elf-needed` | a library that a program's loader would not find |
//! | `interpreter` | a loader, or the program of a `#!` line, that is missing |
//! | `setuid` | files that run as their owner or group, where nothing allows it |
//! | `world-writable` | files that everybody may write, and such folders without the sticky bit |
//! | `certificates` | `SSL_CERT_FILE` and `SSL_CERT_DIR` that name what is not there |
//! | `locale` | `LANG`, `LC_…` and `TZ` that name what is not there |
//!
//! What stops an image is what the recipe brings and what it starts, and programs of packages in a folder of `PATH`
//! whose libraries are missing. Other files of packages, plugins and scripts above all, often serve packages that are
//! only suggested: of those the image says how many there are, in a note.

mod elf;
mod finding;
mod interpreter;
pub(super) mod ldcache;
mod loader;
mod machine;
mod modes;
mod named;
mod program;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::EntryKind;
use crate::model::{Check, ImagePath, Platform};
use crate::recipe::Image;

use super::accounts::Accounts;
use super::oci::Execution;
use crate::packages::Shelf;
use crate::packages::{FileTree, Last, Node, NodeOwner};

pub use finding::{Finding, MissingFile, ProgramRole};

/// Where programs are looked for when the environment does not say (what runtimes do).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An image that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// Its node.
    pub(super) image: &'a Image,
    /// What it runs on.
    pub(super) platform: Platform,
    /// How it is started.
    pub(super) execution: &'a Execution,
    /// What is in it.
    pub(super) tree: &'a FileTree,
    /// Whom it knows.
    pub(super) accounts: &'a Accounts,
    /// Reads its files.
    pub(super) shelf: &'a Shelf<'a>,
}

/// What was found, waivers applied.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Why the image would not work.
    pub(super) findings: Vec<Finding>,
    /// What people may want to know.
    pub(super) notes: Vec<String>,
}

/// What one check found.
#[derive(Debug, Default)]
struct Found {
    /// What stops the image.
    errors: Vec<Finding>,
    /// What is only told.
    notes: Vec<Finding>,
}

type Look = fn(&Subject<'_>) -> Found;

const CHECKS: [Look; 7] =
    [program::check, user::check, machine::check, elf::check, interpreter::check, modes::check, named::check];

/// Everything that is wrong and not excused.
pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut notes: BTreeMap<Check, Vec<Finding>> = BTreeMap::new();
    for found in CHECKS.iter().map(|check| check(subject)) {
        let kept = |finding: &Finding| !finding.is_waived(&subject.image.waivers);
        for finding in found.errors.into_iter().filter(kept) {
            if !verdict.findings.contains(&finding) {
                verdict.findings.push(finding);
            }
        }
        for finding in found.notes.into_iter().filter(kept) {
            notes.entry(finding.check()).or_default().push(finding);
        }
    }
    verdict.notes = notes.values().filter_map(|findings| summary(findings)).collect();
    verdict
}

/// One line for all that one check only tells.
fn summary(findings: &[Finding]) -> Option<String> {
    let first = findings.first()?;
    Some(match findings.len() {
        1 => format!("{first} (`{}`)", first.check()),
        count => format!("{first}, and {} more of the kind (`{}`)", count - 1, first.check()),
    })
}

impl Subject<'_> {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<&str> {
        self.execution.env.iter().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
    }

    /// The folders of `PATH`.
    fn path(&self) -> impl Iterator<Item = ImagePath> {
        let folders = self.variable("PATH").unwrap_or(PATH).split(':');
        folders.filter_map(|folder| ImagePath::absolute(folder).ok())
    }

    /// The folders of `PATH`, as links lead.
    fn path_folders(&self) -> BTreeSet<ImagePath> {
        self.path().filter_map(|folder| self.tree.resolve(&folder, Last::Follow).ok()).collect()
    }

    /// Whether something is at a path that somebody wrote, through links.
    fn exists(&self, path: &str) -> bool {
        let resolved = loader::follow(self.tree, path.as_bytes());
        resolved.is_some_and(|path| path.is_root() || self.tree.get(&path).is_some())
    }

    /// The files that the image starts, links followed.
    fn started(&self) -> BTreeSet<ImagePath> {
        let programs = program::started(self).into_iter();
        let found = programs.filter_map(|(_, program)| program::find(self, &program));
        found.filter_map(|path| Some(self.tree.file(&path)?.entry.path.clone())).collect()
    }
}

/// Hard links count with the file that they link to.
const fn is_file(node: &Node) -> bool {
    matches!(node.entry.kind, EntryKind::File { .. })
}

fn is_of_recipe(node: &Node) -> bool {
    node.own && node.owner == NodeOwner::Recipe
}

const fn is_of_package(node: &Node) -> bool {
    node.own && matches!(node.owner, NodeOwner::Package(_))
}

/// Whether it is a program that is started by its name.
fn is_command(node: &Node, folders: &BTreeSet<ImagePath>) -> bool {
    is_executable(node) && node.entry.path.parent().is_some_and(|folder| folders.contains(&folder))
}

const fn is_executable(node: &Node) -> bool {
    is_file(node) && node.entry.mode.bits() & 0o111 != 0
}

#[cfg(test)]
mod tests;
