//! What the verbs work with: made once, at the edge, from arguments, environment file and clock.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use camino::Utf8Path;

use super::environment::Environment;
use super::event::{Event, Observer};
use super::mirrors::HostSources;
use crate::beneath::{Dir, Kind};
use crate::fetch::{FetchConfig, FetchObserver, Fetcher, Proxy};
use crate::model::{Digest, Hasher, Platform, Timestamp};
use crate::plan::LocalFiles;
use crate::stage::{Runner, Sandbox};
use crate::store::{self, Store};

/// What the verbs work with.
pub struct Services<'a> {
    /// Where results and inputs are kept.
    pub store: Store,
    /// How inputs come here.
    pub fetcher: Fetcher,
    /// What is special about this place.
    pub environment: Environment,
    /// The host's own package sources.
    pub host: HostSources,
    /// The moment at which the verb was given.
    pub now: Timestamp,
    /// What this machine runs.
    pub build: Platform,
    /// Steps and threads at once.
    pub jobs: NonZeroUsize,
    /// The program that makes sandboxes, for maintainer scripts: this one.
    pub sandbox: Sandbox,
    /// Who runs build steps.
    pub runner: Box<dyn Runner>,
    /// Who hears of what happens.
    pub observer: &'a dyn Observer,
}

/// Reports downloads to the observer.
pub(super) struct FetchProgress<'s>(pub(super) &'s Services<'s>);

impl FetchObserver for FetchProgress<'_> {
    fn progress(&self, label: &str, bytes: u64) {
        self.0.observer.event(Event::Fetched { label, bytes });
    }
}

/// Files beside recipes, read from the project's folder.
pub(super) struct ProjectFiles<'a>(pub(super) &'a Utf8Path);

impl LocalFiles for ProjectFiles<'_> {
    fn digest(&self, path: &Utf8Path) -> Result<Digest, std::io::Error> {
        let project = Dir::open(self.0.as_std_path())?;
        let metadata = project.metadata(path)?;
        match metadata.kind {
            Kind::File => {
                let mut hasher = Hasher::new();
                std::io::copy(&mut project.open_file(path)?, &mut hasher)?;
                Ok(Digest::of_value(&("file", metadata.is_executable(), hasher.finish())))
            }
            // a link is copied as a link, wherever it leads
            Kind::Symlink => Ok(Digest::of_value(&("link", project.read_link(path)?.as_encoded_bytes()))),
            _ => {
                let facts = store::inspect_folder(&project.dir(path)?, u64::MAX);
                facts.map(|facts| facts.digest).map_err(std::io::Error::other)
            }
        }
    }
}

impl Services<'_> {
    /// A file of the project, as the operating system takes it.
    pub(super) fn project_path(root: &Utf8Path, path: &Utf8Path) -> PathBuf {
        root.join(path).into_std_path_buf()
    }
}

/// How this place reaches the network.
#[must_use]
pub fn fetch_config(environment: &Environment, offline: bool) -> FetchConfig {
    let default = FetchConfig::default();
    FetchConfig {
        offline,
        // the usual variables of the system hold unless the environment file names a proxy
        proxy: environment.proxy.clone().map_or(Proxy::System, Proxy::Url),
        authorities: environment.authorities.clone(),
        user_agent: environment.user_agent.clone().unwrap_or(default.user_agent),
        netrc: environment.netrc.clone(),
        plain_logins: environment.plain_logins.clone(),
        token_services: environment.token_services.clone(),
        hosts: environment.hosts.clone(),
        ..default
    }
}
