//! Shell scripts that are plain lists of commands, taken apart into words.
//!
//! What decides about the flow (`if`, `for`, functions, subshells, background jobs) makes the whole script unknown, and
//! what only a shell can say (`$(…)`, patterns, pipes) makes its command so. Unknown is always a safe answer: the script
//! then stays as it is, or a person is told.

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes, variables replaced.
    pub(super) text: String,
    /// Whether the text is all there is to it.
    pub(super) literal: bool,
    /// Whether it is a pattern for files, and nothing worse.
    pub(super) pattern: bool,
}

/// A command, or a pipe of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// As it is written.
    pub(super) text: String,
    /// `NAME=value` before the command, or alone.
    pub(super) assignments: Vec<String>,
    pub(super) words: Vec<Word>,
    /// `>` and the like, with their targets.
    pub(super) redirects: Vec<(String, Word)>,
    /// Whether it is one command, not a pipe or a choice between several.
    pub(super) single: bool,
}

impl Command {
    /// Its words, when it is one command whose words are plain text and that writes into no file.
    pub(super) fn plain(&self) -> Option<Vec<&str>> {
        let silent = self.redirects.iter().all(|(_, target)| matches!(target.text.as_str(), "/dev/null" | "1" | "2"));
        let literal = self.words.iter().all(|word| word.literal);
        (self.single && silent && literal).then(|| self.words.iter().map(|word| word.text.as_str()).collect())
    }

    /// The same with patterns as they are written.
    pub(super) fn patterned(&self) -> Option<Vec<&str>> {
        let known = self.words.iter().all(|word| word.literal || word.pattern);
        (self.single && known && self.redirects.is_empty())
            .then(|| self.words.iter().map(|word| word.text.as_str()).collect())
    }

    /// The name of its program.
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.text.as_str())
    }
}

/// How much variables may add to a script.
const MOST: usize = 1 << 20;

/// What a variable is known to hold.
pub(super) type Resolve<'r> = &'r dyn Fn(&str) -> Option<String>;

/// The commands of a script that run one after the other; none when it is more than such a list.
pub(super) fn commands(script: &str, resolve: Resolve<'_>) -> Option<Vec<Command>> {
    let script = joined(script);
    let mut lexer = Lexer { text: &script, at: 0, resolve, grown: 0 };
    let mut commands = Vec::new();
    while let Some(command) = lexer.chain()? {
        commands.extend(command);
    }
    Some(commands)
}

/// The words of a command line that is no script.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let commands = commands(line, &|_| None)?;
    match &commands[..] {
        [command] if command.assignments.is_empty() && command.redirects.is_empty() => {
            Some(command.plain()?.into_iter().map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// `text` as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:=@%,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    let special = |character: char| matches!(character, '$' | '`' | '\\' | '"' | '!');
    if text.contains(special) { format!("'{}'", text.replace('\'', "'\\''")) } else { format!("\"{text}\"") }
}

/// The script that vendors the Go modules of `folder`. `go mod vendor` makes its folder anew, which the output cannot be,
/// and makes none when there are no modules.
pub(super) fn vendor_script(folder: &str) -> String {
    let folder = quoted(folder);
    format!("cd {folder}\ngo mod vendor -o /build/vendor\nmkdir -p /build/vendor\ncp -a /build/vendor/. \"$OUT\"")
}

/// Lines that end in `\` joined with the next, as the shell does outside single quotes; nobody continues a line in these.
fn joined(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    let mut lines = script.split('\n').peekable();
    let mut continued = false;
    while let Some(line) = lines.next() {
        let line = if std::mem::take(&mut continued) { line.trim_start() } else { line };
        match line.strip_suffix('\\').filter(|rest| !rest.ends_with('\\') && lines.peek().is_some()) {
            Some(rest) => {
                out.push_str(rest.trim_end());
                out.push(' ');
                continued = true;
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

const RESERVED: [&str; 20] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "case", "esac", "do", "done", "{", "}", "!", "[[",
    "function", "select", "time", "coproc",
];

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    resolve: Resolve<'t>,
    /// How much variables have added.
    grown: usize,
}

/// What ended a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// `;`, an end of line, or the end of everything.
    List,
    And,
    Or,
    Pipe,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    /// Goes over spaces, and comments where a word would begin.
    fn blanks(&mut self, ends_of_lines: bool) {
        while let Some(character) = self.peek() {
            match character {
                ' ' | '\t' => self.at += 1,
                '\n' | ';' if ends_of_lines => self.at += 1,
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => break,
            }
        }
    }

    /// The commands up to a `;` or end of line; nothing at the end of the script. A chain in which one command stands
    /// for another (`||`) is given as one.
    #[expect(clippy::option_option, reason = "unknown, the end, and a list are three things")]
    fn chain(&mut self) -> Option<Option<Vec<Command>>> {
        self.blanks(true);
        if self.rest().is_empty() {
            return Some(None);
        }
        let start = self.at;
        let mut commands: Vec<Command> = Vec::new();
        let mut choice = false;
        let mut piped = false;
        loop {
            let (command, end) = self.command()?;
            match commands.last_mut().filter(|_| piped) {
                Some(last) => {
                    last.single = false;
                    last.text = format!("{} | {}", last.text, command.text);
                }
                None => commands.push(command),
            }
            choice |= end == End::Or;
            piped = end == End::Pipe;
            if end == End::List {
                break;
            }
            self.blanks(true);
        }
        if choice {
            let text = self.text.get(start..self.at)?.trim().trim_end_matches(';').trim_end().to_owned();
            let mut first = commands.into_iter().next()?;
            (first.text, first.single) = (text, false);
            commands = vec![first];
        }
        Some(Some(commands))
    }

    fn command(&mut self) -> Option<(Command, End)> {
        self.blanks(false);
        let start = self.at;
        let mut command = Command {
            text: String::new(),
            assignments: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            single: true,
        };
        let end = loop {
            self.blanks(false);
            let before = self.at;
            if let Some(end) = self.end()? {
                command.text = self.text.get(start..before)?.trim().to_owned();
                break end;
            }
            self.part(&mut command)?;
        };
        let nothing = command.words.is_empty() && command.assignments.is_empty();
        (!nothing).then_some((command, end))
    }

    /// What ends a command, when it stands here.
    #[expect(clippy::option_option, reason = "unknown, no end, and an end are three things")]
    fn end(&mut self) -> Option<Option<End>> {
        let rest = self.rest();
        let (length, end) = match rest.as_bytes() {
            [] => (0, End::List),
            [b'&', b'&', ..] => (2, End::And),
            [b'|', b'|', ..] => (2, End::Or),
            [b'|', b'&', ..] | [b';', b';', ..] => return None,
            [b'|', ..] => (1, End::Pipe),
            [b';' | b'\n', ..] => (1, End::List),
            [b'&', b'>', ..] => return Some(None),
            [b'&' | b'(' | b')', ..] => return None,
            _ => return Some(None),
        };
        self.at += length;
        Some(Some(end))
    }

    /// A word, an assignment or a redirection.
    fn part(&mut self, command: &mut Command) -> Option<()> {
        if let Some(operator) = self.redirection()? {
            self.blanks(false);
            let target = self.word()?;
            command.redirects.push((operator, target));
            return Some(());
        }
        let start = self.at;
        let word = self.word()?;
        let written = self.text.get(start..self.at)?;
        if command.words.is_empty() {
            if RESERVED.contains(&written) {
                return None;
            }
            let name = written.split('=').next().unwrap_or_default();
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.len() < written.len() && !name.is_empty() && name.bytes().all(letters) {
                command.assignments.push(written.to_owned());
                return Some(());
            }
        }
        command.words.push(word);
        Some(())
    }

    /// `>`, `2>&1` and the like; text that is given in place (`<<`) is beyond a list of commands.
    #[expect(clippy::option_option, reason = "unknown, none, and one are three things")]
    fn redirection(&mut self) -> Option<Option<String>> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let operator = rest.get(digits..).unwrap_or_default();
        let known = ["<<", ">>", ">&", "&>", ">|", ">", "<"].into_iter().find(|known| operator.starts_with(known));
        match known {
            Some("<<") => None,
            Some(known) => {
                self.at += digits + known.len();
                Some(Some(known.to_owned()))
            }
            None => Some(None),
        }
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word { text: String::new(), literal: true, pattern: false };
        let start = self.at;
        let mut unknown = false;
        while let Some(character) = self.peek() {
            match character {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => self.single_quoted(&mut word)?,
                '"' => unknown |= self.double_quoted(&mut word)?,
                '\\' => {
                    self.at += 1;
                    word.text.push(self.next()?);
                }
                '$' => unknown |= !self.variable(&mut word.text)?,
                '`' => unknown |= self.backquoted()?,
                other => {
                    self.at += other.len_utf8();
                    word.pattern |= matches!(other, '*' | '?' | '[' | '{');
                    unknown |= other == '~' && self.at == start + 1;
                    word.text.push(other);
                }
            }
        }
        word.literal = !unknown && !word.pattern;
        word.pattern &= !unknown;
        (self.at > start).then_some(word)
    }

    fn single_quoted(&mut self, word: &mut Word) -> Option<()> {
        self.at += 1;
        let end = self.rest().find('\'')?;
        word.text.push_str(&self.text[self.at..self.at + end]);
        self.at += end + 1;
        Some(())
    }

    /// Gives whether something in it is unknown.
    fn double_quoted(&mut self, word: &mut Word) -> Option<bool> {
        self.at += 1;
        let mut unknown = false;
        loop {
            match self.peek()? {
                '"' => break self.at += 1,
                '$' => unknown |= !self.variable(&mut word.text)?,
                '`' => unknown |= self.backquoted()?,
                '\\' => {
                    self.at += 1;
                    let next = self.next()?;
                    if !matches!(next, '$' | '`' | '"' | '\\') {
                        word.text.push('\\');
                    }
                    word.text.push(next);
                }
                other => {
                    self.at += other.len_utf8();
                    word.text.push(other);
                }
            }
        }
        Some(unknown)
    }

    fn backquoted(&mut self) -> Option<bool> {
        self.at += 1;
        self.at += self.rest().find('`')? + 1;
        Some(true)
    }

    /// What stands after a `$`; gives whether it is known.
    fn variable(&mut self, text: &mut String) -> Option<bool> {
        let before = text.len();
        let known = self.value(text)?;
        self.grown += text.len() - before;
        (self.grown <= MOST).then_some(known)
    }

    fn value(&mut self, text: &mut String) -> Option<bool> {
        self.at += 1;
        match self.peek() {
            Some('(') => {
                self.closing('(', ')')?;
                Some(false)
            }
            Some('{') => {
                let start = self.at + 1;
                self.closing('{', '}')?;
                let inside = self.text.get(start..self.at - 1)?;
                let value = match inside.split_once(":-") {
                    Some((name, default)) if !default.contains(['$', '`', '\\', '"', '\'']) => {
                        Some((self.resolve)(name).filter(|value| !value.is_empty()).unwrap_or(default.to_owned()))
                    }
                    _ => (self.resolve)(inside),
                };
                text.extend(value.as_deref());
                Some(value.is_some())
            }
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                let rest = self.rest();
                let name = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                let value = (self.resolve)(&rest[..name]);
                self.at += name;
                text.extend(value.as_deref());
                Some(value.is_some())
            }
            Some(special) if special.is_ascii_digit() || "@*#?-$!".contains(special) => {
                self.at += 1;
                Some(false)
            }
            _ => {
                text.push('$');
                Some(true)
            }
        }
    }

    /// Goes behind the bracket that closes the one that stands here; quotes hide brackets.
    fn closing(&mut self, open: char, close: char) -> Option<()> {
        let mut depth = 0_usize;
        let mut quote = None;
        loop {
            let character = self.next()?;
            match (quote, character) {
                (_, '\\') if quote != Some('\'') => {
                    self.next()?;
                }
                (Some(kind), other) if kind == other => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (None, other) if other == open => depth += 1,
                (None, other) if other == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(script: &str) -> Option<Vec<Vec<String>>> {
        let known = |name: &str| (name == "V").then(|| "1.2".to_owned());
        let commands = commands(script, &known)?;
        Some(
            commands
                .iter()
                .map(|command| command.plain().unwrap_or(vec!["?"]).into_iter().map(str::to_owned).collect())
                .collect(),
        )
    }

    #[test]
    fn a_list_of_commands_is_taken_apart() {
        let script =
            "set -eux; apt-get install -y \\\n  a=\"$V\" 'b c'  # why\n && X=1 mkdir -p /a\\ b ${V} > /dev/null 2>&1;";
        let expected = vec![
            vec!["set", "-eux"],
            vec!["apt-get", "install", "-y", "a=1.2", "b c"],
            vec!["mkdir", "-p", "/a b", "1.2"],
        ];
        let expected: Vec<Vec<String>> =
            expected.into_iter().map(|words| words.into_iter().map(str::to_owned).collect()).collect();
        // a comment hides what follows on its line, and `&&` on the next begins no command
        assert_eq!(plain(&script.replace("# why\n", "\\\n")), Some(expected));
    }

    #[test]
    fn what_only_a_shell_can_say_is_unknown() {
        let unknown = Some(vec![vec!["?".to_owned()]]);
        for script in
            ["echo $(id)", "a | b", "a || b", "rm /x/*", "echo `id`", "a > /file", "ls ~", "echo $U", "a && b || c"]
        {
            assert_eq!(plain(script), unknown, "{script}");
        }
        for script in [
            "if a; then b; fi",
            "a &",
            "( a )",
            "for x in y; do z; done",
            "cat <<E\nE",
            "echo 'a",
            "f() { a; }",
            "&& a",
        ] {
            assert_eq!(plain(script), None, "{script}");
        }
    }

    #[test]
    fn commands_keep_how_they_are_written() {
        let commands = commands("a \"$(b ')' \\) )\" | c; d e", &|_| None).expect("a list");
        let texts: Vec<&str> = commands.iter().map(|command| command.text.as_str()).collect();
        assert_eq!(texts, ["a \"$(b ')' \\) )\" | c", "d e"]);
    }

    #[test]
    fn words_are_quoted_where_they_must_be() {
        assert_eq!(["a/b", "a b", "$a", ""].map(quoted), ["a/b", "\"a b\"", "'$a'", "\"\""]);
    }
}
