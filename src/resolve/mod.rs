//! Which packages answer a request: a [`Catalogue`] of each package world.

mod catalogue;
pub mod debian;

pub use catalogue::{Catalogue, CatalogueBuilder, IndexPart, Query, Unsatisfiable, WantedPackage};

use crate::distribution::world::WorldError;
use crate::model::Format;

/// What makes a catalogue of the indexes of a package world.
///
/// # Errors
/// When there is none for the format.
pub fn catalogue(format: Format) -> Result<Box<dyn CatalogueBuilder>, WorldError> {
    match format {
        Format::Deb => Ok(Box::new(debian::UniverseBuilder::default())),
        Format::Apk => Err(WorldError::Unknown { format }),
    }
}
