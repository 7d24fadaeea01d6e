//! What scripts leave behind that has no place in an image, because it differs from run to run or from machine to
//! machine, or because whoever has the image must not have it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::{ScriptsError, keystore};
use crate::model::{EPOCH, Glob, ImagePath};
use crate::store::remove_tree;

/// Something that was taken out, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Where it was.
    pub path: ImagePath,
    /// Why it is not there any more.
    pub reason: &'static str,
}

/// Taken out without a word: every tool that makes such systems does the same.
const SILENT: &[&str] = &[
    "/etc/.pwd.lock",
    "/etc/{group,gshadow,passwd,shadow,subgid,subuid}-",
    "/var/cache/apt/{pkgcache,srcpkgcache}.bin",
    "/var/cache/debconf/*-old",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/apt/extended_states-old",
    "/var/lib/dbus/machine-id",
    "/var/lib/dpkg/*-old",
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
pub(super) fn take_out(root: &Path) -> Result<Vec<LeftOut>, ScriptsError> {
    remove_tree(&root.join(super::OWN))?;
    for path in SILENT.iter().map(|pattern| matching(root, pattern)).collect::<io::Result<Vec<_>>>()?.concat() {
        remove_tree(&root.join(path.as_relative()))?;
    }
    let mut left_out = Vec::new();
    for (pattern, reason) in UNIQUE {
        for path in matching(root, pattern)? {
            remove_tree(&root.join(path.as_relative()))?;
            left_out.push(LeftOut { path, reason });
        }
    }
    left_out.extend(without_target(root)?);
    date_keystore(root)?;
    if let Some(folder) = folder(root, LOGS) {
        logs(&folder)?;
    }
    if let Some(file) = folder(root, "etc").map(|etc| etc.join(MACHINE_ID))
        && fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file())
    {
        // in place: owners are known by inode, and a new file could get the number of one that was taken out
        fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
        fs::OpenOptions::new().write(true).truncate(true).open(&file)?;
    }
    for entry in folder(root, RUN).map(fs::read_dir).transpose()?.into_iter().flatten() {
        let entry = entry?;
        if entry.file_name() != LOCKS {
            remove_tree(&entry.path())?;
        }
    }
    left_out.sort();
    Ok(left_out)
}

/// The folder at `path` of `root`, when there is one and no link on the way.
fn folder(root: &Path, path: &str) -> Option<PathBuf> {
    let mut folder = root.to_owned();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        folder.push(name);
        if !fs::symlink_metadata(&folder).is_ok_and(|meta| meta.is_dir()) {
            return None;
        }
    }
    Some(folder)
}

/// Java's store of certificates says when it was made, certificate by certificate.
fn date_keystore(root: &Path) -> io::Result<()> {
    const LARGEST: u64 = 16 << 20;
    let Some(file) = folder(root, "etc/ssl/certs/java").map(|folder| folder.join("cacerts")) else { return Ok(()) };
    if !fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST) {
        return Ok(());
    }
    let milliseconds = u64::try_from(EPOCH.seconds()).unwrap_or_default() * 1000;
    match keystore::dated(&fs::read(&file)?, milliseconds) {
        // in place: owner and mode stay
        Some(dated) => fs::write(&file, dated),
        None => Ok(()),
    }
}

/// Links named after the content of a certificate that was taken out (`openssl rehash`).
fn without_target(root: &Path) -> Result<Vec<LeftOut>, ScriptsError> {
    const CERTIFICATES: &str = "etc/ssl/certs";
    const REASON: &str = "it leads to a certificate that was taken out";
    let Some(folder) = folder(root, CERTIFICATES) else { return Ok(Vec::new()) };
    let mut left_out = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if fs::read_link(&path).is_ok_and(|target| target.as_os_str() == "ssl-cert-snakeoil.pem") {
            fs::remove_file(&path)?;
            let name = path.strip_prefix(root).map_err(io::Error::other)?.as_os_str().as_encoded_bytes();
            left_out.extend(ImagePath::new(name).map(|path| LeftOut { path, reason: REASON }));
        }
    }
    Ok(left_out)
}

/// A log that was only made with its owner and mode stays; one that says something says when.
fn logs(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = fs::symlink_metadata(entry.path())?;
        if meta.is_dir() {
            logs(&entry.path())?;
        } else if meta.is_file() && meta.len() > 0 {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The paths of `root` that the pattern matches.
fn matching(root: &Path, pattern: &str) -> io::Result<Vec<ImagePath>> {
    let glob = Glob::new(pattern).map_err(io::Error::other)?;
    let fixed = pattern.find(['*', '{']).unwrap_or(pattern.len());
    let (begin, rest) = pattern.split_at(pattern[..fixed].rfind('/').unwrap_or(0));
    let depth = rest.matches('/').count();
    let mut found = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = folder(root, begin).map(|folder| (folder, 1)).into_iter().collect();
    while let Some((next, level)) = open.pop() {
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            let path = entry.path();
            let name = path.strip_prefix(root).map_err(io::Error::other)?;
            let Ok(name) = ImagePath::new(name.as_os_str().as_encoded_bytes()) else { continue };
            if glob.matches(&name) {
                found.push(name);
            } else if level < depth && entry.file_type()?.is_dir() {
                open.push((path, level + 1));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
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
            "var/log/apt/history.log",
            "var/lib/dpkg/status-old",
            "var/lib/dpkg/status",
        ];
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "x").expect("written");
        }
        fs::create_dir_all(root.path().join("run/lock")).expect("made");
        fs::write(root.path().join("var/log/btmp"), "").expect("written");
        let told = take_out(root.path()).expect("taken out");
        let told: Vec<String> = told.iter().map(|left| left.path.to_string()).collect();
        assert_eq!(told, ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_rsa_key.pub"]);
        let there = |file: &&str| root.path().join(file).exists();
        let left: Vec<&str> = files.into_iter().filter(|file| there(file)).collect();
        assert_eq!(left, ["etc/ssh/sshd_config", "etc/passwd", "etc/machine-id", "var/lib/dpkg/status"]);
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
        assert_eq!(take_out(root.path()).expect("taken out"), []);
        assert!(kept.exists());
    }
}
