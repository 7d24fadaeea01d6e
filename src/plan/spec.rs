//! What runs in a build step, as it is hashed and as it is run: nothing that shapes the output is decided later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cross::cross_environment;
use crate::model::{Digest, ImagePath, Platform};
use crate::recipe::{STAGE_OUTPUT, StepLimits};

/// Whether a sandbox has a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// A loopback interface of its own, nothing else.
    #[default]
    None,
    /// The machine's.
    Host,
}

/// Everything that shapes what a step leaves, but for the contents of its caches and secrets.
#[derive(Clone, Debug, Serialize)]
pub struct StepSpec {
    /// Trees that make up the root, uppermost first. A plan leaves this and `inputs` empty: there they are what the step
    /// needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub root: Vec<Digest>,
    /// Trees, or parts of them, that the step sees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Small files beside those of the root.
    pub files: BTreeMap<ImagePath, String>,
    /// The environment, but for `JOBS`.
    pub env: BTreeMap<String, String>,
    /// Scripts, run one after the other by `/bin/sh -eu`, each in `/build`.
    pub scripts: Vec<String>,
    /// Identifiers of secrets, which appear as `/run/secrets/ID`.
    pub secrets: Vec<String>,
    /// Whether the step sees the machine's network; only `vendor` steps do, whose output is pinned.
    pub network: Network,
    /// The folder whose content is the output; `$OUT` for the scripts.
    pub output: ImagePath,
    /// Folders kept between runs.
    pub caches: Vec<ImagePath>,
    /// What the step may use.
    pub limits: StepLimits,
}

/// A tree that a step sees. It may write there; what it writes is thrown away.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// The tree.
    pub tree: Digest,
    /// The file or folder of the tree that is meant; the root for all of it. Links on the way stay within the tree.
    pub path: ImagePath,
    /// Where it appears.
    pub at: ImagePath,
}

impl StepSpec {
    /// A step with the cross environment of [`cross_environment`] and no scripts yet.
    #[must_use]
    pub fn new(build: Platform, target: Platform, network: Network) -> Self {
        let cross = cross_environment(build, target, network);
        Self {
            root: Vec::new(),
            inputs: Vec::new(),
            files: cross.files,
            env: cross.variables,
            scripts: Vec::new(),
            secrets: Vec::new(),
            network,
            output: STAGE_OUTPUT.parse().unwrap_or_default(),
            caches: Vec::new(),
            limits: StepLimits::default(),
        }
    }
}
