//! A project and its lock, as they stand on disk.

use camino::{Utf8Path, Utf8PathBuf};

use super::error::OpsError;
use crate::lock::{self, Lock};
use crate::recipe::{self, Loaded, Mistakes, Project};

/// A project and its lock.
#[derive(Debug)]
pub struct Workspace {
    /// The recipes.
    pub project: Project,
    /// The pins.
    pub lock: Lock,
    /// What is worth a second look in the recipes.
    pub warnings: Mistakes,
}

impl Workspace {
    /// Reads both from the project in `root`.
    ///
    /// # Errors
    /// With all mistakes of all recipes, or when a lock is not in its form.
    pub fn load(root: &Utf8Path) -> Result<Self, OpsError> {
        let (loaded, lock) = rayon::join(|| recipe::load(root), || lock::load(&root.join("lock")));
        let Loaded { project, warnings, .. } =
            loaded.map_err(|mistakes| OpsError::Recipes { mistakes: Box::new(mistakes) })?;
        Ok(Self { project, lock: lock.map_err(|source| OpsError::Lock { source })?, warnings })
    }

    /// The folder of the locks.
    #[must_use]
    pub fn lock_folder(&self) -> Utf8PathBuf {
        self.project.root.join("lock")
    }
}

/// The nearest folder upwards of `start` that holds `images/project.kdl`.
///
/// # Errors
/// When there is none.
pub fn find_project(start: &Utf8Path) -> Result<Utf8PathBuf, OpsError> {
    let found = start.ancestors().find(|folder| folder.join("images/project.kdl").is_file());
    found.map(Utf8Path::to_owned).ok_or_else(|| OpsError::NoProject { start: start.to_owned() })
}
