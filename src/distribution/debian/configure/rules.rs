//! The table of packages whose scripts somebody has read: what they do on a first installation.

use super::alternatives;
use super::database::DpkgDatabase;
use super::script::{Action, Script};
use super::tree::{Root, Tree};
use super::{ConfigureError, Configured, PackageState, UnmodelledScript, UnpackedPackage};
use crate::model::{Platform, Timestamp};

pub(super) fn apply(
    platform: Platform,
    packages: &[UnpackedPackage],
    tree: &dyn Tree,
    moment: Timestamp,
) -> Result<Configured, ConfigureError> {
    let mut root = Root::new(tree, moment.seconds());
    let mut chosen = Vec::new();
    let mut unmodelled = Vec::new();
    for package in packages {
        for name in ["preinst", "postinst"] {
            let Some(text) = package.control.file(name) else { continue };
            let script = Script::read(&String::from_utf8_lossy(text), platform);
            if !script.rest.is_empty() && package.state == PackageState::Unpacked {
                let (package, version) = (package.name.clone(), package.version.clone());
                unmodelled.push(UnmodelledScript {
                    package,
                    version,
                    script: name,
                    fingerprint: script.fingerprint(),
                    lines: script.rest,
                });
            }
            chosen.extend(script.actions.into_iter().filter_map(|action| match action {
                Action::Alternative(alternative) => Some(alternative),
                _ => None,
            }));
        }
    }
    alternatives::install(&mut root, &chosen)?;
    DpkgDatabase::new(platform, packages).write(&mut root)?;
    let (files, removed) = root.into_changes();
    unmodelled.sort();
    Ok(Configured { files, removed, unmodelled, left_out: Vec::new() })
}
