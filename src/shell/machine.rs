//! What a script acts on: a machine of files and programs, kept by whoever runs the script.

use super::state::State;
use super::stream::Stream;
use super::{Dialect, Quota, Unsupported};

/// A file system. Paths are absolute text; parents are followed through symbolic links, the last component where a method
/// says so. Nothing has a time of its own: what is written gets the one time of the image.
pub trait Files {
    /// What is at a path; with `follow`, what a symbolic link there leads to.
    fn look(&self, path: &str, follow: bool) -> Option<Stat>;

    /// The names in a folder, sorted by their bytes; none where there is no folder.
    fn names(&self, folder: &str) -> Option<Vec<String>>;

    /// The content of the file that a path leads to.
    ///
    /// # Errors
    /// [`Trouble`], as the system calls would have it.
    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble>;

    /// Gives the file that a path leads to another content; one that is missing is made with `mode`.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn write(&mut self, path: &str, content: Vec<u8>, mode: u32) -> Result<(), Trouble>;

    /// Makes a folder; its parent must be there.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn make_folder(&mut self, path: &str, mode: u32) -> Result<(), Trouble>;

    /// Makes a symbolic link where nothing is.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn make_link(&mut self, path: &str, target: &str) -> Result<(), Trouble>;

    /// Removes a file, a link or an empty folder.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn remove(&mut self, path: &str) -> Result<(), Trouble>;

    /// Moves what is at `from`, with all that is in it; a file at `to` is replaced.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble>;

    /// Changes mode and owner of what is at a path. As with chown(2), a file that gets another owner loses its set-id bits
    /// unless a mode is given.
    ///
    /// # Errors
    /// As for [`Self::read`].
    fn change(
        &mut self,
        path: &str,
        follow: bool,
        mode: Option<u32>,
        owner: (Option<u32>, Option<u32>),
    ) -> Result<(), Trouble>;
}

/// The files and programs that a script has. It exists in memory alone.
pub trait Machine: Files {
    /// What a command of this name is, that is no function and no builtin of the shell. With a slash, it is a path.
    fn program(&self, name: &str) -> Program;

    /// Runs a program that is [`Program::Own`] and gives its exit status.
    ///
    /// # Errors
    /// When what it is asked to do is not understood.
    fn run(&mut self, call: &mut Call<'_>) -> Result<i32, Unsupported>;

    /// What `. FILE` does instead of running the file, for files whose functions are programs of this machine; none where
    /// the file is run.
    fn source(&mut self, path: &str) -> Option<()>;
}

/// What runs where a command is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// [`Machine::run`] knows it.
    Own,
    /// One of the small programs that every system has.
    Tool,
    /// A shell script: its path and its text.
    Script(String, String, Dialect),
    /// A program that cannot be run, and why.
    Foreign(String),
    /// There is none.
    Missing,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, with set-id and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a file.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
}

/// The kind of a [`Stat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, and where it points.
    Link(String),
    /// A device, a socket or a pipe.
    Other,
}

/// Why a file cannot be had, in the words of strerror(3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// ENOENT.
    Missing,
    /// EISDIR.
    IsFolder,
    /// ENOTDIR.
    NotFolder,
    /// EEXIST.
    Exists,
    /// ENOTEMPTY.
    NotEmpty,
    /// ELOOP.
    Loop,
    /// ENAMETOOLONG: of more than [`LONGEST`] bytes.
    TooLong,
    /// EBUSY, EINVAL, EPERM and what else systems say.
    Invalid,
    /// It cannot be read at all: the script cannot go on.
    Broken(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Missing => "No such file or directory",
            Self::IsFolder => "Is a directory",
            Self::NotFolder => "Not a directory",
            Self::Exists => "File exists",
            Self::NotEmpty => "Directory not empty",
            Self::Loop => "Too many levels of symbolic links",
            Self::TooLong => "File name too long",
            Self::Invalid => "Invalid argument",
            Self::Broken(why) => why,
        })
    }
}

/// A program that is called: its words, what it reads and writes, and the shell's variables.
pub struct Call<'a> {
    pub(super) words: &'a [String],
    pub(super) line: u32,
    pub(super) state: &'a mut State,
    pub(super) left: &'a mut Quota,
    pub(super) output: Vec<u8>,
    pub(super) errors: Vec<u8>,
}

impl Call<'_> {
    /// What it was called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Everything that is left of its standard input.
    #[must_use]
    pub fn input(&mut self) -> Vec<u8> {
        match self.state.descriptors.get(&0) {
            Some(Stream::Input(input)) => input.borrow_mut().rest(),
            _ => Vec::new(),
        }
    }

    /// Writes to its standard output.
    pub fn print(&mut self, bytes: impl AsRef<[u8]>) {
        self.output.extend_from_slice(bytes.as_ref());
    }

    /// Writes a line to its standard error, after its name.
    pub fn complain(&mut self, text: impl std::fmt::Display) {
        self.errors.extend_from_slice(format!("{}: {text}\n", self.name()).as_bytes());
    }

    /// The value of a variable of the shell.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.state.variable(name)
    }

    /// Sets a variable of the shell that called: for programs that are functions of a file that it read.
    pub fn set_variable(&mut self, name: &str, value: impl Into<String>) {
        self.state.assign(name, value.into());
    }

    /// A path as it is meant from the current folder, without `.`, and without `..` at its beginning.
    #[must_use]
    pub fn path(&self, text: &str) -> String {
        absolute(&self.state.folder, text)
    }

    /// Permissions that new files do not get.
    #[must_use]
    pub fn umask(&self) -> u32 {
        self.state.umask
    }

    /// Takes so many steps.
    ///
    /// # Errors
    /// When the script has no more.
    pub fn spend(&mut self, steps: u64) -> Result<(), Unsupported> {
        match self.left.steps.checked_sub(steps) {
            Some(left) => self.left.steps = left,
            None => return Err(self.refuse("more steps than a script may take")),
        }
        Ok(())
    }

    /// Reads or writes so many bytes.
    ///
    /// # Errors
    /// When the script may no more.
    pub fn handle(&mut self, bytes: usize) -> Result<(), Unsupported> {
        self.spend(1 + bytes as u64 / 256)?;
        match self.left.bytes.checked_sub(bytes as u64) {
            Some(left) => self.left.bytes = left,
            None => return Err(self.refuse("more bytes than a script may handle")),
        }
        Ok(())
    }

    /// That this call is not understood.
    pub fn refuse(&self, what: impl std::fmt::Display) -> Unsupported {
        Unsupported::new(self.line, format!("`{}`: {what}", shown(self.words)))
    }
}

/// Longest path in bytes that is looked at. Paths of packages have some 300 at most; to follow one takes time that grows
/// with the square of its length.
pub const LONGEST: usize = 1024;

/// A path from a folder.
pub(super) fn absolute(folder: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", folder.trim_end_matches('/')) }
}

/// Words as a person would read them: not too many.
pub(super) fn shown(words: &[String]) -> String {
    const MOST: usize = 100;
    let text = words.join(" ");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
