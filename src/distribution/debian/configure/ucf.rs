//! Configuration files that scripts hand out and keep apart from the administrator's changes, as ucf 3.0052 records them in
//! `/var/lib/ucf`: the MD5 sum of what was handed out, a copy of it, and which package it is of. The copies of earlier
//! states (`hashfile.0`, …) are not kept.

use md5::{Digest as _, Md5};

use super::ConfigureError;
use super::tree::{Root, at};
use crate::archive::{Entry, EntryKind};

const HASHES: &str = "/var/lib/ucf/hashfile";
const OWNERS: &str = "/var/lib/ucf/registry";
const COPIES: &str = "/var/lib/ucf/cache";
/// Larger files are only copied for a three-way merge.
const LARGEST_COPY: usize = 25_600;

/// `ucf FROM TO`: hands the file out, unless there is one.
pub(super) fn hand_out(root: &mut Root<'_>, from: &str, to: &str, three_way: bool) -> Result<(), ConfigureError> {
    let source = at(from)?;
    let (Some(entry), Some(content)) = (root.target(&source), root.read(&source)?) else { return Ok(()) };
    let sum: String = Md5::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    record(root, HASHES, &format!("{sum}  {to}"), |line| line.split("  ").nth(1) == Some(to))?;
    let kind = EntryKind::File { size: content.len() as u64 };
    if three_way || content.len() < LARGEST_COPY {
        let path = at(&format!("{COPIES}/{}", to.replace('/', ":")))?;
        root.put(Entry { path, kind: kind.clone(), ..entry.clone() }, content.clone());
    }
    if !root.exists(&at(to)?) {
        root.put(Entry { path: at(to)?, kind, ..entry }, content);
    }
    Ok(())
}

/// `ucfr PACKAGE FILE`.
pub(super) fn register(root: &mut Root<'_>, package: &str, file: &str) -> Result<(), ConfigureError> {
    record(root, OWNERS, &format!("{package} \t {file}"), |line| line.split(" \t ").nth(1) == Some(file))
}

/// Adds a line in place of the one that `is_same`.
fn record(root: &mut Root<'_>, file: &str, line: &str, is_same: impl Fn(&str) -> bool) -> Result<(), ConfigureError> {
    let file = at(file)?;
    let known = root.text(&file)?.unwrap_or_default();
    let kept = known.lines().filter(|line| !is_same(line)).chain([line]);
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    root.write(&file, 0o644, (0, 0), text);
    Ok(())
}
