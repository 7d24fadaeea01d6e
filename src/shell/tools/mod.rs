//! The small programs that every system has, on [`Files`]: each does what the GNU program does for the options that
//! scripts of packages use, and refuses the others.

mod accounts;
mod awk;
mod copy;
mod files;
mod find;
mod grep;
mod lines;
mod modes;
mod names;
mod options;
mod regular;
mod sed;
mod start;
mod sums;
mod text;

use super::run::{Run, Shell};
use super::{Call, Files, Machine, Unsupported};

/// A program that needs files only.
pub(super) type Tool = fn(&mut Call<'_>, &mut dyn Files) -> Result<i32, Unsupported>;

/// A program that starts others.
pub(super) type Starter = fn(&mut Shell<'_>, &[String]) -> Run;

const TOOLS: &[(&str, Tool)] = &[
    ("awk", awk::awk),
    ("base64", sums::base64),
    ("basename", names::basename),
    ("cat", text::cat),
    ("chgrp", modes::chgrp),
    ("chmod", modes::chmod),
    ("chown", modes::chown),
    ("cmp", text::cmp),
    ("cp", copy::cp),
    ("cut", lines::cut),
    ("dirname", names::dirname),
    ("diff", text::diff),
    ("egrep", grep::grep),
    ("expr", sums::expr),
    ("fgrep", grep::grep),
    ("getent", accounts::getent),
    ("grep", grep::grep),
    ("head", text::head),
    ("id", accounts::id),
    ("install", copy::install),
    ("ln", files::ln),
    ("ls", names::ls),
    ("mawk", awk::awk),
    ("md5sum", sums::checksum),
    ("mkdir", files::mkdir),
    ("mktemp", names::mktemp),
    ("mv", copy::mv),
    ("readlink", names::readlink),
    ("realpath", names::readlink),
    ("rm", files::rm),
    ("rmdir", files::rmdir),
    ("sed", sed::sed),
    ("seq", sums::seq),
    ("sha1sum", sums::checksum),
    ("sha256sum", sums::checksum),
    ("sort", lines::sort),
    ("stat", names::stat),
    ("sync", files::sync),
    ("tac", text::tac),
    ("tail", text::tail),
    ("tee", text::tee),
    ("touch", files::touch),
    ("tr", text::tr),
    ("uniq", lines::uniq),
    ("wc", text::wc),
];

const STARTERS: &[(&str, Starter)] = &[
    ("env", start::env),
    ("find", find::find),
    ("nice", start::prefix),
    ("nohup", start::prefix),
    ("sh", start::shell),
    ("bash", start::shell),
    ("dash", start::shell),
    ("which", start::which),
    ("xargs", start::xargs),
];

/// The program of a name.
pub(super) fn find(name: &str) -> Option<Tool> {
    TOOLS.iter().find(|(own, _)| *own == name).map(|(_, tool)| *tool)
}

/// The program of a name that starts others.
pub(super) fn starter(name: &str) -> Option<Starter> {
    STARTERS.iter().find(|(own, _)| *own == name).map(|(_, starter)| *starter)
}

/// Whether a program of this name is one of these.
pub fn is_tool(name: &str) -> bool {
    find(name).is_some() || starter(name).is_some()
}

/// Where commands are looked for, in this order.
pub const PATH: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where the file of a command is.
pub fn path_of(machine: &(impl Machine + ?Sized), name: &str) -> Option<String> {
    let is_file = |path: &String| {
        machine.look(path, true).is_some_and(|node| node.kind == super::FileKind::File && node.mode & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(name.to_owned()).filter(is_file);
    }
    PATH.iter().map(|folder| format!("{folder}/{name}")).find(is_file)
}
