//! The verbs and the scheduler: the only place that wires the other rooms together.

mod build;
mod create;
mod environment;
mod error;
mod event;
mod import;
mod mirrors;
mod new;
mod output;
mod overview;
mod refresh;
mod schedule;
mod services;
mod workspace;
mod write;

pub use build::{
    BuildReport, BuildRequest, ImageReport, ManifestReport, OnFailure, PlannedStep, build, fetch, plan_steps,
};
pub use environment::{Environment, EnvironmentError, SecretSource};
pub use error::{OpsError, PinError, StepError, SuiteError};
pub use event::{Event, How, Observer, Silent};
pub use import::{Finding, ImportError, ImportKind, Imported, import, import_file, write_import};
pub use mirrors::{HostSources, mirrors};
pub use new::{NewReport, Template, new};
pub use output::{InputKind, Output, OutputError};
pub use overview::{CheckReport, ListedImage, check, list};
pub use refresh::{RefreshMode, RefreshReport, RefreshRequest, refresh};
pub use services::{Services, fetch_config};
pub use workspace::{Workspace, find_project};
