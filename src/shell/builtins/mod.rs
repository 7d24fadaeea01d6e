//! Commands that belong to the shell.

mod control;
mod print;
mod read;
mod test;
mod variables;

use super::Dialect;
use super::run::{Run, Shell};

/// A command of the shell.
pub(super) struct Builtin {
    name: &'static str,
    /// Whether it is one of those whose errors end the script, and whose assignments last (XCU 2.15).
    pub(super) special: bool,
    pub(super) run: fn(&mut Shell<'_>, &[String]) -> Run,
}

const fn special(name: &'static str, run: fn(&mut Shell<'_>, &[String]) -> Run) -> Builtin {
    Builtin { name, special: true, run }
}

const fn regular(name: &'static str, run: fn(&mut Shell<'_>, &[String]) -> Run) -> Builtin {
    Builtin { name, special: false, run }
}

const BUILTINS: &[Builtin] = &[
    special(":", control::succeed),
    special(".", control::source),
    special("break", control::leave_loops),
    special("continue", control::leave_loops),
    special("eval", control::eval),
    special("exec", control::exec),
    special("exit", control::exit),
    special("export", variables::declare),
    special("readonly", variables::declare),
    special("return", control::exit),
    special("set", variables::set),
    special("shift", variables::shift),
    special("trap", control::trap),
    special("unset", variables::unset),
    regular("[", test::run),
    regular("alias", control::refuse),
    regular("bg", control::refuse),
    regular("cd", variables::change_folder),
    regular("command", control::command),
    regular("echo", print::echo),
    regular("false", control::fail),
    regular("fg", control::refuse),
    regular("getopts", read::getopts),
    regular("hash", control::succeed),
    regular("jobs", control::refuse),
    regular("kill", control::refuse),
    regular("local", variables::local),
    regular("printf", print::printf),
    regular("pwd", variables::print_folder),
    regular("read", read::read),
    regular("test", test::run),
    regular("times", control::refuse),
    regular("true", control::succeed),
    regular("type", control::find),
    regular("ulimit", control::refuse),
    regular("umask", variables::umask),
    regular("unalias", control::refuse),
    regular("wait", control::succeed),
];

/// What bash adds.
const OF_BASH: &[Builtin] = &[
    regular("declare", variables::declare_in_bash),
    regular("let", control::refuse),
    regular("mapfile", control::refuse),
    regular("shopt", control::refuse),
    regular("source", control::source),
    regular("typeset", variables::declare_in_bash),
];

/// The builtin of a name.
pub(super) fn find(name: &str, dialect: Dialect) -> Option<&'static Builtin> {
    let of_bash = if dialect == Dialect::Bash { OF_BASH } else { &[] };
    BUILTINS.iter().chain(of_bash).find(|builtin| builtin.name == name)
}
