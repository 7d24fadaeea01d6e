//! `build`: the plan's steps that have no result yet are run, and the images are written out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::OpsError;
use super::execute::{OnFailure, Outcome, PlannedStep, Run, Vendoring};
use super::output::Output;
use super::services::{ProjectFiles, Services};
use super::workspace::Workspace;
use super::write::{ImageReport, write_out};
use crate::image::BuiltImage;
use crate::model::{ByteSize, Check, ImageName, Platform};
use crate::plan::{self, Selection, StepId, Work};
use crate::recipe::Project;

/// What is to be built, and where to.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// Images; all that are not retired when empty.
    pub images: Vec<ImageName>,
    /// Platforms; those of each recipe when empty.
    pub platforms: Vec<Platform>,
    /// Where to write.
    pub outputs: Vec<Output>,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
    /// Whether vendor steps may run.
    pub vendoring: Vendoring,
}

/// What was built.
#[derive(Debug, Serialize)]
pub struct BuildReport {
    /// Images by name.
    pub images: Vec<ImageReport>,
    /// Where they were written to.
    pub outputs: Vec<String>,
    /// Steps of the plan.
    pub steps: usize,
    /// Steps that had to run.
    pub ran: usize,
}

impl BuildRequest {
    fn selection(&self, build: Platform) -> Selection {
        Selection { images: self.images.clone(), platforms: self.platforms.clone(), build }
    }
}

/// Builds what `request` asks for.
///
/// # Errors
/// When the lock does not fit, an input cannot be had, a step fails, or the images cannot be written.
pub fn build(workspace: &Workspace, services: &Services<'_>, request: &BuildRequest) -> Result<BuildReport, OpsError> {
    let Workspace { project, lock, .. } = workspace;
    let plan = plan::plan(project, lock, &request.selection(services.build), &ProjectFiles(&project.root))?;
    let run = Run::new(project, lock, services, &plan, request.on_failure).vendoring(request.vendoring);
    let ran = run.all()?;
    let mut images: BTreeMap<ImageName, Vec<BuiltImage>> = BTreeMap::new();
    for &id in &plan.wanted {
        if let (Outcome::Image(image), Work::Image(work)) = (run.result(id)?, &plan.step(id).work) {
            images.entry(work.image.name.value.clone()).or_default().push(std::sync::Arc::unwrap_or_clone(image));
        }
    }
    within_budget(project, &images)?;
    let images = write_out(services, project.root.as_std_path(), &images, &request.outputs)?;
    let outputs = request.outputs.iter().map(ToString::to_string).collect();
    Ok(BuildReport { images, outputs, steps: plan.steps.len(), ran })
}

/// Holds images that are run against the policy's size budget; what is too large is not written out.
fn within_budget(project: &Project, images: &BTreeMap<ImageName, Vec<BuiltImage>>) -> Result<(), OpsError> {
    let Some(budget) = &project.policy.size else { return Ok(()) };
    let bases = project.bases();
    let mut failures = Vec::new();
    for built in images.values().flatten().filter(|built| !bases.contains(&built.name) && built.size() > budget.value.0)
    {
        let Some((_, image)) = project.image(&built.name, built.platform) else { continue };
        if !image.is_excused(Check::PolicySize, "") {
            let (size, place) = (ByteSize(built.size()), image.name.place);
            let (image, platform, budget) = (built.name.clone(), built.platform, budget.value);
            failures.push(OpsError::TooLarge { image, platform, size, budget, place });
        }
    }
    match failures.len() {
        0 => Ok(()),
        count => Err(OpsError::Steps { count, failures }),
    }
}

/// Brings everything that `build` would need from the network into the store: files, commits, and the outputs of vendor
/// steps with the toolchains that these run in. A build afterwards needs no network; says how many steps ran.
///
/// # Errors
/// When the lock does not fit, an input cannot be had, or a vendor step fails.
pub fn fetch(workspace: &Workspace, services: &Services<'_>, request: &BuildRequest) -> Result<usize, OpsError> {
    let Workspace { project, lock, .. } = workspace;
    let plan = plan::plan(project, lock, &request.selection(services.build), &ProjectFiles(&project.root))?;
    Run::new(project, lock, services, &plan, request.on_failure).inputs()
}

/// Shows what `build` would do, and why.
///
/// # Errors
/// When the lock does not fit or the store cannot be read.
pub fn plan_steps(
    workspace: &Workspace,
    services: &Services<'_>,
    request: &BuildRequest,
) -> Result<Vec<PlannedStep>, OpsError> {
    let Workspace { project, lock, .. } = workspace;
    let plan = plan::plan(project, lock, &request.selection(services.build), &ProjectFiles(&project.root))?;
    let run = Run::new(project, lock, services, &plan, request.on_failure);
    let tasks = run.missing()?;
    let steps = plan.steps.iter().enumerate().map(|(index, step)| {
        let reasons = if tasks.contains(&index) { run.results().reasons(&plan, StepId(index))? } else { Vec::new() };
        Ok(PlannedStep { step: step.subject.to_string(), subject: step.subject.clone(), key: step.key, run: reasons })
    });
    steps.collect()
}
