//! Files that import each other in a circle can only be understood together: two files at most, which are parts of one idea.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The largest circle.
const SMALL: usize = 2;

/// A file of the library as a module path, `recipe/reader` for `src/recipe/reader.rs`.
type Module = Vec<String>;

fn modules() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut modules) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src is readable") {
            let path: PathBuf = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(&root).expect("below src").with_extension("");
            let mut module: Module = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let is_test = module.iter().any(|part| part == "tests" || part.ends_with("_tests"));
            if is_test || module.iter().any(|part| part == "fuzzed") || module == ["main"] {
                continue;
            }
            if module.last().is_some_and(|name| name == "mod" || name == "lib") {
                module.pop();
            }
            let text = fs_err::read_to_string(&path).expect("sources are text");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            modules.insert(module, lines.collect::<Vec<_>>().join("\n"));
        }
    }
    assert!(modules.len() > 200, "the sources were not found");
    modules
}

/// The paths that `use` declarations name, groups taken apart, and those that begin with `super` or `crate` elsewhere.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let Some((_, used)) = statement.rsplit_once("use ") else { continue };
        expand("", used.trim(), &mut paths);
    }
    let word = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let words = code.split(|character| !word(character)).filter(|word| word.contains("::"));
    paths.extend(words.filter(|word| word.starts_with("super::") || word.starts_with("crate::")).map(str::to_owned));
    paths
}

fn expand(before: &str, used: &str, paths: &mut Vec<String>) {
    let Some((head, rest)) = used.split_once('{') else {
        return paths.push(format!("{before}{}", used.split(" as ").next().unwrap_or_default().trim()));
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let item = inner[start..at].trim();
                if !item.is_empty() {
                    expand(&format!("{before}{}", head.trim()), item, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The file that a path of `from` leads into.
fn target(from: &Module, path: &str, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts = path.split("::").peekable();
    let mut place = match parts.peek()? {
        &"crate" => {
            parts.next();
            Module::new()
        }
        &"super" | &"self" => from.clone(),
        _ => return None,
    };
    while let Some(up) = parts.next_if(|part| ["super", "self"].contains(part)) {
        if up == "super" {
            place.pop();
        }
    }
    let mut found = modules.contains_key(&place).then(|| place.clone());
    for part in parts {
        place.push(part.trim().to_owned());
        if modules.contains_key(&place) {
            found = Some(place.clone());
        }
    }
    found.filter(|found| found != from)
}

/// Sets of files each of which reaches all others of its set.
fn circles(edges: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<BTreeSet<Module>> {
    let reach = |start: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(module) = open.pop() {
            for next in &edges[module] {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = edges.keys().map(|module| (module, reach(module))).collect();
    let together = |one: &Module| {
        let back = |other: &&Module| reached[*other].contains(one);
        reached[one].iter().filter(back).cloned().collect::<BTreeSet<Module>>()
    };
    let all: BTreeSet<BTreeSet<Module>> = edges.keys().map(together).collect();
    all.into_iter().filter(|circle| circle.len() > 1).collect()
}

#[test]
fn circles_of_files_are_small() {
    let modules = modules();
    let edges: BTreeMap<Module, BTreeSet<Module>> = modules
        .iter()
        .map(|(module, code)| {
            (module.clone(), paths(code).iter().filter_map(|path| target(module, path, &modules)).collect())
        })
        .collect();
    assert!(edges[&vec!["recipe".to_owned(), "reader".to_owned()]].len() > 5, "imports are not read");
    let large = circles(&edges).into_iter().filter(|circle| circle.len() > SMALL);
    let shown: Vec<String> = large
        .map(|circle| {
            let names: Vec<String> = circle.iter().map(|module| module.join("/")).collect();
            format!("{} files import each other: {}", circle.len(), names.join(" "))
        })
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}
