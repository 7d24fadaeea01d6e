//! What packages say about how they are configured: maintainer scripts, and the files that their tools read.

use std::collections::BTreeMap;
use std::io;

use super::{parts, text};
use crate::archive::{Control, ElfFacts, Entry, EntryKind};
use crate::distribution::debian::Debian;
use crate::distribution::system::{Extent, PackageState, Tree, UnpackedPackage, UnpackedSystem};
use crate::distribution::world::World as _;
use crate::model::{EPOCH, Format, ImagePath, Mode, PackageId, Platform, Why};

/// Files of the system, then files of the package's control member, in the order in which they stand in the bytes.
const FILES: [&str; 9] = [
    "etc/passwd",
    "etc/group",
    "usr/lib/sysusers.d/fuzz.conf",
    "usr/lib/tmpfiles.d/fuzz.conf",
    "usr/lib/systemd/system-preset/90-fuzz.preset",
    "usr/lib/systemd/system/fuzz.service",
    "etc/ld.so.conf",
    "usr/share/pam-configs/fuzz",
    "etc/init.d/fuzz",
];
const CONTROL: [&str; 5] = ["postinst", "templates", "triggers", "conffiles", "preinst"];
/// Packages whose presence makes the model do what their tools do.
const TOOLS: [&str; 10] = [
    "systemd",
    "init-system-helpers",
    "debconf",
    "libc-bin",
    "libpam-runtime",
    "base-files",
    "base-passwd",
    "dpkg",
    "passwd",
    "ucf",
];

/// Any texts as the files that configuring a package reads: an error is possible, and scripts that are not known.
pub fn system(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let mut tree = Files::default();
    for (name, part) in FILES.iter().zip(&mut parts) {
        tree.put(name, part);
    }
    let files = CONTROL.iter().zip(&mut parts);
    let mode = Mode::from_bits(0o755);
    let files = files.map(|(name, part)| ((*name).to_owned(), (mode, part.to_vec()))).collect();
    let mut packages: Vec<UnpackedPackage> =
        TOOLS.iter().map(|name| package(name, BTreeMap::new(), &Files::default())).collect();
    packages.push(package("fuzz", files, &tree));
    let platform = if bytes.len().is_multiple_of(2) { "linux/amd64" } else { "linux/arm64" };
    let platform: Platform = platform.parse().expect("a platform");
    let (model, system) =
        (Debian.model(), UnpackedSystem { platform, packages: &packages, tree: &tree, moment: EPOCH });
    for extent in [Extent::Unpacked, Extent::Recorded, Extent::Configured, Extent::Libraries] {
        let _ = model.configure(extent, &system);
    }
    let _ = model.coverage(platform, &packages);
}

/// Any text as a maintainer script: whether it runs outside of its system, and which diversions it makes; and any bytes as
/// the file capability that it sets.
pub fn scripts(bytes: &[u8]) {
    let _ = crate::distribution::debian::scripts::unaware_line(&text(bytes));
    crate::packages::fuzzed::diversions(bytes);
    crate::image::fuzzed::capability(bytes);
}

fn package(name: &str, files: BTreeMap<String, (Mode, Vec<u8>)>, tree: &Files) -> UnpackedPackage {
    let control = format!("Package: {name}\nVersion: 1.0\nArchitecture: all\n");
    UnpackedPackage {
        id: PackageId::new(Format::Deb, name, "1.0", "all").expect("a package"),
        control: Control { control, files },
        entries: tree.0.values().map(|(entry, _)| entry.clone()).collect(),
        state: PackageState::Unpacked,
        why: Why::Asked,
    }
}

/// A tree in memory.
#[derive(Default)]
struct Files(BTreeMap<ImagePath, (Entry, Vec<u8>)>);

impl Files {
    /// Puts a file and the folders that it is in.
    fn put(&mut self, name: &str, content: &[u8]) {
        let path = ImagePath::new(name.as_bytes()).expect("a path");
        for folder in path.ancestors() {
            let entry = entry(folder.clone(), EntryKind::Dir, 0o755);
            self.0.entry(folder).or_insert((entry, Vec::new()));
        }
        let kind = EntryKind::File { size: content.len() as u64 };
        self.0.insert(path.clone(), (entry(path, kind, 0o644), content.to_vec()));
    }
}

fn entry(path: ImagePath, kind: EntryKind, mode: u32) -> Entry {
    Entry { path, kind, mode: Mode::from_bits(mode), uid: 0, gid: 0, mtime: 0, xattrs: Vec::new() }
}

impl Tree for Files {
    fn entry(&self, path: &ImagePath) -> Option<Entry> {
        self.0.get(path).map(|(entry, _)| entry.clone())
    }

    fn list(&self, folder: &ImagePath) -> Vec<Entry> {
        let inside = |path: &ImagePath| path != folder && path.parent().as_ref() == Some(folder);
        self.0.iter().filter(|(path, _)| inside(path)).map(|(_, (entry, _))| entry.clone()).collect()
    }

    fn read(&self, path: &ImagePath) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|(_, content)| content.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn elf(&self, _path: &ImagePath) -> io::Result<Option<ElfFacts>> {
        Ok(None)
    }
}
