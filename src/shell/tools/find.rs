//! `find`.

use super::super::machine::{FileKind, Stat, absolute, shown};
use super::super::pattern::Pattern;
use super::super::run::{Run, Shell};
use super::accounts::{group_number, user_number};
use super::files::{below, name_of};

/// A condition or an action.
enum Test {
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Name(Pattern, bool),
    Path(Pattern),
    Type(String),
    Empty,
    /// `-perm`: bits, and whether all (`-`), any (`/`) or exactly these must be set.
    Mode(u32, char),
    User(u32),
    Group(u32),
    NoUser,
    NoGroup,
    Executable,
    Prune,
    True,
    Print(&'static str),
    /// `-printf`: parts of a line.
    Format(Vec<Part>),
    Delete,
    /// `-exec`: the words, and whether one call gets all names (`+`).
    Execute(Vec<String>, Option<usize>),
}

/// A part of what `-printf` writes.
enum Part {
    Text(String),
    /// `%p`, `%P`, `%f` and `%h`.
    Path(char),
}

struct Options {
    least: usize,
    most: usize,
    depth: bool,
    follows: bool,
}

/// A place that is looked at: its path as it was written, and how deep it is.
struct Place {
    path: String,
    depth: usize,
    node: Stat,
}

impl Place {
    fn part(&self, part: &Part) -> String {
        let name = name_of(&self.path);
        match part {
            Part::Text(text) => text.clone(),
            Part::Path('f') => name.to_owned(),
            Part::Path('h') => match self.path.strip_suffix(name).map(|folder| folder.trim_end_matches('/')) {
                Some("") if self.path.starts_with('/') => "/".to_owned(),
                Some("") | None => ".".to_owned(),
                Some(folder) => folder.to_owned(),
            },
            // below the start: as many parts as the place is deep
            Part::Path('P') => {
                let parts: Vec<&str> = self.path.rsplitn(self.depth + 1, '/').take(self.depth).collect();
                parts.into_iter().rev().collect::<Vec<_>>().join("/")
            }
            Part::Path(_) => self.path.clone(),
        }
    }
}

/// The parts of a format.
fn format(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut plain) = (Vec::new(), String::new());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('%', Some('%')) => plain.push('%'),
            ('%', Some(part @ ('p' | 'P' | 'f' | 'h'))) => {
                parts.extend([Part::Text(std::mem::take(&mut plain)), Part::Path(part)]);
            }
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('t')) => plain.push('\t'),
            ('\\', Some('0')) => plain.push('\0'),
            ('\\', Some('\\')) => plain.push('\\'),
            ('%' | '\\', next) => {
                return Err(format!("`{letter}{}` in a format", next.map_or(String::new(), String::from)));
            }
            _ => {
                plain.push(letter);
                continue;
            }
        }
        letters.next();
    }
    parts.push(Part::Text(plain));
    Ok(parts)
}

pub(super) fn find(shell: &mut Shell<'_>, words: &[String]) -> Run {
    let mut rest = &words[1..];
    let mut options = Options { least: 0, most: usize::MAX, depth: false, follows: false };
    while let Some(first) = rest.first().filter(|word| matches!(word.as_str(), "-L" | "-H" | "-P")) {
        options.follows = first == "-L";
        rest = &rest[1..];
    }
    let count =
        rest.iter().position(|word| word.starts_with('-') || matches!(word.as_str(), "!" | "(")).unwrap_or(rest.len());
    let (starts, rest) = rest.split_at(count);
    let starts = if starts.is_empty() { vec![".".to_owned()] } else { starts.to_vec() };
    let mut reader = Reader { rest, options: &mut options, acts: false, groups: 0, shell, depth: 0 };
    let test = match rest.is_empty() {
        true => Ok(Test::True),
        false => reader.or(),
    };
    let (left, acts, groups) = (reader.rest.len(), reader.acts, reader.groups);
    let test = test.map_err(|what| shell.refuse(format!("`{}`: {what}", shown(words))))?;
    if left > 0 {
        return Err(shell.refuse(format!("`{}`: an unexpected word", shown(words))).into());
    }
    let test = if acts { test } else { Test::And(Box::new(test), Box::new(Test::Print("\n"))) };
    let mut search = Search { shell, options, test, gathered: vec![Vec::new(); groups], status: 0 };
    for start in &starts {
        let path = absolute(&search.shell.state.folder, start);
        // a start that is a link is one, unless it ends with a slash
        let follow = search.options.follows || start.ends_with('/');
        match search.shell.machine.look(&path, follow) {
            Some(node) => search.visit(start.clone(), node)?,
            None => {
                search.shell.write(2, format!("find: '{start}': No such file or directory\n").as_bytes())?;
                search.status = 1;
            }
        }
    }
    search.finish()
}

struct Search<'s, 'w> {
    shell: &'s mut Shell<'w>,
    options: Options,
    test: Test,
    /// Names for each `-exec … +`.
    gathered: Vec<Vec<String>>,
    status: i32,
}

impl Search<'_, '_> {
    fn visit(&mut self, start: String, node: Stat) -> Run<()> {
        let mut left = vec![(Place { path: start, depth: 0, node }, false)];
        while let Some((place, below_done)) = left.pop() {
            self.shell.step(1)?;
            let inside = place.depth >= self.options.least;
            let mut descends = true;
            if inside && (below_done || !self.options.depth) {
                let test = std::mem::replace(&mut self.test, Test::True);
                let result = self.holds(&test, &place, &mut descends);
                self.test = test;
                result?;
            }
            if below_done || !descends || place.depth >= self.options.most || place.node.kind != FileKind::Folder {
                if self.options.depth && !below_done && inside {
                    left.push((place, true));
                }
                continue;
            }
            let folder = absolute(&self.shell.state.folder, &place.path);
            let names = self.shell.machine.names(&folder).unwrap_or_default();
            let (depth, parent) = (place.depth + 1, place.path.clone());
            if self.options.depth {
                left.push((place, true));
            }
            for name in names.into_iter().rev() {
                let path = below(&parent, &name);
                self.shell.make(path.len())?;
                let node = self.shell.machine.look(&absolute(&self.shell.state.folder, &path), self.options.follows);
                let Some(node) = node else { continue };
                left.push((Place { path, depth, node }, false));
            }
        }
        Ok(())
    }

    fn holds(&mut self, test: &Test, place: &Place, descends: &mut bool) -> Run<bool> {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        Ok(match test {
            Test::Not(test) => !self.holds(test, place, descends)?,
            Test::And(left, right) => self.holds(left, place, descends)? && self.holds(right, place, descends)?,
            Test::Or(left, right) => self.holds(left, place, descends)? || self.holds(right, place, descends)?,
            Test::Name(pattern, folds) => {
                let name = name_of(&place.path);
                pattern.matches(&letters(&if *folds { name.to_lowercase() } else { name.to_owned() }))
            }
            Test::Path(pattern) => pattern.matches(&letters(&place.path)),
            Test::Type(kinds) => kinds.contains(match place.node.kind {
                FileKind::File => 'f',
                FileKind::Folder => 'd',
                FileKind::Link(_) => 'l',
                FileKind::Other => 'c',
            }),
            Test::Empty => match place.node.kind {
                FileKind::File => place.node.size == 0,
                FileKind::Folder => {
                    let path = absolute(&self.shell.state.folder, &place.path);
                    self.shell.machine.names(&path).is_none_or(|names| names.is_empty())
                }
                _ => false,
            },
            Test::Mode(bits, '-') => place.node.mode & bits == *bits,
            Test::Mode(bits, '/') => *bits == 0 || place.node.mode & bits != 0,
            Test::Mode(bits, _) => place.node.mode & 0o7777 == *bits,
            Test::User(uid) => place.node.uid == *uid,
            Test::Group(gid) => place.node.gid == *gid,
            Test::NoUser => super::accounts::name_of(self.shell.machine, "/etc/passwd", place.node.uid).is_none(),
            Test::NoGroup => super::accounts::name_of(self.shell.machine, "/etc/group", place.node.gid).is_none(),
            Test::Executable => place.node.kind == FileKind::Folder || place.node.mode & 0o111 != 0,
            Test::True => true,
            Test::Prune => {
                *descends = false;
                true
            }
            Test::Print(end) => {
                self.shell.write(1, format!("{}{end}", place.path).as_bytes())?;
                true
            }
            Test::Format(parts) => {
                let text: String = parts.iter().map(|part| place.part(part)).collect();
                self.shell.write(1, text.as_bytes())?;
                true
            }
            Test::Delete => self.delete(place)?,
            Test::Execute(_, Some(group)) => {
                self.gathered[*group].push(place.path.clone());
                true
            }
            Test::Execute(words, None) => {
                let words: Vec<String> = words.iter().map(|word| word.replace("{}", &place.path)).collect();
                self.shell.tested(|shell| shell.call_program(&words))? == 0
            }
        })
    }

    fn delete(&mut self, place: &Place) -> Run<bool> {
        let path = absolute(&self.shell.state.folder, &place.path);
        match self.shell.machine.remove(&path) {
            Ok(()) => Ok(true),
            Err(trouble) => {
                self.shell.write(2, format!("find: cannot delete '{}': {trouble}\n", place.path).as_bytes())?;
                self.status = 1;
                Ok(false)
            }
        }
    }

    fn finish(mut self) -> Run {
        let test = std::mem::replace(&mut self.test, Test::True);
        let mut calls = Vec::new();
        executions(&test, &mut calls);
        for (words, group) in calls {
            let names = std::mem::take(&mut self.gathered[group]);
            if names.is_empty() {
                continue;
            }
            let words: Vec<String> = words.iter().filter(|word| *word != "{}").cloned().chain(names).collect();
            if self.shell.tested(|shell| shell.call_program(&words))? != 0 {
                self.status = 1;
            }
        }
        Ok(self.status)
    }
}

fn executions<'t>(test: &'t Test, calls: &mut Vec<(&'t [String], usize)>) {
    match test {
        Test::Not(test) => executions(test, calls),
        Test::And(left, right) | Test::Or(left, right) => {
            executions(left, calls);
            executions(right, calls);
        }
        Test::Execute(words, Some(group)) => calls.push((words, *group)),
        _ => {}
    }
}

struct Reader<'r, 's> {
    rest: &'r [String],
    options: &'r mut Options,
    acts: bool,
    groups: usize,
    shell: &'r Shell<'s>,
    depth: u32,
}

impl Reader<'_, '_> {
    fn next(&mut self) -> Result<String, String> {
        let (first, rest) = self.rest.split_first().ok_or("a word that is missing")?;
        self.rest = rest;
        Ok(first.clone())
    }

    fn take(&mut self, words: &[&str]) -> bool {
        let there = self.rest.first().is_some_and(|next| words.contains(&next.as_str()));
        self.rest = &self.rest[usize::from(there)..];
        there
    }

    fn or(&mut self) -> Result<Test, String> {
        self.depth += 1;
        if self.depth > 50 {
            return Err("more than 50 brackets".to_owned());
        }
        let mut test = self.and()?;
        while self.take(&["-o", "-or"]) {
            test = Test::Or(Box::new(test), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(test)
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut test = self.not()?;
        while self.take(&["-a", "-and"])
            || self.rest.first().is_some_and(|next| !matches!(next.as_str(), "-o" | "-or" | ")"))
        {
            test = Test::And(Box::new(test), Box::new(self.not()?));
        }
        Ok(test)
    }

    fn not(&mut self) -> Result<Test, String> {
        let mut negated = false;
        while self.take(&["!", "-not"]) {
            negated = !negated;
        }
        let test = self.primary()?;
        Ok(if negated { Test::Not(Box::new(test)) } else { test })
    }

    fn pattern(&mut self) -> Result<Pattern, String> {
        let text = self.next()?;
        Ok(Pattern::new(&text.chars().map(|letter| (letter, false)).collect::<Vec<_>>()))
    }

    fn number(&mut self) -> Result<usize, String> {
        let text = self.next()?;
        text.parse().map_err(|_| format!("the number `{text}`"))
    }

    fn primary(&mut self) -> Result<Test, String> {
        let word = self.next()?;
        Ok(match word.as_str() {
            "(" => {
                let test = self.or()?;
                if !self.take(&[")"]) {
                    return Err("a bracket that is not closed".to_owned());
                }
                test
            }
            "-name" => Test::Name(self.pattern()?, false),
            "-iname" => {
                let text = self.next()?.to_lowercase();
                Test::Name(Pattern::new(&text.chars().map(|letter| (letter, false)).collect::<Vec<_>>()), true)
            }
            "-path" | "-wholename" => Test::Path(self.pattern()?),
            "-type" => Test::Type(self.next()?.replace(',', "")),
            "-empty" => Test::Empty,
            "-perm" => {
                let text = self.next()?;
                let how = text.chars().next().filter(|first| matches!(first, '-' | '/')).unwrap_or('=');
                let mode = super::modes::parse(text.trim_start_matches(['-', '/']))
                    .ok_or_else(|| format!("the mode `{text}`"))?;
                Test::Mode(super::modes::apply(&mode, 0, false, 0), how)
            }
            "-user" | "-uid" => {
                let text = self.next()?;
                Test::User(user_number(self.shell.machine, &text).ok_or_else(|| format!("the user `{text}`"))?.0)
            }
            "-group" | "-gid" => {
                let text = self.next()?;
                Test::Group(group_number(self.shell.machine, &text).ok_or_else(|| format!("the group `{text}`"))?)
            }
            "-nouser" => Test::NoUser,
            "-nogroup" => Test::NoGroup,
            "-executable" => Test::Executable,
            "-prune" => Test::Prune,
            "-true" => Test::True,
            "-maxdepth" => {
                self.options.most = self.number()?;
                Test::True
            }
            "-mindepth" => {
                self.options.least = self.number()?;
                Test::True
            }
            "-depth" | "-d" => {
                self.options.depth = true;
                Test::True
            }
            "-xdev" | "-mount" | "-noleaf" | "-follow" if word != "-follow" => Test::True,
            "-print" | "-print0" => {
                self.acts = true;
                Test::Print(if word == "-print" { "\n" } else { "\0" })
            }
            "-printf" => {
                self.acts = true;
                Test::Format(format(&self.next()?)?)
            }
            "-delete" => {
                (self.acts, self.options.depth) = (true, true);
                Test::Delete
            }
            "-exec" => {
                self.acts = true;
                let mut words = Vec::new();
                loop {
                    match self.next()?.as_str() {
                        ";" => return Ok(Test::Execute(words, None)),
                        "+" if words.last().is_some_and(|last| last == "{}") => {
                            self.groups += 1;
                            return Ok(Test::Execute(words, Some(self.groups - 1)));
                        }
                        word => words.push(word.to_owned()),
                    }
                }
            }
            _ => return Err(format!("`{word}`")),
        })
    }
}
