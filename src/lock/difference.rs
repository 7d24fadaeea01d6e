//! What moved between two locks, in words for a person.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Lock, PackagePin, RecipeLock};
use crate::model::RecipeName;

/// One thing that moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Move {
    /// The recipe.
    pub recipe: RecipeName,
    /// What it is of the recipe: `source NAME`, `image NAME`, `stage NAME`; with its platforms.
    pub part: String,
    /// What moved: the name of the package, or of the kind of source.
    pub what: String,
    /// What it was; none when it is new.
    pub old: Option<String>,
    /// What it is; none when it is gone.
    pub new: Option<String>,
}

/// What moved from `old` to `new`, sorted. The same package moving in the same way in several sets of a recipe is one
/// move that names all parts.
#[must_use]
pub fn difference(old: &Lock, new: &Lock) -> Vec<Move> {
    let empty = RecipeLock::default();
    let names: BTreeSet<&RecipeName> = old.recipes.keys().chain(new.recipes.keys()).collect();
    let mut moves = Vec::new();
    for name in names {
        let (old, new) = (old.recipes.get(name).unwrap_or(&empty), new.recipes.get(name).unwrap_or(&empty));
        moves.extend(sources(name, old, new));
        moves.extend(bases(name, old, new));
        moves.extend(packages(name, old, new));
    }
    moves.sort();
    moves
}

fn sources(recipe: &RecipeName, old: &RecipeLock, new: &RecipeLock) -> Vec<Move> {
    let keys: BTreeSet<_> = old.sources.keys().chain(new.sources.keys()).collect();
    let mut moves = Vec::new();
    for key in keys {
        let (before, after) = (old.sources.get(key), new.sources.get(key));
        if before == after {
            continue;
        }
        let (name, platform) = key;
        let on = platform.map(|platform| format!(" {platform}")).unwrap_or_default();
        let shown = |pin: Option<&super::SourcePin>| pin.map(super::SourcePin::shown);
        let part = format!("source {name}{on}");
        moves.push(Move {
            recipe: recipe.clone(),
            part,
            what: name.to_string(),
            old: shown(before),
            new: shown(after),
        });
    }
    moves
}

fn bases(recipe: &RecipeName, old: &RecipeLock, new: &RecipeLock) -> Vec<Move> {
    let keys: BTreeSet<_> = old.bases.keys().chain(new.bases.keys()).collect();
    let moved = keys.into_iter().filter(|key| old.bases.get(key) != new.bases.get(key));
    let shown = |pin: Option<&super::BasePin>| pin.map(|pin| pin.manifest.digest.short());
    let moves = moved.map(|key| Move {
        recipe: recipe.clone(),
        part: format!("image {} {}", key.0, key.1),
        what: old.bases.get(key).or_else(|| new.bases.get(key)).map(|pin| pin.reference.name()).unwrap_or_default(),
        old: shown(old.bases.get(key)),
        new: shown(new.bases.get(key)),
    });
    moves.collect()
}

fn packages(recipe: &RecipeName, old: &RecipeLock, new: &RecipeLock) -> Vec<Move> {
    type Key = (String, Option<String>, Option<String>);
    let mut parts: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for id in old.packages.keys().chain(new.packages.keys()).collect::<BTreeSet<_>>() {
        let (before, after) = (by_name(old.packages.get(id)), by_name(new.packages.get(id)));
        for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let (one, other) = (before.get(name), after.get(name));
            if one.map(|pin| &pin.file.digest) == other.map(|pin| &pin.file.digest) {
                continue;
            }
            let version = |pin: Option<&&PackagePin>| pin.map(|pin| pin.id.version.to_string());
            parts.entry((name.clone(), version(one), version(other))).or_default().insert(id.to_string());
        }
    }
    let moves = parts.into_iter().map(|((what, old, new), parts)| {
        let part = parts.into_iter().collect::<Vec<_>>().join(", ");
        Move { recipe: recipe.clone(), part, what, old, new }
    });
    moves.collect()
}

/// By `name`, or `name:architecture` for a set that has several of one name.
fn by_name(set: Option<&super::PackageSet>) -> BTreeMap<String, &PackagePin> {
    let pins = set.map(|set| set.packages.as_slice()).unwrap_or_default();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for pin in pins {
        *count.entry(pin.id.name.as_str()).or_default() += 1;
    }
    let shown = |pin: &PackagePin| match count.get(pin.id.name.as_str()) {
        Some(1) => pin.id.name.to_string(),
        _ => pin.id.qualified_name(),
    };
    pins.iter().map(|pin| (shown(pin), pin)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{FilePin, PackageSet, SetId};
    use super::*;
    use crate::model::{ArchiveName, Digest, Format, ImageName, PackageId, Why};

    fn lock(version: &str) -> Lock {
        let mut recipe = RecipeLock::default();
        for platform in ["linux/amd64", "linux/arm64"] {
            let name = ImageName::new("dns").expect("a name");
            let id = SetId::Image { name, platform: platform.parse().expect("a platform") };
            let pin = PackagePin {
                id: PackageId::new(Format::Deb, "libc6", version, "all").expect("a package"),
                why: Why::Needed,
                archive: ArchiveName::new("debian").expect("a name"),
                file: FilePin { path: "pool/x".to_owned(), size: 1, digest: Digest::of(version.as_bytes()) },
            };
            recipe.packages.insert(id, PackageSet { request: Digest::of(b""), packages: vec![pin] });
        }
        Lock { recipes: [(RecipeName::new("dns").expect("a name"), recipe)].into(), ..Lock::default() }
    }

    #[test]
    fn the_same_move_on_two_platforms_is_told_once() {
        let moves = difference(&lock("1"), &lock("2"));
        assert_eq!(moves.len(), 1);
        assert_eq!((moves[0].old.as_deref(), moves[0].new.as_deref()), (Some("1"), Some("2")));
        assert!(moves[0].part.contains("linux/amd64") && moves[0].part.contains("linux/arm64"));
        assert_eq!(difference(&lock("1"), &lock("1")), []);
    }
}
