//! The verbs and the scheduler: the only place that wires the other rooms together.

mod audit;
mod build;
mod check;
mod create;
mod environment;
mod error;
mod event;
mod evidence;
mod find;
mod format;
mod grants;
mod import;
mod mirrors;
mod new;
mod output;
mod overview;
mod refresh;
mod schedule;
mod services;
mod show;
mod workspace;
mod write;

pub use audit::{AuditedScript, ImageScripts, audit_scripts};
pub use build::{
    BuildReport, BuildRequest, ImageReport, ManifestReport, OnFailure, PlannedStep, Vendoring, build, fetch, plan_steps,
};
pub use check::{CheckFinding, CheckReport, check};
pub use environment::{Environment, EnvironmentError, Secret, SecretSource};
pub use error::{OpsError, PinError, StepError, SuiteError};
pub use event::{Event, How, Observer, Silent};
pub use find::{FoundFile, find};
pub use format::{FormatMode, FormatReport, format, format_text, written_files};
pub use grants::Grants;
pub use import::{import_file, write_import};
pub use mirrors::{HostSources, mirrors};
pub use new::{NewReport, Template, new};
pub use output::{InputKind, Output, OutputError};
pub use overview::{ListedImage, list};
pub use refresh::{RefreshMode, RefreshReport, RefreshRequest, refresh};
pub use services::{Services, fetch_config};
pub use show::{ShowError, ShowName, show};
pub use workspace::{Workspace, find_project};
