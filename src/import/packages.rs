//! What package managers are asked for, and what our toolchain images already have.

use super::options::Options;
use super::recipe::{Node, Value};
use crate::model::PackageName;

/// Packages that a command installs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Names, with a constraint of the version in our form.
    pub(super) packages: Vec<(String, Option<String>)>,
    /// Words that ask for what recipes cannot.
    pub(super) unknown: Vec<String>,
    /// Whether recommended packages come along.
    pub(super) recommends: bool,
}

/// Most packages of one command.
const MOST: usize = 1_000;

/// What a command of a package manager does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Managed {
    /// Nothing that concerns an image: indexes are read, caches emptied.
    Nothing,
    Install(Wanted),
}

/// What `words` ask of apt or apk; none when they are something else.
pub(super) fn manager(words: &[&str]) -> Option<Managed> {
    let (program, rest) = words.split_first()?;
    match *program {
        "apt-get" | "apt" | "aptitude" => apt(rest),
        "apk" => apk(rest),
        _ => None,
    }
}

fn apt(words: &[&str]) -> Option<Managed> {
    const VALUED: [&str; 7] = ["o", "t", "c", "option", "target-release", "default-release", "config-file"];
    let options = Options::read(words, &VALUED);
    let (verb, names) = options.rest.split_first()?;
    match *verb {
        "update" | "clean" | "autoclean" => Some(Managed::Nothing),
        "install" => {
            let refused = options.has(&["no-install-recommends"])
                || options.values("o").any(|value| value.contains("Install-Recommends=") && !value.ends_with("true"));
            let mut wanted = Wanted { recommends: !refused, ..Wanted::default() };
            if let Some(release) = options.value(&["t", "target-release", "default-release"]) {
                wanted.unknown.push(format!("-t {release}"));
            }
            for name in names {
                match name.split_once('=') {
                    Some((name, version)) => wanted.push(name, Some(format!("= {version}"))),
                    None => wanted.push(name, None),
                }
            }
            Some(Managed::Install(wanted))
        }
        _ => None,
    }
}

fn apk(words: &[&str]) -> Option<Managed> {
    const VALUED: [&str; 6] = ["t", "virtual", "X", "repository", "p", "root"];
    let options = Options::read(words, &VALUED);
    let (verb, names) = options.rest.split_first()?;
    match *verb {
        "update" | "cache" | "del" => Some(Managed::Nothing),
        "add" => {
            let mut wanted = Wanted::default();
            if let Some(repository) = options.value(&["X", "repository"]) {
                wanted.unknown.push(format!("--repository {repository}"));
            }
            names.iter().for_each(|name| wanted.apk(name));
            Some(Managed::Install(wanted))
        }
        _ => None,
    }
}

impl Wanted {
    /// A package as apk names it: `name`, `name=1.2`, `name~1.2`, `name>=1.2`, `name@repository`.
    pub(super) fn apk(&mut self, written: &str) {
        let Some(at) = written.find(['=', '<', '>', '~', '@']) else { return self.push(written, None) };
        let (name, constraint) = written.split_at(at);
        let operator = constraint.bytes().take_while(|byte| b"=<>~".contains(byte)).count();
        let (operator, version) = constraint.split_at(operator);
        let operator = match operator {
            "==" => "=",
            "=~" | "~=" => "~",
            other => other,
        };
        if operator.is_empty() {
            self.unknown.push(written.to_owned());
        } else {
            self.push(name, Some(format!("{operator} {version}")));
        }
    }

    fn push(&mut self, name: &str, version: Option<String>) {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b".+-:~_".contains(&byte);
        let version_fits = version.as_ref().is_none_or(|version| {
            let (operator, version) = version.split_once(' ').unwrap_or_default();
            ["=", "<", ">", "<=", ">=", "~"].contains(&operator) && !version.is_empty() && version.bytes().all(letters)
        });
        if PackageName::new(name).is_err() || !version_fits || self.packages.len() >= MOST {
            let version = version.unwrap_or_default();
            self.unknown.push(format!("{name}{}", version.replace(' ', "")));
        } else if !self.packages.iter().any(|(known, _)| known == name) {
            self.packages.push((name.to_owned(), version));
        }
    }
}

/// How many packages a line names.
const A_LINE: usize = 6;

/// The nodes that ask for packages, called `node`.
pub(super) fn nodes(node: &'static str, packages: &[(String, Option<String>)]) -> Vec<Node> {
    let plain: Vec<&String> = packages.iter().filter(|(_, version)| version.is_none()).map(|(name, _)| name).collect();
    let lines =
        plain.chunks(A_LINE).map(|names| names.iter().fold(Node::new(node), |line, name| line.text(name.as_str())));
    let pinned = packages.iter().filter_map(|(name, version)| {
        let version = Value::Text(version.clone()?);
        Some(Node::new(node).text(name.as_str()).with("version", version))
    });
    lines.chain(pinned).collect()
}

/// What the toolchain images have already, under the names of Debian, Alpine and Wolfi.
const IN_BUILDER: &[&str] = &[
    "alpine-sdk",
    "autoconf",
    "automake",
    "base-files",
    "bash",
    "binutils",
    "bison",
    "build-base",
    "build-essential",
    "busybox",
    "ca-certificates",
    "ca-certificates-bundle",
    "cmake",
    "coreutils",
    "file",
    "findutils",
    "flex",
    "g++",
    "gawk",
    "gcc",
    "gettext",
    "git",
    "grep",
    "libc-dev",
    "libc6-dev",
    "libtool",
    "linux-headers",
    "m4",
    "make",
    "meson",
    "musl-dev",
    "ninja",
    "ninja-build",
    "patch",
    "perl",
    "pkg-config",
    "pkgconf",
    "pkgconfig",
    "python3",
    "samurai",
    "scanelf",
    "sed",
    "tar",
    "tzdata",
    "wolfi-base",
    "wolfi-baselayout",
    "xz",
    "xz-utils",
];

/// Whether stages need not ask for it.
pub(super) fn in_builder(name: &str) -> bool {
    IN_BUILDER.contains(&name)
}

/// Whether it is headers and libraries, which a stage wants of the target's architecture.
pub(super) fn is_development(name: &str) -> bool {
    name.ends_with("-dev") || name.ends_with("-devel") || name.ends_with("-static")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(line: &str) -> Wanted {
        match manager(&line.split(' ').collect::<Vec<_>>()) {
            Some(Managed::Install(wanted)) => wanted,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn packages_are_read_with_their_versions() {
        let asked = wanted("apt-get install -qy --no-install-recommends -o a=b a b=1:2.0-1+b1 c=1.* d/sid ./e.deb");
        let packages = [("a".to_owned(), None), ("b".to_owned(), Some("= 1:2.0-1+b1".to_owned()))];
        assert_eq!(asked.packages, packages);
        assert_eq!(asked.unknown, ["c=1.*", "d/sid", "./e.deb"]);
        assert!(!asked.recommends && wanted("apt install a").recommends);
        let asked = wanted("apk add --no-cache -t .run a>=1.2 b~3 c@edge d=~4");
        let versions: Vec<_> = asked.packages.iter().filter_map(|(_, version)| version.as_deref()).collect();
        assert_eq!((versions, asked.unknown), (vec![">= 1.2", "~ 3", "~ 4"], vec!["c@edge".to_owned()]));
    }

    #[test]
    fn what_reads_indexes_is_nothing() {
        for line in ["apt-get update -qq", "apt-get -y clean", "apk update", "apk del .build"] {
            assert_eq!(manager(&line.split(' ').collect::<Vec<_>>()), Some(Managed::Nothing), "{line}");
        }
        assert_eq!(manager(&["apt-get", "source", "x"]), None);
        assert_eq!(manager(&["apt-get"]), None);
    }
}
