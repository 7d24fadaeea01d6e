//! dpkg's own database in `/var/lib/dpkg`, as dpkg 1.21 to 1.22 would have written it after installing and
//! configuring a set of packages: `status`, `info/`, `triggers/` and the files around them.

use std::collections::{BTreeMap, BTreeSet};

use md5::{Digest as _, Md5};

use super::tree::{Root, at};
use super::{ConfigureError, PackageState, UnpackedPackage};
use crate::model::{ImagePath, PackageId, Platform};

/// The database of a set of installed packages of one system.
pub(crate) struct DpkgDatabase<'p> {
    packages: Vec<&'p UnpackedPackage>,
    platform: Platform,
    /// Whether packages whose scripts have not run are written down so.
    with_states: bool,
}

/// A field of a control file: its name and its value with continuation lines, as written.
type Field<'c> = (&'c str, &'c str);

/// The order in which dpkg writes the fields it knows (`fieldinfos` of libdpkg); the others follow as they came.
/// `Status` and `Conffiles` are dpkg's own.
const ORDER: &[&str] = &[
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Config-Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
    "Enhances",
    "Conffiles",
    "Description",
];

const RELATIONS: std::ops::Range<usize> = 15..24;

/// What of a package's control member is not kept in `info/`.
const NOT_KEPT: &[&str] = &["control"];

impl<'p> DpkgDatabase<'p> {
    /// The database of `packages` on a system whose own architecture is that of `platform`.
    #[must_use]
    pub(crate) fn new(platform: Platform, packages: &'p [UnpackedPackage]) -> Self {
        let mut packages: Vec<_> = packages.iter().collect();
        packages.sort_by_key(|package| (&package.id.name, &package.id.architecture));
        Self { packages, platform, with_states: false }
    }

    /// The same, in which packages that are only unpacked are not installed yet.
    pub(super) fn with_states(self) -> Self {
        Self { with_states: true, ..self }
    }

    /// The content of the `status` file; `digest` gives the MD5 of a configuration file as it was unpacked, in hex.
    ///
    /// # Errors
    /// When a control file is not one, or a digest cannot be had.
    pub(crate) fn status(
        &self,
        digest: &mut dyn FnMut(&ImagePath) -> Result<Option<String>, ConfigureError>,
    ) -> Result<String, ConfigureError> {
        let mut status = String::new();
        for package in &self.packages {
            let state = match package.state {
                PackageState::Unpacked if self.with_states => "unpacked",
                PackageState::Unpacked | PackageState::Configured => "installed",
            };
            stanza(package, state, digest, &mut status)?;
        }
        Ok(status)
    }

    /// The names of a package's files in `info/` begin with this: several architectures of one that is
    /// `Multi-Arch: same` are told apart.
    #[must_use]
    pub(crate) fn info_name(package: &UnpackedPackage) -> String {
        let same = package.control.control.lines().any(|line| line.trim_end() == "Multi-Arch: same");
        if same { package.id.qualified_name() } else { package.id.name.to_string() }
    }

    /// The paths that the package owns, as `info/*.list` has them.
    fn list(package: &UnpackedPackage) -> Vec<u8> {
        let mut list = b"/.\n".to_vec();
        for entry in package.entries.iter().filter(|entry| !entry.path.is_root()) {
            list.push(b'/');
            list.extend_from_slice(entry.path.as_bytes());
            list.push(b'\n');
        }
        list
    }

    /// Triggers that packages are interested in: the lines of `triggers/File`, and those of one file per trigger.
    fn triggers(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mut paths = Vec::new();
        for package in &self.packages {
            let name = Self::info_name(package);
            let text = String::from_utf8_lossy(package.control.file("triggers").unwrap_or_default()).into_owned();
            for line in text.lines() {
                let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
                let suffix = match words.next() {
                    Some("interest" | "interest-await") => "",
                    Some("interest-noawait") => "/noawait",
                    _ => continue,
                };
                match words.next() {
                    Some(path) if path.starts_with('/') => paths.push(format!("{path} {name}{suffix}\n")),
                    Some(trigger) => files
                        .entry(trigger.to_owned())
                        .or_insert_with(String::new)
                        .push_str(&format!("{name}{suffix}\n")),
                    None => {}
                }
            }
        }
        if !paths.is_empty() {
            paths.sort();
            files.insert("File".to_owned(), paths.concat());
        }
        files
    }

    /// Writes the database below `/var/lib/dpkg`, and apt's memory of who asked for what where apt is.
    pub(super) fn write(&self, root: &mut Root<'_>) -> Result<(), ConfigureError> {
        let below = |name: &str| at(&format!("/var/lib/dpkg/{name}"));
        let own = (0, 0);
        for folder in ["alternatives", "info", "parts", "triggers", "updates"] {
            if !root.is_dir(&below(folder)?) {
                root.mkdir(&below(folder)?, 0o755, own);
            }
        }
        let status = self.status(&mut |path| Ok(root.read(path)?.map(|content| hex(&Md5::digest(content)))))?;
        root.write(&below("status")?, 0o644, own, status);
        root.write(&below("info/format")?, 0o644, own, "1\n");
        if let Some(architectures) = self.architectures() {
            root.write(&below("arch")?, 0o644, own, architectures);
        }
        for package in &self.packages {
            let name = Self::info_name(package);
            root.write(&below(&format!("info/{name}.list"))?, 0o644, own, Self::list(package));
            let kept = package.control.files.iter().filter(|(file, _)| !NOT_KEPT.contains(&file.as_str()));
            for (file, (mode, content)) in kept {
                root.write(&below(&format!("info/{name}.{file}"))?, mode.bits(), own, content.clone());
            }
        }
        for (name, text) in self.triggers() {
            root.write(&below(&format!("triggers/{name}"))?, 0o644, own, text);
        }
        for (lock, mode) in
            [("lock", 0o640), ("lock-frontend", 0o640), ("triggers/Lock", 0o600), ("triggers/Unincorp", 0o644)]
        {
            root.write(&below(lock)?, mode, own, "");
        }
        self.write_apt(root)
    }

    /// The architectures that dpkg is to accept, its own first, where there are others (`dpkg --add-architecture`).
    fn architectures(&self) -> Option<String> {
        let own = self.platform.deb();
        let all: BTreeSet<&str> = self.packages.iter().map(|package| package.id.architecture.as_str()).collect();
        let foreign: Vec<&str> = all.into_iter().filter(|name| *name != own && *name != "all").collect();
        (!foreign.is_empty()).then(|| format!("{own}\n{}\n", foreign.join("\n")))
    }

    fn write_apt(&self, root: &mut Root<'_>) -> Result<(), ConfigureError> {
        let automatic: Vec<_> = self.packages.iter().filter(|package| package.why.is_needed()).collect();
        if automatic.is_empty() || !root.is_dir(&at("/var/lib/apt")?) {
            return Ok(());
        }
        let stanza = |package: &&&UnpackedPackage| {
            let PackageId { name, architecture, .. } = &package.id;
            let all = architecture == "all";
            let architecture = if all { self.platform.deb() } else { architecture.as_str() };
            format!("Package: {name}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n")
        };
        let text: String = automatic.iter().map(stanza).collect();
        root.write(&at("/var/lib/apt/extended_states")?, 0o644, (0, 0), text);
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fields of a package's control file, in its order.
fn fields(package: &UnpackedPackage) -> Result<Vec<Field<'_>>, ConfigureError> {
    let broken = |reason: String| ConfigureError::Control { package: package.id.name.to_string(), reason };
    let text = package.control.control.trim_end();
    let mut fields = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let line = |from: usize| text[from..].find('\n').map_or(text.len(), |length| from + length + 1);
        let mut end = line(start);
        while end < text.len() && text[end..].starts_with([' ', '\t']) {
            end = line(end);
        }
        let (name, value) =
            text[start..end].split_once(':').ok_or_else(|| broken(format!("`{}` is no field", &text[start..end])))?;
        fields.push((name, value.trim()));
        start = end;
    }
    Ok(fields)
}

fn stanza(
    package: &UnpackedPackage,
    state: &str,
    digest: &mut dyn FnMut(&ImagePath) -> Result<Option<String>, ConfigureError>,
    out: &mut String,
) -> Result<(), ConfigureError> {
    let fields = fields(package)?;
    let known = |name: &str| fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    for (index, name) in ORDER.iter().enumerate() {
        match (*name, known(name)) {
            ("Status", _) => out.push_str(&format!("Status: install ok {state}\n")),
            ("Conffiles", _) => conffiles(package, digest, out)?,
            (_, None | Some("")) | ("Essential" | "Protected" | "Multi-Arch", Some("no")) => {}
            (_, Some(value)) if RELATIONS.contains(&index) => out.push_str(&format!("{name}: {}\n", relations(value))),
            (_, Some(value)) => out.push_str(&format!("{name}: {value}\n")),
        }
    }
    for (name, value) in &fields {
        if !ORDER.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            out.push_str(&format!("{name}: {value}\n"));
        }
    }
    out.push('\n');
    Ok(())
}

fn conffiles(
    package: &UnpackedPackage,
    digest: &mut dyn FnMut(&ImagePath) -> Result<Option<String>, ConfigureError>,
    out: &mut String,
) -> Result<(), ConfigureError> {
    let text = String::from_utf8_lossy(package.control.file("conffiles").unwrap_or_default()).into_owned();
    let mut lines = String::new();
    for line in text.lines().map(str::trim) {
        // a file that a former version had and this one wants gone (deb-conffiles(5)): dpkg keeps it in mind
        if let Some(path) = line.strip_prefix("remove-on-upgrade ") {
            lines.push_str(&format!(" {} newconffile remove-on-upgrade\n", path.trim()));
        } else if line.starts_with('/')
            && let Some(digest) = digest(&at(line)?)?
        {
            lines.push_str(&format!(" {line} {digest}\n"));
        }
    }
    if !lines.is_empty() {
        out.push_str("Conffiles:\n");
        out.push_str(&lines);
    }
    Ok(())
}

/// Relations as dpkg writes them: one space around operators, after commas and around bars.
fn relations(value: &str) -> String {
    let alternative = |text: &str| match text.split_once('(') {
        None => text.trim().to_owned(),
        Some((name, rest)) => {
            let rest = rest.trim_end().trim_end_matches(')').trim();
            let version = rest.trim_start_matches(['<', '=', '>']);
            format!("{} ({} {})", name.trim(), &rest[..rest.len() - version.len()], version.trim())
        }
    };
    let group = |text: &str| text.split('|').map(alternative).collect::<Vec<_>>().join(" | ");
    value.split(',').map(group).filter(|group| !group.is_empty()).collect::<Vec<_>>().join(", ")
}
