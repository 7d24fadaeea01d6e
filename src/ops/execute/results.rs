//! What steps gave, and whether it is still there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::image::BuiltImage;
use crate::model::{Digest, TrustDomain};
use crate::ops::OpsError;
use crate::ops::evidence::{self, BaseBlobs};
use crate::ops::services::Services;
use crate::packages::RootPackage;
use crate::plan::{
    BaseWork, Change, PackageInput, Plan, RootWork, SourceInput, SourceWork, Step, StepId, Subject, VendorWork, Work,
    explain,
};
use crate::stage::{RootSpec, known_root};
use crate::store::{Store, StoreError, TreeKind};

/// What a step gave.
#[derive(Clone, Debug)]
pub(in crate::ops) enum Outcome {
    /// A root: its trees, uppermost first.
    Root(Vec<Tree>),
    /// A tree, known by the hash of its content.
    Tree(Tree),
    /// An image.
    Image(Arc<BuiltImage>),
}

/// A tree in the store.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Tree {
    /// Hash of its content.
    pub(in crate::ops) digest: Digest,
    /// Where it is.
    pub(in crate::ops) path: PathBuf,
    /// What the store knows it by.
    pub(in crate::ops) kind: TreeKind,
    pub(in crate::ops) key: Digest,
}

impl Tree {
    /// A tree that is named by what it holds.
    pub(super) fn by_content(store: &Store, kind: TreeKind, digest: Digest) -> Option<Self> {
        store.tree(kind, &digest).map(|path| Self { digest, path, kind, key: digest })
    }

    /// Where it is, once it is known to be what was stored.
    pub(super) fn checked(&self, store: &Store) -> Result<&Path, StoreError> {
        store.check_tree(self.kind, &self.key)?;
        Ok(&self.path)
    }
}

/// What is written down of a step that gave a tree.
#[derive(Serialize, Deserialize)]
struct TreeRecord {
    tree: Digest,
}

const STEPS: &str = "step";
const CONTENTS: &str = "content";
const LAST: &str = "last";

fn kind_of(work: &Work<'_>) -> TreeKind {
    if matches!(work, Work::Source(_)) { TreeKind::Source } else { TreeKind::Output }
}

/// The results that a store holds, as they count in one trust domain.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Results<'s> {
    store: &'s Store,
    domain: &'s TrustDomain,
}

impl<'s> Results<'s> {
    pub(in crate::ops) fn of(services: &'s Services<'_>) -> Self {
        Self { store: &services.store, domain: &services.environment.trust_domain }
    }

    /// What the result of a step is written down under: the hash of all that goes into it; of a step whose result may
    /// depend on a cache or a secret, together with the trust domain. So does every step after it, for its inputs say
    /// how that result was made, not what it was.
    pub(super) fn key(&self, step: &Step<'_>) -> Digest {
        if step.impure { self.in_domain(&step.inputs) } else { step.inputs }
    }

    fn in_domain(&self, key: &Digest) -> Digest {
        Digest::of_value(&("trust-domain", self.domain, key))
    }

    /// Whether what the lock says of a step was seen to be so: see [`evidence`]. Other steps have nothing to confirm.
    pub(super) fn is_confirmed(&self, step: &Step<'_>) -> Result<bool, StoreError> {
        Ok(match &step.work {
            Work::Source(SourceWork { input: SourceInput::Git { url, commit, tree }, .. }) => {
                evidence::checkout(self.store, url, commit)? == Some(*tree)
            }
            Work::Vendor(VendorWork { expected: Some(tree), .. }) => self.has_vendored(step, tree)?,
            Work::Base(BaseWork { reference, platform, config, layers, .. }) => {
                let blobs = BaseBlobs { config: *config, layers: layers.clone() };
                evidence::base(self.store, &reference.value, *platform)? == Some(blobs)
            }
            _ => true,
        })
    }

    /// Whether a vendor step ran here, in this trust domain, and gave this tree.
    pub(in crate::ops) fn has_vendored(&self, step: &Step<'_>, tree: &Digest) -> Result<bool, StoreError> {
        evidence::is_vendored(self.store, &self.key(step), tree)
    }

    /// The outcome of a step, when it is in the store whole, and what the lock says of it is confirmed.
    pub(in crate::ops) fn outcome(&self, step: &Step<'_>) -> Result<Option<Outcome>, StoreError> {
        if !self.is_confirmed(step)? {
            return Ok(None);
        }
        let store = self.store;
        match &step.work {
            Work::Root(work) => Ok(self.root(step, work).map(Outcome::Root)),
            Work::Image(_) | Work::Base(_) => {
                let built: Option<BuiltImage> = store.record(STEPS, &self.key(step))?;
                let whole = |image: &BuiltImage| image.blobs().all(|blob| store.has_blob(&blob.digest));
                Ok(built.filter(whole).map(|image| Outcome::Image(Arc::new(image))))
            }
            Work::Vendor(VendorWork { expected: Some(tree), .. }) => Ok(tree_of(store, TreeKind::Output, *tree)),
            Work::Vendor(_) | Work::Source(_) | Work::Stage(_) => {
                recorded_tree(store, STEPS, &self.key(step), kind_of(&step.work))
            }
        }
    }

    /// The trees of a root: what its toolchain's image adds, over the packages, which other roots may share.
    pub(super) fn root(&self, step: &Step<'_>, work: &RootWork) -> Option<Vec<Tree>> {
        let (store, key) = (self.store, self.key(step));
        let mut trees = Vec::new();
        if !work.entries.is_empty() {
            let path = store.tree(TreeKind::Delta, &key)?;
            let digest = store.tree_facts(TreeKind::Delta, &key).ok()??.digest;
            trees.push(Tree { digest, path, kind: TreeKind::Delta, key });
        }
        let root = known_root(store, &root_spec(work).key())?;
        trees.push(Tree { digest: root.digest(), path: root.path().to_owned(), kind: TreeKind::Root, key: root.key() });
        Some(trees)
    }

    /// The hash of what a step sees rather than of what that was made from: two keys with the same content give the
    /// same output, so that a change upstream that changes no byte stops there. Where its inputs were made does not
    /// matter then; where it ran itself does, if it has a cache or a secret.
    pub(in crate::ops) fn content_key(&self, step: &Step<'_>, needs: &[Outcome]) -> Digest {
        let seen: Vec<_> =
            step.needs.iter().zip(needs).map(|(need, outcome)| (&need.role, known_by(outcome))).collect();
        let key = Digest::of_value(&(&step.work, seen));
        if step.work.is_impure() { self.in_domain(&key) } else { key }
    }

    /// The outcome of an earlier step that saw the same.
    pub(in crate::ops) fn same_content(&self, work: &Work<'_>, key: &Digest) -> Result<Option<Outcome>, StoreError> {
        recorded_tree(self.store, CONTENTS, key, kind_of(work))
    }

    /// Writes down what a step gave, under its key and under what it saw, and what its key was made of.
    pub(in crate::ops) fn remember(
        &self,
        plan: &Plan<'_>,
        id: StepId,
        content: Option<&Digest>,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let (store, step) = (self.store, plan.step(id));
        let key = self.key(step);
        match outcome {
            Outcome::Root(_) => {} // a root is found by its key alone
            Outcome::Tree(tree) => {
                if matches!(step.work, Work::Vendor(_)) {
                    evidence::note_vendored(store, &key, &tree.digest)?;
                }
                let record = TreeRecord { tree: tree.digest };
                store.put_record(STEPS, &key, &record)?;
                if let Some(content) = content {
                    store.put_record(CONTENTS, content, &record)?;
                }
            }
            Outcome::Image(image) => store.put_record(STEPS, &key, image.as_ref())?,
        }
        store.put_record(LAST, &Digest::of_value(&step.subject), &plan.preimage(id))
    }

    /// Why a step has to run.
    pub(in crate::ops) fn reasons(&self, plan: &Plan<'_>, id: StepId) -> Result<Vec<Change>, OpsError> {
        let step = plan.step(id);
        let last: Option<serde_json::Value> = self.store.record(LAST, &Digest::of_value(&step.subject))?;
        let needs: Vec<String> = step.needs.iter().map(|need| plan.step(need.step).subject.to_string()).collect();
        let changes = explain(last.as_ref(), &plan.preimage(id), &needs);
        let gone = changes == [Change::Gone];
        Ok(if gone && !self.is_confirmed(step)? { vec![Change::Unconfirmed] } else { changes })
    }
}

/// The packages of a root in the words of those who make it.
pub(super) fn root_spec(work: &RootWork) -> RootSpec {
    let package = |package: &PackageInput| RootPackage { id: package.id.clone(), digest: package.digest };
    let packages = work.packages.iter().map(package).collect();
    RootSpec { format: work.format, platform: work.platform, packages }
}

fn tree_of(store: &Store, kind: TreeKind, digest: Digest) -> Option<Outcome> {
    Tree::by_content(store, kind, digest).map(Outcome::Tree)
}

fn recorded_tree(store: &Store, kind: &str, key: &Digest, tree: TreeKind) -> Result<Option<Outcome>, StoreError> {
    let record: Option<TreeRecord> = store.record(kind, key)?;
    // a vendor source without edits is the very tree that its step gave
    let places = [tree, TreeKind::Output];
    Ok(record.and_then(|record| places.into_iter().find_map(|kind| tree_of(store, kind, record.tree))))
}

fn known_by(outcome: &Outcome) -> Digest {
    match outcome {
        Outcome::Root(trees) => Digest::of_value(&trees.iter().map(|tree| tree.digest).collect::<Vec<_>>()),
        Outcome::Tree(tree) => tree.digest,
        Outcome::Image(image) => image.manifest.digest,
    }
}

/// A step of a plan, and what would become of it.
#[derive(Debug, Serialize)]
pub struct PlannedStep {
    /// How people know it.
    pub step: String,
    /// Its parts, for programs.
    pub subject: Subject,
    /// Its key.
    pub key: Digest,
    /// Why it would run; empty when it would not.
    pub run: Vec<Change>,
}
