//! A parsed shell program. Names follow the grammar of POSIX.1-2024, XCU chapter 2.

use std::cell::OnceCell;
use std::rc::Rc;

/// Commands that run one after the other.
#[derive(Debug, Default)]
pub(super) struct List(pub(super) Vec<AndOr>);

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(super) struct AndOr {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Connector, Pipeline)>,
    /// Ended by `&`.
    pub(super) asynchronous: bool,
}

/// What joins two pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connector {
    And,
    Or,
}

/// Commands that read what the one before wrote.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

/// One command and where it begins.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) line: u32,
    pub(super) kind: CommandKind,
    pub(super) redirections: Vec<Redirection>,
}

#[derive(Debug)]
pub(super) enum CommandKind {
    Simple(Simple),
    /// `{ …; }`.
    Group(List),
    /// `( … )`.
    Subshell(List),
    If {
        /// Conditions and what runs where one holds.
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    For {
        variable: String,
        /// The positional parameters where there is no `in`.
        words: Option<Vec<Word>>,
        body: List,
    },
    While {
        condition: List,
        body: List,
        /// `until`: while the condition does not hold.
        until: bool,
    },
    Case {
        word: Word,
        arms: Vec<Arm>,
    },
    Function {
        name: String,
        body: Rc<Command>,
    },
    /// `[[ … ]]` of bash.
    Test(Test),
    /// `(( … ))` of bash.
    Arithmetic(Word),
}

/// Assignments, a command and its arguments.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub(super) assignments: Vec<Assignment>,
    pub(super) words: Vec<Word>,
}

/// `NAME=VALUE`, or `NAME+=VALUE` of bash.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) append: bool,
    pub(super) value: Value,
}

/// What is assigned.
#[derive(Debug)]
pub(super) enum Value {
    Word(Word),
    /// `( … )` of bash.
    Array(Vec<Word>),
}

/// One of the choices of `case`.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) patterns: Vec<Word>,
    pub(super) body: List,
}

/// A change of a file descriptor.
#[derive(Debug)]
pub(super) struct Redirection {
    pub(super) descriptor: u32,
    pub(super) kind: RedirectionKind,
}

#[derive(Debug)]
pub(super) enum RedirectionKind {
    /// `<`.
    Read(Word),
    /// `>` and `>|`.
    Write(Word),
    /// `>>`.
    Append(Word),
    /// `<>`.
    ReadWrite,
    /// `<&` and `>&`; `-` closes.
    Duplicate(Word),
    /// `<<`; the body follows the line, so it is filled in later.
    Here(Rc<OnceCell<Word>>),
    /// `<<<` of bash.
    HereString(Word),
    /// `&>` and `&>>` of bash.
    WriteBoth { word: Word, append: bool },
}

/// A conditional expression of bash.
#[derive(Debug)]
pub(super) enum Test {
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Unary(String, Word),
    Binary(Word, String, Word),
    /// Whether it is not empty.
    Word(Word),
}

/// A word before its expansion.
#[derive(Clone, Debug, Default)]
pub(super) struct Word(pub(super) Vec<Piece>);

/// A part of a word.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Text in which `*`, `?` and `[` mean a pattern.
    Text(String),
    /// Text that means itself.
    Quoted(String),
    /// `"…"`.
    Double(Vec<Piece>),
    /// `~` or `~USER` at the beginning.
    Tilde(String),
    Parameter(Rc<Parameter>),
    /// `$( … )` and `` `…` ``.
    Command(Rc<List>),
    /// `$(( … ))`.
    Arithmetic(Rc<Word>),
}

/// `${…}`.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: Name,
    pub(super) operation: Operation,
}

/// What a parameter is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Variable(String),
    /// `$1` and so on; `$0`.
    Position(usize),
    /// `$@`.
    All,
    /// `$*`.
    Joined,
    /// `$#`.
    Count,
    /// `$?`.
    Status,
    /// `$-`.
    Flags,
    /// `$$`.
    Process,
    /// `$!`.
    Background,
    /// `NAME[INDEX]` of bash.
    Element(String, String),
    /// `NAME[@]` (false) and `NAME[*]` (true) of bash.
    Elements(String, bool),
}

/// What is made of a parameter's value.
#[derive(Debug)]
pub(super) enum Operation {
    Value,
    Length,
    /// `-`, `=`, `?` and `+`.
    Unless {
        action: Unless,
        /// With `:`, an empty value counts as none.
        empty: bool,
        word: Word,
    },
    /// `#`, `##`, `%` and `%%`.
    Trim {
        end: End,
        longest: bool,
        pattern: Word,
    },
    /// `/` and its kin of bash.
    Replace {
        pattern: Word,
        with: Word,
        place: Place,
    },
    /// `:OFFSET:LENGTH` of bash.
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    /// `^`, `^^`, `,` and `,,` of bash.
    Case {
        upper: bool,
        all: bool,
    },
    /// `!` of bash: the variable that the value names.
    Indirect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unless {
    Default,
    Assign,
    Fail,
    Alternative,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Prefix,
    Suffix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    All,
    Prefix,
    Suffix,
}
