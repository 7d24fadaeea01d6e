//! Everything that could be installed, and the question to it.

use std::io::BufRead;

use serde::Serialize;
use thiserror::Error;

use crate::distribution::suite::WorldFault;
use crate::lock::PackagePin;
use crate::model::{ArchiveName, Place, Platform};
use crate::recipe::{PackageRequest, PackageSelection};

/// The packages of several suites, for several architectures.
pub trait Catalogue: Send + Sync {
    /// The packages that a request needs beyond what is installed, in versions that fit together, sorted. The same
    /// request gives the same answer, in whatever order it was written.
    ///
    /// # Errors
    /// When no set of packages is what was asked for, with the reason in words.
    fn solve(&self, query: &Query<'_>) -> Result<Vec<PackagePin>, Box<Unsatisfiable>>;
}

/// Makes a [`Catalogue`] of indexes.
pub trait CatalogueBuilder: Send + Sync {
    /// Reads an index. Several may be read at once.
    ///
    /// # Errors
    /// When it is no index.
    fn add(&self, part: IndexPart, index: &mut dyn BufRead) -> Result<(), WorldFault>;

    /// The catalogue of the indexes that were read.
    ///
    /// # Errors
    /// When they do not fit together.
    fn finish(self: Box<Self>) -> Result<Box<dyn Catalogue>, WorldFault>;
}

/// Where an index is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPart {
    /// Its position: of two suites with the same version of a package, the first counts.
    pub position: usize,
    /// The archive.
    pub archive: ArchiveName,
    /// The suite.
    pub suite: String,
    /// What its packages run on.
    pub platform: Platform,
    /// How much they are preferred to those of other suites.
    pub priority: i32,
}

/// Packages that shall be installed together, and what is there already.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The architecture that runs; in a root for cross-building the build machine's.
    pub native: Platform,
    /// What is asked for.
    pub wanted: &'a [WantedPackage],
    /// Whole selections that are asked for.
    pub selections: &'a [PackageSelection],
    /// Whether recommended packages come along, as far as they fit.
    pub recommends: bool,
    /// What is there already, and stays as it is.
    pub installed: &'a [&'a PackagePin],
}

/// A package that is wanted, with the architecture it is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WantedPackage {
    /// What the recipe says.
    pub request: PackageRequest,
    /// The architecture.
    pub platform: Platform,
    /// Where it says so.
    #[serde(skip)]
    pub place: Place,
}

/// Why nothing can be installed that is what was asked for.
#[derive(Debug, Error)]
#[error("the packages cannot be installed together:{}", lines(.explanation))]
pub struct Unsatisfiable {
    /// What stands in the way, one sentence a line, causes before consequences.
    pub explanation: Vec<String>,
    /// The places in the recipe that it is about, each with what to say there.
    pub places: Vec<(Place, String)>,
    /// What could be done.
    pub help: Option<String>,
}

fn lines(explanation: &[String]) -> String {
    explanation.iter().map(|line| format!("\n- {line}")).collect()
}
