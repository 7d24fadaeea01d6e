//! Runs one build step: the root it sees, the sandbox it runs in, the tools it finds, the log it leaves.

mod failure;
mod log;
mod network;
mod output;
mod roots;
pub mod sandbox;
mod scripts;
pub mod source;
mod step;

pub use failure::{Failure, StageError};
pub use log::{NoOutput, OutputSink};
pub use network::HostNetwork;
pub use output::{StepOutput, StepOutputError};
pub use roots::{RootError, RootHandle, RootSpec, compose_root, known_root};
pub use sandbox::{Sandbox, SandboxError, Unavailable};
pub use scripts::{Emulation, Machinery, NativeTools, Removed, Scripted, ScriptsError, ScriptsSpec, configure};
pub use step::{ResolvedPaths, RunOptions, Runner, ShellOnFailure};

use std::path::Path;

use crate::store::Store;

/// Whether this machine lets this user run steps; else why not, and what to do.
///
/// # Errors
/// When no sandbox can be made.
pub fn probe(store: &Store, sandbox: &Sandbox) -> Result<(), StageError> {
    let scratch = store.tmp_dir()?;
    let path: &Path = scratch.path();
    Ok(sandbox::probe(sandbox, path)?)
}
