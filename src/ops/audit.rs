//! `audit --scripts`: which maintainer scripts an image's packages have, and who vouches for what they do. It works from
//! the lock, and reads the packages that the lock names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use serde::Serialize;

use super::error::OpsError;
use super::execute::Run;
use super::services::{ProjectFiles, Services};
use super::workspace::Workspace;
use crate::archive::{Control, DebReader, Limits};
use crate::distribution::system::{Cover, PackageState, ScriptCoverage, UnmodelledScript, UnpackedPackage};
use crate::distribution::world::world_of;
use crate::model::{Check, Digest, ImageName, Platform, Why};
use crate::packages::{PackageRoot, PackagesError, RootPackage};
use crate::plan::{self, ImageWork, PackageInput, Plan, Role, Selection, StepId, Work};
use crate::recipe::Configure;

/// The scripts of an image for one platform. Those of its base are listed with the base.
#[derive(Debug, Serialize)]
pub struct ImageScripts {
    /// Its name.
    pub image: ImageName,
    /// What it runs on.
    pub platform: Platform,
    /// How its packages are configured.
    pub configure: Configure,
    /// Packages that it brings, with and without scripts.
    pub packages: usize,
    /// The scripts, by package.
    pub scripts: Vec<AuditedScript>,
}

/// A maintainer script that has its effect when an image is made.
#[derive(Debug, Serialize)]
pub struct AuditedScript {
    /// What the model knows of it.
    #[serde(flatten)]
    pub coverage: ScriptCoverage,
    /// Why the recipe does without what nobody knows of it, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

impl ImageScripts {
    /// The scripts for which the image needs somebody to vouch, and nobody does.
    pub fn unknown(&self) -> impl Iterator<Item = &AuditedScript> {
        let modelled = self.configure == Configure::Model;
        self.scripts.iter().filter(move |script| modelled && script.waived.is_none() && script.is_unknown())
    }
}

impl AuditedScript {
    /// Whether it holds lines that nobody has read.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self.coverage.cover, Cover::Nothing { .. })
    }
}

/// The scripts of images, and of the images that these are built on; of all images that are not retired when none is
/// named, for the platforms of each recipe when none is named.
///
/// # Errors
/// When the lock does not fit, or a package cannot be had or read.
pub fn audit_scripts(
    workspace: &Workspace,
    services: &Services<'_>,
    images: &[ImageName],
    platforms: &[Platform],
) -> Result<Vec<ImageScripts>, OpsError> {
    let Workspace { project, lock, .. } = workspace;
    let selection = Selection { images: images.to_vec(), platforms: platforms.to_vec(), build: services.build };
    let plan = plan::plan(project, lock, &selection, &ProjectFiles(&project.root))?;
    let steps = with_bases(&plan);
    Run::new(project, lock, services, &plan, super::OnFailure::Report).fetch(&steps)?;
    let mut controls = BTreeMap::new();
    let mut audited = Vec::new();
    for &step in &steps {
        if let Work::Image(work) = &plan.steps[step].work {
            let packages = packages(&plan, StepId(step), services, &mut controls)?;
            let refused = refused(&plan, StepId(step), services, &packages)?;
            audited.push(audit(work, &packages, &refused)?);
        }
    }
    audited.sort_by(|one, other| (&one.image, one.platform).cmp(&(&other.image, other.platform)));
    Ok(audited)
}

/// The images that are wanted and those that they are built on.
fn with_bases(plan: &Plan<'_>) -> BTreeSet<usize> {
    let mut steps = BTreeSet::new();
    let mut open: Vec<StepId> = plan.wanted.clone();
    while let Some(id) = open.pop() {
        if matches!(plan.step(id).work, Work::Image(_)) && steps.insert(id.0) {
            open.extend(base(plan, id));
        }
    }
    steps
}

fn base(plan: &Plan<'_>, id: StepId) -> Option<StepId> {
    let based = plan.step(id).needs.iter().find(|need| need.role == Role::Base)?;
    Some(based.step)
}

/// The packages of an image: those of its bases, which are configured, and its own.
fn packages(
    plan: &Plan<'_>,
    id: StepId,
    services: &Services<'_>,
    controls: &mut BTreeMap<Digest, Control>,
) -> Result<Vec<UnpackedPackage>, OpsError> {
    let mut packages = Vec::new();
    let mut state = PackageState::Unpacked;
    let mut next = Some(id);
    while let Some(id) = next {
        let Work::Image(work) = &plan.step(id).work else { break };
        for package in &work.packages {
            let control = match controls.get(&package.digest) {
                Some(control) => control.clone(),
                None => controls.entry(package.digest).or_insert(read_control(services, package)?).clone(),
            };
            packages.push(UnpackedPackage {
                id: package.id.clone(),
                control,
                entries: Vec::new(),
                state,
                why: Why::Asked,
            });
        }
        state = PackageState::Configured;
        next = base(plan, id);
    }
    packages.sort_by(|one, other| (&one.id.name, &one.id.architecture).cmp(&(&other.id.name, &other.id.architecture)));
    Ok(packages)
}

fn read_control(services: &Services<'_>, package: &PackageInput) -> Result<Control, OpsError> {
    let broken = |source| OpsError::Io {
        source: std::io::Error::other(format!("the package {} cannot be read: {source}", package.id)),
    };
    let file = BufReader::new(services.store.open_blob(&package.digest)?);
    let deb = DebReader::open(file, Limits::default()).map_err(broken)?;
    Ok(deb.control().clone())
}

/// Whether a script is left to the interpreter.
const fn is_interpreted(script: &ScriptCoverage) -> bool {
    matches!(script.cover, Cover::Interpreted { .. })
}

/// What the interpreter does not understand: it needs all files of all packages, so they are unpacked where it is needed.
fn refused(
    plan: &Plan<'_>,
    id: StepId,
    services: &Services<'_>,
    packages: &[UnpackedPackage],
) -> Result<Vec<UnmodelledScript>, OpsError> {
    let Work::Image(work) = &plan.step(id).work else { return Ok(Vec::new()) };
    if work.image.configure != Configure::Model {
        return Ok(Vec::new());
    }
    let model = world_of(packages.iter().map(|package| &package.id))?.model();
    if !model.coverage(work.platform, packages).iter().any(is_interpreted) {
        return Ok(Vec::new());
    }
    let mut inputs = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next {
        let Work::Image(work) = &plan.step(id).work else { break };
        let input = |package: &PackageInput| RootPackage { id: package.id.clone(), digest: package.digest };
        inputs.extend(work.packages.iter().map(input));
        next = base(plan, id);
    }
    let broken = |source: PackagesError| OpsError::Io {
        source: std::io::Error::other(format!(
            "the packages of image {} cannot be unpacked: {source}",
            work.image.name.value
        )),
    };
    let root = PackageRoot::new(&services.store, work.platform, &inputs).map_err(broken)?;
    Ok(root.configured().map_err(broken)?.1)
}

fn audit(
    work: &ImageWork<'_>,
    packages: &[UnpackedPackage],
    refused: &[UnmodelledScript],
) -> Result<ImageScripts, OpsError> {
    let model = world_of(packages.iter().map(|package| &package.id))?.model();
    let scripts = model.coverage(work.platform, packages).into_iter().map(|mut coverage| {
        let same = |script: &&UnmodelledScript| script.package == coverage.package && script.script == coverage.script;
        if let Some(script) = refused.iter().find(same).filter(|_| !matches!(coverage.cover, Cover::Nothing { .. })) {
            let UnmodelledScript { fingerprint, lines, checked, .. } = script.clone();
            coverage.cover = Cover::Nothing { fingerprint, lines, checked };
        }
        let unknown = matches!(coverage.cover, Cover::Nothing { .. });
        let waiver = work.image.excuse(Check::MaintainerScript, &coverage.package).filter(|_| unknown);
        AuditedScript { waived: waiver.map(|waiver| waiver.reason.clone()), coverage }
    });
    Ok(ImageScripts {
        image: work.image.name.value.clone(),
        platform: work.platform,
        configure: work.image.configure,
        packages: work.packages.len(),
        scripts: scripts.collect(),
    })
}
