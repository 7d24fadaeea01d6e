//! A store, packages made on the spot, and an image node to change.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::image::{AssembleInputs, BuiltImage, Configuration, CopyContent, ImageError, ResolvedEntry, assemble};
use crate::model::{EPOCH, Format, ImageName, PackageId, PathPolicy, Place, Platform, SourceMap, Spanned, Why};
use crate::packages::PackageBlob;
use crate::recipe::{Base, Compression, Config, Configure, Emulate, Image, ImageEntry, ImageEntryKind, Runtime};
use crate::store::Store;

/// A folder for one test.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
}

/// A package to be made.
pub(crate) struct Deb {
    name: String,
    version: String,
    architecture: String,
    fields: String,
    root: PathBuf,
}

pub(crate) fn nowhere() -> Place {
    Place { file: SourceMap::default().add("recipe.kdl", ""), offset: 0, length: 0 }
}

/// Runs a program that the tests cannot do without, and gives what it printed.
pub(crate) fn run(program: &str, package: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("SOURCE_DATE_EPOCH", "1700000000").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error} (apt-get install {package})"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}{text}", String::from_utf8_lossy(&output.stderr));
    text
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("store")).expect("a new store");
        Self { folder, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as text, for arguments.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn deb(&self, name: &str) -> Deb {
        let root = self.path(&format!("deb-{name}"));
        fs_err::create_dir_all(root.join("DEBIAN")).expect("a folder");
        let (version, architecture) = ("1.0-1".to_owned(), "amd64".to_owned());
        Deb { name: name.to_owned(), version, architecture, fields: String::new(), root }
    }

    /// Builds a package and puts it into the store.
    pub(crate) fn build(&self, deb: &Deb) -> PackageBlob {
        self.build_as(deb, "xz")
    }

    pub(crate) fn build_as(&self, deb: &Deb, compression: &str) -> PackageBlob {
        let Deb { name, version, architecture, fields, root } = deb;
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: a <a@example.org>\n{fields}Description: x\n"
        );
        fs_err::write(root.join("DEBIAN/control"), control).expect("a file");
        let file = self.text(&format!("{name}-{architecture}.deb"));
        let compression = format!("-Z{compression}");
        let root = root.to_str().expect("UTF-8");
        run("dpkg-deb", "dpkg", &["--root-owner-group", &compression, "--build", root, &file]);
        self.package(name, version, architecture, &fs_err::read(&file).expect("the package"))
    }

    pub(crate) fn package(&self, name: &str, version: &str, architecture: &str, bytes: &[u8]) -> PackageBlob {
        let digest = self.store.put_blob(bytes).expect("a blob");
        let id = PackageId::new(Format::Deb, name, version, architecture).expect("a package");
        PackageBlob { id, digest, why: Why::Asked }
    }

    /// Assembles for linux/amd64, with entries that copy nothing or what `copies` says.
    pub(crate) fn try_image(
        &self,
        image: &Image,
        base: Option<&BuiltImage>,
        packages: &[PackageBlob],
        copies: &[CopyContent],
    ) -> Result<BuiltImage, ImageError> {
        let mut copies = copies.iter().cloned();
        let resolve = |entry| ResolvedEntry { entry, content: is_copy(entry).then(|| copies.next()).flatten() };
        let inputs = AssembleInputs {
            configuration: Configuration::None,
            platform: amd64(),
            image,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            created: EPOCH,
            base,
            packages: packages.to_vec(),
            entries: image.entries.iter().map(resolve).collect(),
        };
        assemble(&self.store, &inputs)
    }

    pub(crate) fn image(&self, image: &Image, base: Option<&BuiltImage>, packages: &[PackageBlob]) -> BuiltImage {
        self.try_image(image, base, packages, &[]).unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// The tar of a layer, listed by GNU tar: mode, owner, size, date, time and path, a space between.
    pub(crate) fn list(&self, image: &BuiltImage, layer: usize) -> String {
        let blob = self.store.blob_path(&image.layers[layer].descriptor.digest);
        let numeric = ["--numeric-owner", "--full-time", "--utc", "-tvf", blob.to_str().expect("UTF-8")];
        let listing = run("tar", "tar", &numeric);
        let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
        listing.lines().map(squeeze).collect()
    }
}

fn is_copy(entry: &ImageEntry) -> bool {
    matches!(entry.kind, ImageEntryKind::Copy { .. })
}

impl Deb {
    pub(crate) fn field(mut self, line: &str) -> Self {
        self.fields.push_str(line);
        self.fields.push('\n');
        self
    }

    pub(crate) fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    pub(crate) fn architecture(mut self, architecture: &str) -> Self {
        self.architecture = architecture.to_owned();
        self
    }

    fn make_parent(&self, path: &str) -> PathBuf {
        let path = self.root.join(path);
        fs_err::create_dir_all(path.parent().expect("below the root")).expect("a folder");
        path
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.file_with(path, text.as_bytes(), 0o644)
    }

    pub(crate) fn file_with(self, path: &str, bytes: &[u8], mode: u32) -> Self {
        let path = self.make_parent(path);
        fs_err::write(&path, bytes).expect("a file");
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        self
    }

    pub(crate) fn dir(self, path: &str, mode: u32) -> Self {
        let path = self.make_parent(path);
        fs_err::create_dir_all(&path).expect("a folder");
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        self
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        let path = self.make_parent(path);
        std::os::unix::fs::symlink(target, path).expect("a link");
        self
    }

    pub(crate) fn hardlink(self, path: &str, target: &str) -> Self {
        let path = self.make_parent(path);
        fs_err::hard_link(self.root.join(target), path).expect("a link");
        self
    }

    pub(crate) fn script(self, name: &str, text: &str) -> Self {
        self.file_with(&format!("DEBIAN/{name}"), text.as_bytes(), 0o755)
    }
}

pub(crate) fn amd64() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

/// An image on scratch with nothing in it, whose packages are only unpacked.
pub(crate) fn plain(name: &str) -> Image {
    Image {
        name: Spanned::new(ImageName::new(name).expect("a name"), nowhere()),
        from: Base::Scratch,
        distribution: None,
        packages: Vec::new(),
        selections: Vec::new(),
        recommends: false,
        configure: Configure::None,
        emulate: Emulate::Never,
        policy: PathPolicy::default(),
        entries: Vec::new(),
        accounts: Vec::new(),
        groups: Vec::new(),
        config: Config::default(),
        runtime: Runtime::default(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        layers: 2,
        compression: Compression::Gzip,
        waivers: Vec::new(),
    }
}

/// An entry without owner and mode.
pub(crate) fn entry(kind: ImageEntryKind) -> ImageEntry {
    ImageEntry { place: nowhere(), kind, owner: None, mode: None }
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

pub(crate) fn read(path: &Path) -> String {
    fs_err::read_to_string(path).expect("a text file")
}
