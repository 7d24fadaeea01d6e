//! What each kind of step does.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Run;
use super::results::{Outcome, Tree};
use super::stage::Lines;
use crate::beneath::{Beneath, Dir};
use crate::distribution::world::world;
use crate::image::{
    AssembleInputs, Configuration, CopyContent, Foreign, ResolvedEntry, ScriptRunner, assemble, import,
};
use crate::model::{Digest, ImagePath};
use crate::ops::error::{PinError, StepError};
use crate::ops::event::Event;
use crate::ops::inputs::bases::pin_base;
use crate::ops::inputs::{check_out, keep_tree};
use crate::ops::services::Services;
use crate::packages::PackageBlob;
use crate::plan::{BaseWork, EditInput, ImageWork, Role, SourceInput, SourceWork, Step, Work};
use crate::recipe::{Base, Configure, CopyFrom, Emulate, ImageEntryKind, Unpack};
use crate::stage::source::{self, SourceError};
use crate::store::{Store, TreeKind};

/// Largest patch beside a recipe.
const LARGEST_PATCH: u64 = 64 << 20;

impl Run<'_, '_> {
    /// Does a step's work, given the outcomes of its needs in their order.
    pub(super) fn execute(&self, step: &Step<'_>, needs: &[Outcome]) -> Result<Outcome, StepError> {
        match &step.work {
            Work::Root(root) => self.root(step, root, needs),
            Work::Source(source) => self.source(source, needs).map(Outcome::Tree),
            Work::Vendor(work) => self.vendor(step, work, needs).map(Outcome::Tree),
            Work::Stage(work) => self.stage(step, work, needs).map(Outcome::Tree),
            Work::Base(base) => {
                let BaseWork { platform, name, config, layers, .. } = base;
                let foreign = Foreign { name, platform: *platform, config: *config, layers };
                Ok(Outcome::Image(Arc::new(import(&self.services.store, &foreign)?)))
            }
            Work::Image(image) => self.image(image, step, needs).map(|image| Outcome::Image(Arc::new(image))),
        }
    }

    /// Verifies what the lock says of a step, where that was not seen here before: the tree of a commit, the blobs of
    /// a registry's image. What it says of a vendor step is verified by running it.
    pub(super) fn confirm(&self, step: &Step<'_>) -> Result<(), StepError> {
        if self.results().is_confirmed(step)? {
            return Ok(());
        }
        match &step.work {
            Work::Source(SourceWork { input: SourceInput::Git { url, commit, tree }, .. }) => {
                let found = check_out(self.services, url, commit).map_err(pin_error)?;
                expect(format!("commit {commit} of {url}"), tree, &found)
            }
            Work::Base(base) => self.confirm_base(base),
            _ => Ok(()),
        }
    }

    fn confirm_base(&self, base: &BaseWork<'_>) -> Result<(), StepError> {
        let pin = pin_base(self.services, base.reference, base.platform).map_err(|source| StepError::Registry {
            reference: base.reference.value.to_string(),
            source: Box::new(source),
        })?;
        let layers: Vec<Digest> = pin.layers.iter().map(|layer| layer.digest).collect();
        if (pin.config.digest, &layers) == (base.config, &base.layers) {
            return Ok(());
        }
        Err(StepError::OtherBase { reference: base.reference.value.to_string(), platform: base.platform })
    }

    /// Unpacks what was pinned, and edits it.
    fn source(&self, work: &SourceWork, needs: &[Outcome]) -> Result<Tree, StepError> {
        let store = &self.services.store;
        let known = self.pinned_tree(work, needs)?;
        if let (Some(tree), true) = (&known, work.edits.is_empty()) {
            return Ok(tree.clone());
        }
        let scratch = store.tmp_dir()?;
        let folder = scratch.path().join("source");
        match known {
            Some(tree) => crate::store::copy_tree(tree.checked(store)?, &folder)?,
            None => self.unpack(work, &Dir::create(&folder).map_err(SourceError::from)?)?,
        }
        let tree = Dir::open(&folder).map_err(SourceError::from)?;
        for edit in &work.edits {
            match edit {
                EditInput::Patch { path, strip, .. } => {
                    let project = Dir::open(self.project.root.as_std_path()).map_err(SourceError::from)?;
                    let patch = project.read(path, LARGEST_PATCH).map_err(SourceError::from)?;
                    source::apply_patch(path.as_str(), &patch, &tree, *strip)?;
                }
                EditInput::Replace { file, old, new } => source::replace(&tree, file, old, new)?,
            }
        }
        self.keep(TreeKind::Source, &folder)
    }

    /// The tree before its edits, where that is in the store by itself.
    fn pinned_tree(&self, work: &SourceWork, needs: &[Outcome]) -> Result<Option<Tree>, StepError> {
        let store = &self.services.store;
        let in_store = |digest: Digest| Tree::by_content(store, TreeKind::Source, digest);
        match &work.input {
            SourceInput::Git { url, commit, tree } => {
                // the record of the checkout outlives its tree
                if in_store(*tree).is_none() {
                    let found = check_out(self.services, url, commit).map_err(pin_error)?;
                    expect(format!("commit {commit} of {url}"), tree, &found)?;
                }
                Ok(in_store(*tree))
            }
            SourceInput::Local { path, tree } => {
                if let Some(known) = in_store(*tree) {
                    return Ok(Some(known));
                }
                let scratch = store.tmp_dir()?;
                let folder = scratch.path().join("local");
                // `images/RECIPE/…`: nothing outside of the recipe's folder comes along
                let recipe: camino::Utf8PathBuf = path.components().take(2).collect();
                let below = path.strip_prefix(&recipe).unwrap_or(path);
                crate::fetch::local::snapshot(&self.project_path(&recipe), below, &folder)?;
                // without empty folders and odd modes its digest may differ from that of the files as they lie there
                self.keep(TreeKind::Source, &folder).map(Some)
            }
            SourceInput::Vendor => Ok(needs.first().and_then(|need| match need {
                Outcome::Tree(tree) => Some(tree.clone()),
                Outcome::Root(_) | Outcome::Image(_) => None,
            })),
            SourceInput::Download { .. } | SourceInput::Package { .. } => Ok(None),
        }
    }

    fn unpack(&self, work: &SourceWork, folder: &Dir) -> Result<(), StepError> {
        let store = &self.services.store;
        match &work.input {
            SourceInput::Download { name, digest, unpack, strip } => {
                let file = store.open_blob(digest)?;
                match unpack {
                    Unpack::No => source::place_file(name, file, folder)?,
                    Unpack::Tar => source::unpack_tar(name, file, folder, *strip)?,
                }
            }
            SourceInput::Package { format, files } => {
                let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
                let open = |wanted: &str| -> Result<Box<dyn Read>, SourceError> {
                    let digest = files.iter().find(|(name, _)| name == wanted).map(|(_, digest)| digest);
                    let digest =
                        digest.ok_or_else(|| SourceError::NotASourcePackage { reason: format!("lacks `{wanted}`") })?;
                    let file = store.open_blob(digest).map_err(|error| std::io::Error::other(error.to_string()))?;
                    Ok(Box::new(file))
                };
                source::unpack_package(world(*format)?.source_packages(), &names, open, folder)?;
            }
            SourceInput::Git { .. } | SourceInput::Local { .. } | SourceInput::Vendor => {}
        }
        Ok(())
    }

    pub(super) fn project_path(&self, path: &camino::Utf8Path) -> PathBuf {
        Services::project_path(&self.project.root, path)
    }

    fn keep(&self, kind: TreeKind, folder: &Path) -> Result<Tree, StepError> {
        let store = &self.services.store;
        let digest = keep_tree(store, kind, folder).map_err(pin_error)?;
        let vanished = || std::io::Error::other("a tree vanished from the store");
        Ok(Tree::by_content(store, kind, digest).ok_or_else(|| SourceError::Io { source: vanished() })?)
    }

    /// Assembles an image.
    fn image(
        &self,
        work: &ImageWork<'_>,
        step: &Step<'_>,
        needs: &[Outcome],
    ) -> Result<crate::image::BuiltImage, StepError> {
        let (mut base, mut tools) = (None, None);
        let mut contents: Vec<Option<CopyContent>> = work.image.entries.iter().map(|_| None).collect();
        for (need, outcome) in step.needs.iter().zip(needs) {
            match (&need.role, outcome) {
                (Role::Base, Outcome::Image(image)) => base = Some(image),
                (Role::Root, Outcome::Root(trees)) => {
                    tools = trees.last().map(|tree| tree.checked(&self.services.store)).transpose()?;
                }
                (Role::Entry { index }, outcome) => contents[*index] = self.content(work, *index, outcome)?,
                _ => {}
            }
        }
        if !work.local.is_empty() {
            let project = Beneath::open(self.project.root.as_std_path()).map_err(SourceError::from)?;
            for (&index, local) in &work.local {
                contents[index] = Some(CopyContent::Host(project.join(&local.path)));
            }
        }
        let packages = work.packages.iter().map(|package| PackageBlob {
            id: package.id.clone(),
            digest: package.digest,
            why: package.why,
        });
        let entries = work.image.entries.iter().zip(contents).map(|(entry, content)| ResolvedEntry { entry, content });
        let mut annotations = work.image.annotations.clone();
        if work.image.emulate == Emulate::Qemu {
            // said by the recipe, so the same whether this machine had to or not
            annotations.entry("orchestrate.emulate".to_owned()).or_insert_with(|| "qemu".to_owned());
        }
        if let Base::Oci(reference) = &work.image.from {
            let said = [("name", reference.name()), ("digest", reference.digest().to_string())];
            for (key, value) in said {
                annotations.entry(format!("org.opencontainers.image.base.{key}")).or_insert(value);
            }
        }
        let lines = Lines { subject: &step.subject, observer: self.services.observer };
        let log = self.log(step);
        let inputs = AssembleInputs {
            platform: work.platform,
            image: work.image,
            labels: work.labels.clone(),
            annotations,
            created: work.created,
            base: base.map(AsRef::as_ref),
            packages: packages.collect(),
            configuration: self.configuration(work, &lines, &log, tools),
            entries: entries.collect(),
        };
        let image = assemble(&self.services.store, &inputs).map_err(|error| self.with_command(error, work.platform))?;
        for note in &image.notes {
            self.services.observer.event(Event::Note { text: &format!("{}: {note}", step.subject) });
        }
        Ok(image)
    }

    /// Who configures the packages of an image.
    fn configuration<'s>(
        &'s self,
        work: &ImageWork<'_>,
        lines: &'s Lines<'s>,
        log: &'s Path,
        tools: Option<&'s Path>,
    ) -> Configuration<'s> {
        match work.image.configure {
            Configure::None => Configuration::None,
            Configure::Model => Configuration::Model,
            Configure::Scripts => Configuration::Scripts(ScriptRunner {
                sandbox: &self.services.sandbox,
                sink: lines,
                log,
                native: self.services.build,
                tools,
            }),
        }
    }

    /// What a `copy` takes out of a step's outcome.
    fn content(&self, work: &ImageWork<'_>, index: usize, outcome: &Outcome) -> Result<Option<CopyContent>, StepError> {
        let entry = &work.image.entries[index];
        let ImageEntryKind::Copy { from, .. } = &entry.kind else { return Ok(None) };
        let (name, path) = match from {
            CopyFrom::Stage(name, path) => (format!("stage {}", name.value), &path.value),
            CopyFrom::Source(name, path) => (format!("source {}", name.value), &path.value),
            CopyFrom::Image(_, path) => {
                return Ok(match outcome {
                    Outcome::Image(image) => {
                        Some(CopyContent::Image(Box::new(image.as_ref().clone()), path.value.clone()))
                    }
                    Outcome::Tree(_) | Outcome::Root(_) => None,
                });
            }
            CopyFrom::Local(_) => return Ok(None),
        };
        let Outcome::Tree(tree) = outcome else { return Ok(None) };
        let absent = || StepError::Absent { path: path.to_string(), from: name.clone(), place: entry.place };
        inside(&self.services.store, tree, path)?.map(|path| Some(CopyContent::Host(path))).ok_or_else(absent)
    }
}

/// A path of a tree, when it is there. A link on the way is an error; one at the end is what is meant.
pub(super) fn inside(store: &Store, tree: &Tree, path: &ImagePath) -> Result<Option<Beneath>, StepError> {
    let found = Beneath::open(tree.checked(store)?).map_err(SourceError::from)?.join(path.as_relative());
    let there = found.dir().find(found.below()).map_err(SourceError::from)?;
    Ok(there.map(|_| found))
}

pub(super) fn expect(what: String, expected: &Digest, found: &Digest) -> Result<(), StepError> {
    if expected == found {
        return Ok(());
    }
    Err(StepError::OtherTree { what, expected: *expected, found: *found })
}

fn pin_error(error: PinError) -> StepError {
    match error {
        PinError::Fetch(error) => error.into(),
        PinError::Store(error) => error.into(),
        other => SourceError::Io { source: std::io::Error::other(other.to_string()) }.into(),
    }
}
