//! `orchestrate`: recipes in, pinned and reproducible OCI images out.
//!
//! The flow, and with it the order of the modules. Each uses only those above it; `tests/architecture.rs` holds the
//! walls.
//!
//! | room | does | touches the outside |
//! |---|---|---|
//! | [`model`] | the words: digest, platform, names, paths, times | no |
//! | [`diagnostic`] | a problem with its places and its help, and how it is drawn | no |
//! | [`beneath`] | folders that hold the files of others: opened, read and written without following links | a folder that it is given |
//! | [`mod@file`] | files that may be anything: regular ones only, with a limit | reads files |
//! | [`recipe`] | KDL text → spanned nodes → [`recipe::Project`]; all mistakes of all files at once | reads files in one place |
//! | [`mod@import`] | Dockerfiles, apko and melange files → recipe text and findings | no |
//! | [`lock`] | the pins, their text form, the difference of two locks | two functions |
//! | [`archive`] | ar, deb, tar, gzip, zstd, xz; streaming, limited, deterministic | no |
//! | [`shell`] | interprets shell scripts on a file system that somebody else keeps; executes nothing | no |
//! | [`store`] | content-addressed blobs, trees and step results on disk | its own folder |
//! | [`fetch`] | pins → verified blobs: http, git, local | network |
//! | [`distribution`] | package worlds: signed indexes, versions, relations, what a configured system looks like | no |
//! | [`resolve`] | wanted packages × platforms → exact set, or an explanation | no |
//! | [`packages`] | the one installer: packages → one configured tree, as segments or laid out as a root | the store |
//! | [`plan`] | project + lock → graph of steps with keys | no |
//! | [`stage`] | runs one step: root, sandbox, cross environment, log | processes, namespaces |
//! | [`image`] | segments → layers → config → manifest → index | no, beyond the store |
//! | [`publish`] | OCI layout, docker archive, root file system | output folder |
//! | [`ops`] | the verbs and the scheduler; wires the above together | clock and environment, once |
//! | [`cli`] | arguments, progress, text and JSON output, exit codes | terminal |
//! | `fuzzed` | a function for each parser, for fuzz targets and tests; no part of the program | temporary folders |

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests follow paths in folders of their own"))]

pub mod model;

pub mod diagnostic;

pub mod beneath;

pub mod file;

pub mod recipe;

pub mod import;

pub mod lock;

pub mod archive;

pub mod shell;

pub mod store;

pub mod fetch;

pub mod distribution;

pub mod resolve;

pub mod packages;

pub mod plan;

pub mod stage;

pub mod image;

pub mod publish;

pub mod ops;

pub mod cli;

#[cfg(any(test, feature = "fuzz"))]
pub mod fuzzed;
