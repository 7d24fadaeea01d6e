//! The environment file: everything about this place that no recipe says, and that cannot change a digest: mirrors,
//! proxies, certificate authorities, credentials, the store's folder.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::fetch::HostPort;
use crate::file;
use crate::model::ArchiveName;

/// What the environment file says; nothing when there is none.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Base URLs of archives, in the order written.
    pub mirrors: BTreeMap<ArchiveName, Vec<String>>,
    /// Names that are answered by an address of one's own.
    pub hosts: Vec<(String, std::net::IpAddr)>,
    /// A proxy for everything.
    pub proxy: Option<String>,
    /// Files with certificates of further authorities (PEM).
    pub authorities: Vec<PathBuf>,
    /// Credentials by host, in the form of netrc(5).
    pub netrc: Option<PathBuf>,
    /// Hosts that get their credentials over plain http too.
    pub plain_logins: Vec<HostPort>,
    /// Registries, each with the host that gives its tokens.
    pub token_services: Vec<(HostPort, HostPort)>,
    /// How the program names itself.
    pub user_agent: Option<String>,
    /// Secrets of build steps by identifier.
    pub secrets: BTreeMap<String, SecretSource>,
    /// The store's folder.
    pub cache: Option<PathBuf>,
    /// The process's own environment variables, looked at once: proxies and secrets may be in them.
    pub variables: BTreeMap<String, String>,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

/// Why an environment file cannot be used.
#[derive(Debug, Error)]
pub enum EnvironmentError {
    /// It cannot be read; the cause names it.
    #[error("cannot read the environment file")]
    Read {
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Counting from one.
        line: usize,
        /// What is wrong, and what to write.
        reason: String,
    },
}

/// Largest environment file.
const LARGEST: u64 = 1 << 20;

const NODES: &str =
    "`mirror`, `host`, `proxy`, `authority`, `netrc`, `plain-login`, `token-service`, `user-agent`, `secret`, `cache`";

impl Environment {
    /// An environment variable of the process.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    /// Reads the file; one that was not asked for by name need not exist.
    ///
    /// # Errors
    /// When it cannot be read, is no KDL, or says something unknown.
    pub fn load(path: &Path, asked_for: bool) -> Result<Self, EnvironmentError> {
        match file::read(path, LARGEST) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Self::parse(path, &text),
                Err(_) => Err(EnvironmentError::Wrong {
                    path: path.to_owned(),
                    line: 1,
                    reason: "it is not UTF-8".to_owned(),
                }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound && !asked_for => Ok(Self::default()),
            Err(source) => Err(EnvironmentError::Read { source }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, EnvironmentError> {
        let wrong = |offset: usize, reason: String| {
            let line = text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1;
            EnvironmentError::Wrong { path: path.to_owned(), line, reason }
        };
        if depth(text) > 8 {
            return Err(wrong(0, "it is too deep to be an environment file".to_owned()));
        }
        let document: kdl::KdlDocument = text.parse().map_err(|error: kdl::KdlError| {
            let first = error.diagnostics.first();
            let reason = first.and_then(|first| first.message.clone()).unwrap_or_else(|| "not KDL".to_owned());
            wrong(first.map_or(0, |first| first.span.offset()), reason)
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut environment = Self::default();
        for node in document.nodes() {
            environment.node(node, folder).map_err(|reason| wrong(node.span().offset(), reason))?;
        }
        Ok(environment)
    }

    fn node(&mut self, node: &kdl::KdlNode, folder: &Path) -> Result<(), String> {
        let name = node.name().value();
        let argument = |index: usize| match node.get(index).and_then(|value| value.as_string()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("`{name}` needs {} quoted argument{}", index + 1, if index == 0 { "" } else { "s" })),
        };
        let property = |key: &str| node.get(key).and_then(|value| value.as_string()).map(str::to_owned);
        match name {
            "mirror" => {
                let archive = argument(0)?.parse().map_err(|error| format!("{error}"))?;
                let url = argument(1)?;
                let parsed = url::Url::parse(&url).map_err(|error| format!("`{url}` is not a URL: {error}"))?;
                let plain = parsed.query().is_none() && parsed.fragment().is_none();
                if !plain || !matches!(parsed.scheme(), "http" | "https" | "file") {
                    return Err(format!(
                        "`{url}` is not a mirror: write `https://`, `http://` or `file://`, and no `?` or `#`"
                    ));
                }
                self.mirrors.entry(archive).or_default().push(url);
            }
            "host" => {
                let address = property("address").ok_or("`host` needs `address=\"…\"`")?;
                let address = address.parse().map_err(|_| format!("`{address}` is not an IP address"))?;
                self.hosts.push((argument(0)?, address));
            }
            "proxy" => self.proxy = Some(argument(0)?),
            "authority" => self.authorities.push(folder.join(argument(0)?)),
            "netrc" => self.netrc = Some(folder.join(argument(0)?)),
            "plain-login" => self.plain_logins.push(argument(0)?.parse()?),
            "token-service" => self.token_services.push((argument(0)?.parse()?, argument(1)?.parse()?)),
            "user-agent" => self.user_agent = Some(argument(0)?),
            "cache" => self.cache = Some(folder.join(argument(0)?)),
            "secret" => {
                let source = match (property("file"), property("env")) {
                    (Some(file), None) => SecretSource::File(folder.join(file)),
                    (None, Some(variable)) => SecretSource::Variable(variable),
                    _ => return Err("`secret` needs either `file=\"…\"` or `env=\"…\"`".to_owned()),
                };
                self.secrets.insert(argument(0)?, source);
            }
            _ => return Err(format!("an environment file has no `{name}`; it knows {NODES}")),
        }
        Ok(())
    }
}

/// How deep braces nest at most: the parser recurses, and must not be led to the end of its stack.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_says_what_no_recipe_does() {
        let text = "mirror \"debian\" \"http://mirror.example/debian\"\nhost \"a.example\" address=\"::1\"\n\
                    netrc \"netrc\"\nsecret \"token\" env=\"TOKEN\"\ncache \"/var/cache/o\"\n";
        let environment = Environment::parse(Path::new("/etc/o/environment.kdl"), text).expect("parses");
        let archive = ArchiveName::new("debian").expect("a name");
        assert_eq!(environment.mirrors[&archive], ["http://mirror.example/debian"]);
        assert_eq!(environment.netrc, Some(PathBuf::from("/etc/o/netrc")));
        assert_eq!(environment.secrets["token"], SecretSource::Variable("TOKEN".to_owned()));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("\nmirrors \"a\" \"b\"", ":2: an environment file has no `mirrors`"),
            ("host \"a\" address=\"nowhere\"", ":1: `nowhere` is not an IP address"),
            ("mirror \"debian\"", "needs 2 quoted arguments"),
            ("secret \"a\"", "either `file="),
            ("proxy {", ":1:"),
            ("mirror \"debian\" \"ftp://a.example/debian\"", "is not a mirror"),
            ("mirror \"debian\" \"http://a.example/?x=\"", "is not a mirror"),
            ("plain-login \"http://a.example\"", "is neither a host nor a host and a port"),
            ("token-service \"a.example\"", "needs 2 quoted arguments"),
        ] {
            let error = Environment::parse(Path::new("e.kdl"), text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Environment::parse(Path::new("e"), &"a {".repeat(5_000)).is_err());
    }

    #[test]
    fn only_a_file_that_was_asked_for_must_exist() {
        let path = Path::new("/nonexistent/environment.kdl");
        assert!(Environment::load(path, false).is_ok());
        assert!(Environment::load(path, true).is_err());
    }
}
