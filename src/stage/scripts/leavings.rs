//! What scripts leave behind that has no place in an image, because it differs from run to run or from machine to
//! machine, or because whoever has the image must not have it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use super::{ScriptsError, keystore};
use crate::beneath::Dir;
use crate::model::{EPOCH, Glob, ImagePath};

/// Something that was taken out, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Removed {
    /// Where it was.
    pub path: ImagePath,
    /// Why it is not there any more.
    pub reason: &'static str,
}

/// Taken out without a word: every tool that makes systems does the same. What the package manager leaves comes on top.
const SILENT: &[&str] = &[
    "/etc/.pwd.lock",
    "/etc/{group,gshadow,passwd,shadow,subgid,subuid}-",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/dbus/machine-id",
    "/var/lib/systemd/random-seed",
];

/// Taken out, and said so: what would be the same secret, or the same identity, in every container.
const UNIQUE: &[(&str, &str)] = &[
    ("/etc/ssh/ssh_host_*_key", "host keys are a secret of each machine: make them when the container starts"),
    ("/etc/ssh/ssh_host_*_key.pub", "it belongs to a private key that is not there"),
    ("/etc/ssl/private/ssl-cert-snakeoil.key", "a private key that everybody with the image would have"),
    ("/etc/ssl/certs/ssl-cert-snakeoil.pem", "it belongs to a private key that is not there"),
    ("/etc/postgresql/*/main", "the settings of a database cluster that is not there"),
    ("/var/lib/postgresql/*/main", "a database cluster has an identity: `pg_createcluster` makes one where it is used"),
    ("/var/lib/mysql/*", "a database has an identity: `mariadb-install-db` makes one where it is used"),
    ("/etc/bind/rndc.key", "a secret of each machine: `rndc-confgen -a` makes it when the container starts"),
];

/// A file that must be there and be empty (machine-id(5)).
const MACHINE_ID: &str = "machine-id";
/// What comes and goes; only the folder of locks is expected to be there.
const RUN: &str = "run";
const LOCKS: &str = "lock";
const LOGS: &str = "var/log";

/// Takes out of the folder `root` what has no place in an image, and makes nothing new. Links in it may lead anywhere, so
/// none is followed.
pub(super) fn take_out(root: &Dir, leavings: &[&str]) -> Result<Vec<Removed>, ScriptsError> {
    root.remove_tree(super::OWN)?;
    for path in
        SILENT.iter().chain(leavings).map(|pattern| matching(root, pattern)).collect::<io::Result<Vec<_>>>()?.concat()
    {
        root.remove_tree(path.as_relative())?;
    }
    let mut removed = Vec::new();
    for (pattern, reason) in UNIQUE {
        for path in matching(root, pattern)? {
            root.remove_tree(path.as_relative())?;
            removed.push(Removed { path, reason });
        }
    }
    removed.extend(without_target(root)?);
    date_keystore(root)?;
    if root.is_dir(LOGS) {
        logs(root)?;
    }
    empty_machine_id(root)?;
    if root.is_dir(RUN) {
        let run = root.dir(RUN)?;
        for name in run.names("")?.iter().filter(|name| *name != LOCKS) {
            run.remove_tree(name)?;
        }
    }
    removed.sort();
    Ok(removed)
}

fn empty_machine_id(root: &Dir) -> io::Result<()> {
    if !root.is_dir("etc") {
        return Ok(());
    }
    let etc = root.dir("etc")?;
    if etc.find(MACHINE_ID)?.is_some_and(|file| file.is_file()) {
        // in place: owners are known by inode, and a new file could get the number of one that was taken out
        etc.set_mode(MACHINE_ID, 0o644)?;
        etc.overwrite(MACHINE_ID, b"")?;
    }
    Ok(())
}

/// Java's store of certificates says when it was made, certificate by certificate.
fn date_keystore(root: &Dir) -> io::Result<()> {
    const LARGEST: u64 = 16 << 20;
    const FOLDER: &str = "etc/ssl/certs/java";
    const FILE: &str = "cacerts";
    if !root.is_dir(FOLDER) {
        return Ok(());
    }
    let folder = root.dir(FOLDER)?;
    if !folder.find(FILE)?.is_some_and(|file| file.is_file() && file.size <= LARGEST) {
        return Ok(());
    }
    let milliseconds = u64::try_from(EPOCH.seconds()).unwrap_or_default() * 1000;
    match keystore::dated(&folder.read(FILE, LARGEST)?, milliseconds) {
        // in place: owner and mode stay
        Some(dated) => folder.overwrite(FILE, &dated),
        None => Ok(()),
    }
}

/// Links named after the content of a certificate that was taken out (`openssl rehash`).
fn without_target(root: &Dir) -> Result<Vec<Removed>, ScriptsError> {
    const CERTIFICATES: &str = "etc/ssl/certs";
    const REASON: &str = "it leads to a certificate that was taken out";
    if !root.is_dir(CERTIFICATES) {
        return Ok(Vec::new());
    }
    let folder = root.dir(CERTIFICATES)?;
    let mut removed = Vec::new();
    for name in folder.names("")? {
        let is_link = folder.metadata(&name)?.is_symlink();
        if is_link && folder.read_link(&name)? == OsStr::new("ssl-cert-snakeoil.pem") {
            folder.remove_file(&name)?;
            let path = ImagePath::new(&[CERTIFICATES.as_bytes(), b"/", name.as_bytes()].concat());
            removed.extend(path.map(|path| Removed { path, reason: REASON }));
        }
    }
    Ok(removed)
}

/// A log that was only made with its owner and mode stays; one that says something says when.
fn logs(root: &Dir) -> io::Result<()> {
    let mut folders = vec![std::path::PathBuf::from(LOGS)];
    while let Some(below) = folders.pop() {
        let folder = root.dir(&below)?;
        for name in folder.names("")? {
            let meta = folder.metadata(&name)?;
            if meta.is_dir() {
                folders.push(below.join(name));
            } else if meta.is_file() && meta.size > 0 {
                folder.remove_file(&name)?;
            }
        }
    }
    Ok(())
}

/// The paths of `root` that the pattern matches.
fn matching(root: &Dir, pattern: &str) -> io::Result<Vec<ImagePath>> {
    let glob = Glob::new(pattern).map_err(io::Error::other)?;
    let fixed = pattern.find(['*', '{']).unwrap_or(pattern.len());
    let (begin, rest) = pattern.split_at(pattern[..fixed].rfind('/').unwrap_or(0));
    let depth = rest.matches('/').count();
    let begin = ImagePath::new(begin.trim_start_matches('/').as_bytes()).unwrap_or_default();
    let mut found = Vec::new();
    let mut open = vec![(begin, 1)];
    open.retain(|(folder, _)| root.is_dir(folder.as_relative()));
    while let Some((folder, level)) = open.pop() {
        let inside = root.dir(folder.as_relative())?;
        for name in inside.names("")? {
            let Ok(last) = ImagePath::new(name.as_bytes()) else { continue };
            let path = folder.join(&last);
            if glob.matches(&path) {
                found.push(path);
            } else if level < depth && inside.metadata(&name)?.is_dir() {
                open.push((path, level + 1));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[test]
    fn secrets_are_taken_out_and_told_and_logs_go_silently() {
        let root = tempfile::tempdir().expect("a folder");
        let files = [
            "etc/ssh/ssh_host_rsa_key",
            "etc/ssh/ssh_host_rsa_key.pub",
            "etc/ssh/sshd_config",
            "etc/passwd",
            "etc/passwd-",
            "etc/machine-id",
            "run/x/y",
            "var/log/x/history.log",
            "var/lib/packages/x-old",
            "var/lib/packages/x",
        ];
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "x").expect("written");
        }
        fs::create_dir_all(root.path().join("run/lock")).expect("made");
        fs::write(root.path().join("var/log/btmp"), "").expect("written");
        let told =
            take_out(&Dir::open(root.path()).expect("a folder"), &["/var/lib/packages/*-old"]).expect("taken out");
        let told: Vec<String> = told.iter().map(|left| left.path.to_string()).collect();
        assert_eq!(told, ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_rsa_key.pub"]);
        let there = |file: &&str| root.path().join(file).exists();
        let left: Vec<&str> = files.into_iter().filter(|file| there(file)).collect();
        assert_eq!(left, ["etc/ssh/sshd_config", "etc/passwd", "etc/machine-id", "var/lib/packages/x"]);
        assert_eq!(fs::read(root.path().join("etc/machine-id")).expect("there"), b"");
        assert!(there(&"run/lock") && there(&"var/log/btmp"));
    }

    #[test]
    fn links_lead_nowhere() {
        let (root, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let kept = outside.path().join("ssh_host_rsa_key");
        fs::write(&kept, "x").expect("written");
        fs::create_dir_all(root.path().join("etc")).expect("made");
        fs::create_dir_all(root.path().join("var")).expect("made");
        for link in ["etc/ssh", "var/log", "run"] {
            fs::os::unix::fs::symlink(outside.path(), root.path().join(link)).expect("a link");
        }
        assert_eq!(
            take_out(&Dir::open(root.path()).expect("a folder"), &["/var/lib/packages/*-old"]).expect("taken out"),
            []
        );
        assert!(kept.exists());
    }
}
