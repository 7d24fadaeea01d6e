//! `check`: everything that can be known of recipes and lock without a network, and without building anything.

mod sarif;
mod shell;
mod size;

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::error::OpsError;
use super::overview::list;
use super::services::ProjectFiles;
use crate::diagnostic::Severity;
use crate::lock::{self, Lock};
use crate::model::{Place, Platform, RecipeName, SourceMap};
use crate::plan::{self, Misfit, PlanError, Selection};
use crate::recipe::{self, Loaded, Mistake, Mistakes};

/// What `check` looked at, and what it found.
#[derive(Debug)]
pub struct CheckReport {
    /// Recipes; variants count as one each.
    pub recipes: usize,
    /// Images.
    pub images: usize,
    /// Steps that building everything would take.
    pub steps: usize,
    /// What is wrong, or worth a second look.
    pub findings: Vec<CheckFinding>,
    /// The texts that findings point into.
    pub sources: SourceMap,
}

/// Something that is wrong, or worth a second look.
#[derive(Debug)]
pub struct CheckFinding {
    /// Which check found it: `recipe`, `lock`, `shell`, `size`, or the number of a rule of shellcheck.
    pub rule: String,
    /// What, where, and what to do.
    pub mistake: Mistake,
}

impl CheckFinding {
    fn new(rule: impl Into<String>, mistake: Mistake) -> Self {
        Self { rule: rule.into(), mistake }
    }
}

impl CheckReport {
    /// Whether something is wrong; in a `strict` check, whether anything was found.
    #[must_use]
    pub fn failed(&self, strict: bool) -> bool {
        self.findings.iter().any(|finding| strict || finding.mistake.severity == Severity::Error)
    }

    /// The findings as people read them.
    #[must_use]
    pub fn mistakes(&self) -> Mistakes {
        let list = self.findings.iter().map(|finding| finding.mistake.clone()).collect();
        Mistakes { sources: self.sources.clone(), list }
    }
}

/// Checks the project in `root` for a machine of the platform `build`.
///
/// # Errors
/// When the lock cannot be read, or a program that is asked cannot be run. What is wrong with the project is no error
/// but a finding.
pub fn check(root: &Utf8Path, build: Platform) -> Result<CheckReport, OpsError> {
    let (loaded, lock) = rayon::join(|| recipe::load(root), || lock::load(&root.join("lock")));
    let lock = lock.map_err(|source| OpsError::Lock { source })?;
    let found =
        |mistakes: Mistakes| mistakes.list.into_iter().map(|mistake| CheckFinding::new("recipe", mistake)).collect();
    let Loaded { project, warnings, .. } = match loaded {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            let sources = mistakes.sources.clone();
            return Ok(CheckReport { recipes: 0, images: 0, steps: 0, findings: found(mistakes), sources });
        }
    };
    let mut findings: Vec<CheckFinding> = found(warnings);
    let mut sources = project.sources.clone();
    let steps = plan(&project, &lock, build, &mut findings)?;
    findings.extend(size::check(&project, &lock));
    findings.extend(shell::check(&project, &mut sources)?);
    findings.sort_by(|one, other| {
        let key =
            |finding: &CheckFinding| (finding.mistake.place, finding.rule.clone(), finding.mistake.message.clone());
        key(one).cmp(&key(other))
    });
    limit(&mut findings);
    Ok(CheckReport { recipes: project.recipes.len(), images: list(&project).len(), steps, findings, sources })
}

/// Most findings of one rule that are reported.
const MOST: usize = 250;

/// Keeps as many findings of each rule as can be looked at, and says how many more there are.
fn limit(findings: &mut Vec<CheckFinding>) {
    let mut counts: BTreeMap<(String, bool), usize> = BTreeMap::new();
    let mut untold: BTreeMap<(String, bool), (Place, usize)> = BTreeMap::new();
    findings.retain(|finding| {
        let key = (finding.rule.clone(), finding.mistake.severity == Severity::Error);
        let count = counts.entry(key.clone()).or_default();
        *count += 1;
        if *count > MOST {
            untold.entry(key).or_insert((finding.mistake.place, 0)).1 += 1;
        }
        *count <= MOST
    });
    for ((rule, errors), (place, count)) in untold {
        let message = format!("{count} more of `{rule}` {} not shown", if count == 1 { "is" } else { "are" });
        let more = Mistake::new(place, message, "from here on", "correct what is shown: the rest is shown after that");
        findings.push(CheckFinding::new(rule, if errors { more } else { more.as_warning() }));
    }
}

/// Plans everything, and gives the number of steps; what the lock does not answer are findings.
fn plan(
    project: &recipe::Project,
    lock: &Lock,
    build: Platform,
    findings: &mut Vec<CheckFinding>,
) -> Result<usize, OpsError> {
    let everything = Selection { images: Vec::new(), platforms: Vec::new(), build };
    match plan::plan(project, lock, &everything, &ProjectFiles(&project.root)) {
        Ok(plan) => Ok(plan.steps.len()),
        Err(PlanError::Unfit { misfits }) => {
            findings.extend(unfit(&misfits).into_iter().map(|mistake| CheckFinding::new("lock", mistake)));
            Ok(0)
        }
        Err(PlanError::NoToolchain { toolchain, build, place }) => {
            let message = format!("`{toolchain}` cannot be built on {build}: its recipe does not name that platform");
            let help = "add the platform to the recipe of the toolchain";
            findings.push(CheckFinding::new("plan", Mistake::new(place, message, "asked for here", help)));
            Ok(0)
        }
        Err(PlanError::ToolchainFromImage { image, place }) => {
            let message = format!("a toolchain's image cannot copy from image `{image}`");
            let help = "copy from the stage that makes the files";
            findings.push(CheckFinding::new("plan", Mistake::new(place, message, "asked for here", help)));
            Ok(0)
        }
        Err(source) => Err(OpsError::Plan { source }),
    }
}

/// What the lock does not answer, once for each place that asks for it, whatever the number of platforms.
fn unfit(misfits: &[Misfit]) -> Vec<Mistake> {
    let mut by_place: BTreeMap<(Place, &RecipeName), Vec<&Misfit>> = BTreeMap::new();
    for misfit in misfits {
        by_place.entry((misfit.place, &misfit.recipe)).or_default().push(misfit);
    }
    let findings = by_place.into_iter().map(|((place, recipe), misfits)| {
        let mut lines: Vec<String> = misfits.into_iter().map(ToString::to_string).collect();
        lines.dedup();
        let message = match &lines[..] {
            [only] => only.clone(),
            several => format!("the lock does not fit: {}", several.join("; ")),
        };
        Mistake::new(place, message, "asked for here", format!("run `orchestrate refresh {recipe}`"))
    });
    findings.collect()
}
