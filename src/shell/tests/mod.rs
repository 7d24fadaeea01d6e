//! The interpreter beside real shells and programs: the same script, in the same folder, with the same outcome.

mod hostile;
mod language;
mod oracle;
mod programs;
