//! Which versions of the program's parts shape which step.

use serde::Serialize;

use super::step::PackageInput;
use crate::distribution::debian::configure;
use crate::model::formats;

/// What the program does to the packages of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RootFormat {
    unpacked: u32,
    root: u32,
    /// Of the rules that configure packages.
    rules: &'static str,
}

impl RootFormat {
    /// That of this program.
    pub const CURRENT: Self = Self { unpacked: formats::UNPACKED, root: formats::ROOT, rules: configure::FINGERPRINT };
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
        let rules = (!packages.is_empty()).then_some(configure::FINGERPRINT);
        Self { segment: formats::SEGMENT, image: formats::IMAGE, rules }
    }
}
