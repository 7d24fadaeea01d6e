//! Bounds that hold without a command: caches and logs that were not used for a month are removed, and the oldest logs
//! beyond a total. At most once a day, by a process that has the store to itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::{Doing as _, StoreError};
use super::session::{self, Session, names};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long caches and logs are kept that nobody used.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Bytes of all logs together.
const LOGS: u64 = 1 << 30;

/// Moves what is beyond the bounds into the session's folder and says where it is, unless somebody did today, or another
/// process has the store open. The caller keeps new ones out.
///
/// # Errors
/// When something cannot be looked at or moved, which the next day tries again.
pub(super) fn sweep(root: &Path, session: &Session) -> Result<Vec<PathBuf>, StoreError> {
    let (marker, now) = (root.join("swept"), SystemTime::now());
    let age = |path: &Path| fs_err::symlink_metadata(path).and_then(|metadata| metadata.modified());
    if age(&marker).is_ok_and(|last| now.duration_since(last).is_ok_and(|passed| passed < DAY))
        || session::oldest_other(&root.join("tmp"), session.folder())?.is_some()
    {
        return Ok(Vec::new());
    }
    fs_err::write(&marker, "").doing("write", &marker)?;
    let mut swept = Vec::new();
    let mut remove = |path: &Path| -> Result<(), StoreError> {
        let aside = session.fresh();
        fs_err::rename(path, &aside).doing("remove", path)?;
        swept.push(aside);
        Ok(())
    };
    for domain in names(&root.join("caches"))? {
        let domain = root.join("caches").join(domain);
        for cache in names(&domain)?.into_iter().map(|name| domain.join(name)) {
            if age(&cache).is_ok_and(|used| is_old(used, now)) {
                remove(&cache)?;
            }
        }
        let _ = fs_err::remove_dir(&domain); // only when it is empty
    }
    let logs = root.join("logs");
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for log in names(&logs)?.into_iter().map(|name| logs.join(name)) {
        let Ok(metadata) = fs_err::symlink_metadata(&log) else { continue };
        kept.push((metadata.modified().unwrap_or(now), metadata.len(), log));
    }
    kept.sort_by(|one, other| other.cmp(one)); // the newest first
    let mut total = 0_u64;
    for (written, bytes, log) in kept {
        total = total.saturating_add(bytes);
        if is_old(written, now) || total > LOGS {
            remove(&log)?;
        }
    }
    Ok(swept)
}

fn is_old(used: SystemTime, now: SystemTime) -> bool {
    now.duration_since(used).is_ok_and(|passed| passed > KEPT)
}
