//! Build steps, and the packages that they and images ask for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{ByteSize, ImageName, ImagePath, PackageName, Place, Seconds, SourceName, Spanned, StageName};

/// A build step: what runs, in which root, with what around it.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// Where the stage node stands.
    #[serde(skip)]
    pub place: Place,
    /// The image that has the toolchain; the build machine's platform of it is used.
    pub from: Spanned<ImageName>,
    /// Packages on top of it, of the build machine's architecture.
    pub packages: Vec<Spanned<PackageRequest>>,
    /// Packages on top of it, of the target's architecture.
    pub target_packages: Vec<Spanned<PackageRequest>>,
    /// Sources that the step sees.
    pub uses: Vec<Use>,
    /// Outputs of other stages that the step sees.
    pub copies: Vec<StageCopy>,
    /// Environment beside the fixed one.
    pub env: BTreeMap<String, String>,
    /// Shell scripts, run in order by `/bin/sh -eu`.
    pub run: Vec<Spanned<String>>,
    /// The folder that becomes the output and that `$OUT` names; one of the sandbox's choice when the recipe does not say.
    pub output: Option<ImagePath>,
    /// Folders kept between runs.
    pub caches: Vec<ImagePath>,
    /// Identifiers of secrets of the environment file, mounted at `/run/secrets/ID`.
    pub secrets: Vec<Spanned<String>>,
    /// Whether it runs once per target platform.
    pub per: Per,
    /// Limits.
    pub limits: StepLimits,
}

/// The folder that becomes the output where a recipe does not say.
pub const STAGE_OUTPUT: &str = "out";

/// How often a stage runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Once per target platform.
    #[default]
    Target,
    /// Once: its output does not depend on the target.
    Build,
}

/// What a step may consume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepLimits {
    /// Wall-clock time.
    pub timeout: Seconds,
    /// Data segment of each process.
    pub memory: Option<ByteSize>,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self { timeout: Seconds(3600), memory: None }
    }
}

/// A source mounted into a step.
#[derive(Debug, Serialize)]
pub struct Use {
    /// The source.
    pub source: Spanned<SourceName>,
    /// Where it appears; writable, changes are thrown away.
    pub at: ImagePath,
}

/// Another stage's output mounted into a step.
#[derive(Debug, Serialize)]
pub struct StageCopy {
    /// The stage.
    pub from: Spanned<StageName>,
    /// A file or folder of its output.
    pub path: Spanned<ImagePath>,
    /// Where it appears.
    pub to: ImagePath,
}

/// A package that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageRequest {
    /// Its name.
    pub name: PackageName,
    /// A constraint in the distribution's own notation: an operator (`=`, `>=`, `<<`, …) and a version.
    pub version: Option<String>,
    /// Whether what it depends on comes along.
    pub dependencies: Dependencies,
}

/// What becomes of the dependencies of a package that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dependencies {
    /// They come along.
    #[default]
    Follow,
    /// They stay away (`packages "ca-certificates" alone=#true`): for packages of data whose dependencies serve only
    /// their maintainer scripts.
    Ignore,
}

/// A selection of packages that a distribution itself defines, written `package-set "essential"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageSelection {
    /// Every package that is `Essential: yes`.
    Essential,
    /// Those and every package of priority `required`.
    Required,
}
