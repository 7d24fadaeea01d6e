//! What Debian's maintainer scripts would have made of unpacked packages, as data: no script is executed, so a system
//! of any architecture is configured on any machine.
//!
//! A script is *recognised* or it is reported, never guessed at (see `script`): what debhelper added to it is
//! parsed, and what remains must be known, by its fingerprint, to a rule of the table in `rules`. One module per
//! effect knows what the tool behind it does: `alternatives` what `update-alternatives` does, `ldcache` what
//! `ldconfig` does, and so on. They change a `Root`, which is the unpacked tree with changes on top.

mod accounts;
mod alternatives;
mod certificates;
mod commands;
mod coverage;
mod database;
mod debconf;
mod effect;
mod init_scripts;
mod interpret;
mod ldcache;
mod locales;
#[cfg(test)]
mod oracle_tests;
mod order;
mod pam;
mod presets;
mod rules;
mod script;
mod scripts;
mod shell;
mod shells;
mod statoverrides;
mod system;
mod tmpfiles;
mod tree;
mod ucf;
mod units;
mod whole_snippets;

pub(super) use crate::distribution::system::{
    ConfigureError, Configured, Cover, Extent, LeftOut, PackageState, ScriptCoverage, SystemModel, Tree,
    UnmodelledScript, UnpackedPackage, UnpackedSystem,
};
use crate::model::Platform;
pub(super) use database::DpkgDatabase;

/// The model of Debian's systems.
#[derive(Debug)]
pub struct DebianModel;

impl SystemModel for DebianModel {
    /// The hash of the source text of the rules, made by `build.rs`.
    fn fingerprint(&self) -> &'static str {
        env!("ORCHESTRATE_RULES")
    }

    fn configure(&self, extent: Extent, system: &UnpackedSystem<'_>) -> Result<Configured, ConfigureError> {
        let UnpackedSystem { platform, packages, tree, moment } = *system;
        let mut root = tree::Root::new(tree, moment.seconds());
        match extent {
            Extent::Configured => {
                let system = system::System::new(platform, packages, tree, moment);
                return scripts::Scripts::of(system).configure();
            }
            Extent::Unpacked => DpkgDatabase::new(platform, packages).with_states().write(&mut root)?,
            Extent::Recorded => DpkgDatabase::new(platform, packages).write(&mut root)?,
            Extent::Libraries => cache_libraries(platform, packages, &mut root)?,
        }
        let (files, removed) = root.into_changes();
        Ok(Configured { files, removed, unmodelled: Vec::new(), left_out: Vec::new() })
    }

    fn coverage(&self, platform: Platform, packages: &[UnpackedPackage]) -> Vec<ScriptCoverage> {
        coverage::coverage(platform, packages)
    }
}

/// Makes the cache of shared libraries and nothing else.
fn cache_libraries(
    platform: Platform,
    packages: &[UnpackedPackage],
    root: &mut tree::Root<'_>,
) -> Result<(), ConfigureError> {
    let of = |name: &str| packages.iter().find(|package| package.id.name == name);
    match of("libc-bin").or_else(|| of("libc6")) {
        Some(library) => ldcache::update(root, platform, library.id.version.as_str()),
        None => Ok(()),
    }
}
