//! dpkg's database of a root whose packages are unpacked: what `dpkg --unpack` would have left, so that the real
//! `dpkg --configure` in there can go on from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use md5::{Digest as _, Md5};

use super::package::{Unpacked, merged};
use super::{RootConfigure, RootSpec};
use crate::beneath::Dir;
use crate::model::ImagePath;

/// Largest configuration file of a package whose checksum is recorded.
const LARGEST_CONFFILE: u64 = 64 << 20;
/// The database's folder.
pub(super) const DPKG: &str = "var/lib/dpkg";

/// Writes the database of `packages`, which are in the tree `root`.
pub(super) fn write(spec: &RootSpec, packages: &[Unpacked], root: &Dir) -> io::Result<()> {
    let native = spec.platform.deb();
    for folder in ["alternatives", "info", "parts", "triggers", "updates"] {
        root.create_dir_all(below(folder)?.as_relative())?;
    }
    let mut status = String::new();
    for package in packages {
        // scripts of other architectures cannot run; those packages are there for headers and libraries
        let configured = spec.configure == RootConfigure::None || !package.runs_on(native);
        stanza(package, if configured { "installed" } else { "unpacked" }, &mut status)?;
        info(package, root)?;
    }
    put(root, "status", status.as_bytes(), 0o644)?;
    put(root, "arch", architectures(native, packages).as_bytes(), 0o644)?;
    put(root, "info/format", b"1\n", 0o644)?;
    for name in ["available", "diversions", "statoverride"] {
        put(root, name, b"", 0o644)?;
    }
    for (name, text) in triggers(packages) {
        put(root, &format!("triggers/{name}"), text.as_bytes(), 0o644)?;
    }
    Ok(())
}

fn below(name: &str) -> io::Result<ImagePath> {
    ImagePath::new(format!("{DPKG}/{name}").as_bytes()).map_err(|error| io::Error::other(error.to_string()))
}

fn put(root: &Dir, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
    root.write(below(name)?.as_relative(), content, mode)
}

fn stanza(package: &Unpacked, state: &str, status: &mut String) -> io::Result<()> {
    let tree = Dir::open(&package.tree)?;
    let mut lines = package.control.control.trim_end().to_owned();
    let _ = write!(lines, "\nStatus: install ok {state}");
    let conffiles = String::from_utf8_lossy(package.control.file("conffiles").unwrap_or_default()).into_owned();
    let mut known = String::new();
    for path in conffiles.lines().map(str::trim).filter(|line| line.starts_with('/')) {
        let Ok(place) = ImagePath::absolute(path) else { continue };
        let place = merged(&place);
        // a configuration file that is not there, or is a link, has no checksum (dpkg records none either)
        if let Ok(content) = tree.read(place.as_relative(), LARGEST_CONFFILE) {
            let sum = Md5::digest(content);
            let _ = write!(known, "\n {path} ");
            for byte in sum {
                let _ = write!(known, "{byte:02x}");
            }
        }
    }
    if !known.is_empty() {
        let _ = write!(lines, "\nConffiles:{known}");
    }
    status.push_str(&lines);
    status.push_str("\n\n");
    Ok(())
}

fn info(package: &Unpacked, root: &Dir) -> io::Result<()> {
    let name = package.info_name();
    let mut list = b"/.\n".to_vec();
    for path in package.paths.iter().filter(|path| !path.is_root()) {
        list.extend_from_slice(b"/");
        list.extend_from_slice(path.as_bytes());
        list.push(b'\n');
    }
    put(root, &format!("info/{name}.list"), &list, 0o644)?;
    for (file, (mode, content)) in &package.control.files {
        put(root, &format!("info/{name}.{file}"), content, mode.bits() & 0o777 | 0o400)?;
    }
    Ok(())
}

/// The architectures that dpkg is to accept, its own first.
fn architectures(native: &str, packages: &[Unpacked]) -> String {
    let foreign: BTreeSet<&str> = packages.iter().map(|package| package.architecture.as_str()).collect();
    let foreign = foreign.into_iter().filter(|name| *name != native && *name != "all");
    let mut text = format!("{native}\n");
    foreign.for_each(|name| {
        text.push_str(name);
        text.push('\n');
    });
    text
}

/// Who wants to know when something changes (deb-triggers(5)): `File` for paths, one file for each other trigger.
fn triggers(packages: &[Unpacked]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for package in packages {
        let text = String::from_utf8_lossy(package.control.file("triggers").unwrap_or_default()).into_owned();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let suffix = match words.next() {
                Some("interest" | "interest-await") => "",
                Some("interest-noawait") => "/noawait",
                _ => continue,
            };
            let Some(trigger) = words.next() else { continue };
            let name = package.info_name();
            let (file, line) = match trigger.starts_with('/') {
                true => ("File", format!("{trigger} {name}{suffix}\n")),
                false => (trigger, format!("{name}{suffix}\n")),
            };
            // names are file names here; a package that calls its trigger otherwise goes without
            if file == "File" || is_trigger_name(file) {
                files.entry(file.to_owned()).or_default().push_str(&line);
            }
        }
    }
    files
}

/// Whether a package may call a trigger so: letters, digits and some signs (deb-triggers(5)), and no name that dpkg has
/// a file of its own for.
fn is_trigger_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._:".contains(&byte);
    let own = ["File", "Lock", "Unincorp"].contains(&name);
    !own && name.len() <= 128 && !name.starts_with('.') && name.bytes().all(plain)
}
