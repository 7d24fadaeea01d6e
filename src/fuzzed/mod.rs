//! A function for each parser of what others write: any bytes are taken, and it panics when a promise of the parser does
//! not hold. The fuzz targets (`fuzz/`) call these with bytes that a fuzzer makes up, and the tests here with samples that
//! are changed at random, so that both look for the same.
//!
//! Compiled for tests and with the feature `fuzz` only.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

mod archives;
mod debian;
mod documents;
mod system;
#[cfg(test)]
mod tests;
mod texts;

use std::borrow::Cow;

pub use archives::{ar, deb, elf, pieces, tar};
pub use debian::{contents, index, inrelease, relation, release, sources};
pub use documents::{accounts, gitmodules, ldcache, netrc, oci, patch, record, registry, shell};
pub use system::{scripts, system};
pub use texts::{apt_sources, environment, format, import, lock, model, recipe};

/// A parser under test: the name of its fuzz target and of the folder of its samples, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them, sorted by name.
pub const TARGETS: &[Target] = &[
    ("accounts", accounts),
    ("apt_sources", apt_sources),
    ("ar", ar),
    ("contents", contents),
    ("deb", deb),
    ("elf", elf),
    ("environment", environment),
    ("format", format),
    ("gitmodules", gitmodules),
    ("import", import),
    ("index", index),
    ("inrelease", inrelease),
    ("ldcache", ldcache),
    ("lock", lock),
    ("model", model),
    ("netrc", netrc),
    ("oci", oci),
    ("patch", patch),
    ("pieces", pieces),
    ("recipe", recipe),
    ("record", record),
    ("registry", registry),
    ("relation", relation),
    ("release", release),
    ("scripts", scripts),
    ("shell", shell),
    ("sources", sources),
    ("system", system),
    ("tar", tar),
];

/// Bytes as text, with a mark for what is none.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The parts of bytes between zero bytes: several files in one.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == 0)
}
