//! dpkg's database of a root whose packages are unpacked: what `dpkg --unpack` would have left, so that the real
//! `dpkg --configure` in there can go on from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fs_err as fs;
use md5::{Digest as _, Md5};

use super::package::{Unpacked, make_folders, merged};
use super::{RootConfigure, RootSpec};
use crate::model::ImagePath;

/// The database's folder.
pub(super) const DPKG: &str = "var/lib/dpkg";

/// Writes the database of `packages`, which are in the tree `root`.
pub(super) fn write(spec: &RootSpec, packages: &[Unpacked], root: &Path) -> io::Result<()> {
    let native = spec.platform.deb();
    for folder in ["alternatives", "info", "parts", "triggers", "updates"] {
        make_folders(root, &below(folder)?)?;
    }
    let mut status = String::new();
    for package in packages {
        // scripts of other architectures cannot run; those packages are there for headers and libraries
        let configured = spec.configure == RootConfigure::None || !package.runs_on(native);
        stanza(package, if configured { "installed" } else { "unpacked" }, &mut status);
        info(package, root)?;
    }
    put(root, "status", status.as_bytes())?;
    put(root, "arch", architectures(native, packages).as_bytes())?;
    put(root, "info/format", b"1\n")?;
    for name in ["available", "diversions", "statoverride"] {
        put(root, name, b"")?;
    }
    for (name, text) in triggers(packages) {
        put(root, &format!("triggers/{name}"), text.as_bytes())?;
    }
    Ok(())
}

fn below(name: &str) -> io::Result<ImagePath> {
    ImagePath::new(format!("{DPKG}/{name}").as_bytes()).map_err(|error| io::Error::other(error.to_string()))
}

fn put(root: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let path = root.join(below(name)?.as_relative());
    if fs::symlink_metadata(&path).is_ok() {
        fs::remove_file(&path)?; // it may be a name of a file in the store
    }
    fs::write(&path, content)?;
    fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))
}

fn stanza(package: &Unpacked, state: &str, status: &mut String) {
    let mut lines = package.control.control.trim_end().to_owned();
    let _ = write!(lines, "\nStatus: install ok {state}");
    let conffiles = String::from_utf8_lossy(package.control.file("conffiles").unwrap_or_default()).into_owned();
    let mut known = String::new();
    for path in conffiles.lines().map(str::trim).filter(|line| line.starts_with('/')) {
        let Ok(place) = ImagePath::absolute(path) else { continue };
        if let Ok(content) = fs::read(package.tree.join(merged(&place).as_relative())) {
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
}

fn info(package: &Unpacked, root: &Path) -> io::Result<()> {
    let name = package.info_name();
    let mut list = b"/.\n".to_vec();
    for path in package.paths.iter().filter(|path| !path.is_root()) {
        list.extend_from_slice(b"/");
        list.extend_from_slice(path.as_bytes());
        list.push(b'\n');
    }
    put(root, &format!("info/{name}.list"), &list)?;
    for (file, (mode, content)) in &package.control.files {
        let file = format!("info/{name}.{file}");
        put(root, &file, content)?;
        let mode = std::fs::Permissions::from_mode(mode.bits() & 0o777 | 0o400);
        fs::set_permissions(root.join(below(&file)?.as_relative()), mode)?;
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
            if !file.contains('/') && !file.starts_with('.') {
                files.entry(file.to_owned()).or_default().push_str(&line);
            }
        }
    }
    files
}
