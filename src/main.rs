//! The program: arguments in, exit code out.

use std::process::ExitCode;

use orchestrate::cli;
use orchestrate::stage::sandbox;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| sandbox::is_entry(first)) {
        return sandbox::main(arguments); // a process that this program started to shut itself into a sandbox
    }
    cli::main(std::env::args_os())
}
