//! What is collected while a recipe is read.

use std::collections::BTreeMap;

use crate::model::{Glob, ImageName, PackageName, Place, SourceName, Spanned, StageName};

use super::project::{
    About, Account, Base, Compression, Config, Configure, DistributionRef, Emulate, Group, Image, ImageEntry,
    PackageRequest, PackageSelection, Runtime, Source, Stage, Status, Test, Waiver,
};

/// A recipe that is being read.
#[derive(Default)]
pub(super) struct RecipeDraft {
    pub(super) about: About,
    pub(super) status: Status,
    pub(super) tags: Vec<Spanned<String>>,
    pub(super) sources: BTreeMap<SourceName, Source>,
    pub(super) stages: BTreeMap<StageName, Stage>,
    pub(super) images: BTreeMap<ImageName, Image>,
    pub(super) tests: Vec<Test>,
}

/// An image that is being read.
#[derive(Default)]
pub(super) struct ImageDraft {
    pub(super) bases: Vec<Spanned<Base>>,
    pub(super) distribution: Option<Spanned<DistributionRef>>,
    pub(super) packages: Requests,
    pub(super) selections: Vec<Spanned<PackageSelection>>,
    pub(super) recommends: bool,
    pub(super) configure: Configure,
    pub(super) emulate: Option<Spanned<Emulate>>,
    pub(super) exclude: Vec<Glob>,
    pub(super) keep: Vec<Glob>,
    pub(super) entries: Vec<ImageEntry>,
    pub(super) accounts: Vec<Account>,
    pub(super) groups: Vec<Group>,
    pub(super) config: Config,
    /// Where its variables and ports stand, in their order.
    pub(super) env_places: Vec<Place>,
    pub(super) port_places: Vec<Place>,
    pub(super) runtime: Runtime,
    pub(super) labels: BTreeMap<String, Spanned<String>>,
    pub(super) annotations: BTreeMap<String, Spanned<String>>,
    pub(super) layers: Option<u8>,
    pub(super) compression: Compression,
    pub(super) waivers: Vec<Waiver>,
}

/// The packages that somebody asks for, each once.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) list: Vec<Spanned<PackageRequest>>,
    pub(super) places: BTreeMap<PackageName, Place>,
}
