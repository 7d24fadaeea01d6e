//! Scripts that run outside of what they configure: with native programs, and the folder mounted beside them. A script that
//! is not made for that would change the system that it runs in, so afterwards that system must be as it was.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::beneath::Dir;
use crate::distribution::scripts::{OWN, TARGET};

/// The system that scripts run in.
#[derive(Debug)]
pub struct NativeTools<'a> {
    /// Its root: the same packages, for this machine.
    pub root: &'a Path,
    /// Scripts, by package, that are known to do nothing on a first installation.
    pub inert: BTreeSet<(String, &'static str)>,
}

/// What the sandbox itself, and every run of a package manager, leaves in the system that it runs in.
const OWN_TRACES: &[&str] = &[OWN, TARGET, "build", "dev", "proc", "run", "tmp", "var/tmp", "var/log"];

/// What the scripts changed in the system that they ran in, of which `upper` holds all changes. The files `guards` were
/// put there for them.
pub(super) fn strays(upper: &Dir, guards: &[(&str, &str)]) -> io::Result<Vec<PathBuf>> {
    let is_own = |path: &Path| {
        OWN_TRACES.iter().any(|own| path.starts_with(own)) || guards.iter().any(|(guard, _)| path == Path::new(guard))
    };
    let mut strays = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let folder = upper.dir(&below)?;
        for name in folder.names("")? {
            let path = below.join(&name);
            if is_own(&path) {
                continue;
            }
            match folder.metadata(&name)?.is_dir() {
                true => open.push(path),
                false => strays.push(path),
            }
        }
    }
    strays.sort();
    Ok(strays)
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[test]
    fn what_is_changed_outside_of_the_folder_is_found() {
        let upper = tempfile::tempdir().expect("a folder");
        for path in ["target/etc/passwd", "orchestrate/run", "var/log/x.log", "usr/guard", "etc/passwd", "var/lib/x/y"]
        {
            let path = upper.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, "").expect("written");
        }
        let found = strays(&Dir::open(upper.path()).expect("a folder"), &[("usr/guard", "")]).expect("read");
        assert_eq!(found, [PathBuf::from("etc/passwd"), PathBuf::from("var/lib/x/y")]);
    }
}
