//! A small Debian archive on disk: packages made by `dpkg-deb`, signed by `gpg` with a key of its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{text_of, tool, write};

/// An archive and the key that signs it.
pub(crate) struct Archive {
    folder: tempfile::TempDir,
    /// Whether it has the package `box` of [`super::toolbox`].
    has_box: bool,
}

/// A package to be.
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) architecture: &'a str,
    /// Further lines of its control file.
    pub(crate) fields: &'a str,
    /// Paths and contents; a path that ends in `/` is a folder, a content `-> TARGET` makes a symbolic link.
    pub(crate) files: &'a [(&'a str, &'a str)],
}

/// When the release file says that it was made, and until when it holds.
pub(crate) struct Dates<'a> {
    pub(crate) date: &'a str,
    pub(crate) valid_until: Option<&'a str>,
}

impl Default for Dates<'_> {
    fn default() -> Self {
        Self { date: "Thu, 01 Jan 2026 00:00:00 UTC", valid_until: None }
    }
}

impl Archive {
    /// An archive with these packages in suite `stable`, component `main`.
    pub(crate) fn new(packages: &[Package<'_>]) -> Self {
        Self::of(packages, false)
    }

    /// The same with the package `box`, which stages can run in: see [`super::toolbox`].
    pub(crate) fn with_box(packages: &[Package<'_>]) -> Self {
        Self::of(packages, true)
    }

    fn of(packages: &[Package<'_>], has_box: bool) -> Self {
        let archive = Self { folder: tempfile::tempdir().expect("a folder"), has_box };
        tool(
            "gnupg",
            archive.gpg().args([
                "--batch",
                "--quick-generate-key",
                "--passphrase",
                "",
                "archive@example.org",
                "rsa3072",
                "sign",
                "never",
            ]),
        );
        archive.publish(packages, &Dates::default());
        archive
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new("gpg");
        let home = self.folder.path().join("gnupg");
        fs_err::create_dir_all(&home).expect("made");
        std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("changed");
        command.arg("--homedir").arg(home).args(["--batch", "--yes", "--quiet"]);
        command
    }

    /// Where it is, for the environment file.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.root().display())
    }

    /// Its folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("debian")
    }

    /// Its public key, armored.
    pub(crate) fn key(&self) -> String {
        text_of("gnupg", self.gpg().args(["--armor", "--export"]))
    }

    /// Replaces what it holds.
    pub(crate) fn publish(&self, packages: &[Package<'_>], dates: &Dates<'_>) {
        let mut indexes: std::collections::BTreeMap<&str, String> =
            [("amd64", String::new()), ("arm64", String::new())].into();
        let toolbox = Package { name: "box", version: "1.0", architecture: "amd64", fields: "", files: &[] };
        for package in packages.iter().chain(self.has_box.then_some(&toolbox)) {
            let stanza = self.package(package);
            for (architecture, index) in &mut indexes {
                if package.architecture == "all" || package.architecture == *architecture {
                    let _ = writeln!(index, "{stanza}");
                }
            }
        }
        let mut release = format!("Origin: Test\nSuite: stable\nCodename: stable\nDate: {}\n", dates.date);
        if let Some(until) = dates.valid_until {
            let _ = writeln!(release, "Valid-Until: {until}");
        }
        release.push_str("Architectures: amd64 arm64\nComponents: main\nSHA256:\n");
        let dist = self.root().join("dists/stable");
        for (architecture, index) in indexes {
            let name = format!("main/binary-{architecture}/Packages");
            write(&dist.join(&name), index);
            tool("xz-utils", Command::new("xz").args(["-kf"]).arg(dist.join(&name)));
            let packed = dist.join(format!("{name}.xz"));
            let (digest, size) = hash(&packed);
            let _ = writeln!(release, " {digest} {size} {name}.xz");
            let name = format!("main/Contents-{architecture}");
            write(&dist.join(&name), contents(packages, architecture));
            tool("gzip", Command::new("gzip").args(["-kfn"]).arg(dist.join(&name)));
            let (digest, size) = hash(&dist.join(format!("{name}.gz")));
            let _ = writeln!(release, " {digest} {size} {name}.gz");
        }
        release.push_str(&self.source_package());
        self.sign(&release);
    }

    /// Adds an index of source packages with one in it, `demo`, and gives the index's line of the release file.
    fn source_package(&self) -> String {
        let dsc = self.root().join("pool/demo_1.0.dsc");
        write(&dsc, "Format: 3.0 (native)\n");
        let (digest, size) = hash(&dsc);
        let name = "main/source/Sources.xz";
        let plain = self.root().join("dists/stable/main/source/Sources");
        let files = format!("Checksums-Sha256:\n {digest} {size} demo_1.0.dsc\n");
        write(&plain, format!("Package: demo\nVersion: 1.0\nDirectory: pool\n{files}"));
        tool("xz-utils", Command::new("xz").args(["-kf"]).arg(&plain));
        let (digest, size) = hash(&self.root().join("dists/stable").join(name));
        format!(" {digest} {size} {name}\n")
    }

    /// Signs a release file.
    pub(crate) fn sign(&self, release: &str) {
        let dist = self.root().join("dists/stable");
        write(&dist.join("Release"), release);
        tool("gnupg", self.gpg().arg("--clearsign").arg("-o").arg(dist.join("InRelease")).arg(dist.join("Release")));
    }

    /// Builds a package and gives its stanza.
    fn package(&self, package: &Package<'_>) -> String {
        let Package { name, version, architecture, fields, files } = package;
        let tree = tempfile::tempdir().expect("a folder");
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: T <t@example.org>\n{fields}Description: test\n"
        );
        write(&tree.path().join("DEBIAN/control"), &control);
        for (path, content) in *files {
            let target = tree.path().join(path.trim_start_matches('/'));
            if path.ends_with('/') {
                fs_err::create_dir_all(target).expect("made");
            } else if let Some(to) = content.strip_prefix("-> ") {
                fs_err::create_dir_all(target.parent().expect("a parent")).expect("made");
                fs_err::os::unix::fs::symlink(to, target).expect("linked");
            } else if path.starts_with("/DEBIAN/") || content.starts_with("#!") {
                write(&target, content);
                std::fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                    .expect("changed");
            } else {
                write(&target, content);
            }
        }
        if self.has_box && *name == "box" {
            super::toolbox::fill(tree.path());
        }
        // names of files leave the epoch out (dpkg-name(1))
        let in_name = version.split_once(':').map_or(*version, |(_, version)| version);
        let path = format!("pool/{name}_{in_name}_{architecture}.deb");
        let file = self.root().join(&path);
        fs_err::create_dir_all(file.parent().expect("a parent")).expect("made");
        let mut build = Command::new("dpkg-deb");
        build.env("SOURCE_DATE_EPOCH", "1700000000").args(["--root-owner-group", "-Zxz", "--build"]);
        tool("dpkg", build.arg(tree.path()).arg(&file));
        let (hash, size) = hash(&file);
        format!("{control}Filename: {path}\nSize: {size}\nSHA256: {hash}\n")
    }
}

/// Which package has which file.
fn contents(packages: &[Package<'_>], architecture: &str) -> String {
    let mut text = String::new();
    for package in packages.iter().filter(|package| ["all", architecture].contains(&package.architecture)) {
        for (path, _) in package.files.iter().filter(|(path, _)| !path.starts_with("/DEBIAN/") && !path.ends_with('/'))
        {
            let _ = writeln!(text, "{}    misc/{}", path.trim_start_matches('/'), package.name);
        }
    }
    text
}

fn hash(path: &Path) -> (String, u64) {
    let text = text_of("coreutils", Command::new("sha256sum").arg(path));
    let size = std::fs::metadata(path).expect("there").len();
    (text.split_whitespace().next().expect("a hash").to_owned(), size)
}
