//! What happens when things go wrong at the worst moment: programs that are killed, file systems that fill up, many
//! processes in one store, mirrors that misbehave. The usual run of the tests takes a little of each on a small project
//! (`hostile/faults.rs`), the campaign (`hack/faults.sh`) much of each on the images of this repository.

pub(crate) mod kills;
pub(crate) mod mirror;
pub(crate) mod sample;
pub(crate) mod space;
pub(crate) mod together;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::text_of;

/// A project, and the program that builds it into stores that each trial has for itself.
pub(crate) struct Site {
    /// The program under test.
    pub(crate) program: PathBuf,
    /// The folder of the project.
    pub(crate) project: PathBuf,
    /// The environment file.
    pub(crate) environment: PathBuf,
}

impl Site {
    /// The program, given this project and a store.
    pub(crate) fn command(&self, store: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--project").arg(&self.project).arg("--environment").arg(&self.environment);
        command.arg("--store").arg(store).args(arguments);
        // messages on lines that are long enough to be looked through
        command.env("COLUMNS", "1000").env("NO_COLOR", "1").current_dir(&self.project);
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, store: &Path, arguments: &[&str]) -> Output {
        self.command(store, arguments).output().expect("the program starts")
    }

    /// What it prints when it succeeds, else why it did not.
    pub(crate) fn try_run(&self, store: &Path, arguments: &[&str]) -> Result<String, String> {
        said(&format!("`{}`", arguments.join(" ")), &self.run(store, arguments))
    }

    /// That everything in the store is what it is called, else what is not.
    pub(crate) fn verify(&self, store: &Path) -> Result<(), String> {
        self.try_run(store, &["cache", "verify"]).map(drop)
    }
}

/// The standard output of a program that succeeded.
pub(crate) fn said(what: &str, output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{what}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))),
    }
}

/// The digests of all files below a folder, with their names, sorted.
pub(crate) fn digests(folder: &Path) -> String {
    let mut hash = Command::new("sh");
    hash.args(["-c", "cd \"$0\" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum"]).arg(folder);
    text_of("findutils", &mut hash)
}

/// Removes a folder of a store, which may hold read-only folders.
pub(crate) fn remove(folder: &Path) {
    let _ = Command::new("chmod").args(["-R", "u+w"]).arg(folder).output(); // there may be none
    let _ = fs_err::remove_dir_all(folder);
}

/// Numbers that look random (xorshift64*), the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 up to and without `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % limit.max(1)
    }
}
