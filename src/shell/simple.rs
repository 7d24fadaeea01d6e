//! Simple commands: assignments, then a function, a builtin or a program.

use std::rc::Rc;

use super::ast::{Assignment, Command, Redirection, Simple, Value};
use super::builtins::{self, Builtin};
use super::machine::{Call, Program, shown};
use super::run::{Run, Shell, Stop};
use super::{Unsupported, parse, tools};

impl Shell<'_> {
    pub(super) fn simple(&mut self, simple: &Simple, redirections: &[Redirection]) -> Run {
        let ran_before = self.substitutions;
        let words = self.fields(&simple.words)?;
        let Some(name) = words.first() else {
            return self.assignments_alone(&simple.assignments, redirections, ran_before);
        };
        let builtin = if self.state.functions.contains_key(name) { None } else { builtins::find(name, self.dialect) };
        let kept = self.state.descriptors.clone();
        let lasting = builtin.is_some_and(|builtin| builtin.special);
        if !self.redirect(redirections)? {
            self.state.descriptors = kept;
            return if lasting { Err(Stop::Exit(2)) } else { Ok(self.unopened()) };
        }
        let mut snapshots = Vec::new();
        for assignment in &simple.assignments {
            if !lasting {
                snapshots.push(self.state.snapshot(&assignment.name));
            }
            self.assignment(assignment)?;
            self.state.export(&assignment.name);
        }
        let result = self.call(&words, builtin);
        for snapshot in snapshots.into_iter().rev() {
            self.state.give_back(snapshot);
        }
        let lasts = name == "exec" && words.len() == 1 && result.is_ok();
        if !lasts {
            self.state.descriptors = kept;
        }
        result
    }

    /// Assignments without a command: the status is that of the last substitution, in them or in words that came to nothing.
    fn assignments_alone(&mut self, assignments: &[Assignment], redirections: &[Redirection], ran_before: u64) -> Run {
        let kept = self.state.descriptors.clone();
        let opened = self.redirect(redirections)?;
        self.state.descriptors = kept;
        if !opened {
            return Ok(self.unopened());
        }
        for assignment in assignments {
            self.assignment(assignment)?;
        }
        Ok(if self.substitutions == ran_before { 0 } else { self.state.status })
    }

    fn assignment(&mut self, assignment: &Assignment) -> Run<()> {
        let Assignment { name, append, value } = assignment;
        match value {
            Value::Word(word) => {
                let mut text = self.text(word)?;
                if *append {
                    text.insert_str(0, self.state.variable(name).unwrap_or_default());
                }
                self.set(name, text)
            }
            Value::Array(words) => {
                let mut elements = if *append { self.state.elements(name) } else { Vec::new() };
                elements.extend(self.fields(words)?);
                self.make(elements.iter().map(String::len).sum())?;
                self.state.assign_array(name, elements);
                Ok(())
            }
        }
    }

    /// Runs a command by its words.
    pub(super) fn call(&mut self, words: &[String], builtin: Option<&'static Builtin>) -> Run {
        let name = &words[0];
        if let Some(builtin) = builtin {
            return (builtin.run)(self, words);
        }
        match self.state.functions.get(name) {
            Some(body) => self.function(&Rc::clone(body), &words[1..]),
            None => self.program(words),
        }
    }

    /// Runs a command that is not a function: for `command`, `exec` and programs that start others.
    pub(super) fn call_program(&mut self, words: &[String]) -> Run {
        match builtins::find(&words[0], self.dialect) {
            Some(builtin) => (builtin.run)(self, words),
            None => self.program(words),
        }
    }

    fn function(&mut self, body: &Command, arguments: &[String]) -> Run {
        let positional = std::mem::replace(&mut self.state.positional, Rc::new(arguments.to_vec()));
        self.state.enter_function();
        let (loops, line) = (std::mem::take(&mut self.loops), self.line);
        let result = self.deeper(|shell| shell.command(body));
        (self.loops, self.line) = (loops, line);
        self.state.leave_function();
        self.state.positional = positional;
        match result {
            Err(Stop::Return(status)) => Ok(status),
            other => other,
        }
    }

    fn program(&mut self, words: &[String]) -> Run {
        let name = words[0].as_str();
        self.commands.insert(name.rsplit('/').next().unwrap_or(name).to_owned());
        match self.machine.program(name) {
            Program::Own => {
                let (line, state, left) = (self.line, &mut self.state, &mut self.left);
                let mut call = Call { words, line, state, left, output: Vec::new(), errors: Vec::new() };
                let ran = self.machine.run(&mut call);
                let (output, errors) = (call.output, call.errors);
                self.write(2, &errors)?;
                self.write(1, &output)?;
                Ok(ran.map_err(|refusal| self.placed(refusal))?)
            }
            Program::Tool => self.tool(words),
            Program::Script(path, text, dialect) => self.script(&path, &text, dialect, &words[1..]),
            Program::Foreign(why) => Err(self.refuse(format!("`{}`: {why}", shown(words))).into()),
            Program::Missing if name.contains('/') => {
                self.complain(format!("{name}: not found"))?;
                Ok(127)
            }
            Program::Missing => {
                self.complain(format!("{name}: not found"))?;
                Ok(127)
            }
        }
    }

    fn tool(&mut self, words: &[String]) -> Run {
        let name = words[0].rsplit('/').next().unwrap_or_default();
        if let Some(starter) = tools::starter(name) {
            return starter(self, words);
        }
        let Some(tool) = tools::find(name) else {
            return Err(self.refuse(format!("`{}`: a program that is not known", shown(words))).into());
        };
        let (line, state, left) = (self.line, &mut self.state, &mut self.left);
        let mut call = Call { words, line, state, left, output: Vec::new(), errors: Vec::new() };
        let ran = tool(&mut call, self.machine);
        let (output, errors) = (call.output, call.errors);
        self.write(2, &errors)?;
        self.write(1, &output)?;
        Ok(ran.map_err(|refusal| self.placed(refusal))?)
    }

    /// Names the file that the script is in.
    fn placed(&self, refusal: Unsupported) -> Unsupported {
        Unsupported { line: self.line, file: self.file.as_deref().map(str::to_owned), ..refusal }
    }

    /// Runs a shell script of the file system, as a process of its own would.
    fn script(&mut self, path: &str, text: &str, dialect: super::Dialect, arguments: &[String]) -> Run {
        let placed = |refusal: Unsupported| Unsupported { file: Some(path.to_owned()), ..refusal };
        let list = parse::program(text, dialect).map_err(placed)?;
        self.subshell(|shell| {
            let state = shell.state.of_program();
            shell.state = state;
            shell.state.name = path.into();
            shell.state.positional = Rc::new(arguments.to_vec());
            for (name, value) in [("IFS", " \t\n"), ("OPTIND", "1")] {
                shell.state.assign(name, value.to_owned());
            }
            (shell.file, shell.dialect, shell.tested) = (Some(path.into()), dialect, 0);
            shell.until_end(&list).map_err(Stop::from)
        })
    }
}
