//! Which versions of the program's parts shape which step.

use serde::Serialize;

use super::step::PackageInput;
use crate::distribution::world::world_of;
use crate::model::{PackageId, formats};

/// What the program does to the packages of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RootFormat {
    unpacked: u32,
    root: u32,
    /// Of the rules that configure packages, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<&'static str>,
}

impl RootFormat {
    /// That of this program, for a root of these packages.
    #[must_use]
    pub fn of<'a>(packages: impl IntoIterator<Item = &'a PackageId>) -> Self {
        Self { unpacked: formats::UNPACKED, root: formats::ROOT, rules: rules(packages) }
    }
}

/// What the program does to the packages and entries of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ImageFormat {
    segment: u32,
    image: u32,
    /// Of the rules that configure packages, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<&'static str>,
}

impl ImageFormat {
    /// That of this program, for an image with these packages of its own.
    #[must_use]
    pub fn of(packages: &[PackageInput]) -> Self {
        let rules = rules(packages.iter().map(|package| &package.id));
        Self { segment: formats::SEGMENT, image: formats::IMAGE, rules }
    }
}

/// The fingerprint of the rules that configure packages. Those that no rules can configure are an error later, when they
/// are opened.
fn rules<'a>(packages: impl IntoIterator<Item = &'a PackageId>) -> Option<&'static str> {
    let mut packages = packages.into_iter().peekable();
    packages.peek()?;
    world_of(packages).ok().map(|world| world.model().fingerprint())
}
