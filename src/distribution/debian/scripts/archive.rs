//! The packages as an archive without a pool, for apt and for dpkg (sources.list(5), "flat repository").

use std::fmt::Write as _;

use crate::distribution::scripts::{OWN, ScriptRun, ScriptedPackage};
use crate::model::{Digest, PackageId};

/// The folder of the basic packages, in the folder of the sandbox's own.
pub(super) const BASIC: &str = "basic";
/// The folder of the others.
pub(super) const OTHERS: &str = "others";

/// Adds the packages to a run, and an index of those that apt is to install.
pub(super) fn add(packages: &[ScriptedPackage], run: &mut ScriptRun) {
    run.folders.extend([BASIC, OTHERS, "apt/lists/partial", "apt/cache/archives/partial", "apt/log"]);
    run.read_only.extend([BASIC, OTHERS]);
    let mut index = String::new();
    for package in packages {
        let folder = if package.basic { BASIC } else { OTHERS };
        run.packages.push((format!("{folder}/{}", file_name(package)), package.digest));
        if !package.basic {
            stanza(package, &mut index);
        }
    }
    let sources = format!("deb [trusted=yes] file:/{OWN}/{OTHERS} ./\n");
    run.files.extend([
        (format!("{OTHERS}/Release"), release(&index)),
        (format!("{OTHERS}/Packages"), index),
        ("sources.list".to_owned(), sources),
    ]);
}

/// As archives call it, but for the colon of an epoch, which apt and dpkg write in ways of their own.
pub(super) fn file_name(package: &ScriptedPackage) -> String {
    let PackageId { name, version, architecture, .. } = &package.id;
    format!("{name}_{}_{architecture}.deb", version.as_str().replace(':', "."))
}

fn stanza(package: &ScriptedPackage, index: &mut String) {
    let size = package.size;
    let control = package.control.control.trim_end();
    let name = file_name(package);
    let _ = write!(index, "{control}\nFilename: ./{name}\nSize: {size}\nSHA256: {}\n\n", package.digest.hex());
}

fn release(index: &str) -> String {
    let (digest, size) = (Digest::of(index.as_bytes()), index.len());
    format!(
        "Suite: packages\nCodename: packages\nDate: Thu, 01 Jan 1970 00:00:00 UTC\nSHA256:\n {} {size} Packages\n",
        digest.hex()
    )
}
