//! Files that appear under their names when they are complete.
//!
//! Until then a file has a hidden name and a lock (flock(2)), which the kernel drops with the process. Whoever finds a file
//! of such a name without a lock knows that its process was killed, and removes it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Beneath;
use super::error::refused;

/// How hidden names begin.
const PREFIX: &str = ".orchestrate-";

/// A file that appears under its name when it is complete; nothing stays of it when it is dropped before.
#[derive(Debug)]
pub struct Emerging {
    file: File,
    folder: Beneath,
    /// What it is called meanwhile.
    hidden: OsString,
    target: OsString,
    done: bool,
}

impl Emerging {
    /// Begins a file with these permission bits that will be at `target`, in place of a file or link that may be there.
    ///
    /// # Errors
    /// When `target` has no name, a link is on the way, or the file cannot be made.
    pub fn at(target: &Beneath, mode: u32) -> io::Result<Self> {
        let nameless = || refused(ErrorKind::InvalidInput, "create", &target.shown(), "it has no name");
        let name = target.below().file_name().ok_or_else(nameless)?.to_owned();
        let folder = folder_of(target);
        folder.dir().create_dir_all(folder.below())?;
        let (file, hidden) = begin(&folder, mode)?;
        Ok(Self { file, folder, hidden, target: name, done: false })
    }

    /// The same, after removing what killed processes left beside it.
    ///
    /// # Errors
    /// As [`Emerging::at`], and when something of a killed process cannot be removed.
    pub fn swept_at(target: &Beneath, mode: u32) -> io::Result<Self> {
        remove_abandoned(&folder_of(target))?;
        Self::at(target, mode)
    }

    /// The file, for those who copy within the kernel.
    pub fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When it cannot be moved there.
    pub fn commit(mut self) -> io::Result<()> {
        let (from, to) = (self.folder.join(&self.hidden), self.folder.join(&self.target));
        self.folder.dir().rename(from.below(), self.folder.dir(), to.below())?;
        self.done = true;
        Ok(())
    }
}

/// Puts a text in the place of the file `target`, which is the old one or the new one at any moment.
///
/// # Errors
/// When a link is on the way, or it cannot be written.
pub fn replace(target: &Beneath, content: &[u8], mode: u32) -> io::Result<()> {
    let mut emerging = Emerging::at(target, mode)?;
    emerging.file.write_all(content)?;
    emerging.commit()
}

impl Drop for Emerging {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.folder.dir().remove_file(self.folder.join(&self.hidden).below()); // the failure is told already
        }
    }
}

impl io::Write for Emerging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder_of(target: &Beneath) -> Beneath {
    Beneath::new(target.shared_dir(), target.below().parent().unwrap_or(Path::new("")))
}

/// A new locked file of a hidden name.
fn begin(folder: &Beneath, mode: u32) -> io::Result<(File, OsString)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let hidden: OsString =
            format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into();
        let path = folder.join(&hidden);
        // of a process with the same number that was killed
        folder.dir().remove_file(path.below())?;
        let file = folder.dir().create_file(path.below(), mode)?;
        // a file system without locks has no `remove_abandoned` either
        let locked = file.lock().is_ok();
        // between its creation and its lock another process may have taken it for one of the dead
        if !locked || file.metadata()?.nlink() > 0 {
            return Ok((file, hidden));
        }
    }
}

/// Whether a file has the name of one that is being written.
#[must_use]
pub fn is_emerging(name: &OsStr) -> bool {
    name.to_str().and_then(|name| name.strip_prefix(PREFIX)).is_some_and(|rest| {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        rest.split_once('-').is_some_and(|(process, count)| number(process) && number(count))
    })
}

/// Removes from a folder what processes that were killed had begun; a folder that is not there has nothing.
///
/// # Errors
/// When the folder cannot be listed, or one of the files cannot be removed.
pub fn remove_abandoned(folder: &Beneath) -> io::Result<()> {
    let names = match folder.names() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        names => names?,
    };
    for name in names.iter().filter(|name| is_emerging(name)) {
        let path = folder.join(name);
        // one that cannot be opened is no regular file, or its process has just given it its name
        let Ok(file) = path.open_file() else { continue };
        if file.try_lock().is_ok() {
            folder.dir().remove_file(path.below())?;
        }
    }
    Ok(())
}
