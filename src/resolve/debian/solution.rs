//! What was found.

use std::fmt;

use serde::Serialize;

use crate::distribution::debian::index::Package;
use crate::model::ArchiveName;

/// The packages to install beside what is there.
#[derive(Clone)]
pub struct Solution<'u> {
    /// By name, then architecture; each name and architecture once.
    pub packages: Vec<Chosen<'u>>,
}

/// A package that was chosen.
#[derive(Clone)]
pub struct Chosen<'u> {
    /// Everything the index says of it.
    pub package: Package<'u>,
    /// The archive it comes from.
    pub archive: &'u ArchiveName,
    /// The suite it comes from: the first that has this version.
    pub suite: &'u str,
    /// Why it is there.
    pub reason: ChoiceReason,
}

/// Why a package was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChoiceReason {
    /// It was asked for: position in [`Request::wanted`](super::Request::wanted).
    Wanted(usize),
    /// Every system has it.
    Essential,
    /// Another package needs it.
    Needed {
        /// Position of that package in [`Solution::packages`].
        by: usize,
        /// How strongly.
        kind: DependencyKind,
        /// The dependency as written, with its alternatives.
        relation: String,
    },
}

/// How strongly a package needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[expect(missing_docs, reason = "each is the field of the same name")]
pub enum DependencyKind {
    PreDepends,
    Depends,
    Recommends,
}

impl fmt::Display for DependencyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::PreDepends => "Pre-Depends",
            Self::Depends => "Depends",
            Self::Recommends => "Recommends",
        })
    }
}

impl<'u> Solution<'u> {
    /// The package of a name and architecture (`all` for those).
    #[must_use]
    pub fn find(&self, name: &str, architecture: &str) -> Option<&Chosen<'u>> {
        let key = |chosen: &Chosen<'u>| (chosen.package.name(), chosen.package.architecture());
        let position = self.packages.binary_search_by(|chosen| key(chosen).cmp(&(name, architecture)));
        position.ok().map(|position| &self.packages[position])
    }

    /// The packages that led to the one at `position`: itself first, the one that was asked for last.
    #[must_use]
    pub fn why(&self, position: usize) -> Vec<&Chosen<'u>> {
        let mut chain = Vec::new();
        let mut next = self.packages.get(position);
        while let Some(chosen) = next {
            chain.push(chosen);
            next = match &chosen.reason {
                ChoiceReason::Needed { by, .. } if chain.len() <= self.packages.len() => self.packages.get(*by),
                _ => None,
            };
        }
        chain
    }
}
