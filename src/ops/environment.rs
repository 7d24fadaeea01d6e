//! The environment file: everything about this place that no recipe says, and that cannot change a digest: mirrors,
//! proxies, certificate authorities, credentials, who may have which secret, the store's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::grants::Grants;
use crate::fetch::HostPort;
use crate::file;
use crate::model::{ArchiveName, TrustDomain};

/// What the environment file says; nothing when there is none.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Base URLs of archives, in the order written.
    pub mirrors: BTreeMap<ArchiveName, Vec<String>>,
    /// Names that are answered by an address of one's own.
    pub hosts: Vec<(String, std::net::IpAddr)>,
    /// A proxy for everything.
    pub proxy: Option<String>,
    /// Vendor steps that see user names and passwords in the addresses of proxies.
    pub proxy_password: Grants,
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
    pub secrets: BTreeMap<String, Secret>,
    /// Whose builds may use what this one leaves in caches, and what it made with caches and secrets.
    pub trust_domain: TrustDomain,
    /// The file itself; none when there is none.
    pub file: Option<PathBuf>,
    /// The store's folder.
    pub cache: Option<PathBuf>,
    /// The process's own environment variables, looked at once: proxies and secrets may be in them.
    pub variables: BTreeMap<String, String>,
}

/// A secret of build steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Where it is.
    pub source: SecretSource,
    /// Who may have it.
    pub grants: Grants,
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

/// What may be written of a node.
struct Form {
    name: &'static str,
    arguments: usize,
    properties: &'static [&'static str],
    has_block: bool,
    /// Whether a second one would replace the first.
    is_single: bool,
}

const fn form(name: &'static str, arguments: usize, properties: &'static [&'static str]) -> Form {
    Form { name, arguments, properties, has_block: false, is_single: false }
}

const fn single(name: &'static str) -> Form {
    Form { is_single: true, ..form(name, 1, &[]) }
}

const FORMS: &[Form] = &[
    form("mirror", 2, &[]),
    form("host", 1, &["address"]),
    single("proxy"),
    Form { arguments: 0, has_block: true, ..single("proxy-password") },
    form("authority", 1, &[]),
    single("netrc"),
    form("plain-login", 1, &[]),
    form("token-service", 2, &[]),
    single("user-agent"),
    Form { has_block: true, ..form("secret", 1, &["file", "env"]) },
    single("trust-domain"),
    single("cache"),
];

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
                Ok(text) => Ok(Self { file: Some(path.to_owned()), ..Self::parse(path, &text)? }),
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
        let mut seen = BTreeSet::new();
        for node in document.nodes() {
            let known = check_form(node, &mut seen).and_then(|()| environment.node(node, folder));
            known.map_err(|reason| wrong(node.span().offset(), reason))?;
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
            "proxy-password" => self.proxy_password = Grants::read(node)?,
            "plain-login" => self.plain_logins.push(argument(0)?.parse()?),
            "token-service" => self.token_services.push((argument(0)?.parse()?, argument(1)?.parse()?)),
            "user-agent" => self.user_agent = Some(argument(0)?),
            "trust-domain" => self.trust_domain = argument(0)?.parse().map_err(|error| format!("{error}"))?,
            "cache" => self.cache = Some(folder.join(argument(0)?)),
            "secret" => {
                let source = match (property("file"), property("env")) {
                    (Some(file), None) => SecretSource::File(folder.join(file)),
                    (None, Some(variable)) => SecretSource::Variable(variable),
                    _ => return Err("`secret` needs either `file=\"…\"` or `env=\"…\"`".to_owned()),
                };
                let (id, secret) = (argument(0)?, Secret { source, grants: Grants::read(node)? });
                if self.secrets.contains_key(&id) {
                    return Err(format!("there are two secrets `{id}`: write all its `allow` lines into one block"));
                }
                self.secrets.insert(id, secret);
            }
            _ => {} // `check_form` refused it
        }
        Ok(())
    }
}

/// Nothing that is written may mean nothing: whether a node is known, and has only what it can have.
fn check_form(node: &kdl::KdlNode, seen: &mut BTreeSet<&'static str>) -> Result<(), String> {
    let name = node.name().value();
    let Some(form) = FORMS.iter().find(|form| form.name == name) else {
        let known: Vec<String> = FORMS.iter().map(|form| format!("`{}`", form.name)).collect();
        return Err(format!("an environment file has no `{name}`; it knows {}", known.join(", ")));
    };
    if !seen.insert(form.name) && form.is_single {
        return Err(format!("`{name}` is written twice: keep one of the two"));
    }
    let mut properties = BTreeSet::new();
    for key in node.entries().iter().filter_map(kdl::KdlEntry::name).map(kdl::KdlIdentifier::value) {
        if !form.properties.contains(&key) {
            return Err(format!("`{name}` has no property `{key}`"));
        }
        if !properties.insert(key) {
            return Err(format!("`{name}` says `{key}` twice"));
        }
    }
    let arguments = node.entries().iter().filter(|entry| entry.name().is_none()).count();
    if arguments > form.arguments {
        let s = if form.arguments == 1 { "" } else { "s" };
        return Err(format!("`{name}` takes {} argument{s}, and {arguments} are written", form.arguments));
    }
    if node.children().is_some() && !form.has_block {
        return Err(format!("`{name}` has no block"));
    }
    Ok(())
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
        assert_eq!(environment.secrets["token"].source, SecretSource::Variable("TOKEN".to_owned()));
        assert_eq!(environment.secrets["token"].grants, Grants::default(), "nobody may have it");
        assert_eq!(environment.trust_domain.as_str(), "default");
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("\nmirrors \"a\" \"b\"", ":2: an environment file has no `mirrors`"),
            ("host \"a\" address=\"nowhere\"", ":1: `nowhere` is not an IP address"),
            ("mirror \"debian\"", "needs 2 quoted arguments"),
            ("secret \"a\"", "either `file="),
            ("proxy {", ":1:"),
            ("secret \"a\" env=\"A\" recipe=\"app\"", "`secret` has no property `recipe`"),
            ("secret \"a\" env=\"A\" { allow; }", "write `allow recipe=\"RECIPE\" stage=\"STAGE\"`"),
            ("secret \"a\" env=\"A\"\nsecret \"a\" env=\"B\"", ":2: there are two secrets `a`"),
            ("secret \"a\" \"b\" env=\"A\"", "`secret` takes 1 argument, and 2 are written"),
            ("trust-domain \"a\"\ntrust-domain \"b\"", ":2: `trust-domain` is written twice"),
            ("trust-domain \"../main\"", "cannot name a trust domain"),
            ("cache \"/a\" { x; }", "`cache` has no block"),
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
