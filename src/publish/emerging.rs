//! Files that appear under their names when they are complete.
//!
//! Until then a file has a hidden name and a lock (flock(2)), which the kernel drops with the process. Whoever finds a file
//! of such a name without a lock knows that its process was killed, and removes it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::PublishError;
use crate::beneath::Beneath;

/// How hidden names begin.
const PREFIX: &str = ".orchestrate-";

/// A file that appears under its name when it is complete; nothing stays of it when it is dropped before.
pub(super) struct Emerging {
    pub(super) file: File,
    folder: Beneath,
    /// What it is called meanwhile.
    hidden: OsString,
    target: OsString,
    done: bool,
}

impl Emerging {
    /// Begins a file that will be at `target`, in place of a file or link that may be there.
    pub(super) fn at(target: &Beneath) -> Result<Self, PublishError> {
        let io = |source| PublishError::io("create", &target.shown(), source);
        let nameless = || io(io::Error::new(ErrorKind::InvalidInput, "it has no name"));
        let name = target.below().file_name().ok_or_else(nameless)?.to_owned();
        let folder = folder_of(target);
        folder.dir().create_dir_all(folder.below()).map_err(io)?;
        let (file, hidden) = begin(&folder).map_err(io)?;
        Ok(Self { file, folder, hidden, target: name, done: false })
    }

    /// The same, after removing what killed processes left beside it.
    pub(super) fn swept_at(target: &Beneath) -> Result<Self, PublishError> {
        sweep(&folder_of(target))?;
        Self::at(target)
    }

    /// Gives the file its name.
    pub(super) fn commit(mut self) -> Result<(), PublishError> {
        let (from, to) = (self.folder.join(&self.hidden), self.folder.join(&self.target));
        let renamed = self.folder.dir().rename(from.below(), self.folder.dir(), to.below());
        renamed.map_err(|source| PublishError::io("write", &to.shown(), source))?;
        self.done = true;
        Ok(())
    }
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
fn begin(folder: &Beneath) -> io::Result<(File, OsString)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let hidden: OsString =
            format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into();
        let path = folder.join(&hidden);
        // of a process with the same number that was killed
        folder.dir().remove_file(path.below())?;
        let file = folder.dir().create_file(path.below(), 0o644)?;
        // a file system without locks has no `sweep` either
        let locked = file.lock().is_ok();
        // between its creation and its lock another process may have taken it for one of the dead
        if !locked || file.metadata()?.nlink() > 0 {
            return Ok((file, hidden));
        }
    }
}

/// Whether a file has the name of one that is being written.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.to_str().and_then(|name| name.strip_prefix(PREFIX)).is_some_and(|rest| {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        rest.split_once('-').is_some_and(|(process, count)| number(process) && number(count))
    })
}

/// Removes from a folder what processes that were killed had begun; a folder that is not there has nothing.
pub(super) fn sweep(folder: &Beneath) -> Result<(), PublishError> {
    let names = match folder.names() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        names => names.map_err(|source| PublishError::io("list", &folder.shown(), source))?,
    };
    for name in names.iter().filter(|name| is_hidden(name)) {
        let path = folder.join(name);
        // one that cannot be opened is no regular file, or its process has just given it its name
        let Ok(file) = path.open_file() else { continue };
        if file.try_lock().is_ok() {
            let removed = folder.dir().remove_file(path.below());
            removed.map_err(|source| PublishError::io("remove", &path.shown(), source))?;
        }
    }
    Ok(())
}
