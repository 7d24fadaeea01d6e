//! What of the environment file a step gets: the secrets that it may have, and how the network is reached.

use std::collections::BTreeMap;

use crate::ops::environment::{Environment, Secret, SecretSource};
use crate::ops::error::StepError;
use crate::ops::grants::line_for;
use crate::plan::Subject;
use crate::stage::{HostNetwork, StageError};

/// Largest file of a secret, and of certificates.
const LARGEST: u64 = 16 << 20;
/// Variables with addresses of proxies.
const PROXIES: [&str; 3] = ["http_proxy", "https_proxy", "all_proxy"];

/// The contents of secrets that a step names. They are held in memory, and go to the sandbox through a pipe.
pub(super) fn secrets(
    environment: &Environment,
    subject: &Subject,
    wanted: &[String],
) -> Result<BTreeMap<String, Vec<u8>>, StepError> {
    let mut found = BTreeMap::new();
    for id in wanted {
        let content = match &granted(environment, subject, id)?.source {
            SecretSource::File(path) => {
                crate::file::read(path, LARGEST).map_err(|source| StageError::Prepare { source })?
            }
            SecretSource::Variable(name) => match environment.variable(name) {
                Some(value) => value.into_bytes(),
                None => return Err(StepError::NoVariable { id: id.clone(), variable: name.clone() }),
            },
        };
        found.insert(id.clone(), content);
    }
    Ok(found)
}

/// The secret, when the environment file has it and lets the step have it.
pub(super) fn granted<'e>(environment: &'e Environment, subject: &Subject, id: &str) -> Result<&'e Secret, StepError> {
    let secret = environment.secrets.get(id).ok_or_else(|| StageError::NoSecret { id: id.to_owned() })?;
    if secret.grants.allow(subject) {
        return Ok(secret);
    }
    let line = line_for(subject).unwrap_or_default();
    let file = environment.file.as_ref().map(|file| format!(" of {}", file.display())).unwrap_or_default();
    let add = format!("`{line}` to the block of `secret \"{id}\"`{file}");
    Err(StepError::NotGranted { subject: subject.to_string(), id: id.to_owned(), add })
}

/// How a vendor step reaches the network of this place. User names and passwords in the addresses of proxies are for
/// those that the environment file names.
pub(super) fn host_network(environment: &Environment, subject: &Subject) -> Result<HostNetwork, StepError> {
    let hosts = environment.hosts.iter().map(|(name, address)| format!("{address} {name}")).collect();
    let mut network = HostNetwork { hosts, ..HostNetwork::default() };
    for path in &environment.authorities {
        network.authorities.extend(crate::file::read(path, LARGEST).map_err(|source| StageError::Prepare { source })?);
        network.authorities.push(b'\n');
    }
    let whole = environment.proxy_password.allow(subject);
    let mut add = |name: String, value: Option<String>| {
        if let Some(value) = value {
            network.variables.insert(name, value);
        }
    };
    for name in PROXIES {
        for name in [name.to_owned(), name.to_ascii_uppercase()] {
            let value = environment.proxy.clone().or_else(|| environment.variable(&name));
            add(name, value.and_then(|value| if whole { Some(value) } else { bare(&value) }));
        }
    }
    for name in ["no_proxy", "NO_PROXY"] {
        add(name.to_owned(), environment.variable(name));
    }
    if let Some(value) = environment.variable("GOPROXY") {
        add("GOPROXY".to_owned(), if whole { Some(value) } else { bare_list(&value) });
    }
    Ok(network)
}

/// Addresses with `,` and `|` between them, as Go takes them.
fn bare_list(value: &str) -> Option<String> {
    value
        .split_inclusive([',', '|'])
        .map(|part| {
            let address = part.trim_end_matches([',', '|']);
            Some(format!("{}{}", bare(address)?, &part[address.len()..]))
        })
        .collect()
}

/// An address without the user name and the password before its host (RFC 3986 §3.2.1); none when it cannot be told
/// where these end.
fn bare(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    (!path.contains('@') && !scheme.contains('@')).then(|| format!("{scheme}{separator}{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RecipeName, SourceName};
    use crate::plan::Part;

    fn vendor(recipe: &str) -> Subject {
        Subject {
            recipe: Some(RecipeName::new(recipe).expect("a name")),
            part: Part::Vendor(SourceName::new("deps").expect("a name")),
            platform: None,
        }
    }

    fn environment(text: &str, variables: &[(&str, &str)]) -> Environment {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("environment.kdl");
        fs_err::write(&path, text).expect("written");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { variables, ..Environment::load(&path, true).expect("good") }
    }

    #[test]
    fn passwords_of_proxies_are_taken_out_of_addresses() {
        for (address, expected) in [
            ("http://proxy:3128", Some("http://proxy:3128")),
            ("http://user:secret@proxy:3128/", Some("http://proxy:3128/")),
            ("http://user:se@cret@proxy:3128", Some("http://proxy:3128")),
            ("user:secret@proxy:3128", Some("proxy:3128")),
            ("socks5h://user@[::1]:1080", Some("socks5h://[::1]:1080")),
            ("http://user:se/cret@proxy:3128", None),
            ("http://user:se#cret@proxy:3128", None),
            ("us@er://secret@proxy", None),
        ] {
            assert_eq!(bare(address).as_deref(), expected, "{address}");
        }
        let list = "https://u:p@a.example/go,https://b.example|direct";
        assert_eq!(bare_list(list).as_deref(), Some("https://a.example/go,https://b.example|direct"));
    }

    #[test]
    fn only_a_step_that_is_named_sees_the_password_of_the_proxy() {
        let text = "proxy-password { allow recipe=\"app\" vendor=\"deps\"; }";
        let environment =
            environment(text, &[("HTTPS_PROXY", "http://u:hunter2@p:1"), ("GOPROXY", "https://u:hunter2@g")]);
        let granted = host_network(&environment, &vendor("app")).expect("good").variables;
        assert_eq!(granted["HTTPS_PROXY"], "http://u:hunter2@p:1");
        let other = host_network(&environment, &vendor("evil")).expect("good").variables;
        assert_eq!((other["HTTPS_PROXY"].as_str(), other["GOPROXY"].as_str()), ("http://p:1", "https://g"));
        assert!(!format!("{other:?}").contains("hunter2"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_no_empty_secret() {
        let environment = environment("secret \"a\" env=\"UNSET\" { allow recipe=\"app\" vendor=\"deps\"; }", &[]);
        let error = secrets(&environment, &vendor("app"), &["a".to_owned()]).expect_err("not set");
        assert!(error.to_string().contains("`UNSET`, which is not set"), "{error}");
    }
}
