//! Merged `/usr`: what a package ships below `/bin`, `/sbin` or `/lib*` goes below `/usr`, where the links of a merged
//! system lead to.

use crate::archive::{Entry, EntryKind};
use crate::model::{EPOCH, ImagePath, Mode};

/// The top-level folders that are links in a merged system. (`libo32` exists on MIPS alone, which is no platform of
/// ours.)
const ALIASES: [&[u8]; 6] = [b"bin", b"lib", b"lib32", b"lib64", b"libx32", b"sbin"];

/// Part of the key of every segment: raise it when the rewriting changes.
pub(super) const RULES: &str = "usr-merge/1";

fn is_alias(path: &ImagePath) -> bool {
    ALIASES.contains(&path.as_bytes())
}

/// Where `path` leads in a merged system.
pub(super) fn merged(path: ImagePath) -> ImagePath {
    let bytes = path.as_bytes();
    let first = bytes.split(|&byte| byte == b'/').next().unwrap_or_default();
    if !ALIASES.contains(&first) {
        return path;
    }
    // only a path of more than 4,091 bytes does not fit any more, and that stays where it is
    ImagePath::new(&[b"usr/", bytes].concat()).unwrap_or(path)
}

/// The entry as a merged system holds it. The links themselves stay: `base-files` ships them since Debian 13.
pub(super) fn merge_entry(mut entry: Entry) -> Entry {
    let is_the_link = matches!(entry.kind, EntryKind::Symlink { .. }) && is_alias(&entry.path);
    if !is_the_link {
        entry.path = merged(entry.path);
    }
    if let EntryKind::Hardlink { target } = entry.kind {
        entry.kind = EntryKind::Hardlink { target: merged(target) };
    }
    entry
}

/// The links of a merged system that are missing: one for each folder of `/usr` that `exists` knows and whose alias it
/// does not.
pub(super) fn missing_links(exists: impl Fn(&ImagePath) -> bool) -> Vec<Entry> {
    let link = |alias: &[u8]| {
        let path = ImagePath::new(alias).ok()?;
        let target = merged(path.clone());
        let missing = exists(&target) && !exists(&path);
        missing.then(|| Entry {
            path,
            kind: EntryKind::Symlink { target: target.as_bytes().to_vec() },
            mode: Mode::from_bits(0o777),
            uid: 0,
            gid: 0,
            mtime: EPOCH.seconds(),
            xattrs: Vec::new(),
        })
    };
    ALIASES.iter().filter_map(|alias| link(alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        let path = path.parse().expect("a path");
        Entry { path, kind, mode: Mode::from_bits(0o755), uid: 0, gid: 0, mtime: 0, xattrs: Vec::new() }
    }

    #[test]
    fn what_is_below_an_alias_moves_and_the_alias_stays() {
        let moved = |path: &str, kind| merge_entry(entry(path, kind)).path.to_string();
        assert_eq!(moved("bin/sh", EntryKind::File { size: 1 }), "/usr/bin/sh");
        assert_eq!(moved("lib64/ld.so", EntryKind::Symlink { target: b"x".to_vec() }), "/usr/lib64/ld.so");
        assert_eq!(moved("lib", EntryKind::Dir), "/usr/lib");
        assert_eq!(moved("bin", EntryKind::Symlink { target: b"usr/bin".to_vec() }), "/bin");
        assert_eq!(moved("library/x", EntryKind::Dir), "/library/x");
        let link = merge_entry(entry("usr/bin/b", EntryKind::Hardlink { target: "bin/a".parse().expect("a path") }));
        assert_eq!(link.kind, EntryKind::Hardlink { target: "usr/bin/a".parse().expect("a path") });
    }

    #[test]
    fn missing_links_are_made_where_their_folder_is() {
        let there = ["usr/bin", "usr/lib", "usr/lib64", "lib"].map(|path| path.parse::<ImagePath>().expect("a path"));
        let made = missing_links(|path| there.contains(path));
        assert_eq!(made.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>(), ["/bin", "/lib64"]);
    }
}
