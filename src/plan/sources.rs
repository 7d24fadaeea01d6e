//! Sources: what is pinned of them, and the vendor steps that make some.

use super::builder::Builder;
use super::error::PlanError;
use super::fit::MisfitKind;
use super::request::source_request;
use super::spec::Network;
use super::step::{
    EditInput, Location, Need, Part, RemoteFile, Role, SourceInput, SourceWork, StageWork, StepId, Subject, VendorWork,
    Work,
};
use crate::lock::{SourcePin, StepOwner};
use crate::model::{Digest, Format, Place, Platform, SourceName, formats};
use crate::recipe::{Edit, Origin, Recipe, RecipeSet, Stage};

impl<'a> Builder<'a, '_> {
    pub(super) fn source(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &SourceName,
        platform: Platform,
        place: Place,
    ) -> Result<StepId, PlanError> {
        let dangling = || PlanError::Dangling { what: format!("source `{name}`"), place };
        let source = recipe.sources.get(name).ok_or_else(dangling)?;
        let mut needs = Vec::new();
        let input = match &source.origin {
            Origin::Local { path } => {
                let path = set.folder.join(&path.value);
                SourceInput::Local { tree: self.digest(&path, source.place)?, path }
            }
            Origin::Vendor(stage) => {
                self.vendor(set, recipe, name, &source.origin, stage, &mut needs)?;
                SourceInput::Vendor
            }
            origin => match self.source_pin(set, name, source_request(origin), platform, source.place) {
                Some(pin) => self.pinned(set, name, origin, pin, source.place)?,
                // the plan is refused in the end; an empty source keeps the walk going so that all misfits are found
                None => SourceInput::Package { format: Format::Deb, files: Vec::new() },
            },
        };
        let mut edits = Vec::new();
        for edit in &source.edits {
            edits.push(match edit {
                Edit::Patch { file, strip } => {
                    let path = set.folder.join(&file.value);
                    EditInput::Patch { digest: self.digest(&path, file.place)?, path, strip: *strip }
                }
                Edit::Replace { file, old, new } => {
                    EditInput::Replace { file: file.value.clone(), old: old.clone(), new: new.clone() }
                }
            });
        }
        Ok(self.add(
            source_subject(set, name),
            Work::Source(SourceWork { format: formats::SOURCE, input, edits }),
            needs,
        ))
    }

    /// The pin of a source, when it answers what the recipe asks.
    fn source_pin(
        &mut self,
        set: &RecipeSet,
        name: &SourceName,
        request: Digest,
        platform: Platform,
        place: Place,
    ) -> Option<&'a SourcePin> {
        let sources = self.recipe_lock(&set.name).map(|lock| &lock.sources);
        let find = |platform| sources.and_then(|sources| sources.get(&(name.clone(), platform)));
        let pin = find(Some(platform)).or_else(|| find(None));
        match pin {
            Some(pin) if *pin.request() == request => return Some(pin),
            Some(_) => self.misfit(&set.name, format!("source {name}"), MisfitKind::Changed, place),
            None => self.misfit(&set.name, format!("source {name}"), MisfitKind::Missing, place),
        }
        None
    }

    /// A vendor source's step, whose output the lock knows.
    fn vendor(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &SourceName,
        origin: &Origin,
        stage: &'a Stage,
        needs: &mut Vec<Need>,
    ) -> Result<(), PlanError> {
        let (step, inner, request) = self.vendor_work(set, recipe, name, origin, stage)?;
        if let Some(SourcePin::Vendor { tree, .. }) = self.source_pin(set, name, request, self.build, stage.place) {
            let work = Work::Vendor(VendorWork { step, expected: Some(*tree) });
            needs.push(Need { step: self.add(vendor_subject(set, name), work, inner), role: Role::Tree });
        }
        Ok(())
    }

    /// A vendor step and the digest of its request: its text and all that it sees, but not the root it runs in, for a
    /// newer toolchain is no reason to ask the network again.
    pub(super) fn vendor_work(
        &mut self,
        set: &'a RecipeSet,
        recipe: &'a Recipe,
        name: &SourceName,
        origin: &Origin,
        stage: &'a Stage,
    ) -> Result<(StageWork<'a>, Vec<Need>, Digest), PlanError> {
        let owner = StepOwner::Vendor(name.clone());
        let (work, needs) = self.stage_work(set, recipe, stage, owner, self.build, Network::Host)?;
        let seen = needs.iter().filter(|need| need.role != Role::Root);
        let seen: Vec<_> = seen.map(|need| (need.role.clone(), self.plan.steps[need.step.0].key)).collect();
        let request = Digest::of_value(&(origin, &recipe.values, seen));
        Ok((work, needs, request))
    }

    fn pinned(
        &mut self,
        set: &RecipeSet,
        name: &SourceName,
        origin: &Origin,
        pin: &SourcePin,
        place: Place,
    ) -> Result<SourceInput, PlanError> {
        Ok(match (origin, pin) {
            (Origin::Git { url, .. }, SourcePin::Git { commit, tree, .. }) => {
                SourceInput::Git { url: url.value.clone(), commit: commit.clone(), tree: *tree }
            }
            (Origin::Download(download), SourcePin::Download { size, digest, .. }) => {
                let location = Location::Url(download.url.value.clone());
                let file = RemoteFile { label: format!("source {}/{name}", set.name), size: *size, location };
                self.plan.files.entry(*digest).or_insert(file);
                let name = file_name(&download.url);
                SourceInput::Download { name, digest: *digest, unpack: download.unpack, strip: download.strip }
            }
            (Origin::Package { .. }, SourcePin::Package { archive, files, .. }) => {
                for pin in files {
                    self.file(file_name(&pin.path), archive, pin);
                }
                SourceInput::Package {
                    format: Format::Deb, // no other has source packages
                    files: files.iter().map(|pin| (file_name(&pin.path), pin.digest)).collect(),
                }
            }
            // the digest of the request matched, and that says which kind of source it is
            _ => return Err(PlanError::Dangling { what: format!("the pin of source `{name}`"), place }),
        })
    }
}

fn source_subject(set: &RecipeSet, name: &SourceName) -> Subject {
    Subject { recipe: Some(set.name.clone()), part: Part::Source(name.clone()), platform: None }
}

pub(super) fn vendor_subject(set: &RecipeSet, name: &SourceName) -> Subject {
    Subject { recipe: Some(set.name.clone()), part: Part::Vendor(name.clone()), platform: None }
}

fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("download").to_owned()
}
