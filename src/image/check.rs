//! Whether an image can work: what only its whole tree tells. Each check has a name by which a recipe can be excused
//! from it (`waive`).
//!
//! | check | finds |
//! |---|---|
//! | `entrypoint` | a program to start that is missing or cannot be executed, or whose loader is missing |
//! | `user` | a user or group to run as that the image does not know |
//! | `machine` | programs and libraries of the recipe that are for another architecture |

use std::fmt;

use crate::archive::ElfFacts;
use crate::model::{ImagePath, Place, Platform, Principal};
use crate::recipe::{Image, Waiver};

use super::accounts::Accounts;
use super::oci::Execution;
use super::tree::{FileTree, Owner};

/// Where programs are looked for when the environment does not say (what runtimes do).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// ELF types that run: programs and shared libraries.
const RUNNABLE: [u16; 2] = [2, 3];

/// A reason why an image would not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The program to start is not there.
    NoProgram {
        /// The image's node.
        place: Place,
        /// As written.
        program: String,
    },
    /// It may not be executed.
    NotExecutable {
        /// The image's node.
        place: Place,
        /// Where it is.
        path: ImagePath,
    },
    /// It needs a loader that is not there.
    NoLoader {
        /// The image's node.
        place: Place,
        /// The program.
        path: ImagePath,
        /// The loader it asks for.
        loader: String,
    },
    /// The image does not know who it runs as.
    NoUser {
        /// Where the user, or the image, was written.
        place: Place,
        /// `user` or `group`.
        what: &'static str,
        /// The name.
        name: String,
        /// Names that it knows.
        known: Vec<String>,
    },
    /// A file for another machine.
    Machine {
        /// The image's node.
        place: Place,
        /// The file.
        path: ImagePath,
        /// What it is for.
        found: String,
        /// What the image is for.
        platform: Platform,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram { program, .. } => write!(out, "its program `{program}` is not in it"),
            Self::NotExecutable { path, .. } => write!(out, "its program `{path}` is not executable"),
            Self::NoLoader { path, loader, .. } => write!(
                out,
                "its program `{path}` needs the loader `{loader}`, which is not in it (build it statically, or on an image with a C library)"
            ),
            Self::NoUser { what, name, known, .. } => {
                write!(out, "it runs as the {what} `{name}`, which it does not know")?;
                if known.is_empty() { Ok(()) } else { write!(out, " (it knows {})", known.join(", ")) }
            }
            Self::Machine { path, found, platform, .. } => write!(out, "`{path}` is for {found}, not for {platform}"),
        }
    }
}

impl Finding {
    /// The check that found it.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        match self {
            Self::NoProgram { .. } | Self::NotExecutable { .. } | Self::NoLoader { .. } => "entrypoint",
            Self::NoUser { .. } => "user",
            Self::Machine { .. } => "machine",
        }
    }

    /// Where in the recipe.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::NoProgram { place, .. }
            | Self::NotExecutable { place, .. }
            | Self::NoLoader { place, .. }
            | Self::NoUser { place, .. }
            | Self::Machine { place, .. } => Some(*place),
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::NoProgram { program, .. } => program.clone(),
            Self::NotExecutable { path, .. } | Self::NoLoader { path, .. } | Self::Machine { path, .. } => {
                path.to_string()
            }
            Self::NoUser { name, .. } => name.clone(),
        }
    }

    fn is_waived(&self, waivers: &[Waiver]) -> bool {
        let excuses = |waiver: &Waiver| match &waiver.subject {
            _ if waiver.check != self.check() => false,
            None => true,
            Some(subject) => {
                let found = self.subject();
                found == *subject || found.strip_prefix(subject.as_str()).is_some_and(|rest| rest.starts_with('/'))
            }
        };
        waivers.iter().any(excuses)
    }
}

/// Everything that is wrong and not excused.
pub(super) fn check(
    image: &Image,
    platform: Platform,
    execution: &Execution,
    tree: &FileTree,
    accounts: &Accounts,
) -> Vec<Finding> {
    let place = image.name.place;
    let mut findings: Vec<Finding> = program(place, execution, tree).into_iter().collect();
    findings.extend(user(image.config.user.as_ref().map_or(place, |user| user.place), execution, accounts));
    for node in tree.iter().filter(|node| node.own && node.owner == Owner::Recipe) {
        let Some(elf) = &node.elf else { continue };
        if RUNNABLE.contains(&elf.file_type) && machine(elf) != platform.elf() {
            findings.push(Finding::Machine { place, path: node.entry.path.clone(), found: describe(elf), platform });
        }
    }
    findings.retain(|finding| !finding.is_waived(&image.waivers));
    findings
}

const fn machine(elf: &ElfFacts) -> (u16, bool, bool) {
    (elf.machine, elf.class64, elf.little_endian)
}

fn describe(elf: &ElfFacts) -> String {
    match Platform::all().find(|platform| platform.elf() == machine(elf)) {
        Some(platform) => platform.to_string(),
        None => format!("ELF machine {}", elf.machine),
    }
}

fn program(place: Place, execution: &Execution, tree: &FileTree) -> Option<Finding> {
    let argv = execution.entrypoint.iter().chain(&execution.cmd).find(|argv| !argv.is_empty())?;
    let program = argv[0].clone();
    let Some(path) = find_program(&program, execution, tree) else {
        return Some(Finding::NoProgram { place, program });
    };
    let node = tree.file(&path)?;
    if node.entry.mode.bits() & 0o111 == 0 {
        return Some(Finding::NotExecutable { place, path });
    }
    let loader = node.elf.as_ref()?.interpreter.clone()?;
    let there = ImagePath::absolute(&loader).is_ok_and(|loader| tree.file(&loader).is_some());
    (!there).then_some(Finding::NoLoader { place, path, loader })
}

fn find_program(program: &str, execution: &Execution, tree: &FileTree) -> Option<ImagePath> {
    let is_there = |path: &ImagePath| tree.file(path).is_some();
    if program.contains('/') {
        let absolute =
            if program.starts_with('/') { program.to_owned() } else { format!("{}/{program}", execution.working_dir) };
        return ImagePath::new(absolute.as_bytes()).ok().filter(is_there);
    }
    let set = execution.env.iter().find_map(|setting| setting.strip_prefix("PATH="));
    let candidates = set.unwrap_or(PATH).split(':').map(|folder| format!("{folder}/{program}"));
    candidates.filter_map(|path| ImagePath::absolute(&path).ok()).find(is_there)
}

fn user(place: Place, execution: &Execution, accounts: &Accounts) -> Vec<Finding> {
    let (user, group) = execution.user.split_once(':').unwrap_or((&execution.user, ""));
    let known =
        |name: &str| name.is_empty() || name.parse::<Principal>().is_ok_and(|user| accounts.uid(&user).is_some());
    let known_group =
        |name: &str| name.is_empty() || name.parse::<Principal>().is_ok_and(|group| accounts.gid(&group).is_some());
    let mut findings = Vec::new();
    if !known(user) {
        let known = accounts.users().map(str::to_owned).collect();
        findings.push(Finding::NoUser { place, what: "user", name: user.to_owned(), known });
    }
    if !known_group(group) {
        findings.push(Finding::NoUser { place, what: "group", name: group.to_owned(), known: Vec::new() });
    }
    findings
}
