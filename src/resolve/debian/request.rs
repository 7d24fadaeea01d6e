//! What is asked for.

use crate::distribution::debian::relation::Constraint;
use crate::model::Place;

/// Packages that shall be installed together, and what is there already.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Debian's name of the architecture that packages for all architectures count as (`amd64`); in a cross root the
    /// build machine's.
    pub native: String,
    /// What is wanted, in any order. Architectures named here are used beside the native one, no others.
    pub wanted: Vec<Wanted>,
    /// What is there and stays as it is, such as a base image's packages.
    pub installed: Vec<Installed>,
    /// Whether packages that others recommend are wanted too, as far as they fit.
    pub recommends: bool,
    /// Whether every `Essential: yes` package is wanted too.
    pub essential: bool,
}

/// A package that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name; that of a virtual package will do when only one package provides it.
    pub name: String,
    /// Debian's name of its architecture; the native one if not said.
    pub architecture: Option<String>,
    /// Which versions will do.
    pub constraint: Option<Constraint<'static>>,
    /// Where it was written.
    pub place: Option<Place>,
}

/// A package that is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version, as written.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
}

impl Wanted {
    /// Any version of a package of the native architecture, written nowhere.
    pub fn any(name: impl Into<String>) -> Self {
        Self { name: name.into(), architecture: None, constraint: None, place: None }
    }

    /// The same for another architecture.
    #[must_use]
    pub fn on(self, architecture: impl Into<String>) -> Self {
        Self { architecture: Some(architecture.into()), ..self }
    }
}
