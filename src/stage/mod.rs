//! Runs one build step: the root it sees, the sandbox it runs in, the tools it finds, the log it leaves.

pub mod sandbox;
