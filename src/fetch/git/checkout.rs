//! From a commit to a folder: fetch as little as the server allows, write the tree, go on with the submodules.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use git2::{Direction, ObjectType, Oid, RemoteCallbacks, Repository};

use super::super::Fetcher;
use super::super::error::FetchError;
use super::tree::{Budget, Gitlink, TreeWriter};
use super::{failed, gitmodules, local, options, transport};
use crate::store::Store;

/// How deep submodules may be nested.
const DEEPEST: u32 = 8;
/// How many submodules a source may have in all.
const MOST_MODULES: u32 = 1000;
/// Where the fetched commit is kept in the temporary repository.
const HERE: &str = "refs/fetched/here";

/// One checkout with all its submodules.
pub(super) struct Checkout<'a> {
    fetcher: &'a Fetcher,
    store: &'a Store,
    budget: Budget,
    modules: u32,
}

/// A repository at a commit, and where its tree goes.
struct Job<'a> {
    url: &'a str,
    commit: Oid,
    dest: &'a Path,
    depth: u32,
}

impl<'a> Checkout<'a> {
    pub(super) fn new(fetcher: &'a Fetcher, store: &'a Store) -> Self {
        Self { fetcher, store, budget: Budget::new(&fetcher.config.limits), modules: 0 }
    }

    pub(super) fn run(&mut self, url: &str, commit: Oid, dest: &Path) -> Result<(), FetchError> {
        let write = |source| FetchError::File { doing: "create", path: dest.to_owned(), source };
        fs_err::create_dir_all(dest).map_err(write)?;
        self.one(&Job { url, commit, dest, depth: 0 })
    }

    fn one(&mut self, job: &Job<'_>) -> Result<(), FetchError> {
        let scratch = self.store.tmp_dir()?;
        let (links, modules) = {
            let repository = match transport::is_local(job.url) {
                true => self.open(job)?,
                false => self.fetch(job, scratch.path())?,
            };
            let failed = |error: git2::Error| failed(format!("read commit {}", job.commit), job.url, &error);
            let tree = self.root(&repository, job.commit).map_err(failed)?;
            let modules = modules(&repository, &tree).map_err(|reason| self.wrong_modules(job, reason))?;
            let writer = TreeWriter::new(&repository, job.url, job.dest, &mut self.budget)?;
            (writer.write(tree.id())?, modules)
        };
        drop(scratch); // before the submodules: not all repositories at once
        for link in links {
            self.submodule(job, &link, &modules)?;
        }
        Ok(())
    }

    /// Opens a repository of this machine.
    fn open(&self, job: &Job<'_>) -> Result<Repository, FetchError> {
        let run = || -> Result<_, git2::Error> {
            let repository = Repository::open(local::path(job.url)?)?;
            let there = repository.odb()?.exists(job.commit);
            if there { Ok(repository) } else { Err(git2::Error::from_str(NOT_THERE)) }
        };
        let doing = format!("fetch commit {}", job.commit);
        self.fetcher.with_git(job.url, &self.budget.objects, run).map_err(|error| failed(doing, job.url, &error))
    }

    /// The folder of a commit; both are looked at before they are read.
    fn root<'r>(&self, repository: &'r Repository, commit: Oid) -> Result<git2::Tree<'r>, git2::Error> {
        let odb = repository.odb()?;
        let look = |id: Oid, wanted: ObjectType| -> Result<(), git2::Error> {
            let (size, kind) = odb.read_header(id)?;
            if kind != wanted {
                return Err(git2::Error::from_str(&format!("{id} is a {kind}, not a {wanted}")));
            }
            self.budget.objects.object(kind, size as u64).map_err(|reason| git2::Error::from_str(&reason))
        };
        look(commit, ObjectType::Commit)?;
        let commit = repository.find_commit(commit)?;
        look(commit.tree_id(), ObjectType::Tree)?;
        commit.tree()
    }

    fn submodule(
        &mut self,
        job: &Job<'_>,
        link: &Gitlink,
        modules: &BTreeMap<String, String>,
    ) -> Result<(), FetchError> {
        let Some(url) = link.path.to_str().and_then(|path| modules.get(path)) else { return Ok(()) };
        let refused = |reason: String| FetchError::Tree {
            path: link.path.clone(),
            from: transport::shown(job.url),
            reason: format!("as a submodule: {reason}"),
        };
        self.modules += 1;
        if job.depth >= DEEPEST || self.modules > MOST_MODULES {
            return Err(refused(format!("more than {DEEPEST} within each other, or {MOST_MODULES} in all")));
        }
        let url = gitmodules::resolve(job.url, url).map_err(refused)?;
        // a repository from elsewhere must not be able to read those of this machine
        if transport::is_local(&url) && !transport::is_local(job.url) {
            return Err(refused(format!("`{url}` is on this machine")));
        }
        let dest = job.dest.join(&link.path);
        self.one(&Job { url: &url, commit: link.commit, dest: &dest, depth: job.depth + 1 })
    }

    /// Fetches the commit into a new repository, in the cheapest way that works.
    fn fetch(&self, job: &Job<'_>, folder: &Path) -> Result<Repository, FetchError> {
        let allowance = &self.budget.objects;
        let run = || {
            let mut last = git2::Error::from_str("there is no way to fetch it");
            for (number, plan) in plans(job)?.into_iter().enumerate() {
                // a new repository for each: what a failed attempt left must not confuse the next
                match plan.run(job, &folder.join(number.to_string()), allowance.pack) {
                    Ok(repository) => return Ok(repository),
                    // another way to fetch the same would be refused too
                    Err(error) if allowance.refusal().is_some() => return Err(error),
                    Err(error) if error.code() == git2::ErrorCode::User => return Err(error),
                    Err(error) => last = error,
                }
            }
            Err(last)
        };
        let doing = format!("fetch commit {}", job.commit);
        self.fetcher.with_git(job.url, allowance, run).map_err(|error| failed(doing, job.url, &error))
    }

    fn wrong_modules(&self, job: &Job<'_>, reason: String) -> FetchError {
        FetchError::Tree { path: ".gitmodules".into(), from: transport::shown(job.url), reason }
    }
}

/// A way to fetch a commit.
struct Plan {
    specs: Vec<String>,
    depth: i32,
}

/// The ways to fetch a commit, cheapest first: by a reference that points at it, by its id (which not all servers
/// allow), or with all branches and tags and all that came before.
fn plans(job: &Job<'_>) -> Result<Vec<Plan>, git2::Error> {
    let mut remote = git2::Remote::create_detached(job.url)?;
    let connection = remote.connect_auth(Direction::Fetch, None, None)?;
    let named = connection.list()?.iter().find(|head| head.oid() == job.commit && head.name() != "HEAD");
    let named = named.map(|head| head.name().trim_end_matches("^{}").to_owned());
    let depth = 1;
    let mut plans = Vec::new();
    if let Some(name) = named {
        plans.push(Plan { specs: vec![format!("+{name}:{HERE}")], depth });
    }
    plans.push(Plan { specs: vec![format!("+{}:{HERE}", job.commit)], depth });
    let all = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/fetched/{kind}/*"));
    plans.push(Plan { specs: all.into(), depth: 0 });
    Ok(plans)
}

impl Plan {
    fn run(&self, job: &Job<'_>, folder: &Path, limit: u64) -> Result<Repository, git2::Error> {
        let repository = Repository::init_bare(folder)?;
        let too_much = Cell::new(false);
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress| {
            too_much.set(progress.received_bytes() as u64 > limit);
            !too_much.get()
        });
        let mut options = options(callbacks);
        options.depth(self.depth);
        let fetched = repository.remote_anonymous(job.url)?.fetch(&self.specs, Some(&mut options), None);
        drop(options);
        if too_much.get() {
            return Err(transport::stop(&format!("more than {limit} bytes came")));
        }
        fetched?;
        let there = repository.odb()?.exists(job.commit);
        if there { Ok(repository) } else { Err(git2::Error::from_str(NOT_THERE)) }
    }
}

const NOT_THERE: &str = "the commit is in none of its branches and tags";

/// Where the submodules of a tree come from, by path.
fn modules(repository: &Repository, tree: &git2::Tree<'_>) -> Result<BTreeMap<String, String>, String> {
    let Some(entry) = tree.get_name(".gitmodules") else { return Ok(BTreeMap::new()) };
    let said = |error: git2::Error| error.message().to_owned();
    if repository.odb().and_then(|odb| odb.read_header(entry.id())).map_err(said)?.0 > 1 << 20 {
        return Err("it is larger than 1 MiB".to_owned());
    }
    let blob = repository.find_blob(entry.id()).map_err(said)?;
    gitmodules::parse(&String::from_utf8_lossy(blob.content()))
}
