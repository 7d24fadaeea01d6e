//! File systems that are full: a store, and the images beside it, on one of a size that is too disk.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Site, digests};
use crate::support::tool;

/// A file system in memory, which only root can mount.
pub(crate) struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// One of so many bytes.
    pub(crate) fn mount(bytes: u64) -> Self {
        assert!(rustix::process::geteuid().is_root(), "only root can mount a small file system: run this as root");
        let folder = tempfile::tempdir().expect("a folder");
        let options = format!("size={bytes},mode=0700");
        tool("mount", Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()));
        Self { folder }
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, bytes: u64) {
        let options = format!("remount,size={bytes}");
        tool("mount", Command::new("mount").args(["-o", &options]).arg(self.folder.path()));
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// How many bytes of it are in use.
    pub(crate) fn used(&self) -> u64 {
        let facts = rustix::fs::statvfs(self.folder.path()).expect("a file system");
        (facts.f_blocks - facts.f_bfree) * facts.f_frsize
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // processes in the sandbox may take a moment to go
        for _ in 0..50 {
            let ended = Command::new("umount").arg(self.folder.path()).output();
            if ended.is_ok_and(|output| output.status.success()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}

/// What a build gives when there is room, and how much it takes.
pub(crate) struct Need {
    printed: String,
    written: String,
    /// The bytes in use at its end.
    pub(crate) bytes: u64,
}

/// What came of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It was too small, and the same store went on when there was room.
    Full,
    /// It was enough.
    Enough,
}

const PLENTY: u64 = 16 << 30;

fn build<'a>(arguments: &[&'a str], output: &'a str) -> Vec<&'a str> {
    [&["build", "--output", output], arguments].concat()
}

fn places(disk: &Disk) -> (PathBuf, PathBuf, String) {
    let (store, out) = (disk.path().join("store"), disk.path().join("out"));
    let output = format!("oci:{}", out.display());
    (store, out, output)
}

/// Builds where there is room.
pub(crate) fn measure(site: &Site, arguments: &[&str]) -> Result<Need, String> {
    let disk = Disk::mount(PLENTY);
    let (store, out, output) = places(&disk);
    let printed = site.try_run(&store, &build(arguments, &output))?;
    Ok(Need { printed, written: digests(&out), bytes: disk.used() })
}

/// Builds in a file system of `bytes`; when that is too little, says so in so many words, leaves nothing wrong, and goes on
/// in the same store when there is room.
pub(crate) fn try_size(site: &Site, arguments: &[&str], bytes: u64, need: &Need) -> Result<Trial, String> {
    let disk = Disk::mount(bytes);
    let (store, out, output) = places(&disk);
    let arguments = build(arguments, &output);
    let first = site.run(&store, &arguments);
    let trial = match first.status.code() {
        Some(0) => Trial::Enough,
        Some(1) => {
            let text = String::from_utf8_lossy(&first.stderr);
            let words = ["no space left", "free some space"];
            if let Some(word) = words.iter().find(|word| !text.to_lowercase().contains(**word)) {
                return Err(format!("with {bytes} bytes the message does not say `{word}`:\n{text}"));
            }
            Trial::Full
        }
        code => {
            let text = String::from_utf8_lossy(&first.stderr);
            return Err(format!("with {bytes} bytes it ended with {code:?}:\n{text}"));
        }
    };
    disk.resize(PLENTY);
    site.verify(&store).map_err(|error| format!("after {bytes} bytes: {error}"))?;
    let printed = site.try_run(&store, &arguments).map_err(|error| format!("after {bytes} bytes: {error}"))?;
    if (&printed, &digests(&out)) != (&need.printed, &need.written) {
        return Err(format!("after {bytes} bytes it gave\n{printed}and not\n{}", need.printed));
    }
    site.verify(&store)?;
    Ok(trial)
}
