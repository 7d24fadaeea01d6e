//! The executor: runs the steps of a plan that have no result yet, in parallel, and remembers what they gave.

mod adding;
mod results;
mod secrets;
mod stage;
mod suppliers;
mod work;

use std::collections::BTreeSet;
use std::time::Instant;

pub(super) use results::Outcome;
pub use results::PlannedStep;

use results::Results;

use super::error::OpsError;
use super::event::{Event, How};
use super::mirrors;
use super::services::{FetchProgress, Services};
use crate::fetch::Want;
use crate::lock::Lock;
use crate::model::Digest;
use crate::plan::{self, Location, Plan, RemoteFile, StepId, Work};
use crate::recipe::Project;

/// Whether vendor steps may run, which use the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vendoring {
    /// They run where their output is not in the store, or was not made here.
    #[default]
    Allowed,
    /// They do not, for the network is not to be used (`--offline`).
    Offline,
    /// They do not (`--no-vendor`).
    Refused,
}

/// What happens when a build step fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The failure is reported.
    #[default]
    Report,
    /// A shell is opened in the step's sandbox first.
    Shell,
}

/// A plan on its way.
pub(super) struct Run<'r, 'a> {
    project: &'a Project,
    lock: &'a Lock,
    services: &'r Services<'r>,
    plan: &'r Plan<'a>,
    on_failure: OnFailure,
    vendoring: Vendoring,
}

impl<'r, 'a> Run<'r, 'a> {
    pub(super) fn new(
        project: &'a Project,
        lock: &'a Lock,
        services: &'r Services<'r>,
        plan: &'r Plan<'a>,
        on_failure: OnFailure,
    ) -> Self {
        Self { project, lock, services, plan, on_failure, vendoring: Vendoring::Allowed }
    }

    /// The same, with vendor steps allowed or not.
    pub(super) fn vendoring(self, vendoring: Vendoring) -> Self {
        Self { vendoring, ..self }
    }

    /// The results that count here.
    pub(super) fn results(&self) -> Results<'r> {
        Results::of(self.services)
    }

    /// The steps that have no result and that something without a result needs, or that are wanted; and all for which
    /// the lock says something that was never verified here, for the results of others may have been made from it.
    pub(super) fn missing(&self) -> Result<BTreeSet<usize>, OpsError> {
        let mut missing = BTreeSet::new();
        let mut open: Vec<StepId> = self.plan.wanted.clone();
        for (index, step) in self.plan.steps.iter().enumerate() {
            if !self.results().is_confirmed(step)? {
                open.push(StepId(index));
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            let step = self.plan.step(id);
            if seen.insert(id) && self.results().outcome(step)?.is_none() {
                missing.insert(id.0);
                open.extend(step.needs.iter().map(|need| need.step));
            }
        }
        self.reopen_bases(&mut missing)?;
        Ok(missing)
    }

    /// An image can be there for those who run it and yet lack what others need to be built on it, when the store was
    /// cleaned: then it is assembled once more.
    fn reopen_bases(&self, missing: &mut BTreeSet<usize>) -> Result<(), OpsError> {
        let mut open: Vec<usize> = missing.iter().copied().collect();
        while let Some(task) = open.pop() {
            for need in &self.plan.steps[task].needs {
                let known = !missing.contains(&need.step.0);
                if let (true, Some(Outcome::Image(image))) = (known, self.results().outcome(self.plan.step(need.step))?)
                    && !image.is_whole(&self.services.store)
                {
                    missing.insert(need.step.0);
                    open.push(need.step.0);
                }
            }
        }
        Ok(())
    }

    /// Runs what has no result; says how many steps that were.
    pub(super) fn all(&self) -> Result<usize, OpsError> {
        let tasks = self.missing()?;
        let observer = self.services.observer;
        observer.event(Event::Planned { steps: self.plan.steps.len(), to_run: tasks.len() });
        if tasks.is_empty() {
            return Ok(0);
        }
        self.allowed(&tasks)?;
        self.fetch(&tasks)?;
        self.run(&tasks)?;
        Ok(tasks.len())
    }

    /// Whether all that has to run may: an error names the vendor steps that may not, or the secrets that steps lack.
    fn allowed(&self, tasks: &BTreeSet<usize>) -> Result<(), OpsError> {
        self.vendoring_allowed(tasks)?;
        let mut failures = Vec::new();
        for step in tasks.iter().map(|&task| &self.plan.steps[task]) {
            let (Work::Stage(work) | Work::Vendor(plan::VendorWork { step: work, .. })) = &step.work else { continue };
            for id in &work.spec.secrets {
                if let Err(source) = secrets::granted(&self.services.environment, &step.subject, id) {
                    let (subject, place, source) = (step.subject.clone(), step.work.place(), Box::new(source));
                    failures.push(OpsError::Step { subject, place, source });
                }
            }
        }
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            count => Err(OpsError::Steps { count, failures }),
        }
    }

    fn vendoring_allowed(&self, tasks: &BTreeSet<usize>) -> Result<(), OpsError> {
        let option = match self.vendoring {
            Vendoring::Allowed => return Ok(()),
            Vendoring::Offline => "--offline",
            Vendoring::Refused => "--no-vendor",
        };
        let vendors =
            tasks.iter().map(|&task| &self.plan.steps[task]).filter(|step| matches!(step.work, Work::Vendor(_)));
        let steps: Vec<_> = vendors.map(|step| step.subject.to_string()).collect();
        if steps.is_empty() { Ok(()) } else { Err(OpsError::VendorRefused { steps, option }) }
    }

    /// Fetches what the steps without a result read, and runs those that use the network, with all that these need.
    pub(super) fn inputs(&self) -> Result<usize, OpsError> {
        let missing = self.missing()?;
        let remote = |task: &&usize| match &self.plan.steps[**task].work {
            Work::Vendor(_) => true,
            Work::Source(source) => matches!(source.input, plan::SourceInput::Git { .. }),
            Work::Base(_) => true, // the registry is asked whether it is what the lock says
            Work::Root(_) | Work::Stage(_) | Work::Image(_) => false,
        };
        let mut open: Vec<usize> = missing.iter().filter(remote).copied().collect();
        let mut tasks = BTreeSet::new();
        while let Some(task) = open.pop() {
            if missing.contains(&task) && tasks.insert(task) {
                open.extend(self.plan.steps[task].needs.iter().map(|need| need.step.0));
            }
        }
        self.services.observer.event(Event::Planned { steps: self.plan.steps.len(), to_run: tasks.len() });
        self.allowed(&tasks)?;
        self.fetch(&missing)?;
        self.run(&tasks)?;
        Ok(tasks.len())
    }

    fn run(&self, tasks: &BTreeSet<usize>) -> Result<(), OpsError> {
        let needs = |task: usize| self.plan.steps[task].needs.iter().map(|need| need.step.0).collect();
        let work = |task: usize| self.one(StepId(task));
        let done = super::schedule::run(tasks, &needs, self.services.jobs.get(), &work);
        done.map_err(|mut failures| match failures.len() {
            1 => failures.remove(0),
            count => OpsError::Steps { count, failures },
        })
    }

    /// The tree that a step gave.
    pub(super) fn tree(&self, id: StepId) -> Result<Digest, OpsError> {
        match self.result(id)? {
            Outcome::Tree(tree) => Ok(tree.digest),
            Outcome::Root(_) | Outcome::Image(_) => Err(std::io::Error::other("a step gave no tree").into()),
        }
    }

    /// The result of a step that ran or had one.
    pub(super) fn result(&self, id: StepId) -> Result<Outcome, OpsError> {
        let step = self.plan.step(id);
        let lost = || OpsError::Io {
            source: std::io::Error::other(format!("the result of {} vanished from the store", step.subject)),
        };
        self.results().outcome(step)?.ok_or_else(lost)
    }

    fn one(&self, id: StepId) -> Result<(), OpsError> {
        let (step, services, results) = (self.plan.step(id), self.services, self.results());
        // another process may be at the same step: who comes second finds the result
        let _claim = services.store.claim("step", &results.key(step))?;
        match results.outcome(step)? {
            Some(Outcome::Image(image)) if !image.is_whole(&services.store) => {} // see `reopen_bases`
            Some(_) => return Ok(()),
            None => {}
        }
        let since = Instant::now();
        services.observer.event(Event::Started { subject: &step.subject });
        let failed = |source| OpsError::Step {
            subject: step.subject.clone(),
            place: step.work.place(),
            source: Box::new(source),
        };
        let needs = step.needs.iter().map(|need| self.result(need.step)).collect::<Result<Vec<_>, _>>()?;
        self.confirm(step).map_err(failed)?;
        let content = matches!(step.work, Work::Stage(_) | Work::Source(_)).then(|| results.content_key(step, &needs));
        let known = match &content {
            Some(content) => results.same_content(&step.work, content)?,
            None => None,
        };
        let how = if known.is_some() { How::SameInputs } else { How::Ran };
        let outcome = match known {
            Some(known) => known,
            None => self.execute(step, &needs).map_err(failed)?,
        };
        results.remember(self.plan, id, content.as_ref(), &outcome)?;
        services.observer.event(Event::Finished { subject: &step.subject, how, took: since.elapsed() });
        Ok(())
    }

    /// Brings every file that the tasks read into the store.
    pub(super) fn fetch(&self, tasks: &BTreeSet<usize>) -> Result<(), OpsError> {
        let store = &self.services.store;
        let files: BTreeSet<Digest> = tasks.iter().flat_map(|&task| self.plan.steps[task].work.files()).collect();
        let missing = files.into_iter().filter(|digest| !store.has_blob(digest));
        let wants: Vec<Want> = missing
            .filter_map(|digest| Some(self.want(digest, self.plan.files.get(&digest)?)))
            .collect::<Result<_, _>>()?;
        if wants.is_empty() {
            return Ok(());
        }
        let bytes = wants.iter().filter_map(|want| want.size).sum();
        let observer = self.services.observer;
        observer.event(Event::Fetching { files: wants.len(), bytes });
        self.services.fetcher.fetch(store, &wants, &FetchProgress(self.services))?;
        observer.event(Event::FetchDone);
        Ok(())
    }

    fn want(&self, digest: Digest, file: &RemoteFile) -> Result<Want, OpsError> {
        let urls = match &file.location {
            Location::Url(url) => url.parse().into_iter().collect(),
            Location::Archive(name, path) => match self.project.archives.get(name) {
                Some(archive) => {
                    let suites = self.lock.archives.suites.iter().filter(|((archive, _), _)| archive == name);
                    let date = suites.map(|(_, pin)| pin.date).max();
                    let bases = mirrors(&self.services.environment, &self.services.host, archive, date);
                    mirrors::urls(&bases, path).map_err(|source| OpsError::Path { source })?
                }
                None => Vec::new(),
            },
        };
        Ok(Want { label: file.label.clone(), digest, size: Some(file.size), urls })
    }
}
