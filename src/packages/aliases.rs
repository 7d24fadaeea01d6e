//! Folders of the root that are links into `/usr`: what a package ships below `/bin` goes below `/usr/bin`, where the
//! link leads to.

use crate::archive::{Entry, EntryKind};
use crate::distribution::world::MergeRules;
use crate::model::{EPOCH, ImagePath, Mode};

fn is_alias(rules: &MergeRules, name: &[u8]) -> bool {
    rules.aliases.iter().any(|alias| alias.as_bytes() == name)
}

/// Where `path` leads.
pub(super) fn merged(rules: &MergeRules, path: ImagePath) -> ImagePath {
    let bytes = path.as_bytes();
    let first = bytes.split(|&byte| byte == b'/').next().unwrap_or_default();
    if !is_alias(rules, first) {
        return path;
    }
    // only a path of more than 4,091 bytes does not fit any more, and that stays where it is
    ImagePath::new(&[b"usr/", bytes].concat()).unwrap_or(path)
}

/// The entry where the links lead. The links themselves stay where they are, when a package ships them.
pub(super) fn merge_entry(rules: &MergeRules, mut entry: Entry) -> Entry {
    let is_the_link = matches!(entry.kind, EntryKind::Symlink { .. }) && is_alias(rules, entry.path.as_bytes());
    if !is_the_link {
        entry.path = merged(rules, entry.path);
    }
    if let EntryKind::Hardlink { target } = entry.kind {
        entry.kind = EntryKind::Hardlink { target: merged(rules, target) };
    }
    entry
}

/// The links that are missing: one for each folder of `/usr` that `exists` knows and whose alias it does not.
pub(super) fn missing_links(rules: &MergeRules, exists: impl Fn(&ImagePath) -> bool) -> Vec<Entry> {
    let link = |alias: &str| {
        let path = ImagePath::new(alias.as_bytes()).ok()?;
        let target = merged(rules, path.clone());
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
    rules.aliases.iter().filter_map(|alias| link(alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: MergeRules = MergeRules { aliases: &["bin", "lib", "lib64"], rules: "a test's", first: "none" };

    fn entry(path: &str, kind: EntryKind) -> Entry {
        let path = path.parse().expect("a path");
        Entry { path, kind, mode: Mode::from_bits(0o755), uid: 0, gid: 0, mtime: 0, xattrs: Vec::new() }
    }

    #[test]
    fn what_is_below_an_alias_moves_and_the_alias_stays() {
        let moved = |path: &str, kind| merge_entry(&RULES, entry(path, kind)).path.to_string();
        assert_eq!(moved("bin/sh", EntryKind::File { size: 1 }), "/usr/bin/sh");
        assert_eq!(moved("lib64/ld.so", EntryKind::Symlink { target: b"x".to_vec() }), "/usr/lib64/ld.so");
        assert_eq!(moved("lib", EntryKind::Dir), "/usr/lib");
        assert_eq!(moved("bin", EntryKind::Symlink { target: b"usr/bin".to_vec() }), "/bin");
        assert_eq!(moved("library/x", EntryKind::Dir), "/library/x");
        let link =
            merge_entry(&RULES, entry("usr/bin/b", EntryKind::Hardlink { target: "bin/a".parse().expect("a path") }));
        assert_eq!(link.kind, EntryKind::Hardlink { target: "usr/bin/a".parse().expect("a path") });
    }

    #[test]
    fn missing_links_are_made_where_their_folder_is() {
        let there = ["usr/bin", "usr/lib", "usr/lib64", "lib"].map(|path| path.parse::<ImagePath>().expect("a path"));
        let made = missing_links(&RULES, |path| there.contains(path));
        assert_eq!(made.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>(), ["/bin", "/lib64"]);
    }
}
