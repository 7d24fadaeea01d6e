//! What a check finds.

use std::fmt;

use crate::model::{Check, ImagePath, Mode, Place, Platform};
use crate::recipe::Waiver;

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramRole {
    /// The image starts it.
    Entrypoint,
    /// It tells whether the image is well.
    Healthcheck,
}

/// Something that a file cannot do without, and that a package may supply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissingFile {
    /// A shared library, by the name that is asked for.
    Library(String),
    /// A file at this path, or a program of this name.
    File(String),
}

/// A reason why an image would not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A program to start is not there.
    NoProgram {
        /// The image's node.
        place: Place,
        /// What it is for.
        role: ProgramRole,
        /// As written.
        program: String,
    },
    /// It may not be executed.
    NotExecutable {
        /// The image's node.
        place: Place,
        /// What it is for.
        role: ProgramRole,
        /// Where it is.
        path: ImagePath,
        /// Who may not; nobody may when missing.
        user: Option<String>,
    },
    /// It needs a loader that is not there.
    NoLoader {
        /// The image's node.
        place: Place,
        /// What it is for.
        role: ProgramRole,
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
    /// A library that the loader would not find.
    NoLibrary {
        /// The image's node.
        place: Place,
        /// The file that asks for it.
        path: ImagePath,
        /// The program that loads this file, when it is another.
        program: Option<ImagePath>,
        /// What it asks for.
        library: String,
        /// Where a library of that name is, which the loader does not look at or cannot use.
        elsewhere: Option<ImagePath>,
    },
    /// What a file is run by is not there.
    NoInterpreter {
        /// The image's node.
        place: Place,
        /// The file.
        path: ImagePath,
        /// What it asks for.
        interpreter: String,
    },
    /// A file that runs as its owner or group.
    SetId {
        /// The image's node.
        place: Place,
        /// The file.
        path: ImagePath,
        /// Its mode.
        mode: Mode,
    },
    /// A file or folder that everybody may write.
    WorldWritable {
        /// The image's node.
        place: Place,
        /// The file or folder.
        path: ImagePath,
        /// Its mode.
        mode: Mode,
    },
    /// An environment variable that names what is not there.
    Named {
        /// The image's node.
        place: Place,
        /// The check.
        check: Check,
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What would have to be there.
        path: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram { role, program, .. } => write!(out, "its {role} `{program}` is not in it"),
            Self::NotExecutable { role, path, user, .. } => {
                write!(out, "its {role} `{path}` is not executable")?;
                user.as_ref().map_or(Ok(()), |user| write!(out, " by `{user}`"))
            }
            Self::NoLoader { role, path, loader, .. } => write!(
                out,
                "its {role} `{path}` needs the loader `{loader}`, which is not in it (build it statically, or on an image with a C library)"
            ),
            Self::NoUser { what, name, known, .. } => {
                write!(out, "it runs as the {what} `{name}`, which it does not know")?;
                if known.is_empty() { Ok(()) } else { write!(out, " (it knows {})", known.join(", ")) }
            }
            Self::Machine { path, found, platform, .. } => write!(out, "`{path}` is for {found}, not for {platform}"),
            Self::NoLibrary { path, program, library, elsewhere, .. } => {
                write!(out, "`{path}` needs the library `{library}`")?;
                if let Some(program) = program {
                    write!(out, " for `{program}`")?;
                }
                match elsewhere {
                    Some(there) => write!(out, ", and its loader does not find or cannot use `{there}`"),
                    None => write!(out, ", which is not in it"),
                }
            }
            Self::NoInterpreter { path, interpreter, .. } => {
                write!(out, "`{path}` is run by `{interpreter}`, which is not in it")
            }
            Self::SetId { path, mode, .. } => {
                write!(out, "`{path}` runs as its owner or group, whoever starts it (mode {mode})")
            }
            Self::WorldWritable { path, mode, .. } => write!(out, "everybody may write `{path}` (mode {mode})"),
            Self::Named { variable, value, path, .. } => {
                write!(out, "`{variable}` is `{value}`, and `{path}` is not in it")
            }
        }
    }
}

impl fmt::Display for ProgramRole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Entrypoint => "program",
            Self::Healthcheck => "health check",
        })
    }
}

impl ProgramRole {
    const fn check(self) -> Check {
        match self {
            Self::Entrypoint => Check::Entrypoint,
            Self::Healthcheck => Check::Healthcheck,
        }
    }
}

impl Finding {
    /// The check that found it.
    #[must_use]
    pub const fn check(&self) -> Check {
        match self {
            Self::NoProgram { role, .. } | Self::NotExecutable { role, .. } | Self::NoLoader { role, .. } => {
                role.check()
            }
            Self::NoUser { .. } => Check::User,
            Self::Machine { .. } => Check::Machine,
            Self::NoLibrary { .. } => Check::ElfNeeded,
            Self::NoInterpreter { .. } => Check::Interpreter,
            Self::SetId { .. } => Check::Setuid,
            Self::WorldWritable { .. } => Check::WorldWritable,
            Self::Named { check, .. } => *check,
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
            | Self::Machine { place, .. }
            | Self::NoLibrary { place, .. }
            | Self::NoInterpreter { place, .. }
            | Self::SetId { place, .. }
            | Self::WorldWritable { place, .. }
            | Self::Named { place, .. } => Some(*place),
        }
    }

    /// What would mend it, when a package may have it.
    #[must_use]
    pub fn need(&self) -> Option<MissingFile> {
        match self {
            Self::NoLibrary { library, elsewhere: None, .. } => Some(MissingFile::Library(library.clone())),
            Self::NoLoader { loader: path, .. }
            | Self::NoInterpreter { interpreter: path, .. }
            | Self::NoProgram { program: path, .. }
            | Self::Named { path, .. } => Some(MissingFile::File(path.clone())),
            _ => None,
        }
    }

    /// What a waiver can name.
    fn subject(&self) -> String {
        match self {
            Self::NoProgram { program, .. } => program.clone(),
            Self::NotExecutable { path, .. }
            | Self::NoLoader { path, .. }
            | Self::Machine { path, .. }
            | Self::NoLibrary { path, .. }
            | Self::NoInterpreter { path, .. }
            | Self::SetId { path, .. }
            | Self::WorldWritable { path, .. } => path.to_string(),
            Self::NoUser { name, .. } => name.clone(),
            Self::Named { path, .. } => path.clone(),
        }
    }

    pub(super) fn is_waived(&self, waivers: &[Waiver]) -> bool {
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
