//! The output of a step: whole in a file, line by line to whoever watches, and its end for the error.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fs_err::File;

/// Lines that an error shows.
const TAIL: usize = 40;
/// A step in a loop must not fill the disk with its log.
const SIZE_LIMIT: u64 = 256 << 20;

/// Texts of secrets that are shorter are in too much else to be hidden.
const SHORTEST: usize = 4;

/// Who watches a step run.
pub trait OutputSink: Sync {
    /// A line of output, as text that a terminal can show: without control characters. Called from another thread than
    /// the one that runs the step.
    fn line(&self, text: &str);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutput;

impl OutputSink for NoOutput {
    fn line(&self, _: &str) {}
}

/// A log that is being written.
pub(super) struct Log<'a> {
    path: PathBuf,
    file: BufWriter<File>,
    room: u64,
    tail: VecDeque<String>,
    sink: &'a dyn OutputSink,
    problem: Option<io::Error>,
    /// Texts that must not be in it.
    hidden: Vec<Vec<u8>>,
}

impl<'a> Log<'a> {
    /// Begins the log at `path`, replacing an older one.
    pub(super) fn create(path: &Path, sink: &'a dyn OutputSink) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let file = BufWriter::new(File::create(path)?);
        Ok(Self {
            path: path.to_owned(),
            file,
            room: SIZE_LIMIT,
            tail: VecDeque::new(),
            sink,
            problem: None,
            hidden: Vec::new(),
        })
    }

    /// The same, with `***` where one of `secrets`, or a line of one, would stand. What a script makes of a secret before
    /// it prints it is not found.
    pub(super) fn without<'s>(mut self, secrets: impl Iterator<Item = &'s [u8]>) -> Self {
        let lines = secrets.flat_map(|secret| secret.split(|&byte| byte == b'\n' || byte == b'\r'));
        self.hidden = lines.map(<[u8]>::trim_ascii).filter(|line| line.len() >= SHORTEST).map(<[u8]>::to_vec).collect();
        // what contains another one is looked for first
        self.hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
        self
    }

    /// Takes a line as the step wrote it.
    pub(super) fn line(&mut self, bytes: &[u8]) {
        let shown = self.hidden.iter().fold(Cow::Borrowed(bytes), |line, secret| hide(line, secret));
        let bytes = &*shown;
        if let Err(error) = self.write(bytes) {
            self.problem.get_or_insert(error); // the step goes on; `finish` tells
        }
        let text = readable(bytes);
        self.sink.line(&text);
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(text);
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64 + 1;
        if self.room == 0 {
            return Ok(());
        }
        if self.room < length {
            self.room = 0;
            return self.file.write_all(b"[the rest of the output was too long to be kept]\n");
        }
        self.room -= length;
        self.file.write_all(bytes)?;
        self.file.write_all(b"\n")
    }

    /// Writes what is left to disk; where the log is, and its last lines.
    pub(super) fn finish(mut self) -> io::Result<(PathBuf, Vec<String>)> {
        self.file.flush()?;
        match self.problem {
            Some(error) => Err(error),
            None => Ok((self.path, self.tail.into())),
        }
    }
}

/// The line with `***` in the place of a text.
fn hide<'l>(line: Cow<'l, [u8]>, text: &[u8]) -> Cow<'l, [u8]> {
    if !line.windows(text.len()).any(|window| window == text) {
        return line;
    }
    let (mut shown, mut rest) = (Vec::with_capacity(line.len()), &*line);
    while let Some(at) = rest.windows(text.len()).position(|window| window == text) {
        shown.extend_from_slice(&rest[..at]);
        shown.extend_from_slice(b"***");
        rest = &rest[at + text.len()..];
    }
    shown.extend_from_slice(rest);
    Cow::Owned(shown)
}

/// A line as text without control characters: what a progress bar showed last, without colours.
fn readable(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let last = bytes.rsplit(|&byte| byte == b'\r').next().unwrap_or_default();
    let text = String::from_utf8_lossy(last);
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' if characters.peek() == Some(&'[') => {
                // a control sequence ends with a character from @ to ~ (ECMA-48)
                characters.next();
                characters.by_ref().find(|end| ('@'..='~').contains(end));
            }
            '\t' => shown.push_str("    "),
            _ if character.is_control() => {}
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_made_readable() {
        assert_eq!(readable(b"\x1b[1;31merror\x1b[0m: no\x07 \xff"), "error: no \u{fffd}");
        assert_eq!(readable(b" 10%\r 50%\r100% done\r"), "100% done");
        assert_eq!(readable(b"\x1b["), "");
        assert_eq!(readable("a\tб".as_bytes()), "a    б");
    }

    #[test]
    fn the_file_holds_everything_and_the_tail_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("logs/step.log");
        let mut log = Log::create(&path, &NoOutput).expect("a log");
        (0..100).for_each(|number| log.line(format!("line {number}").as_bytes()));
        let (path, tail) = log.finish().expect("written");
        assert_eq!((tail.len(), tail[0].as_str(), tail[39].as_str()), (40, "line 60", "line 99"));
        assert_eq!(fs_err::read_to_string(path).expect("the log").lines().count(), 100);
    }

    #[test]
    fn a_secret_that_a_script_prints_is_not_in_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let secrets: [&[u8]; 2] = [b"hunter2\n", b"-----BEGIN\r\nhunter2hunter2\nab\n"];
        let mut log = Log::create(&path, &NoOutput).expect("a log").without(secrets.into_iter());
        for line in ["+ echo hunter2", "hunter2hunter2,hunter2", "-----BEGIN", "ab stays"] {
            log.line(line.as_bytes());
        }
        let (path, tail) = log.finish().expect("written");
        assert_eq!(tail, ["+ echo ***", "***,***", "***", "ab stays"]);
        assert!(!fs_err::read_to_string(path).expect("the log").contains("hunter2"));
    }

    #[test]
    fn an_endless_log_is_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = Log::create(&path, &NoOutput).expect("a log");
        log.room = 10;
        for _ in 0..5 {
            log.line(b"123456");
        }
        log.finish().expect("written");
        let text = fs_err::read_to_string(path).expect("the log");
        assert_eq!(text, "123456\n[the rest of the output was too long to be kept]\n");
    }
}
