//! Images of registries, named by their digest.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use super::{Digest, DigestError};

/// An image or an index over images in a registry: `registry[:port]/name[:tag]@sha256:…` (the OCI distribution
/// specification's names, with the registry always written). A tag is for people: the digest decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Digest,
}

/// Why a text names no image of a registry.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum ReferenceError {
    #[error("`{text}` has no digest, so it could be another image tomorrow")]
    NoDigest { text: String },
    #[error(transparent)]
    Digest(#[from] DigestError),
    #[error("`{name}` names no registry: write it out, like `docker.io/library/{name}`")]
    NoRegistry { name: String },
    #[error("`{name}` is not a registry and a name: lower-case words, with `/` between them")]
    Name { name: String },
}

/// Where the registry that people call `docker.io` answers.
const DOCKER: (&str, &str) = ("docker.io", "registry-1.docker.io");

impl ImageReference {
    /// The digest of its manifest, or of its index over platforms.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// `registry/name[:tag]`, without the digest.
    #[must_use]
    pub fn name(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        format!("{}/{}{tag}", self.registry, self.repository)
    }

    /// The last word of its name.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// Where one of its manifests is.
    #[must_use]
    pub fn manifest_url(&self, digest: &Digest) -> String {
        format!("{}/manifests/{digest}", self.base())
    }

    /// Where one of its blobs is.
    #[must_use]
    pub fn blob_url(&self, digest: &Digest) -> String {
        format!("{}/blobs/{digest}", self.base())
    }

    /// Registries of this very machine speak plain http, as everywhere in the field.
    fn base(&self) -> String {
        let host = if self.registry == DOCKER.0 { DOCKER.1 } else { &self.registry };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        format!("{}://{host}/v2/{}", if local { "http" } else { "https" }, self.repository)
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = text.split_once('@').ok_or_else(|| ReferenceError::NoDigest { text: text.to_owned() })?;
        let digest = digest.parse()?;
        let wrong = || ReferenceError::Name { name: name.to_owned() };
        let no_registry = || ReferenceError::NoRegistry { name: name.to_owned() };
        let (registry, path) = name.split_once('/').ok_or_else(no_registry)?;
        if !registry.contains(['.', ':']) && registry != "localhost" {
            return Err(if is_repository(name) { no_registry() } else { wrong() });
        }
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        let host =
            registry.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte));
        let tagged = |tag: &str| {
            (1..=128).contains(&tag.len())
                && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        if !host || !is_repository(repository) || !tag.is_none_or(tagged) {
            return Err(wrong());
        }
        let (registry, repository, tag) = (registry.to_owned(), repository.to_owned(), tag.map(str::to_owned));
        Ok(Self { registry, repository, tag, digest })
    }
}

/// Words of letters, digits and single separators, with `/` between them.
fn is_repository(text: &str) -> bool {
    let word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = word.bytes().all(|byte| plain(byte) || b"._-".contains(&byte));
        let ends = [word.bytes().next(), word.bytes().next_back()];
        inner && ends.into_iter().all(|end| end.is_some_and(plain)) && !word.contains("..")
    };
    text.len() <= 255 && text.split('/').all(word)
}

impl fmt::Display for ImageReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.name(), self.digest)
    }
}

impl Serialize for ImageReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(name: &str) -> Result<ImageReference, ReferenceError> {
        format!("{name}@{DIGEST}").parse()
    }

    #[test]
    fn references_are_written_as_elsewhere_in_the_field_and_round_trip() {
        for name in ["docker.io/library/debian:13", "localhost:5000/a", "ghcr.io/x/y_z/w-1", "127.0.0.1:5000/a"] {
            let reference = parse(name).expect(name);
            assert_eq!(reference.to_string(), format!("{name}@{DIGEST}"));
            assert_eq!(reference.name(), name);
        }
        let url = |name: &str| parse(name).expect(name).blob_url(&DIGEST.parse().expect("a digest"));
        assert_eq!(url("docker.io/library/a"), format!("https://registry-1.docker.io/v2/library/a/blobs/{DIGEST}"));
        assert_eq!(url("127.0.0.1:5000/a:1"), format!("http://127.0.0.1:5000/v2/a/blobs/{DIGEST}"));
        assert_eq!(url("localhost.example.org/a"), format!("https://localhost.example.org/v2/a/blobs/{DIGEST}"));
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for name in [
            "debian",
            "library/debian",
            "a.b/",
            "a.b//c",
            "a.b/../c",
            "a.b/c/..",
            "A.b/c",
            "a.b/C",
            "a.b/c:",
            "a.b/c?x",
            "u@a.b/c",
            "/a.b/c",
            "a.b/c:x/y",
            "",
        ] {
            assert!(parse(name).is_err(), "{name}");
        }
        assert!("ghcr.io/x/y:latest".parse::<ImageReference>().is_err());
        assert!("ghcr.io/x/y@sha512:00".parse::<ImageReference>().is_err());
    }
}
