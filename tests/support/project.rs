//! A project in a temporary folder, with a store, an environment and a lock of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::archive::Archive;
use super::write;

/// A project.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What the program said.
#[must_use]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Asserts that it did what was asked, and gives what it printed.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Asserts that it failed with 1 and said all of `texts` on stderr, and nothing of a bug.
    pub(crate) fn failed(self, texts: &[&str]) -> String {
        assert_eq!(self.code, Some(1), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        // lines are broken where the terminal ends, also within words: compare without spaces
        let solid = |text: &str| -> String {
            text.chars().filter(|character| !character.is_whitespace() && !"│×╰─▶".contains(*character)).collect()
        };
        for text in texts {
            assert!(solid(&self.stderr).contains(&solid(text)), "`{text}` is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("bug"), "{}", self.stderr);
        self.stderr
    }
}

impl Project {
    /// A project whose archive `local` is `archive`, with recipes by name.
    pub(crate) fn new(archive: Option<&Archive>, recipes: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a folder") };
        let mut text = "platforms \"linux/amd64\" \"linux/arm64\"\n".to_owned();
        if let Some(archive) = archive {
            text.push_str(
                "archive \"local\" kind=\"deb\" { component \"main\"; keyring \"keys/debian.asc\"; }\n\
                 distribution \"debian\" suite=\"stable\" { use \"local\" suite=\"stable\"; }\n",
            );
            project.write("images/keys/debian.asc", &archive.key());
            project.write("environment.kdl", &format!("mirror \"local\" \"{}\"\n", archive.url()));
        } else {
            project.write("environment.kdl", "");
        }
        project.write("images/project.kdl", &text);
        for (name, recipe) in recipes {
            project.write(&format!("images/{name}/recipe.kdl"), recipe);
        }
        project
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.path(name), text);
    }

    /// Reads a file of it.
    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program, given this project.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
        command.arg("--project").arg(self.folder.path()).arg("--store").arg(self.path("store"));
        command.arg("--environment").arg(self.path("environment.kdl"));
        command.args(arguments).env("COLUMNS", "100").env("NO_COLOR", "1").current_dir(self.folder.path());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::new(&self.command(arguments).output().expect("the program starts"))
    }
}
