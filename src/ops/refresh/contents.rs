//! Which packages of the archives have a file that an image lacks: their lists of contents, verified like any index.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::suites::{Before, SignedSuite, fetch, open, read_releases};
use crate::distribution::suite::ArchiveFormat;
use crate::fetch::Want;
use crate::image::MissingFile;
use crate::lock::Lock;
use crate::model::Platform;
use crate::ops::error::OpsError;
use crate::ops::services::Services;
use crate::recipe::{Project, SuiteUse};

/// Most packages that are named for one need.
const NAMED: usize = 3;
/// Where programs are that are started by name.
const PROGRAMS: [&str; 6] = ["usr/bin", "usr/sbin", "bin", "sbin", "usr/games", "usr/local/bin"];

/// The packages that have what is needed, at most three for each, from the suites that the lock's packages came from.
///
/// # Errors
/// When a suite cannot be read, as without a network.
pub(in crate::ops) fn suppliers(
    project: &Project,
    services: &Services<'_>,
    lock: &Lock,
    platform: Platform,
    needs: &BTreeSet<MissingFile>,
) -> Result<BTreeMap<MissingFile, Vec<String>>, OpsError> {
    let known = lock.archives.suites.keys().filter(|(archive, _)| project.archives.contains_key(archive));
    let uses = known.map(|(archive, suite)| SuiteUse { archive: archive.clone(), suite: suite.clone() }).collect();
    let before = Before { archives: &lock.archives, allow_older: false };
    let suites = read_releases(project, services, &uses, before)?;
    let mut found = Found { needs, platform, packages: BTreeMap::new() };
    for suite in &suites {
        look_into(project, services, suite, &mut found)?;
    }
    Ok(found.packages.into_iter().map(|(need, packages)| (need, best(&packages))).collect())
}

fn look_into(
    project: &Project,
    services: &Services<'_>,
    suite: &SignedSuite,
    found: &mut Found<'_>,
) -> Result<(), OpsError> {
    let components = &project.archives[&suite.archive].components;
    let platform = found.platform;
    for index in components.iter().flat_map(|component| suite.contents.contents(component, platform)) {
        let wants: [Want; 1] = [suite.want(project, &index)?];
        fetch(services, &wants)?;
        let mut list = open(services, &index).map_err(|source| suite.error(project, source))?;
        found.read(suite.format, &mut list)?;
    }
    Ok(())
}

/// What was found: packages by need, each with how well it fits; smaller is better.
struct Found<'a> {
    needs: &'a BTreeSet<MissingFile>,
    platform: Platform,
    packages: BTreeMap<MissingFile, BTreeMap<String, u8>>,
}

impl Found<'_> {
    fn read(&mut self, format: &dyn ArchiveFormat, list: &mut dyn BufRead) -> std::io::Result<()> {
        let mut names: BTreeMap<&str, Vec<&MissingFile>> = BTreeMap::new();
        for need in self.needs {
            let (MissingFile::Library(path) | MissingFile::File(path)) = need;
            names.entry(path.rsplit('/').next().unwrap_or_default()).or_default().push(need);
        }
        let (platform, found) = (self.platform, &mut self.packages);
        format.contents(list, &mut |path, package| {
            let name = path.rsplit('/').next().unwrap_or_default();
            for need in names.get(name).into_iter().flatten() {
                let Some(rank) = rank(need, path, platform) else { continue };
                let packages_of = found.entry((*need).clone()).or_default();
                let known = packages_of.entry(package.to_owned()).or_insert(rank);
                *known = rank.min(*known);
            }
        })
    }
}

/// How well a path of an archive, which has no leading slash, fits a need: 0 is best.
fn rank(need: &MissingFile, path: &str, platform: Platform) -> Option<u8> {
    let (folder, _) = path.rsplit_once('/')?;
    // in a merged system both are one
    let merged = folder.strip_prefix("usr/").unwrap_or(folder);
    match need {
        MissingFile::Library(_) if merged == format!("lib/{}", platform.multiarch()) => Some(0),
        MissingFile::Library(_) if merged == "lib" || merged == "lib64" => Some(1),
        MissingFile::Library(_) => None,
        MissingFile::File(wanted) if wanted.contains('/') => {
            let wanted = wanted.trim_start_matches('/');
            let same = wanted.strip_prefix("usr/").unwrap_or(wanted) == path.strip_prefix("usr/").unwrap_or(path);
            same.then_some(0)
        }
        MissingFile::File(_) => PROGRAMS.contains(&folder).then_some(0),
    }
}

fn best(packages: &BTreeMap<String, u8>) -> Vec<String> {
    let least = packages.values().min();
    packages.iter().filter(|(_, rank)| Some(*rank) == least).map(|(name, _)| name.clone()).take(NAMED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::world::world;
    use crate::model::Format;

    #[test]
    fn a_library_is_looked_for_where_loaders_look() {
        let list = "usr/lib/x86_64-linux-gnu/liba.so.1  libs/liba1\nopt/liba.so.1 misc/vendor\n\
                    usr/lib/liba.so.1 libs/liba1-old\nbin/sh shells/dash\nusr/bin/tool utils/tool\n\
                    usr/share/tool utils/tool-data\n";
        let needs: BTreeSet<MissingFile> = [
            MissingFile::Library("liba.so.1".into()),
            MissingFile::File("/usr/bin/sh".into()),
            MissingFile::File("tool".into()),
            MissingFile::File("/opt/none".into()),
        ]
        .into();
        let platform = "linux/amd64".parse().expect("a platform");
        let mut found = Found { needs: &needs, platform, packages: BTreeMap::new() };
        let format = world(Format::Deb).expect("a world").archives();
        found.read(format, &mut list.as_bytes()).expect("it is read");
        let named: Vec<(MissingFile, Vec<String>)> =
            found.packages.iter().map(|(need, packages)| (need.clone(), best(packages))).collect();
        assert_eq!(
            named,
            [
                (MissingFile::Library("liba.so.1".into()), vec!["liba1".to_owned()]),
                (MissingFile::File("/usr/bin/sh".into()), vec!["dash".to_owned()]),
                (MissingFile::File("tool".into()), vec!["tool".to_owned()]),
            ]
        );
    }
}
