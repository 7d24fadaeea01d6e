//! The verbs and the scheduler: the only place that wires the other rooms together.

mod build;
mod check;
mod environment;
mod error;
mod event;
mod format;
mod mirrors;
mod output;
mod overview;
mod refresh;
mod schedule;
mod services;
mod show;
mod workspace;
mod write;

pub use build::{
    BuildReport, BuildRequest, ImageReport, ManifestReport, OnFailure, PlannedStep, build, fetch, plan_steps,
};
pub use check::{CheckReport, Finding, check};
pub use environment::{Environment, EnvironmentError, SecretSource};
pub use error::{OpsError, PinError, StepError, SuiteError};
pub use event::{Event, How, Observer, Silent};
pub use format::{FormatMode, FormatReport, format, format_text, written_files};
pub use mirrors::{HostSources, mirrors};
pub use output::{InputKind, Output, OutputError};
pub use overview::{ListedImage, list};
pub use refresh::{RefreshMode, RefreshReport, RefreshRequest, refresh};
pub use services::{Services, fetch_config};
pub use show::{ShowError, ShowName, show};
pub use workspace::{Workspace, find_project};
