//! The verbs and the scheduler: the only place that wires the other rooms together.

mod environment;
mod event;
mod mirrors;
mod schedule;

pub use environment::{Environment, EnvironmentError, SecretSource};
pub use event::{Event, How, Observer, Silent};
pub use mirrors::{HostSources, mirrors};
