//! Git repositories: what a tag or branch is now, and the whole tree at a commit, submodules included.
//!
//! libgit2 speaks the protocol; http and https go through our own client, so that there is one TLS stack, one proxy and
//! one set of credentials. No configuration of the user or the system is read.

mod allowance;
mod checkout;
mod daemon;
pub(super) mod gitmodules;
mod local;
mod pack;
mod transport;
mod tree;

use std::sync::{Arc, OnceLock};

use git2::{AutotagOption, Direction, FetchOptions, Oid, RemoteCallbacks};
use serde::{Deserialize, Serialize};

use allowance::Allowance;

use super::Fetcher;
use super::error::FetchError;
use crate::recipe::GitReference;
use crate::store::Store;

/// What a tag or branch was found to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitPin {
    /// The full commit id, 40 hexadecimal digits.
    pub commit: String,
}

impl Fetcher {
    /// Which commit a reference of the repository at `url` means now; an annotated tag is peeled. A commit means itself,
    /// and nobody is asked.
    ///
    /// # Errors
    /// When the repository cannot be read, has no such reference, or the network is off.
    pub fn git_resolve(&self, url: &str, reference: &GitReference) -> Result<GitPin, FetchError> {
        let name = match reference {
            GitReference::Commit(commit) => {
                let commit = parse_commit(url, &commit.value)?;
                return Ok(GitPin { commit: commit.to_string() });
            }
            GitReference::Tag(name) => format!("refs/tags/{}", name.value),
            GitReference::Branch(name) => format!("refs/heads/{}", name.value),
        };
        let heads = self.git_references(url)?;
        let find = |wanted: &str| heads.iter().find(|(name, _)| name == wanted).map(|(_, commit)| *commit);
        // the peeled entry of an annotated tag comes beside the tag object's
        match find(&format!("{name}^{{}}")).or_else(|| find(&name)) {
            Some(commit) => Ok(GitPin { commit: commit.to_string() }),
            None => Err(no_reference(url, &name, &heads)),
        }
    }

    /// All references of the repository at `url` with what they point at, as the server lists them.
    ///
    /// # Errors
    /// When the repository cannot be read, or the network is off.
    pub fn git_list(&self, url: &str) -> Result<Vec<(String, String)>, FetchError> {
        let heads = self.git_references(url)?;
        Ok(heads.into_iter().map(|(name, commit)| (name, commit.to_string())).collect())
    }

    /// Writes the tree of a commit, with the trees of its submodules, into the folder `dest`, which is made: files 0644
    /// or 0755, symbolic links, no `.git`, bytes as committed whatever `.gitattributes` says. A submodule that
    /// `.gitmodules` does not mention is an empty folder, as git leaves it. Only the commit is fetched where the server
    /// allows; else the tag or branch that points at it, or in the end everything.
    ///
    /// # Errors
    /// When the repository or the commit cannot be had, the tree is hostile or beyond the limits, or it cannot be
    /// written.
    pub fn git_checkout(
        &self,
        store: &Store,
        url: &str,
        commit: &str,
        dest: &std::path::Path,
    ) -> Result<(), FetchError> {
        let commit = parse_commit(url, commit)?;
        self.git_online(url)?;
        checkout::Checkout::new(self, store).run(url, commit, dest)
    }

    fn git_references(&self, url: &str) -> Result<Vec<(String, Oid)>, FetchError> {
        self.git_online(url)?;
        let doing = || "list the references".to_owned();
        let allowance = Allowance::new(&self.config.limits);
        let run = || -> Result<_, git2::Error> {
            if transport::is_local(url) {
                return local::references(&local::path(url)?, &allowance);
            }
            let mut remote = git2::Remote::create_detached(url)?;
            let connection = remote.connect_auth(Direction::Fetch, None, None)?;
            Ok(connection.list()?.iter().map(|head| (head.name().to_owned(), head.oid())).collect())
        };
        self.with_git(url, &allowance, run).map_err(|error| failed(doing(), url, &error))
    }

    fn git_online(&self, url: &str) -> Result<(), FetchError> {
        // a repository on this machine needs no network
        if transport::is_local(url) { Ok(()) } else { self.online(&transport::shown(url)) }
    }

    /// Runs something with libgit2, with this fetcher's client for http. What is received is taken off the allowance.
    fn with_git<T>(
        &self,
        url: &str,
        allowance: &Allowance,
        run: impl FnOnce() -> Result<T, git2::Error>,
    ) -> Result<T, git2::Error> {
        setup().as_ref().map_err(|message| git2::Error::from_str(message))?;
        transport::check_scheme(url)?;
        let network = match transport::is_http(url) {
            true => Some(self.network().map(Arc::clone).map_err(|error| git2::Error::from_str(&error.to_string()))?),
            false => None,
        };
        let (patience, hosts) = (self.config.patience, self.config.hosts.clone());
        let session = transport::Session { network, patience, hosts, allowance: allowance.clone() };
        let outcome = transport::with_session(session, run);
        // what went through libgit2 may have lost its words
        match allowance.refusal() {
            Some(reason) if outcome.is_err() => Err(transport::stop(&reason)),
            _ => outcome,
        }
    }
}

/// Options for fetching that take nothing beside what is asked for.
fn options(callbacks: RemoteCallbacks<'_>) -> FetchOptions<'_> {
    let mut options = FetchOptions::new();
    options.download_tags(AutotagOption::None).update_fetchhead(false).remote_callbacks(callbacks);
    options
}

fn failed(doing: String, url: &str, error: &git2::Error) -> FetchError {
    let reason = error.message().lines().next().unwrap_or("it failed without a reason").to_owned();
    FetchError::Git { doing, url: transport::shown(url), reason }
}

fn parse_commit(url: &str, text: &str) -> Result<Oid, FetchError> {
    let reason = if text.len() == 64 {
        "repositories with SHA-256 ids are not supported".to_owned()
    } else {
        format!("`{text}` is not a full commit id: write 40 hexadecimal digits")
    };
    let parsed = Oid::from_str(text).ok().filter(|_| text.len() == 40);
    parsed.ok_or_else(|| FetchError::Git { doing: "find the commit".to_owned(), url: transport::shown(url), reason })
}

fn no_reference(url: &str, name: &str, heads: &[(String, Oid)]) -> FetchError {
    let (kind, short) = match name.strip_prefix("refs/tags/") {
        Some(short) => ("tag", short),
        None => ("branch", name.trim_start_matches("refs/heads/")),
    };
    let folder = &name[..name.len() - short.len()];
    let known = heads.iter().filter_map(|(name, _)| name.strip_prefix(folder)).filter(|name| !name.ends_with("^{}"));
    let near = known.map(|known| (strsim::damerau_levenshtein(short, known), known)).min();
    let similar = near.filter(|(distance, _)| *distance <= 1 + short.len() / 3).map(|(_, name)| name.to_owned());
    FetchError::NoReference { url: transport::shown(url), reference: format!("{kind} `{short}`"), similar }
}

/// Prepares libgit2, once for the process.
fn setup() -> &'static Result<(), String> {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    READY.get_or_init(|| transport::register().map_err(|error| error.message().to_owned()))
}
