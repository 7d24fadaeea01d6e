//! Roots and build steps: from the plan's words to those of the sandbox.

use std::io;
use std::path::PathBuf;

use super::adding::Adding;
use super::results::{Outcome, Tree, root_spec};
use super::secrets::{host_network, secrets};
use super::work::{expect, inside};
use super::{OnFailure, Run};
use crate::beneath::Beneath;
use crate::model::{Digest, ImagePath};
use crate::ops::error::StepError;
use crate::ops::event::{Event, Observer};
use crate::plan::{Input, Role, RootEntry, RootWork, StageWork, Step, StepSpec, Subject, VendorWork};
use crate::stage::{self, OutputSink, ResolvedPaths, RunOptions, StageError};
use crate::store::{CacheFolder, TreeKind};

/// Passes on what a step prints.
pub(super) struct Lines<'s> {
    pub(super) subject: &'s Subject,
    pub(super) observer: &'s dyn Observer,
}

impl OutputSink for Lines<'_> {
    fn line(&self, text: &str) {
        self.observer.event(Event::Line { subject: self.subject, text });
    }
}

impl Run<'_, '_> {
    /// Makes a root: packages, configured in the sandbox, and what the toolchain's image adds.
    pub(super) fn root(&self, step: &Step<'_>, work: &RootWork, needs: &[Outcome]) -> Result<Outcome, StepError> {
        let store = &self.services.store;
        let spec = root_spec(work);
        let lines = Lines { subject: &step.subject, observer: self.services.observer };
        let root = stage::compose_root(store, &spec.key(), &spec, &self.services.sandbox, &lines)?;
        if !work.entries.is_empty() {
            let writer = store.tree_writer(TreeKind::Delta, &self.results().key(step))?;
            let adding = Adding::new(writer.path(), root.path()).map_err(|source| StageError::Prepare { source })?;
            for entry in &work.entries {
                self.root_entry(&adding, entry, needs)?;
            }
            writer.commit()?;
        }
        let vanished = || StageError::Prepare { source: io::Error::other("a root vanished from the store") };
        Ok(Outcome::Root(self.results().root(step, work).ok_or_else(vanished)?))
    }

    fn root_entry(&self, adding: &Adding, entry: &RootEntry, needs: &[Outcome]) -> Result<(), StepError> {
        let prepare = |source| StepError::from(StageError::Prepare { source });
        match entry {
            RootEntry::File { path, text, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                adding.file(path, text.as_bytes(), mode).map_err(prepare)
            }
            RootEntry::Symlink { path, target } => adding.symlink(path, target).map_err(prepare),
            RootEntry::Local { input, to } => {
                let project = Beneath::open(self.project.root.as_std_path()).map_err(prepare)?;
                adding.copy(&project.join(&input.path), to).map_err(prepare)
            }
            RootEntry::Tree { need, path, to } => {
                let found = match needs.get(*need) {
                    Some(Outcome::Tree(tree)) => inside(&self.services.store, tree, path)?,
                    _ => None,
                };
                let absent = || io::Error::new(io::ErrorKind::NotFound, format!("`{path}` is not in what a step gave"));
                adding.copy(&found.ok_or_else(absent).map_err(prepare)?, to).map_err(prepare)
            }
        }
    }

    /// Runs a build step.
    pub(super) fn stage(&self, step: &Step<'_>, work: &StageWork<'_>, needs: &[Outcome]) -> Result<Tree, StepError> {
        let services = self.services;
        let mut spec = work.spec.clone();
        let mut paths = ResolvedPaths::default();
        for (need, outcome) in step.needs.iter().zip(needs) {
            match (&need.role, outcome) {
                (Role::Root, Outcome::Root(trees)) => {
                    for tree in trees {
                        spec.root.push(tree.digest);
                        paths.trees.insert(tree.digest, tree.checked(&services.store)?.to_owned());
                    }
                }
                (Role::Mount { at }, Outcome::Tree(tree)) => {
                    tree.checked(&services.store)?;
                    mount(&mut spec, &mut paths, tree, &ImagePath::root(), at);
                }
                (Role::Part { path, to }, Outcome::Tree(tree)) => {
                    let absent = || StepError::Absent {
                        path: path.to_string(),
                        from: self.plan.step(need.step).subject.to_string(),
                        place: work.stage.place,
                    };
                    inside(&services.store, tree, path)?.ok_or_else(absent)?;
                    mount(&mut spec, &mut paths, tree, path, to);
                }
                _ => {}
            }
        }
        let kept = self.caches(step, &spec.caches)?;
        let options = RunOptions {
            jobs: services.jobs.get(),
            log: self.log(step),
            on_failure: match self.on_failure {
                OnFailure::Report => stage::ShellOnFailure::Stop,
                OnFailure::Shell => stage::ShellOnFailure::Shell,
            },
            caches: kept.iter().flat_map(|folder| folder.of(&spec.caches)).collect(),
            secrets: secrets(&services.environment, &step.subject, &spec.secrets)?,
            network: host_network(&services.environment, &step.subject)?,
        };
        let lines = Lines { subject: &step.subject, observer: services.observer };
        let output = services.runner.run_step(&services.store, &spec, &paths, &options, &lines)?;
        Ok(Tree { digest: output.digest, path: output.path, kind: TreeKind::Output, key: output.digest })
    }

    /// Runs a vendor step, whose output must be what the lock says.
    pub(super) fn vendor(&self, step: &Step<'_>, work: &VendorWork<'_>, needs: &[Outcome]) -> Result<Tree, StepError> {
        let tree = self.stage(step, &work.step, needs)?;
        if let Some(expected) = &work.expected {
            expect(format!("the output of {}", step.subject), expected, &tree.digest)?;
        }
        Ok(tree)
    }

    /// Where the output of a step's scripts goes.
    pub(super) fn log(&self, step: &Step<'_>) -> PathBuf {
        self.services.store.root().join("logs").join(format!("{}.log", self.results().key(step).hex()))
    }

    /// The folder of the store for a step's caches, shared by all runs of the same part for the same platform in one
    /// trust domain, one after the other; none for a step without caches.
    fn caches(&self, step: &Step<'_>, caches: &[ImagePath]) -> Result<Option<CacheFolder>, StepError> {
        if caches.is_empty() {
            return Ok(None);
        }
        let domain = &self.services.environment.trust_domain;
        Ok(Some(self.services.store.cache_folder(domain, &Digest::of_value(&("cache", domain, &step.subject)))?))
    }
}

fn mount(spec: &mut StepSpec, paths: &mut ResolvedPaths, tree: &Tree, path: &ImagePath, at: &ImagePath) {
    spec.inputs.push(Input { tree: tree.digest, path: path.clone(), at: at.clone() });
    paths.trees.insert(tree.digest, tree.path.clone());
}
