//! The text of a Dockerfile → its instructions: directives, comments, lines that go on, and texts given in place.

use crate::import::ImportError;

/// Most instructions: many times the longest file that anyone keeps.
const MOST: usize = 5_000;

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Where it begins, from 1.
    pub(super) line: usize,
    /// Its name in capitals.
    pub(super) keyword: String,
    /// `--name=value` after its name.
    pub(super) flags: Vec<(String, String)>,
    /// What follows, on one line.
    pub(super) rest: String,
    /// What follows, with its lines as a shell continues them.
    pub(super) script: String,
    /// Texts given in place, in the order in which `rest` names them.
    pub(super) heredocs: Vec<Heredoc>,
}

/// A text given in place, `<<EOF … EOF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heredoc {
    /// As it stands in the instruction: `<<-"EOF"`.
    pub(super) written: String,
    pub(super) name: String,
    /// Whether variables in it are left alone.
    pub(super) verbatim: bool,
    pub(super) body: String,
}

impl Instruction {
    /// The value of a flag.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The texts of the exec form, `["a", "b"]`.
    pub(super) fn exec(&self) -> Option<Vec<String>> {
        self.rest.starts_with('[').then(|| serde_json::from_str(&self.rest).ok()).flatten()
    }

    /// How it is shown.
    pub(super) fn shown(&self) -> String {
        let flags = self.flags.iter().map(|(name, value)| match value.is_empty() {
            true => format!("--{name} "),
            false => format!("--{name}={value} "),
        });
        let rest: String = self.rest.chars().take(200).collect(); // no more is ever shown
        format!("{} {}{rest}", self.keyword, flags.take(4).collect::<String>())
    }
}

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads all instructions.
pub(super) fn read(text: &str) -> Result<Vec<Instruction>, ImportError> {
    let mut lines = text.lines().enumerate();
    let escape = escape_of(text);
    let mut instructions = Vec::new();
    while let Some((index, first)) = lines.next() {
        if is_skipped(first) {
            continue;
        }
        if instructions.len() >= MOST {
            return Err(ImportError::TooMuch { most: MOST, what: "instructions" });
        }
        let mut pieces = vec![first.trim_start()];
        while let Some(open) = pieces.last().and_then(|last| last.trim_end().strip_suffix(escape)) {
            let last = pieces.len() - 1;
            pieces[last] = open;
            // comments and empty lines between are as if they were not there
            match lines.by_ref().find(|(_, line)| !is_skipped(line)) {
                Some((_, line)) => pieces.push(line),
                None => break,
            }
        }
        let mut instruction = instruction(index + 1, &pieces)?;
        for written in heredocs(&instruction) {
            let heredoc = heredoc(index + 1, &written, &mut lines)?;
            instruction.heredocs.push(heredoc);
        }
        instructions.push(instruction);
    }
    Ok(instructions)
}

fn is_skipped(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The character that `# escape=` names; directives stand before all else.
fn escape_of(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#')?.split_once('='));
    let escape = directives.filter(|(name, _)| name.trim().eq_ignore_ascii_case("escape")).last();
    if escape.is_some_and(|(_, value)| value.trim() == "`") { '`' } else { '\\' }
}

fn instruction(line: usize, pieces: &[&str]) -> Result<Instruction, ImportError> {
    let whole = pieces.concat();
    let whole = whole.trim();
    let (word, after) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
    let keyword = word.to_ascii_uppercase();
    if !KEYWORDS.contains(&keyword.as_str()) {
        return Err(ImportError::Instruction { line, word: word.chars().take(40).collect() });
    }
    let mut rest = after.trim_start();
    let mut flags = Vec::new();
    while let Some(flag) = rest.strip_prefix("--") {
        let end = flag.find(char::is_whitespace).unwrap_or(flag.len());
        let (name, value) = flag[..end].split_once('=').unwrap_or((&flag[..end], ""));
        flags.push((name.to_owned(), value.trim_matches('"').to_owned()));
        rest = flag[end..].trim_start();
    }
    let script = script(pieces, whole.len() - rest.len());
    Ok(Instruction { line, keyword, flags, rest: rest.to_owned(), script, heredocs: Vec::new() })
}

/// The lines as a shell continues them, without the first `skip` bytes of their text.
fn script(pieces: &[&str], mut skip: usize) -> String {
    let mut kept = Vec::new();
    for piece in pieces {
        let cut = skip.min(piece.len());
        skip -= cut;
        let piece = piece.get(cut..).unwrap_or_default().trim_end();
        if skip == 0 && !(kept.is_empty() && piece.trim().is_empty()) {
            kept.push(piece.trim_end());
        }
    }
    kept.join(" \\\n")
}

/// The `<<NAME` words of an instruction that may have some.
fn heredocs(instruction: &Instruction) -> Vec<String> {
    if !matches!(instruction.keyword.as_str(), "RUN" | "COPY" | "ADD") || instruction.rest.starts_with('[') {
        return Vec::new();
    }
    let words = instruction.rest.split_whitespace();
    words.filter(|word| heredoc_name(word).is_some()).map(str::to_owned).take(64).collect()
}

/// The name in `<<NAME`, `<<-NAME`, `3<<"NAME"`, and whether it is in quotes.
fn heredoc_name(word: &str) -> Option<(&str, bool)> {
    let after = word.trim_start_matches(|character: char| character.is_ascii_digit()).strip_prefix("<<")?;
    let name = after.strip_prefix('-').unwrap_or(after);
    let plain = name.trim_matches(['"', '\'']);
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (!plain.is_empty() && plain.bytes().all(letters)).then_some((plain, plain.len() < name.len()))
}

fn heredoc<'t>(
    line: usize,
    written: &str,
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
) -> Result<Heredoc, ImportError> {
    let (name, verbatim) = heredoc_name(written).unwrap_or_default();
    let tabs = written.contains("<<-");
    let mut body = String::new();
    for (_, text) in lines {
        let text = if tabs { text.trim_start_matches('\t') } else { text };
        if text == name {
            return Ok(Heredoc { written: written.to_owned(), name: name.to_owned(), verbatim, body });
        }
        body.push_str(text);
        body.push('\n');
    }
    Err(ImportError::Heredoc { line, name: name.to_owned() })
}

/// Words with their quotes, separated by spaces that no quote or `\` hides.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (_, '\\') if quote != Some('\'') => {
                word.push('\\');
                word.extend(characters.next());
                continue;
            }
            (Some(open), other) if open == other => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, other) if other.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(character);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The names and values of `ENV` and `LABEL`: `a=1 b="2 3"`, or `a 1 2` in the old form.
pub(super) fn pairs(rest: &str) -> Vec<(String, String)> {
    let words = words(rest);
    if words.first().is_some_and(|first| !first.contains('=')) {
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        return vec![(name.to_owned(), value.trim().to_owned())];
    }
    let pair = |word: &String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    words.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_and_comments_do_not_count() {
        let text = "# syntax=docker/dockerfile:1\nFROM a AS b\n\nrun --mount=type=cache,target=/x --network=none a && \\\n# why\n\n    b\n";
        let read = read(text).expect("instructions");
        assert_eq!((read[1].line, read[1].keyword.as_str()), (4, "RUN"));
        assert_eq!(read[1].flag("mount"), Some("type=cache,target=/x"));
        assert_eq!((read[1].rest.as_str(), read[1].script.as_str()), ("a &&     b", "a && \\\n    b"));
        assert_eq!(read[0].shown(), "FROM a AS b");
    }

    #[test]
    fn the_escape_character_can_be_another() {
        let read = read("# escape=`\nFROM a\nCOPY a `\n  C:\\\n").expect("instructions");
        assert_eq!(read[1].rest, "a   C:\\");
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn texts_are_given_in_place() {
        let read = read("FROM a\nRUN <<EOF\necho\n# kept\nEOF\nCOPY <<-'A' <<B /x/\n\ta $v\nA\nb\nB\nUSER b\n")
            .expect("instructions");
        assert_eq!(read[1].heredocs[0].body, "echo\n# kept\n");
        assert_eq!((read[2].heredocs[0].body.as_str(), read[2].heredocs[0].verbatim), ("a $v\n", true));
        assert_eq!((read[2].heredocs[1].body.as_str(), read[2].heredocs[1].verbatim), ("b\n", false));
        assert_eq!(read[3].keyword, "USER");
        assert!(matches!(super::read("RUN <<EOF\n"), Err(ImportError::Heredoc { line: 1, .. })));
    }

    #[test]
    fn pairs_have_two_forms() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs("a=1 b=\"2 3\" c=\\ x"), [pair("a", "1"), pair("b", "\"2 3\""), pair("c", "\\ x")]);
        assert_eq!(pairs("a  1 = 2"), [pair("a", "1 = 2")]);
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn what_is_no_instruction_is_refused() {
        assert!(matches!(read("FROM a\nhello world\n"), Err(ImportError::Instruction { line: 2, .. })));
        assert_eq!(read("FROM a \\").map(|read| read.len()), Ok(1));
    }
}
