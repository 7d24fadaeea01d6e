//! What can keep an image from being made.

use std::collections::BTreeSet;
use std::io;

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::distribution::system::UnmodelledScript;
use crate::model::{Check, Digest, ImagePath, Place, Platform, shown_list};
use crate::packages::{LinkLoop, PackagesError};
use crate::stage::ScriptsError;
use crate::store::StoreError;

use super::accounts::AccountError;
use super::check::Finding;

/// How many of many things a message lists.
const SHOWN: usize = 20;

/// Why an image cannot be made.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The store failed.
    #[error("the store failed while an image was made")]
    Store {
        /// How.
        #[from]
        source: StoreError,
    },
    /// The packages cannot be together.
    #[error(transparent)]
    Packages {
        /// Why.
        #[from]
        source: PackagesError,
    },
    /// An entry of the recipe cannot be added.
    #[error("cannot add `{path}` to the image")]
    Entry {
        /// Where the entry was written.
        place: Place,
        /// The path.
        path: ImagePath,
        /// Why.
        #[source]
        problem: EntryProblem,
    },
    /// An account cannot be added.
    #[error("the image's accounts cannot be made")]
    Account {
        /// Why.
        #[from]
        source: AccountError,
    },
    /// Packages have scripts whose effect is not known.
    #[error("it is not known what these scripts do{}", list_scripts(scripts))]
    UnknownScripts {
        /// Each with its unknown lines.
        scripts: Vec<UnmodelledScript>,
    },
    /// The scripts of packages failed.
    #[error("the packages cannot be configured by their scripts")]
    Scripts {
        /// Why.
        #[from]
        source: ScriptsError,
    },
    /// Nothing in the image could run the scripts of its packages.
    #[error("the scripts of packages cannot be run: the image has no `{package}`, which runs them")]
    NoInstaller {
        /// The package that is missing.
        package: &'static str,
    },
    /// Scripts are for another machine.
    #[error("the scripts of packages for {platform} cannot be run on {native}: the image is not for {native} as well")]
    ForeignScripts {
        /// What the image is for.
        platform: Platform,
        /// What runs here.
        native: Platform,
    },
    /// An image of a registry is not what it says.
    #[error("the image that this one is built on cannot be used: {reason}")]
    Foreign {
        /// What is wrong.
        reason: String,
    },
    /// A layer of an image of a registry is broken, or holds what has no place in an image.
    #[error("layer {digest} of the image that this one is built on cannot be read")]
    ForeignLayer {
        /// Which.
        digest: Digest,
        /// Why.
        source: ArchiveError,
    },
    /// The image would not work.
    #[error("the image would not work: {}", shown_list(findings))]
    Checks {
        /// All that is wrong.
        findings: Vec<Finding>,
        /// What whoever knows the archives says of how to mend it.
        hints: Vec<String>,
    },
    /// Something that an earlier build left in the store is gone.
    #[error("{what} ({digest}) is not in the store any more")]
    Lost {
        /// What.
        what: &'static str,
        /// Which.
        digest: Digest,
    },
    /// Something in the store is damaged.
    #[error("a piece of a layer in the store is damaged")]
    Damaged {
        /// How.
        #[source]
        source: ArchiveError,
    },
    /// A piece of a layer cannot be written.
    #[error("cannot write {what}")]
    Write {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why an entry of a recipe cannot be added to its image.
#[derive(Debug, Error)]
pub enum EntryProblem {
    /// A loop of links.
    #[error("a link cannot be followed")]
    Loop {
        /// Which.
        #[from]
        source: LinkLoop,
    },
    /// Below something that is no folder.
    #[error("`{path}` is {kind}, so nothing can be in it")]
    NotAFolder {
        /// What is no folder.
        path: ImagePath,
        /// What it is.
        kind: String,
    },
    /// A folder is there, and the entry is none; or the other way round.
    #[error("{there} is there already, and {new} cannot replace it")]
    OtherKind {
        /// What is there.
        there: String,
        /// What should be.
        new: String,
    },
    /// A user or group that the image does not know.
    #[error("the image has no {who}")]
    Unknown {
        /// `user` or `group`, and its name.
        who: String,
    },
    /// Nothing is there to remove.
    #[error("there is nothing at `{path}` that `remove` could take out")]
    Nothing {
        /// The path.
        path: ImagePath,
    },
    /// A file capability for something that is no file.
    #[error("`{path}` is not a regular file, and only those have capabilities")]
    NoFile {
        /// The path.
        path: ImagePath,
    },
    /// What is copied is missing, a device or a socket, or has an impossible name.
    #[error("`{path}` {problem}")]
    Source {
        /// The file that is copied.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What is copied cannot be read.
    #[error("`{path}` cannot be read")]
    Read {
        /// The file that is copied.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ImageError {
    /// Where in the recipes the mistake is, when it is in one place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Entry { place, .. } => Some(*place),
            Self::Account { source } => Some(source.place()),
            Self::Checks { findings, .. } => findings.iter().find_map(Finding::place),
            _ => None,
        }
    }

    /// What a person can do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Packages { source } => return source.help(),
            Self::Entry { problem, path, .. } => return problem.help(path),
            Self::Account { source } => source.help(),
            Self::UnknownScripts { .. } => {
                "let the packages' own scripts run: `configure \"scripts\"`; or choose another package; or excuse one whose \
                 effect the image can do without: `waive \"maintainer-script\" package=… reason=…`"
                    .to_owned()
            }
            Self::Checks { findings, hints } => {
                let checks: BTreeSet<Check> = findings.iter().map(Finding::check).collect();
                let waivers: Vec<String> = checks.iter().map(|check| format!("`waive \"{check}\" reason=…`")).collect();
                let mend = format!("mend it, or excuse the image with {}", waivers.join(" and "));
                hints.iter().cloned().chain([mend]).collect::<Vec<_>>().join("; ")
            }
            Self::Lost { .. } | Self::Damaged { .. } => {
                "run `orchestrate cache verify`, which removes what is damaged, and build again".to_owned()
            }
            Self::Store { source } => return source.help(),
            Self::Foreign { .. } | Self::ForeignLayer { .. } => {
                "choose another image, or another version of it".to_owned()
            }
            Self::NoInstaller { package } => {
                format!("add `packages \"{package}\"`, or use `configure \"model\"`, which runs nothing")
            }
            Self::ForeignScripts { .. } => {
                "add the platform to the recipe, whose packages then run the scripts where these allow for it; or use \
                 `configure \"model\"`, which runs nothing; or add `emulate \"qemu\"`, which is slow"
                    .to_owned()
            }
            Self::Scripts { source } => return source.help(),
            Self::Write { .. } | Self::Io { .. } => return None,
        })
    }
}

impl EntryProblem {
    fn help(&self, path: &ImagePath) -> Option<String> {
        Some(match self {
            Self::OtherKind { there, .. } if there == "a folder" => {
                format!(
                    "end the path in `/` to put it into the folder, or take the folder out first with `remove \"{path}\"`"
                )
            }
            Self::OtherKind { .. } => format!("take it out first with `remove \"{path}\"`"),
            Self::Unknown { who } => match who.split_once(' ') {
                Some(("user", name)) => format!("add `account {} uid=…`", name.replace('`', "\"")),
                Some((_, name)) => format!("add `group {} gid=…`", name.replace('`', "\"")),
                None => return None,
            },
            Self::Nothing { .. } => "take the line out; packages or files that brought it may have changed".to_owned(),
            _ => return None,
        })
    }
}

/// Scripts with the first of their unknown lines, so that a reader sees whether they matter.
fn list_scripts(scripts: &[UnmodelledScript]) -> String {
    const LINES: usize = 6;
    let mut text = String::new();
    for script in scripts.iter().take(SHOWN) {
        text.push_str(&format!("\n{script}"));
        text.extend(script.lines.iter().take(LINES).map(|line| format!("\n    {line}")));
        if script.lines.len() > LINES {
            text.push_str(&format!("\n    … and {} more lines", script.lines.len() - LINES));
        }
    }
    if scripts.len() > SHOWN {
        text.push_str(&format!("\nand {} more scripts", scripts.len() - SHOWN));
    }
    text
}
