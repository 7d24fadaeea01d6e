//! `sed`: POSIX.1-2024 with the GNU additions that scripts use.

mod edit;
mod read;

use super::super::{Call, Files, Unsupported};
use super::files::failed;
use super::options::Given;
use super::regular::Regular;
use super::text::{inputs, lines};

/// Lines that a command is for.
enum Address {
    Line(usize),
    /// `FIRST~STEP`.
    Every(usize, usize),
    /// `+COUNT`, as the end of a range.
    After(usize),
    Last,
    /// An empty expression stands for the last one that was used.
    Pattern(Option<Regular>),
}

/// A command and where it applies.
struct Command {
    first: Option<Address>,
    last: Option<Address>,
    negated: bool,
    action: Action,
}

enum Action {
    /// `{`: where it does not apply, the commands up to this place are passed over.
    Open(usize),
    Close,
    Label(String),
    Substitute(Box<Substitute>),
    Translate(Vec<(char, char)>),
    Append(String),
    Insert(String),
    Change(String),
    Branch(String),
    /// `t`.
    BranchIfReplaced(String),
    Delete,
    DeleteFirst,
    Print,
    PrintFirst,
    Next,
    AppendNext,
    Quit {
        prints: bool,
        status: i32,
    },
    Number,
    Hold,
    HoldAppend,
    Get,
    GetAppend,
    Exchange,
}

struct Substitute {
    pattern: Option<Regular>,
    replacement: Vec<Part>,
    /// Which match is replaced.
    number: usize,
    global: bool,
    prints: bool,
}

/// A part of a replacement.
enum Part {
    Text(String),
    Group(usize),
    /// `\U`, `\L`, `\u`, `\l`, `\E`.
    Case(char),
}

pub(super) fn sed(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let long = [
        ("quiet", 'n'),
        ("silent", 'n'),
        ("expression", 'e'),
        ("file", 'f'),
        ("regexp-extended", 'E'),
        ("in-place", 'i'),
        ("separate", 's'),
        ("follow-symlinks", 'F'),
    ];
    // -i and --in-place take a value only where it is a part of the word
    let mut suffix = None;
    let mut words = Vec::new();
    for word in call.arguments() {
        let letters = word.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
        let given = letters.and_then(|letters| {
            letters.find('i').filter(|at| letters[..*at].chars().all(|letter| "nrEsz".contains(letter)))
        });
        match (given, word.strip_prefix("--in-place=")) {
            (Some(at), _) => {
                suffix = Some(word[at + 2..].to_owned());
                words.push(word[..at + 2].to_owned());
            }
            (None, Some(text)) => {
                suffix = Some(text.to_owned());
                words.push("--in-place".to_owned());
            }
            (None, None) => words.push(word.clone()),
        }
    }
    let given = Given::read_from(call, &words, "ne:f:rEisF", &long)?;
    let mut operands = given.operands.clone();
    let mut text: Vec<String> = given.values('e').map(str::to_owned).collect();
    for file in given.values('f') {
        let content = files.read(&call.path(file)).map_err(|trouble| call.refuse(trouble))?;
        text.push(String::from_utf8_lossy(&content).trim_end_matches('\n').to_owned());
    }
    if text.is_empty() {
        if operands.is_empty() {
            return Err(call.refuse("no script"));
        }
        text.push(operands.remove(0));
    }
    let extended = given.has('r') || given.has('E');
    let commands = read::commands(&text.join("\n"), extended).map_err(|what| call.refuse(what))?;
    let quiet = given.has('n');
    if given.has('i') {
        return in_place(call, files, &commands, &operands, quiet, suffix.as_deref().unwrap_or_default());
    }
    let (all, status) = inputs(call, files, &operands)?;
    let mut content: Vec<u8> = Vec::new();
    for (_, one) in all {
        if !content.is_empty() && !content.ends_with(b"\n") {
            content.push(b'\n');
        }
        content.extend(one);
    }
    let (made, ended) = edited(call, &commands, quiet, &content)?;
    call.print(made);
    Ok(if ended == 0 { 2 * status } else { ended })
}

/// What the commands make of a text, and the status.
fn edited(
    call: &mut Call<'_>,
    commands: &[Command],
    quiet: bool,
    content: &[u8],
) -> Result<(Vec<u8>, i32), Unsupported> {
    let editor = edit::Editor::new(commands, quiet, call.left.steps);
    let (made, status, steps) = editor.run(content).map_err(|what| call.refuse(what))?;
    call.spend(steps)?;
    call.handle(made.len())?;
    Ok((made, status))
}

fn in_place(
    call: &mut Call<'_>,
    files: &mut dyn Files,
    commands: &[Command],
    operands: &[String],
    quiet: bool,
    suffix: &str,
) -> Result<i32, Unsupported> {
    let mut status = 0;
    for operand in operands {
        let path = call.path(operand);
        let content = match files.read(&path) {
            Ok(content) => content,
            Err(trouble) => {
                status = 2 * failed(call, &format!("can't read {operand}"), trouble)?;
                continue;
            }
        };
        call.handle(content.len())?;
        let (made, _) = edited(call, commands, quiet, &content)?;
        let node = files.look(&path, true);
        let whole = |trouble| call.refuse(trouble);
        // a new file replaces the old one, also where that is a link
        if let Some(node) = node {
            if !suffix.is_empty() {
                let kept = if suffix.contains('*') {
                    return Err(call.refuse("a suffix with `*`"));
                } else {
                    format!("{path}{suffix}")
                };
                files.write(&kept, content, node.mode).map_err(whole)?;
                files.change(&kept, true, None, (Some(node.uid), Some(node.gid))).map_err(whole)?;
                files.change(&kept, true, Some(node.mode), (None, None)).map_err(whole)?;
            }
            if files.look(&path, false).is_some_and(|own| own.kind != super::super::FileKind::File) {
                files.remove(&path).map_err(whole)?;
            }
            files.write(&path, made, node.mode).map_err(whole)?;
            files.change(&path, true, None, (Some(node.uid), Some(node.gid))).map_err(whole)?;
            files.change(&path, true, Some(node.mode), (None, None)).map_err(whole)?;
        }
    }
    Ok(status)
}
