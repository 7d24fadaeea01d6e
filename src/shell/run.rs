//! Walks a program: lists, pipelines and compound commands.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ast::{AndOr, Command, CommandKind, Connector, List, Pipeline, Redirection, RedirectionKind};
use super::machine::{Trouble, absolute};
use super::state::State;
use super::stream::Stream;
use super::{Dialect, Machine, Outcome, Quota, Script, Unsupported};

/// A shell at work.
pub(super) struct Shell<'w> {
    pub(super) machine: &'w mut dyn Machine,
    pub(super) state: State,
    /// The line of the command that runs.
    pub(super) line: u32,
    /// The file that the line is in, where it is not the script itself.
    pub(super) file: Option<Rc<str>>,
    pub(super) dialect: Dialect,
    /// How many conditions the command is a part of: there, `set -e` does not count.
    pub(super) tested: u32,
    pub(super) loops: u32,
    /// Command substitutions that were run.
    pub(super) substitutions: u64,
    pub(super) commands: BTreeSet<String>,
    limits: Quota,
    pub(super) left: Quota,
}

/// Why commands do not go on.
#[derive(Debug)]
pub(super) enum Stop {
    Exit(i32),
    Return(i32),
    /// Out of so many loops.
    Break(u32),
    Continue(u32),
    Refused(Unsupported),
}

impl From<Unsupported> for Stop {
    fn from(refusal: Unsupported) -> Self {
        Self::Refused(refusal)
    }
}

/// What a command comes to: its status, or why nothing follows.
pub(super) type Run<T = i32> = Result<T, Stop>;

impl<'w> Shell<'w> {
    pub(super) fn new(script: &Script<'_>, limits: Quota, machine: &'w mut dyn Machine) -> Self {
        let mut state = State::new(script.name);
        state.positional = Rc::new(script.arguments.iter().map(|&argument| argument.to_owned()).collect());
        for (name, value) in script.environment {
            state.assign(name, value.clone());
            state.export(name);
        }
        for (name, value) in [("IFS", " \t\n"), ("PWD", "/"), ("OPTIND", "1"), ("PS4", "+ ")] {
            state.assign(name, value.to_owned());
        }
        let (line, file, commands) = (1, None, BTreeSet::new());
        let (tested, loops, substitutions, left, dialect) = (0, 0, 0, limits, script.dialect);
        Self { machine, state, line, file, dialect, tested, loops, substitutions, commands, limits, left }
    }

    /// Runs a whole program.
    pub(super) fn whole(mut self, program: &List) -> Result<Outcome, Unsupported> {
        let (output, printed) = Stream::output();
        let (errors, complained) = Stream::output();
        self.state.descriptors = [(0, Stream::Null), (1, output), (2, errors)].into();
        let status = self.until_end(program)?;
        let steps = self.limits.steps - self.left.steps;
        let (output, errors) = (printed.take(), complained.take());
        Ok(Outcome { status, output, errors, commands: self.commands, steps })
    }

    /// Runs a list and what `trap` left for the end.
    pub(super) fn until_end(&mut self, list: &List) -> Result<i32, Unsupported> {
        let mut status = self.ended(|shell| shell.list(list))?;
        while let Some(trap) = self.state.trap.take() {
            self.state.status = status;
            let trapped = super::parse::program(&trap, self.dialect)?;
            let kept = status;
            let stopped = self.list(&trapped);
            status = match stopped {
                Ok(_) => kept,
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Exit(status)) => status,
                Err(_) => kept,
            };
        }
        Ok(status)
    }

    /// The status with which `run` ends, however it does.
    fn ended(&mut self, run: impl FnOnce(&mut Self) -> Run) -> Result<i32, Unsupported> {
        match run(self) {
            Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => Ok(status),
            Err(Stop::Break(_) | Stop::Continue(_)) => Ok(self.state.status),
            Err(Stop::Refused(refusal)) => Err(refusal),
        }
    }

    /// Takes so many steps.
    pub(super) fn step(&mut self, steps: u64) -> Result<(), Unsupported> {
        match self.left.steps.checked_sub(steps) {
            Some(left) => self.left.steps = left,
            None => return Err(self.refuse(format!("more than {} steps", self.limits.steps))),
        }
        Ok(())
    }

    /// Makes so many bytes.
    pub(super) fn make(&mut self, bytes: usize) -> Result<(), Unsupported> {
        match self.left.bytes.checked_sub(bytes as u64) {
            Some(left) => self.left.bytes = left,
            None => return Err(self.refuse(format!("more than {} bytes of text", self.limits.bytes))),
        }
        Ok(())
    }

    /// Runs something one level deeper.
    pub(super) fn deeper<T, E: From<Unsupported>>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match self.left.depth.checked_sub(1) {
            Some(left) => self.left.depth = left,
            None => return Err(self.refuse(format!("calls nested more than {} deep", self.limits.depth)).into()),
        }
        let result = run(self);
        self.left.depth += 1;
        result
    }

    /// A refusal where the script is.
    pub(super) fn refuse(&self, what: impl Into<String>) -> Unsupported {
        Unsupported { line: self.line, file: self.file.as_deref().map(str::to_owned), what: what.into() }
    }

    pub(super) fn list(&mut self, list: &List) -> Run {
        let mut status = 0;
        for commands in &list.0 {
            status = self.and_or(commands)?;
        }
        Ok(status)
    }

    fn and_or(&mut self, commands: &AndOr) -> Run {
        if commands.asynchronous {
            let line = commands.first.commands.first().map_or(self.line, |command| command.line);
            self.line = line;
            return Err(self.refuse("a command in the background (`&`)").into());
        }
        let parts =
            std::iter::once((None, &commands.first)).chain(commands.rest.iter().map(|(by, one)| (Some(*by), one)));
        let mut status = 0;
        for (index, (connector, pipeline)) in parts.enumerate() {
            match connector {
                Some(Connector::And) if status != 0 => continue,
                Some(Connector::Or) if status == 0 => continue,
                _ => {}
            }
            status = if index < commands.rest.len() {
                self.tested(|shell| shell.pipeline(pipeline))?
            } else {
                self.pipeline(pipeline)?
            };
        }
        Ok(status)
    }

    /// Runs something whose status is asked for, so that `set -e` does not end the script.
    pub(super) fn tested<T>(&mut self, run: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        self.tested += 1;
        let result = run(self);
        self.tested -= 1;
        result
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Run {
        let run = |shell: &mut Self| match &pipeline.commands[..] {
            [command] => shell.command(command),
            commands => shell.pipe(commands),
        };
        let status = if pipeline.negated { i32::from(self.tested(run)? == 0) } else { run(self)? };
        self.state.status = status;
        Ok(status)
    }

    /// One command after the other, each in a subshell: the first has ended when the next begins.
    fn pipe(&mut self, commands: &[Command]) -> Run {
        let mut input = self.state.descriptors.get(&0).cloned();
        let (mut status, mut failed) = (0, 0);
        for (index, command) in commands.iter().enumerate() {
            let (output, bytes) = Stream::output();
            let last = index + 1 == commands.len();
            let from = input.take();
            status = self.subshell(|shell| {
                match from {
                    Some(stream) => shell.state.descriptors.insert(0, stream),
                    None => shell.state.descriptors.remove(&0),
                };
                if !last {
                    shell.state.descriptors.insert(1, output);
                }
                shell.command(command)
            })?;
            input = Some(Stream::input(bytes.take()));
            failed = if status == 0 { failed } else { status };
        }
        self.checked(if self.state.options.pipefail { failed } else { status })
    }

    /// Runs something in a copy of the shell.
    pub(super) fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Run) -> Run {
        let kept = self.state.clone();
        self.state.trap = None;
        let (loops, tested, file, dialect) = (self.loops, self.tested, self.file.clone(), self.dialect);
        self.loops = 0;
        let ended = self.deeper(|shell| {
            let status = shell.ended(run)?;
            match shell.state.trap.is_some() {
                true => shell.until_end(&List::default()).map(|_| status),
                false => Ok(status),
            }
        });
        (self.loops, self.tested, self.file, self.dialect) = (loops, tested, file, dialect);
        self.state = kept;
        Ok(ended?)
    }

    /// Ends the script where a status is a failure and `set -e` is on.
    pub(super) fn checked(&mut self, status: i32) -> Run {
        self.state.status = status;
        if status != 0 && self.state.options.errexit && self.tested == 0 { Err(Stop::Exit(status)) } else { Ok(status) }
    }

    pub(super) fn command(&mut self, command: &Command) -> Run {
        self.line = command.line;
        self.step(1)?;
        if let CommandKind::Simple(simple) = &command.kind {
            let status = self.simple(simple, &command.redirections)?;
            return self.checked(status);
        }
        if command.redirections.is_empty() {
            return self.compound(command);
        }
        let kept = self.state.descriptors.clone();
        let result = match self.redirect(&command.redirections)? {
            true => self.compound(command),
            false => self.checked(self.unopened()),
        };
        self.state.descriptors = kept;
        result
    }

    /// The status of a command whose redirection failed.
    pub(super) fn unopened(&self) -> i32 {
        if self.dialect == Dialect::Posix { 2 } else { 1 }
    }

    fn compound(&mut self, command: &Command) -> Run {
        match &command.kind {
            CommandKind::Simple(simple) => self.simple(simple, &[]),
            CommandKind::Group(list) => self.list(list),
            CommandKind::Subshell(list) => {
                let status = self.subshell(|shell| shell.list(list))?;
                self.checked(status)
            }
            CommandKind::If { branches, otherwise } => {
                for (condition, then) in branches {
                    if self.tested(|shell| shell.list(condition))? == 0 {
                        return self.list(then);
                    }
                }
                otherwise.as_ref().map_or(Ok(0), |list| self.list(list))
            }
            CommandKind::For { variable, words, body } => {
                let words = match words {
                    Some(words) => self.fields(words)?,
                    None => self.state.positional.to_vec(),
                };
                let mut words = words.into_iter();
                self.repeat(body, |shell| match words.next() {
                    Some(word) => shell.set(variable, word).map(|()| true),
                    None => Ok(false),
                })
            }
            CommandKind::While { condition, body, until } => self.repeat(body, |shell| {
                let status = shell.tested(|shell| shell.list(condition))?;
                Ok((status == 0) != *until)
            }),
            CommandKind::Case { word, arms } => {
                let text: Vec<char> = self.text(word)?.chars().collect();
                for arm in arms {
                    for pattern in &arm.patterns {
                        let pattern = self.pattern(pattern)?;
                        self.step(pattern.cost(text.len()) / 64)?;
                        if pattern.matches(&text) {
                            return self.list(&arm.body);
                        }
                    }
                }
                Ok(0)
            }
            CommandKind::Function { name, body } => {
                self.state.functions.insert(name.clone(), Rc::clone(body));
                Ok(0)
            }
            CommandKind::Test(test) => {
                let status = i32::from(!self.conditional(test)?);
                self.checked(status)
            }
            CommandKind::Arithmetic(word) => {
                let text = self.text(word)?;
                let status = i32::from(self.sum(&text)? == 0);
                self.checked(status)
            }
        }
    }

    /// Runs a body as often as `next` says so.
    fn repeat(&mut self, body: &List, mut next: impl FnMut(&mut Self) -> Run<bool>) -> Run {
        self.loops += 1;
        let mut status = 0;
        let result = loop {
            let turn = self.step(1).map_err(Stop::from).and_then(|()| match next(self)? {
                true => self.list(body).map(Some),
                false => Ok(None),
            });
            match turn {
                Ok(Some(done)) => status = done,
                Ok(None) => break Ok(status),
                Err(Stop::Break(1)) => break Ok(0),
                Err(Stop::Continue(1)) => status = 0,
                Err(Stop::Break(loops)) => break Err(Stop::Break(loops - 1)),
                Err(Stop::Continue(loops)) => break Err(Stop::Continue(loops - 1)),
                Err(stop) => break Err(stop),
            }
        };
        self.loops -= 1;
        result
    }

    /// Sets a variable; the script ends where it may not be.
    pub(super) fn set(&mut self, name: &str, value: String) -> Run<()> {
        if self.state.is_readonly(name) {
            self.complain(format!("{name}: is read only"))?;
            return Err(Stop::Exit(2));
        }
        self.make(value.len())?;
        self.state.assign(name, value);
        Ok(())
    }

    /// Writes a line to the standard error.
    pub(super) fn complain(&mut self, text: impl std::fmt::Display) -> Result<(), Unsupported> {
        let line = format!("{}: {}: {text}\n", self.state.name, self.line);
        self.write(2, line.as_bytes()).map(drop)
    }

    /// Writes to a descriptor; tells whether it is there.
    pub(super) fn write(&mut self, descriptor: u32, bytes: &[u8]) -> Result<bool, Unsupported> {
        self.make(bytes.len())?;
        match self.state.descriptors.get(&descriptor).cloned() {
            Some(Stream::Null) => {}
            Some(Stream::Output(output)) => output.borrow_mut().extend_from_slice(bytes),
            Some(Stream::File(path)) if !bytes.is_empty() => {
                let mut content = self.machine.read(&path).unwrap_or_default();
                self.make(content.len() / 16)?; // the file may be gone, and is read again at each turn
                content.extend_from_slice(bytes);
                self.machine
                    .write(&path, content, 0o666 & !self.state.umask)
                    .map_err(|trouble| self.refuse(format!("{path}: {trouble}")))?;
            }
            Some(Stream::File(_)) => {}
            Some(Stream::Input(_)) | None => return Ok(bytes.is_empty()),
        }
        Ok(true)
    }

    /// Changes descriptors; false where a file cannot be opened, which it has said.
    pub(super) fn redirect(&mut self, redirections: &[Redirection]) -> Run<bool> {
        for redirection in redirections {
            if !self.redirect_one(redirection)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn redirect_one(&mut self, Redirection { descriptor, kind }: &Redirection) -> Run<bool> {
        let stream = match kind {
            RedirectionKind::Here(body) => {
                let text = body.get().map_or_else(|| Ok(String::new()), |body| self.text(body))?;
                Ok(Stream::input(text.into_bytes()))
            }
            RedirectionKind::HereString(word) => Ok(Stream::input((self.text(word)? + "\n").into_bytes())),
            RedirectionKind::Duplicate(word) => return self.duplicate(*descriptor, &word.clone()),
            RedirectionKind::Read(word) => {
                let name = self.text(word)?;
                self.open_to_read(&name)?.map_err(|trouble| (name, trouble))
            }
            RedirectionKind::Write(word) | RedirectionKind::WriteBoth { word, append: false } => {
                let name = self.text(word)?;
                self.open_to_write(&name, false)?.map_err(|trouble| (name, trouble))
            }
            RedirectionKind::Append(word) | RedirectionKind::WriteBoth { word, append: true } => {
                let name = self.text(word)?;
                self.open_to_write(&name, true)?.map_err(|trouble| (name, trouble))
            }
            RedirectionKind::ReadWrite => return Err(self.refuse("the redirection `<>`").into()),
        };
        match stream {
            Ok(stream) => {
                if let RedirectionKind::WriteBoth { .. } = kind {
                    self.state.descriptors.insert(2, stream.clone());
                }
                self.state.descriptors.insert(*descriptor, stream);
                Ok(true)
            }
            Err((name, trouble)) => {
                let action = if matches!(kind, RedirectionKind::Read(_)) { "open" } else { "create" };
                self.complain(format!("cannot {action} {name}: {trouble}"))?;
                Ok(false)
            }
        }
    }

    fn duplicate(&mut self, descriptor: u32, word: &super::ast::Word) -> Run<bool> {
        let text = self.text(word)?;
        if text == "-" {
            self.state.descriptors.remove(&descriptor);
            return Ok(true);
        }
        let from = text.parse::<u32>().ok().and_then(|from| self.state.descriptors.get(&from).cloned());
        match from {
            Some(stream) => {
                self.state.descriptors.insert(descriptor, stream);
                Ok(true)
            }
            None => {
                self.complain(format!("{text}: Bad file descriptor"))?;
                Ok(false)
            }
        }
    }

    /// The descriptor that a path in `/dev` stands for.
    fn device(&self, path: &str) -> Option<Option<Stream>> {
        let number = match path {
            "/dev/null" => return Some(Some(Stream::Null)),
            "/dev/stdin" => 0,
            "/dev/stdout" => 1,
            "/dev/stderr" => 2,
            _ => path.strip_prefix("/dev/fd/")?.parse().ok()?,
        };
        Some(self.state.descriptors.get(&number).cloned())
    }

    fn open_to_read(&mut self, name: &str) -> Result<Result<Stream, Trouble>, Unsupported> {
        let path = absolute(&self.state.folder, name);
        if let Some(stream) = self.device(&path) {
            return Ok(stream.ok_or(Trouble::Missing));
        }
        self.unpredictable(&path)?;
        match self.machine.read(&path) {
            Ok(content) => {
                self.make(content.len())?;
                Ok(Ok(Stream::input(content)))
            }
            Err(Trouble::Broken(why)) => Err(self.refuse(format!("{path}: {why}"))),
            Err(trouble) => Ok(Err(trouble)),
        }
    }

    fn open_to_write(&mut self, name: &str, append: bool) -> Result<Result<Stream, Trouble>, Unsupported> {
        let path = absolute(&self.state.folder, name);
        if let Some(stream) = self.device(&path) {
            return Ok(stream.ok_or(Trouble::Missing));
        }
        let there = self.machine.look(&path, true).is_some();
        if !append || !there {
            let mode = 0o666 & !self.state.umask;
            if let Err(trouble) = self.machine.write(&path, Vec::new(), mode) {
                return Ok(Err(trouble));
            }
        } else if matches!(self.machine.look(&path, true), Some(super::Stat { kind: super::FileKind::Folder, .. })) {
            return Ok(Err(Trouble::IsFolder));
        }
        Ok(Ok(Stream::File(path.into())))
    }

    /// Refuses to read what differs from machine to machine.
    pub(super) fn unpredictable(&self, path: &str) -> Result<(), Unsupported> {
        const DEVICES: &[&str] = &["/dev/random", "/dev/urandom", "/dev/hwrng", "/proc/sys/kernel/random/uuid"];
        if DEVICES.contains(&path) { Err(self.refuse(format!("random bytes from {path}"))) } else { Ok(()) }
    }
}
