//! The walls between the rooms, as data: who may use whom, and who may touch the outside.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms in the order in which data flows: each uses only those before it.
const ROOMS: &[&str] = &[
    "model",
    "diagnostic",
    "beneath",
    "file",
    "recipe",
    "import",
    "lock",
    "archive",
    "shell",
    "store",
    "fetch",
    "distribution",
    "resolve",
    "packages",
    "plan",
    "stage",
    "image",
    "publish",
    "ops",
    "cli",
    "fuzzed",
];

/// Words that touch the outside, and the places (a room, or one of its files) that may say them.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("std::process::Command", &["stage", "ops/check/shell.rs", "cli"]),
    ("std::net", &["fetch", "ops/environment.rs"]),
    ("reqwest", &["fetch"]),
    ("git2", &["fetch"]),
    ("std::env::var", &["cli", "stage"]),
    ("env::var_os", &["cli", "stage"]),
    ("SystemTime::now", &["cli/setup.rs", "store"]),
    ("println!", &[]),
    ("eprintln!", &[]),
    // what is for people passes the escaping of one file, and of the bars that draw themselves
    ("::stdout()", &["cli/terminal.rs", "stage/sandbox"]),
    ("::stderr()", &["cli/terminal.rs", "cli/bars.rs", "stage/sandbox"]),
    ("indicatif", &["cli/bars.rs"]),
    (".print()", &[]),
    ("rustix::mount", &["stage/sandbox"]),
];

/// Who may use paths of the file system, and why that is safe. Everything else goes through `beneath`, whose folders may
/// hold anything: nothing in them is reached through a link.
const PATHS: &[(&str, &str)] = &[
    ("beneath", "it is the way"),
    ("file", "files that the user names on the command line or in the environment file; links are the user's own"),
    ("store", "its own folder: of one owner, mode 0700, never shown to a sandbox for writing"),
    ("cli/man.rs", "writes manual pages into a folder that the user names"),
    ("fetch/git/checkout.rs", "makes the empty folder in the store's scratch that a tree is written into"),
    ("fetch/local.rs", "makes the empty folder in the store's scratch that a copy is written into"),
    ("fuzzed", "makes folders of its own for the parsers that write"),
    ("lock/mod.rs", "makes the project's folder `lock`, which is opened beneath the project then"),
    ("ops/create.rs", "makes the project's folder, which the user names"),
    ("ops/format.rs", "finds the file that the user names; it is written beneath its project"),
    ("ops/mirrors.rs", "reads the apt sources of the machine"),
    ("ops/write.rs", "makes an output folder that the user names outside of the project"),
    ("recipe/load.rs", "asks what a file is whose real path was found to be in the project"),
    ("stage/log.rs", "writes logs into the store"),
    ("stage/network.rs", "reads names and authorities of the machine"),
    ("stage/output.rs", "moves a step's output from the store's scratch into the store"),
    ("stage/roots/configure.rs", "keeps a log in the store"),
    ("stage/sandbox", "makes scratch folders, and works inside of the sandbox, where the root is the sandbox's own"),
    ("stage/scripts/own.rs", "fills an empty folder in the store's scratch before anything runs"),
    ("stage/scripts/emulator.rs", "looks for an emulator among the programs of the machine"),
    ("stage/step.rs", "makes folders in the store's scratch before anything runs, and checks those of caches"),
];

/// Every source file with its path below `src/` and its text up to the first test module.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src is readable") {
            let path: PathBuf = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs_err::read_to_string(&path).expect("sources are text");
                let name = path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                files.push((name, code));
            }
        }
    }
    assert!(files.len() > 50, "the sources were not found");
    files.retain(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/"));
    files
}

fn room(file: &str) -> Option<usize> {
    let folder = file.split('/').next()?;
    ROOMS.iter().position(|room| *room == folder)
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn each_room_uses_only_those_before_it() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(own) = room(&file) else { continue };
        for (number, line) in code(&text) {
            for used in line.split("crate::").skip(1) {
                let name: String =
                    used.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
                if ROOMS.iter().position(|room| *room == name).is_some_and(|used| used > own) {
                    wrong.push(format!("src/{file}:{number}: `{}` may not use `{name}`", ROOMS[own]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "data flows one way:\n{}", wrong.join("\n"));
}

#[test]
fn only_named_places_touch_the_outside() {
    let mut wrong = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| room(file).is_some()) {
        for (word, places) in OUTSIDE {
            let allowed = places.iter().any(|place| file.starts_with(place));
            let found = code(text).find(|(_, line)| line.contains(word));
            if let (false, Some((number, _))) = (allowed, found) {
                wrong.push(format!("src/{file}:{number}: says `{word}`, which only {places:?} may"));
            }
        }
    }
    assert!(wrong.is_empty(), "effects belong to the edge:\n{}", wrong.join("\n"));
}

/// Functions of `std::fs`, `fs_err` and `Path` that take a path; types alone are harmless.
fn takes_a_path(line: &str) -> bool {
    let types = ["Permissions", "Metadata", "File)", "File>", "File,", "File {", "File;", "FileType", "File::from("];
    let called = |module: &str| {
        line.split(module).skip(1).any(|rest| {
            let rest = rest.strip_prefix("os::unix::fs::").unwrap_or(rest);
            let group = rest.starts_with('{') && !rest.contains("OpenOptions");
            !types.iter().any(|name| rest.starts_with(name)) && !group && !rest.contains("Ext as _")
        })
    };
    let bare = ["rustix::fs::open(", "rustix::fs::mkdir(", "rustix::fs::chmod(", "fs_err as fs"];
    called("fs_err::") || called(" std::fs::") || bare.iter().any(|name| line.contains(name))
}

#[test]
fn folders_of_others_are_reached_beneath_a_descriptor() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (file, text) in sources().iter().filter(|(file, _)| room(file).is_some()) {
        let Some((number, line)) = code(text).find(|(_, line)| takes_a_path(line)) else { continue };
        match PATHS.iter().find(|(place, _)| file == place || file.starts_with(&format!("{place}/"))) {
            Some((place, _)) => _ = used.insert(*place),
            None => wrong.push(format!("src/{file}:{number}: `{}` follows links", line.trim())),
        }
    }
    assert!(wrong.is_empty(), "use `beneath::Dir`, or say in PATHS why links do no harm:\n{}", wrong.join("\n"));
    let unused: Vec<_> = PATHS.iter().map(|(place, _)| *place).filter(|place| !used.contains(place)).collect();
    assert_eq!(unused, Vec::<&str>::new(), "these places use no paths any more");
}

#[test]
fn every_folder_of_the_library_is_a_room() {
    let folders: BTreeSet<String> =
        sources().iter().filter_map(|(file, _)| file.split_once('/').map(|(folder, _)| folder.to_owned())).collect();
    let rooms: BTreeSet<String> = ROOMS.iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(folders, rooms);
}

#[test]
fn nothing_is_called_by_what_it_is_not() {
    let vague = ["util", "utils", "common", "helpers", "core", "types", "misc"];
    for (file, _) in sources() {
        let stem = file.trim_end_matches(".rs").rsplit('/').next().unwrap_or_default().to_owned();
        assert!(!vague.contains(&stem.as_str()), "src/{file}: name it after what it holds");
    }
}

/// `docs/trust.md` says which test tries which attack.
#[test]
fn every_attack_that_the_documents_name_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs_err::read_to_string(root.join("docs/trust.md")).expect("the page");
    let named = text.split('`').filter(|word| word.contains("::") && !word.contains(' '));
    let mut count = 0;
    for test in named {
        count += 1;
        let (path, function) = test.rsplit_once("::").expect("a path");
        let path = path.replace("::", "/");
        let places = [format!("tests/{path}.rs"), format!("tests/{path}/mod.rs"), format!("src/{path}.rs")];
        let found = places.iter().any(|place| {
            fs_err::read_to_string(root.join(place)).is_ok_and(|text| text.contains(&format!("fn {function}(")))
        });
        assert!(found, "docs/trust.md names `{test}`, which is in none of {places:?}");
    }
    assert!(count > 80, "{count} tests are named");
}

/// Where the names of one package world may stand outside of its folders, and why. Tests may use packages of any.
const WORLDS: &[(&str, &str)] = &[
    ("archive/deb.rs", "the format is called so in the archive itself"),
    ("cli/new.rs", "says which distribution a new project gets"),
    ("cli/setup.rs", "where the machine keeps its package sources"),
    ("distribution/mod.rs", "names the rooms of the worlds"),
    ("distribution/world.rs", "chooses a world by its format"),
    ("fuzzed", "calls the parsers of each world"),
    ("image/check/modes.rs", "programs that need no set-uid bit to install packages"),
    ("import", "reads what people wrote for package managers"),
    ("lock/text.rs", "`debian-source` is a word of the lock's format"),
    ("ops/mirrors.rs", "reads the machine's package sources"),
    ("ops/new", "the template of a new project"),
    ("packages/fuzzed.rs", "calls the parsers of each world"),
    ("recipe/caches.rs", "a folder that no cache may replace"),
    ("recipe/images.rs", "examples and help of the language"),
    ("recipe/project/source.rs", "`debian-source` is a node of the language"),
    ("recipe/project_file.rs", "examples and help of the language"),
    ("recipe/reads.rs", "examples of the language"),
    ("recipe/sources.rs", "`debian-source` is a node of the language"),
    ("resolve/mod.rs", "names the rooms of the worlds"),
];

#[test]
fn a_package_world_stays_in_its_folders() {
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for (file, text) in sources() {
        if file.starts_with("distribution/debian/") || file.starts_with("resolve/debian/") {
            continue;
        }
        let is_word = |line: &str, word: &str| {
            line.match_indices(word).any(|(at, _)| {
                let around = [line[..at].chars().next_back(), line[at + word.len()..].chars().next()];
                !around.into_iter().flatten().any(|character| character.is_alphanumeric() || character == '_')
            })
        };
        let says = |line: &str| {
            let line = line.to_lowercase();
            line.contains("debian") || line.contains("dpkg") || is_word(&line, "apt")
        };
        let Some(number) = text.lines().position(says) else { continue };
        match WORLDS.iter().find(|(place, _)| file == *place || file.starts_with(&format!("{place}/"))) {
            Some((place, _)) => _ = used.insert(*place),
            None => wrong.push(format!("src/{file}:{}: speaks of one package world", number + 1)),
        }
    }
    assert!(wrong.is_empty(), "ask `distribution::world`, or say in WORLDS why not:\n{}", wrong.join("\n"));
    let unused: Vec<_> = WORLDS.iter().map(|(place, _)| *place).filter(|place| !used.contains(place)).collect();
    assert_eq!(unused, Vec::<&str>::new(), "these places speak of no package world any more");
}

/// A name means one thing: a public type is called so in one file alone.
#[test]
fn a_type_name_means_one_thing() {
    let mut places: std::collections::BTreeMap<String, BTreeSet<String>> = std::collections::BTreeMap::new();
    for (file, text) in sources() {
        for (_, line) in code(&text) {
            let words: Vec<&str> = line.split_whitespace().take(3).collect();
            if let ["pub", "struct" | "enum" | "trait" | "type", name] = words[..] {
                let name = name.split(|character: char| !character.is_alphanumeric()).next().unwrap_or_default();
                places.entry(name.to_owned()).or_default().insert(file.clone());
            }
        }
    }
    assert!(places.len() > 200, "the types were not found");
    let wrong: Vec<String> = places
        .iter()
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| format!("{name}: {}", files.iter().cloned().collect::<Vec<_>>().join(", ")))
        .collect();
    assert!(wrong.is_empty(), "rename one of each:\n{}", wrong.join("\n"));
}
