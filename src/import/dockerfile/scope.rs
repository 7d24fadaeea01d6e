//! What instructions mean where they stand: variables, the working directory, what a `COPY` names.

use crate::model::{ImagePath, Mode, Ownership};

use super::Translator;
use super::lines::{Instruction, pairs, words};
use super::variables::Variables;
use crate::import::recipe::Item;

/// The state of a stage between two instructions.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) variables: Variables,
    /// Absolute, without a slash at its end.
    pub(super) workdir: String,
}

impl Scope {
    pub(super) fn new() -> Self {
        Self { variables: Variables::new(), workdir: "/".to_owned() }
    }

    /// Takes in an `ARG`; those without a default have that of the `ARG` before the first `FROM`. Gives the names.
    pub(super) fn arg(
        variables: &mut Variables,
        instruction: &Instruction,
        globals: Option<&Variables>,
    ) -> Vec<String> {
        let mut names = Vec::new();
        for word in words(&instruction.rest) {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let inherited = globals.and_then(|globals| globals.get(name)).map(str::to_owned);
            let value = value.map(|value| variables.expand(value).text);
            if let Some(value) = inherited.filter(|_| value.is_none()).or(value) {
                variables.set(name, value);
            } else if !variables.take_platform(name) {
                continue;
            }
            names.push(name.to_owned());
        }
        names
    }

    /// Where a path of the image leads.
    pub(super) fn absolute(&self, path: &str) -> String {
        joined(&self.workdir, path)
    }
}

/// `path` from `folder` on, without `.`, `..` and doubled slashes.
pub(super) fn joined(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether the instruction takes files of the build context.
pub(super) fn takes_context(instruction: &Instruction) -> bool {
    match instruction.keyword.as_str() {
        "COPY" => instruction.flag("from").is_none() && instruction.heredocs.is_empty(),
        "ADD" => !instruction.rest.contains("://"),
        "RUN" => instruction.flags.iter().any(|(name, value)| name == "mount" && Mount::read(value).is_of_context()),
        _ => false,
    }
}

/// A `--mount` of a `RUN`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) from: Option<String>,
    pub(super) id: Option<String>,
}

impl Mount {
    pub(super) fn read(text: &str) -> Self {
        let mut mount = Self { kind: "bind".to_owned(), ..Self::default() };
        for part in text.split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "type" => mount.kind = value.to_owned(),
                "source" | "src" => mount.source = value.to_owned(),
                "target" | "dst" | "destination" => mount.target = value.to_owned(),
                "from" => mount.from = Some(value.to_owned()),
                "id" => mount.id = Some(value.to_owned()),
                _ => {}
            }
        }
        mount
    }

    pub(super) fn is_of_context(&self) -> bool {
        self.kind == "bind" && self.from.is_none()
    }
}

/// Where the stage takes the whole build context to: there it can be mounted as it is.
pub(super) fn whole_context(instructions: &[&Instruction]) -> Option<String> {
    let mut scope = Scope::new();
    for instruction in instructions {
        match instruction.keyword.as_str() {
            "ARG" => drop(Scope::arg(&mut scope.variables, instruction, None)),
            "ENV" => pairs(&instruction.rest).into_iter().for_each(|(name, value)| {
                let value = scope.variables.expand(&value).text;
                scope.variables.set(&name, value);
            }),
            "WORKDIR" => scope.workdir = scope.absolute(&scope.variables.expand(&instruction.rest).text),
            "COPY" | "ADD" if instruction.flag("from").is_none() => {
                let words: Vec<&str> = instruction.rest.split_whitespace().collect();
                if let ["." | "./", target] = words[..] {
                    let target = scope.absolute(&scope.variables.expand(target).text);
                    return Some(target).filter(|target| is_path(target));
                }
            }
            "RUN" => {
                let mounts = instruction.flags.iter().filter(|(name, _)| name == "mount");
                let mut whole = mounts.map(|(_, value)| Mount::read(value)).filter(|mount| {
                    mount.is_of_context()
                        && mount.source.trim_matches(['.', '/']).is_empty()
                        && !mount.target.is_empty()
                });
                if let Some(mount) = whole.next() {
                    return Some(scope.absolute(&mount.target)).filter(|target| is_path(target));
                }
            }
            _ => {}
        }
    }
    None
}

/// A `COPY` or `ADD`, variables replaced.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) from: Option<String>,
    pub(super) sources: Vec<String>,
    /// Absolute, without a slash at its end.
    pub(super) to: String,
    /// Whether it is written as a folder that things go into.
    pub(super) into: bool,
    pub(super) owner: Option<String>,
    pub(super) mode: Option<String>,
}

/// Folders that everyone takes for folders.
const FOLDERS: [&str; 16] = [
    "/",
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/sbin",
    "/usr/local/sbin",
];

/// What things are called that hold others: Docker copies what is in a folder, not the folder.
const LIKELY_FOLDERS: [&str; 13] = [
    "assets",
    "build",
    "config",
    "dist",
    "docs",
    "html",
    "out",
    "public",
    "src",
    "standalone",
    "static",
    "templates",
    "www",
];

impl Translator<'_> {
    /// Reads a `COPY` or `ADD`; what of it cannot be said is noted.
    pub(super) fn copy(&mut self, scope: &Scope, instruction: &Instruction, notes: &mut Vec<Item>) -> Option<Copy> {
        let written = instruction.exec().unwrap_or_else(|| words(&instruction.rest));
        let mut all: Vec<String> = Vec::new();
        for word in &written {
            all.push(self.expand(scope, instruction, word, notes));
        }
        let target = all.pop().filter(|target| !target.is_empty())?;
        let mut copy = Copy {
            from: instruction.flag("from").map(str::to_owned),
            to: scope.absolute(&target),
            into: false,
            sources: all,
            owner: None,
            mode: None,
        };
        copy.into = target.ends_with('/')
            || target.ends_with('.')
            || copy.sources.len() > 1
            || FOLDERS.contains(&copy.to.as_str())
            || copy.to == scope.workdir;
        for (name, value) in &instruction.flags {
            let value = self.expand(scope, instruction, value, notes);
            let why = match name.as_str() {
                "from" | "link" | "keep-git-dir" | "checksum" => continue,
                "chown" if value.parse::<Ownership>().is_ok() => {
                    copy.owner = Some(value);
                    continue;
                }
                "chmod" if value.parse::<Mode>().is_ok() => {
                    copy.mode = Some(format!("{value:0>4}"));
                    continue;
                }
                "chown" | "chmod" => format!("`{value}` is no owner or mode of recipes"),
                other => format!("`--{other}` has no counterpart: check what is copied"),
            };
            notes.push(self.findings.note(instruction.line, &instruction.shown(), why));
        }
        Some(copy)
    }
}

impl Copy {
    /// Where `source` ends up, and whether all that is in it goes there rather than itself.
    pub(super) fn target(&self, source: &str) -> (String, bool) {
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let folder = self.into && self.sources.len() == 1 && LIKELY_FOLDERS.contains(&name);
        let contents = folder || source.ends_with('/') || matches!(name, "" | "." | "..");
        if contents || !self.into {
            return (self.to.clone(), contents);
        }
        (joined(&self.to, name), false)
    }
}

/// Whether it is a path of an image that recipes can write.
pub(super) fn is_path(text: &str) -> bool {
    ImagePath::absolute(text).is_ok_and(|path| !path.is_root())
}

/// Whether it is a pattern for files.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        assert_eq!(joined("/app", "./x/../y//z/"), "/app/y/z");
        assert_eq!((joined("/", ".").as_str(), joined("/a", "../../..").as_str()), ("/", "/"));
    }

    #[test]
    fn mounts_are_read() {
        let mount = Mount::read("type=cache,id=go,target=/root/.cache,sharing=locked");
        assert_eq!((mount.kind.as_str(), mount.target.as_str()), ("cache", "/root/.cache"));
        assert!(Mount::read("target=.").is_of_context() && !Mount::read("type=bind,from=a").is_of_context());
    }
}
