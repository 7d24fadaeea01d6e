//! What the tests of the whole program share: a project in a temporary folder, a small signed archive, the program.

pub(crate) mod archive;
pub(crate) mod emulation;
pub(crate) mod mirror;
pub(crate) mod project;
pub(crate) mod toolbox;
pub(crate) mod trixie;

use std::path::Path;
use std::process::{Command, Output};

/// Runs a program that the tests need, which must succeed. One that is missing is a failure that names its package.
pub(crate) fn tool(package: &str, command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            panic!("{shown} cannot be started ({error}): install the package `{package}`, or run hack/test.sh")
        }
    };
    assert!(
        output.status.success(),
        "{shown} failed with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The standard output of [`tool`] as text.
pub(crate) fn text_of(package: &str, command: &mut Command) -> String {
    String::from_utf8(tool(package, command).stdout).expect("text")
}

/// Writes a file and the folders it is in.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs_err::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs_err::write(path, content).expect("written");
}
