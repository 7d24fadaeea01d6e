//! Source packages, as data: how their archives lie in one tree, and which patches they bring.

use crate::model::ImagePath;

/// Knows the source packages of a package world.
pub trait SourceFormat: Sync {
    /// How the files of a source package, known by their names, make one tree.
    ///
    /// # Errors
    /// In words that follow "the source package", when the files are not those of a known format.
    fn layout<'n>(&self, names: &'n [String]) -> Result<SourceLayout<'n>, String>;

    /// The names of the patches in a series, in the order in which they are applied; each drops one leading component.
    ///
    /// # Errors
    /// As above, when it asks for what is not supported.
    fn patches(&self, series: &str) -> Result<Vec<String>, String>;
}

/// The archives of a source package, in the order in which they are unpacked.
#[derive(Debug, Default)]
pub struct SourceLayout<'n> {
    /// The archives.
    pub archives: Vec<SourceArchive<'n>>,
    /// Where its patches are; none when it has none.
    pub patches: Option<PatchFolder>,
}

/// An archive of a source package.
#[derive(Debug)]
pub struct SourceArchive<'n> {
    /// Its name.
    pub name: &'n str,
    /// What earlier archives left and this one replaces.
    pub replaces: Option<ImagePath>,
    /// The folder that it is unpacked into.
    pub below: ImagePath,
    /// Leading components of its names to drop.
    pub strip: u32,
    /// The only folder that it may hold; anything when none.
    pub only: Option<ImagePath>,
}

/// A folder of patches in the tree.
#[derive(Debug)]
pub struct PatchFolder {
    /// Its path.
    pub path: &'static str,
    /// What the list of patches in it may be called; the first that is there counts.
    pub series: &'static [&'static str],
}
