//! The world, looked at once: folders, terminal, clock, environment.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use super::args::{Common, When};
use super::terminal;
use crate::fetch::Fetcher;
use crate::model::{Platform, Timestamp};
use crate::ops::{self, Environment, HostSources, Observer, OpsError, Services, Workspace};
use crate::stage::Sandbox;
use crate::store::Store;

/// Whether errors are drawn in colour: as asked, else on a terminal unless NO_COLOR is set (no-color.org).
pub(super) fn colour(common: &Common) -> bool {
    match common.color {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && terminal::people_have_a_terminal()
        }
    }
}

/// The project's folder.
pub(super) fn project_root(common: &Common) -> Result<Utf8PathBuf, OpsError> {
    match &common.project {
        Some(root) if root.join("images/project.kdl").is_file() => Ok(root.clone()),
        Some(root) => Err(OpsError::NoProject { start: root.clone() }),
        None => {
            let here = std::env::current_dir()?;
            let here = Utf8PathBuf::from_path_buf(here)
                .map_err(|_| std::io::Error::other("this folder's name is not UTF-8"))?;
            ops::find_project(&here)
        }
    }
}

/// The project's folder; where there is none, the folder in which one can be made.
pub(super) fn project_root_or_here(common: &Common) -> Result<Utf8PathBuf, OpsError> {
    match project_root(common) {
        Err(OpsError::NoProject { start }) => Ok(start),
        other => other,
    }
}

/// Recipes and lock.
pub(super) fn workspace(common: &Common) -> Result<Workspace, OpsError> {
    Workspace::load(&project_root(common)?)
}

/// What the environment file says.
pub(super) fn environment(common: &Common) -> Result<Environment, OpsError> {
    let usual = || Some(base_folder("XDG_CONFIG_HOME", ".config")?.join("orchestrate/environment.kdl"));
    let read = match &common.environment {
        Some(path) => Environment::load(path.as_std_path(), true),
        None => usual().map_or(Ok(Environment::default()), |path| Environment::load(&path, false)),
    };
    let mut environment = read.map_err(|source| OpsError::Environment { source })?;
    environment.variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(environment)
}

/// The store: as asked, as the environment file says, else in the user's cache folder.
pub(super) fn store(common: &Common, environment: &Environment) -> Result<Store, OpsError> {
    let asked = common.store.as_deref().map(Utf8Path::as_std_path).map(PathBuf::from);
    let usual = || Some(base_folder("XDG_CACHE_HOME", ".cache")?.join("orchestrate"));
    let folder = asked.or_else(|| environment.cache.clone()).or_else(usual);
    let folder = folder.ok_or_else(|| {
        std::io::Error::other("neither HOME nor XDG_CACHE_HOME is set: name a store with `--store DIR`")
    })?;
    Ok(Store::open(&std::path::absolute(folder)?)?)
}

/// A base folder of the XDG specification: the variable when it is an absolute path, else below the home.
fn base_folder(variable: &str, fallback: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(fallback)))
}

/// Steps and threads at once.
pub(super) fn jobs(common: &Common) -> NonZeroUsize {
    let asked = common.jobs.and_then(|jobs| NonZeroUsize::new(usize::from(jobs)));
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// Everything that verbs work with.
pub(super) fn services<'a>(
    common: &Common,
    offline: bool,
    observer: &'a dyn Observer,
) -> Result<Services<'a>, OpsError> {
    let environment = environment(common)?;
    let store = store(common, &environment)?;
    for path in store.leftovers() {
        let text = format!("`{}` was left by a killed run and cannot be removed; it does no harm", path.display());
        observer.event(ops::Event::Note { text: &text });
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Services {
        fetcher: Fetcher::new(ops::fetch_config(&environment, offline))?,
        store,
        environment,
        host: HostSources::read(std::path::Path::new("/etc/apt")),
        now: Timestamp::from_seconds(i64::try_from(now.as_secs()).unwrap_or(i64::MAX)),
        build: Platform::of_this_machine().ok_or(OpsError::UnknownMachine)?,
        jobs: jobs(common),
        sandbox: Sandbox::of_this_program(),
        runner: Box::new(Sandbox::of_this_program()),
        observer,
    })
}
