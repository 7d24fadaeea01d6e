//! Commands that scripts call when a package is configured for the first time, as the rules quote them: each is read into
//! what it changes. A command that is not known here cannot stand in a rule; a test reads them all.

use super::accounts::{self, Group, Home, Numbers, User};
use super::system::{Diversion, System};
use super::tree::{Attributes, Root, at};
use super::{ConfigureError, shell, statoverrides, ucf};

/// What a command changes. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `adduser --system`, `useradd --system`.
    AddUser(User),
    /// `addgroup --system`, `groupadd --system`.
    AddGroup(String, Numbers),
    /// `chown`, `chgrp` and `chmod` of what is there.
    Change { path: String, of: Names },
    /// `dpkg-statoverride --update --add`, unless there is one for the path.
    Override { path: String, user: String, group: String, mode: u32 },
    /// `mkdir -p` and `install -d`, unless it exists; `install` sets owner and mode in any case.
    Folder { path: String, of: Names, made: Made },
    /// `touch`: an empty file, unless it exists.
    Touch(String),
    /// `ln -s`, unless something is there.
    Link { path: String, target: String },
    /// `cp`, unless something is there.
    Copy { from: String, to: String },
    /// `dpkg-divert --divert TO PATH`. Where another package of the image has the path, the two cannot be merged, so there
    /// is nothing to rename.
    Divert { path: String, to: String },
    /// `ucf FROM TO`, where nothing is there.
    HandOut { from: String, to: String, three_way: bool },
    /// `ucfr PACKAGE FILE`.
    Register { package: String, file: String },
}

/// Mode and owners by name; what is none stays, or is root's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    user: Option<String>,
    group: Option<String>,
    mode: Option<u32>,
}

/// Which folders get mode and owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// One that the command makes.
    New,
    /// One that was there as well.
    Any,
}

const NOLOGIN: &str = "/usr/sbin/nologin";

impl Command {
    /// Reads a command; none when it is not known.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let words = shell::quoted_words(line);
        let mut options = Options::of(words.get(1..)?);
        let command = match words[0].as_str() {
            "adduser" => Self::AddUser(adduser(&mut options)?),
            "useradd" => Self::AddUser(useradd(&mut options)?),
            "addgroup" => Self::AddGroup(system_group(&mut options)?, Numbers::Upwards),
            "groupadd" => Self::AddGroup(system_group(&mut options)?, Numbers::Downwards),
            "chown" => {
                let owner = options.positional()?;
                let (user, group) = owner.split_once(':').map_or((owner.as_str(), None), |(one, two)| (one, Some(two)));
                let of = Names { user: Some(user.to_owned()), group: group.map(str::to_owned), mode: None };
                Self::Change { of, path: options.positional()? }
            }
            "chgrp" => {
                let of = Names { group: Some(options.positional()?), ..Names::default() };
                Self::Change { of, path: options.positional()? }
            }
            "chmod" => {
                let of = Names { mode: Some(octal(&options.positional()?)?), ..Names::default() };
                Self::Change { of, path: options.positional()? }
            }
            "dpkg-statoverride" => {
                let adds = options.flag("--update") && options.flag("--add");
                options.flag("--quiet");
                let [user, group] = [options.positional()?, options.positional()?];
                let mode = octal(&options.positional()?)?;
                let path = options.positional()?;
                adds.then_some(Self::Override { path, user, group, mode })?
            }
            "mkdir" => {
                options.flag("-p");
                let mode = options.value("-m").map_or(Some(0o755), |mode| octal(&mode));
                let of = Names { mode: Some(mode?), ..Names::default() };
                Self::Folder { of, path: options.positional()?, made: Made::New }
            }
            "install" => {
                let of = Names {
                    user: options.value("-o"),
                    group: options.value("-g"),
                    mode: Some(options.value("-m").map_or(Some(0o755), |mode| octal(&mode))?),
                };
                options.flag("-d").then_some(())?;
                Self::Folder { of, path: options.positional()?, made: Made::Any }
            }
            "touch" => Self::Touch(options.positional()?),
            "ln" => {
                options.flag("-s").then_some(())?;
                let target = options.positional()?;
                Self::Link { target, path: options.positional()? }
            }
            "cp" => {
                let from = options.positional()?;
                Self::Copy { from, to: options.positional()? }
            }
            "dpkg-divert" => {
                options.value("--package")?;
                ["--add", "--rename", "--no-rename"].iter().for_each(|name| _ = options.flag(name));
                let to = options.value("--divert")?;
                Self::Divert { to, path: options.positional()? }
            }
            "ucf" => {
                let three_way = options.flag("--three-way");
                options.flag("--debconf-ok");
                let from = options.positional()?;
                Self::HandOut { from, to: options.positional()?, three_way }
            }
            "ucfr" => {
                options.flag("--force");
                let package = options.positional()?;
                Self::Register { package, file: options.positional()? }
            }
            _ => return None,
        };
        options.0.is_empty().then_some(command)
    }

    /// Does again what all packages together make, for a package that came configured with the base image.
    pub(super) fn repeat(&self, system: &mut System<'_>, package: &'static str) {
        match self {
            Self::Divert { path, to } => system.divert(Diversion::new(path, to, package)),
            // by itself, for its own questions
            Self::HandOut { .. } => system.load_templates("ucf", "preinst"),
            _ => {}
        }
    }

    /// Does it, for a package that is new.
    pub(super) fn run(&self, system: &mut System<'_>, package: &'static str) -> Result<(), ConfigureError> {
        let moment = system.moment.seconds();
        let root = &mut system.root;
        match self {
            Self::AddUser(user) => accounts::add_user(root, user, moment)?,
            Self::AddGroup(name, numbers) => accounts::add_group(root, name, *numbers)?,
            Self::Change { path, of } => root.change(&at(path)?, &of.attributes(root)?)?,
            Self::Override { path, user, group, mode } => {
                let of = Names { user: Some(user.clone()), group: Some(group.clone()), mode: Some(*mode) };
                if statoverrides::add(root, &format!("{user} {group} {mode:o} {path}"), path)? {
                    root.change(&at(path)?, &of.attributes(root)?)?;
                }
            }
            Self::Folder { path, of, made } => {
                let there = root.is_dir(&at(path)?);
                if !there {
                    root.mkdir(&at(path)?, 0o755, (0, 0));
                }
                if !there || *made == Made::Any {
                    root.change(&at(path)?, &of.attributes(root)?)?;
                }
            }
            Self::Touch(path) if !root.exists(&at(path)?) => root.write(&at(path)?, 0o644, (0, 0), ""),
            Self::Link { path, target } if root.entry(&at(path)?).is_none() => {
                root.symlink(&at(path)?, target.as_bytes());
            }
            Self::Copy { from, to } if !root.exists(&at(to)?) => {
                root.copy(&at(from)?, &at(to)?)?;
                root.change(&at(to)?, &Attributes { uid: Some(0), gid: Some(0), mode: None })?;
            }
            Self::Touch(_) | Self::Link { .. } | Self::Copy { .. } => {}
            Self::Divert { .. } => self.repeat(system, package),
            Self::HandOut { from, to, three_way } => {
                ucf::hand_out(root, from, to, *three_way)?;
                self.repeat(system, package);
            }
            Self::Register { package, file } => ucf::register(root, package, file)?,
        }
        Ok(())
    }
}

impl Names {
    fn attributes(&self, root: &Root<'_>) -> Result<Attributes, ConfigureError> {
        let missing = |name: &String| ConfigureError::Account { name: name.clone() };
        let user = self.user.as_ref().map(|name| accounts::user(root, name)?.ok_or_else(|| missing(name)));
        let group = self.group.as_ref().map(|name| accounts::group(root, name)?.ok_or_else(|| missing(name)));
        Ok(Attributes { mode: self.mode, uid: user.transpose()?, gid: group.transpose()? })
    }
}

fn adduser(options: &mut Options) -> Option<User> {
    options.flag("--system").then_some(())?;
    ["--quiet", "--disabled-password", "--disabled-login", "--force-badname", "--allow-bad-names"]
        .iter()
        .for_each(|name| _ = options.flag(name));
    let own = options.flag("--group");
    let group = match options.value("--ingroup") {
        Some(group) => Group::Named(group),
        None if own => Group::Own,
        None => Group::Named("nogroup".to_owned()),
    };
    let unmade = options.flag("--no-create-home");
    let home = match options.value("--home") {
        Some(home) if unmade => Home::Named(home),
        Some(home) => Home::Made(home),
        None => Home::Named("/nonexistent".to_owned()),
    };
    let comment = options.value("--comment").or_else(|| options.value("--gecos")).unwrap_or_default();
    let shell = options.value("--shell").unwrap_or_else(|| NOLOGIN.to_owned());
    Some(User { numbers: Numbers::Upwards, group, home, comment, shell, name: options.positional()? })
}

fn useradd(options: &mut Options) -> Option<User> {
    options.flag("--system").then_some(())?;
    options.flag("--no-create-home").then_some(())?;
    Some(User {
        numbers: Numbers::Downwards,
        group: Group::Named(options.value("--gid")?),
        home: Home::Named(options.value("--home-dir")?),
        comment: options.value("--comment").unwrap_or_default(),
        shell: options.value("--shell")?,
        name: options.positional()?,
    })
}

fn system_group(options: &mut Options) -> Option<String> {
    options.flag("--system").then_some(())?;
    ["--quiet", "--force", "--force-badname"].iter().for_each(|name| _ = options.flag(name));
    options.positional()
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// The words that are not yet understood.
struct Options(Vec<String>);

impl Options {
    fn of(words: &[String]) -> Self {
        Self(words.to_vec())
    }

    /// Takes a flag, and says whether it is there.
    fn flag(&mut self, name: &str) -> bool {
        let position = self.0.iter().position(|word| word == name);
        position.map(|index| self.0.remove(index)).is_some()
    }

    /// Takes an option and its value.
    fn value(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|word| word == name)?;
        (index + 1 < self.0.len()).then(|| self.0.drain(index..index + 2).next_back())?
    }

    /// Takes the first word that is no option.
    fn positional(&mut self) -> Option<String> {
        let index = self.0.iter().position(|word| !word.starts_with('-'))?;
        Some(self.0.remove(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_with_all_its_words_or_not_at_all() {
        for line in [
            "adduser --system --group --uid 5 a",
            "adduser --group a",
            "adduser --system --group a b",
            "adduser --system --home",
            "chmod u+s /bin/a",
            "chmod 99 /bin/a",
            "chmod 77777 /bin/a",
            "chmod 755",
            "mkdir -p -v /a",
            "ln /a /b",
            "rm -f /a",
            "chsh -s /bin/sh a",
            "cp -a /x /y",
            "dpkg-statoverride --add root root 755 /a",
            "install -m 755 /a /b",
            "touch",
            "sh -c true",
            "",
        ] {
            assert_eq!(Command::parse(line), None, "{line}");
        }
    }

    #[test]
    fn adduser_takes_its_options_in_any_order() {
        let one = Command::parse("adduser --quiet --home /h --system --comment \"A b\" --group --no-create-home name");
        let other = Command::parse("adduser name --group --system --home /h --no-create-home --gecos \"A b\"");
        assert_eq!(one, other);
        let Some(Command::AddUser(user)) = one else { panic!("{one:?}") };
        assert_eq!((user.group, user.home), (Group::Own, Home::Named("/h".to_owned())));
        assert_eq!((user.name.as_str(), user.comment.as_str(), user.shell.as_str()), ("name", "A b", NOLOGIN));
        let Some(Command::AddUser(user)) = Command::parse("adduser --system --ingroup adm x") else { panic!("known") };
        assert_eq!((user.group, user.home), (Group::Named("adm".to_owned()), Home::Named("/nonexistent".to_owned())));
    }
}
