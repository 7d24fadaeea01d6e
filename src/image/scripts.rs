//! Packages configured by their own scripts: what is there before them is laid out as a folder, the stage room runs
//! them in it, and what differs afterwards from what the packages ship is theirs.

mod differences;
mod found;
mod ground;

use std::collections::BTreeSet;
use std::path::Path;

use crate::distribution::scripts::ScriptedPackage;
use crate::distribution::system::{Cover, Extent, UnpackedPackage};
use crate::model::{ImagePath, Platform};
use crate::packages::{Configuring, Effects, FileTree, ImagePackages, PackagesError, Shelf};
use crate::recipe::{Emulate, Image};
use crate::stage::{self, Emulation, Machinery, NativeTools, OutputSink, Sandbox, ScriptsSpec};
use crate::store::{Scratch, Store};

use super::ImageError;

/// What runs scripts, and who watches.
#[derive(Clone, Copy)]
pub struct ScriptRunner<'a> {
    /// The sandbox.
    pub sandbox: &'a Sandbox,
    /// Gets what they print.
    pub sink: &'a dyn OutputSink,
    /// Where all that they print goes as well.
    pub log: &'a Path,
    /// What runs here.
    pub native: Platform,
    /// The same packages for this machine, as a root to run scripts of another architecture in.
    pub tools: Option<&'a Path>,
}

/// What scripts did, and the folder that holds it until it is in a layer.
pub(super) struct Ran {
    pub(super) effects: Effects,
    pub(super) folder: Scratch,
}

/// An image whose packages are to be configured.
pub(super) struct Subject<'a> {
    pub(super) store: &'a Store,
    pub(super) platform: Platform,
    pub(super) image: &'a Image,
    pub(super) packages: &'a ImagePackages<'a>,
    /// The same as configuration sees them.
    pub(super) unpacked: &'a [UnpackedPackage],
    pub(super) base: &'a FileTree,
    pub(super) shelf: &'a Shelf<'a>,
}

impl Subject<'_> {
    /// Configures the packages as data.
    pub(super) fn by_model(&self, tree: &mut FileTree, extent: Extent) -> Result<Effects, PackagesError> {
        let Self { platform, packages, unpacked, base, shelf, .. } = *self;
        Configuring { platform, packages: unpacked, relations: &packages.relations, base, shelf }.apply(tree, extent)
    }

    /// Runs the scripts of the image's own packages, which `tree` holds as they were shipped, and puts what they did
    /// into it.
    pub(super) fn run(&self, tree: &mut FileTree, runner: &ScriptRunner<'_>) -> Result<Ran, ImageError> {
        let has = |name: &str| self.packages.all.iter().any(|package| package.installed.id.name == name);
        let programs = self.packages.scripts();
        let facts = programs.facts();
        if !has(facts.runner) {
            return Err(ImageError::NoInstaller { package: facts.runner });
        }
        let emulation = match self.image.emulate {
            Emulate::Qemu if self.platform != runner.native => Some(Emulation::find(self.platform)?),
            Emulate::Qemu | Emulate::Never => None,
        };
        let tools = runner.tools.map(|root| NativeTools { root, inert: self.inert() });
        let machinery = match (&emulation, &tools) {
            (Some(emulation), _) => Machinery::Emulated(emulation),
            (None, _) if self.platform == runner.native => Machinery::Own,
            (None, Some(tools)) => Machinery::Native(tools),
            (None, None) => {
                return Err(ImageError::ForeignScripts { platform: self.platform, native: runner.native });
            }
        };
        let ground = ground::tree(self, &self.packages.basic(facts.installers))?;
        let folder = self.store.tmp_dir()?;
        let root = folder.path().join("root");
        let (owned, laid_out) = ground::lay_out(&ground, self.shelf, &root)?;
        let spec = ScriptsSpec {
            platform: self.platform,
            root: &root,
            owned,
            packages: self.scripted(&self.packages.basic(&[]))?,
            programs,
            installers: facts.installers.iter().copied().filter(|name| has(name)).collect(),
            machinery,
            log: runner.log,
        };
        let scripted = stage::configure(self.store, &spec, runner.sandbox, runner.sink)?;
        let found = found::read(&laid_out, &scripted.owners)?;
        let mut effects = differences::apply(self, tree, &ground, found)?;
        if let Machinery::Native(_) = machinery {
            effects.extend(self.by_model(tree, Extent::Libraries)?);
        }
        effects.notes.extend(
            emulation
                .iter()
                .map(|used| format!("its scripts were run by {}, {}", used.program().display(), used.digest)),
        );
        effects.notes.extend(scripted.removed.iter().map(|removed| format!("{}: {}", removed.path, removed.reason)));
        Ok(Ran { effects, folder })
    }

    /// Scripts of the packages that are known to do nothing on a first installation.
    fn inert(&self) -> BTreeSet<(String, &'static str)> {
        let known = self.packages.model().coverage(self.platform, self.unpacked);
        let inert = known.into_iter().filter(|script| matches!(script.cover, Cover::NoEffect { .. }));
        inert.map(|script| (script.package, script.script)).collect()
    }

    fn scripted(&self, basic: &BTreeSet<u32>) -> Result<Vec<ScriptedPackage>, ImageError> {
        let own = (0_u32..).zip(&self.packages.all).filter(|(_, package)| package.own);
        let scripted = own.map(|(number, package)| {
            Ok(ScriptedPackage {
                id: package.installed.id.clone(),
                digest: package.installed.digest,
                size: self.store.blob_size(&package.installed.digest)?,
                control: package.segment.control.clone(),
                basic: basic.contains(&number),
                why: package.installed.why,
            })
        });
        scripted.collect()
    }
}

/// Folders that the sandbox mounts something on, and makes when they are not there.
const MOUNTED: &[&str] = &["dev", "proc", "tmp", "var/tmp"];

fn is_mounted(path: &ImagePath) -> bool {
    MOUNTED.iter().any(|mounted| mounted.as_bytes() == path.as_bytes())
}
