//! The text form of locks: written canonically, read strictly.

use std::fmt::Write as _;
use std::str::FromStr;

use super::line::{self, Line, LineError, quote};
use super::pins::{
    ArchivesLock, BasePin, BlobPin, FilePin, IndexPin, PackagePin, PackageSet, RecipeLock, SetId, SourcePin, StepOwner,
    SuitePin,
};
use crate::model::{
    ArchiveName, ArchivePath, Digest, Format, ImageName, ImageReference, PackageId, Platform, SourceName, Why,
};

const HEADER: &str = "// written by `orchestrate refresh`, read by everything else; review it as a diff\n";

/// Writes `archives.kdl`.
#[must_use]
pub fn render_archives(lock: &ArchivesLock) -> String {
    let mut text = String::from(HEADER);
    for ((archive, suite), pin) in &lock.suites {
        let (archive, suite) = (quote(archive.as_str()), quote(suite));
        let _ = writeln!(text, "suite {archive} {suite} date=\"{}\" release=\"{}\" {{", pin.date, pin.release);
        for (name, index) in &pin.indexes {
            let _ = writeln!(text, "    index {} size={} sha256=\"{}\"", quote(name), index.size, index.digest.hex());
        }
        text.push_str("}\n");
    }
    text
}

/// Writes a recipe's lock.
#[must_use]
pub fn render_recipe(lock: &RecipeLock) -> String {
    let mut text = String::from(HEADER);
    let _ = writeln!(text, "created \"{}\"", lock.created);
    for ((name, platform), pin) in &lock.sources {
        render_source(&mut text, name, *platform, pin);
    }
    for ((image, platform), pin) in &lock.bases {
        render_base(&mut text, image, *platform, pin);
    }
    for (id, set) in &lock.packages {
        let (kind, name, build) = match id {
            SetId::Image { name, .. } => ("image", name.as_str(), None),
            SetId::Step { owner: StepOwner::Stage(name), build, .. } => ("stage", name.as_str(), Some(build)),
            SetId::Step { owner: StepOwner::Vendor(name), build, .. } => ("vendor", name.as_str(), Some(build)),
        };
        let build = build.map(|build| format!(" build=\"{build}\"")).unwrap_or_default();
        let _ = writeln!(
            text,
            "packages {kind}={} platform=\"{}\"{build} request=\"{}\" {{",
            quote(name),
            id.target(),
            set.request
        );
        for pin in &set.packages {
            let _ = writeln!(
                text,
                "    deb {} {}{} arch={} archive={} {}",
                quote(pin.id.name.as_str()),
                quote(pin.id.version.as_str()),
                if pin.why == Why::Selected { format!(" set=\"{SELECTED}\"") } else { String::new() },
                quote(pin.id.architecture.as_str()),
                quote(pin.archive.as_str()),
                file(&pin.file)
            );
        }
        text.push_str("}\n");
    }
    text
}

fn render_base(text: &mut String, image: &ImageName, platform: Platform, pin: &BasePin) {
    let (image, from) = (quote(image.as_str()), quote(&pin.reference.to_string()));
    let _ = writeln!(text, "base image={image} platform=\"{platform}\" from={from} {{");
    let blobs = [("manifest", &pin.manifest), ("config", &pin.config)].into_iter();
    for (node, blob) in blobs.chain(pin.layers.iter().map(|layer| ("layer", layer))) {
        let _ = writeln!(text, "    {node} size={} sha256=\"{}\"", blob.size, blob.digest.hex());
    }
    text.push_str("}\n");
}

fn render_source(text: &mut String, name: &SourceName, platform: Option<Platform>, pin: &SourcePin) {
    let name = quote(name.as_str());
    let on = platform.map(|platform| format!(" platform=\"{platform}\"")).unwrap_or_default();
    let request = pin.request();
    let _ = match pin {
        SourcePin::Git { commit, tree, .. } => {
            writeln!(text, "git {name}{on} commit={} tree=\"{tree}\" request=\"{request}\"", quote(commit))
        }
        SourcePin::Download { size, digest, .. } => {
            writeln!(text, "download {name}{on} size={size} sha256=\"{}\" request=\"{request}\"", digest.hex())
        }
        SourcePin::Vendor { tree, .. } => writeln!(text, "vendor {name}{on} tree=\"{tree}\" request=\"{request}\""),
        SourcePin::Package { version, archive, files, .. } => {
            let (version, archive) = (quote(version), quote(archive.as_str()));
            let _ =
                writeln!(text, "debian-source {name}{on} version={version} archive={archive} request=\"{request}\" {{");
            for pin in files {
                let _ = writeln!(text, "    file {}", file(pin));
            }
            writeln!(text, "}}")
        }
    };
}

/// What a package says that a `package-set` chose: the set by priority.
const SELECTED: &str = "required";

fn file(pin: &FilePin) -> String {
    format!("size={} sha256=\"{}\" path={}", pin.size, pin.digest.hex(), quote(&pin.path))
}

/// A bare hexadecimal digest, as indexes and people's checksum files write it.
struct Hex(Digest);

impl FromStr for Hex {
    type Err = crate::model::DigestError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Digest::from_hex(text).map(Self)
    }
}

fn read_file(line: &mut Line) -> Result<FilePin, LineError> {
    let path: ArchivePath = line.required("path")?;
    Ok(FilePin {
        path: path.as_str().to_owned(),
        size: line.required("size")?,
        digest: line.required::<Hex>("sha256")?.0,
    })
}

/// Lines of a block, up to its closing brace.
struct Lines<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { lines: text.lines().enumerate() }
    }

    /// The next node of the document.
    fn next(&mut self) -> Result<Option<Line>, LineError> {
        for (index, text) in self.lines.by_ref() {
            if let Some(line) = line::read(index + 1, text)? {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// The next node of a block that `parent` opened; none at its end.
    fn child(&mut self, parent: usize) -> Result<Option<Line>, LineError> {
        match self.lines.next() {
            Some((_, "}")) => Ok(None),
            Some((index, text)) => line::read(index + 1, text)?
                .map(Some)
                .ok_or_else(|| LineError { number: index + 1, reason: "expected a pin".to_owned() }),
            None => Err(LineError { number: parent, reason: "the block does not end".to_owned() }),
        }
    }
}

/// Reads `archives.kdl`.
///
/// # Errors
/// For the first line that is not in the form of [`render_archives`].
pub fn parse_archives(text: &str) -> Result<ArchivesLock, LineError> {
    let mut lock = ArchivesLock::default();
    let mut lines = Lines::new(text);
    while let Some(mut line) = lines.next()? {
        if line.node != "suite" {
            return Err(line.error(format!("`{}` is not a node of this lock", line.node)));
        }
        let key = (line.argument::<ArchiveName>("its archive")?, line.argument::<String>("its suite")?);
        let mut pin =
            SuitePin { date: line.required("date")?, release: line.required("release")?, indexes: Default::default() };
        let (number, opens) = (line.number, line.opens);
        line.end()?;
        while opens && let Some(mut line) = lines.child(number)? {
            let name = line.argument("its name")?;
            let index = IndexPin { size: line.required("size")?, digest: line.required::<Hex>("sha256")?.0 };
            line.end()?;
            pin.indexes.insert(name, index);
        }
        lock.suites.insert(key, pin);
    }
    Ok(lock)
}

/// Reads a recipe's lock.
///
/// # Errors
/// For the first line that is not in the form of [`render_recipe`].
pub fn parse_recipe(text: &str) -> Result<RecipeLock, LineError> {
    let mut lock = RecipeLock::default();
    let mut lines = Lines::new(text);
    while let Some(mut line) = lines.next()? {
        match line.node.as_str() {
            "created" => {
                lock.created = line.argument("its time")?;
                line.end()?;
            }
            "packages" => {
                let (id, set) = parse_set(line, &mut lines)?;
                lock.packages.insert(id, set);
            }
            "base" => {
                let (key, pin) = parse_base(line, &mut lines)?;
                lock.bases.insert(key, pin);
            }
            "git" | "download" | "vendor" | "debian-source" => {
                let (key, pin) = parse_source(line, &mut lines)?;
                lock.sources.insert(key, pin);
            }
            other => return Err(line.error(format!("`{other}` is not a node of this lock"))),
        }
    }
    Ok(lock)
}

fn parse_base(mut line: Line, lines: &mut Lines<'_>) -> Result<((ImageName, Platform), BasePin), LineError> {
    let key = (line.required("image")?, line.required("platform")?);
    let reference: ImageReference = line.required("from")?;
    let (number, opens) = (line.number, line.opens);
    line.end()?;
    let (mut manifest, mut config, mut layers) = (None, None, Vec::new());
    while opens && let Some(mut line) = lines.child(number)? {
        let blob = BlobPin { size: line.required("size")?, digest: line.required::<Hex>("sha256")?.0 };
        match line.node.as_str() {
            "manifest" => manifest = Some(blob),
            "config" => config = Some(blob),
            "layer" => layers.push(blob),
            other => return Err(line.error(format!("`{other}` is not a part of an image"))),
        }
        line.end()?;
    }
    match (manifest, config) {
        (Some(manifest), Some(config)) => Ok((key, BasePin { reference, manifest, config, layers })),
        _ => Err(LineError { number, reason: "the image lacks its `manifest` or its `config`".to_owned() }),
    }
}

fn parse_set(mut line: Line, lines: &mut Lines<'_>) -> Result<(SetId, PackageSet), LineError> {
    let id = if let Some(name) = line.property("image")? {
        SetId::Image { name, platform: line.required("platform")? }
    } else {
        let owner = match line.property("stage")? {
            Some(name) => StepOwner::Stage(name),
            None => StepOwner::Vendor(line.required("vendor")?),
        };
        SetId::Step { owner, target: line.required("platform")?, build: line.required("build")? }
    };
    let mut set = PackageSet { request: line.required("request")?, packages: Vec::new() };
    let (number, opens) = (line.number, line.opens);
    line.end()?;
    while opens && let Some(mut line) = lines.child(number)? {
        if line.node != "deb" {
            return Err(line.error(format!("`{}` is not a package", line.node)));
        }
        let name = line.argument("its name")?;
        let version = line.argument("its version")?;
        let (architecture, archive) = (line.required("arch")?, line.required("archive")?);
        let why = match line.property::<String>("set")?.as_deref() {
            None => Why::Needed,
            Some(SELECTED) => Why::Selected,
            Some(other) => return Err(line.error(format!("`{other}` is no set that selects packages by priority"))),
        };
        let id = PackageId { name, architecture, version, format: Format::Deb };
        set.packages.push(PackagePin { id, why, archive, file: read_file(&mut line)? });
        line.end()?;
    }
    Ok((id, set))
}

type SourceKey = (SourceName, Option<Platform>);

fn parse_source(mut line: Line, lines: &mut Lines<'_>) -> Result<(SourceKey, SourcePin), LineError> {
    let key = (line.argument("its name")?, line.property("platform")?);
    let request = line.required("request")?;
    let pin = match line.node.as_str() {
        "git" => {
            let commit: String = line.required("commit")?;
            if !matches!(commit.len(), 40 | 64) || !commit.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(line.error(format!("`{commit}` is not a commit")));
            }
            SourcePin::Git { request, commit, tree: line.required("tree")? }
        }
        "download" => {
            SourcePin::Download { request, size: line.required("size")?, digest: line.required::<Hex>("sha256")?.0 }
        }
        "vendor" => SourcePin::Vendor { request, tree: line.required("tree")? },
        _ => {
            let (version, archive) = (line.required("version")?, line.required("archive")?);
            let (number, opens) = (line.number, line.opens);
            line.end()?;
            let mut files = Vec::new();
            while opens && let Some(mut line) = lines.child(number)? {
                files.push(read_file(&mut line)?);
                line.end()?;
            }
            return Ok((key, SourcePin::Package { request, version, archive, files }));
        }
    };
    line.end()?;
    Ok((key, pin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImageName, StageName};

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn pin(name: &str, path: &str) -> PackagePin {
        PackagePin {
            id: PackageId::new(Format::Deb, name, "1:2.41-12+b1~x", "arm64").expect("a package"),
            why: if name == "libc6" { Why::Selected } else { Why::Needed },
            archive: ArchiveName::new("debian").expect("a name"),
            file: FilePin { path: path.to_owned(), size: 42, digest: digest(name) },
        }
    }

    fn example() -> RecipeLock {
        let mut lock = RecipeLock::default();
        let source = |name: &str| SourceName::new(name).expect("a name");
        let arm: Platform = "linux/arm/v7".parse().expect("a platform");
        let request = digest("request");
        lock.sources.insert((source("a"), None), SourcePin::Git { request, commit: "0".repeat(40), tree: digest("t") });
        lock.sources.insert((source("b"), Some(arm)), SourcePin::Download { request, size: 7, digest: digest("d") });
        lock.sources.insert((source("c"), None), SourcePin::Vendor { request, tree: digest("v") });
        let archive = ArchiveName::new("debian").expect("a name");
        let files = vec![pin("x", "pool/main/u/unbound/x.dsc").file];
        lock.sources
            .insert((source("d"), None), SourcePin::Package { request, version: "1-1".to_owned(), archive, files });
        let owner = StepOwner::Stage(StageName::new("s").expect("a name"));
        let packages = vec![pin("libc6", "pool/c.deb"), pin("libstdc++6", "pool/s.deb")];
        lock.packages.insert(SetId::Step { owner, target: arm, build: arm }, PackageSet { request, packages });
        let id = SetId::Image { name: ImageName::new("i").expect("a name"), platform: arm };
        lock.packages.insert(id, PackageSet { request, packages: Vec::new() });
        let blob = |text: &str| BlobPin { size: 3, digest: digest(text) };
        let reference = format!("ghcr.io/x/y:1@{}", digest("m")).parse().expect("a reference");
        let layers = vec![blob("2"), blob("1")];
        let pin = BasePin { reference, manifest: blob("m"), config: blob("c"), layers };
        lock.bases.insert((ImageName::new("i").expect("a name"), arm), pin);
        lock
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let lock = example();
        let text = render_recipe(&lock);
        assert_eq!(parse_recipe(&text), Ok(lock.clone()), "{text}");
        assert_eq!(render_recipe(&parse_recipe(&text).expect("parses")), text);
    }

    #[test]
    fn a_lock_is_kdl() {
        let text = render_recipe(&example());
        let document: kdl::KdlDocument = text.parse().expect("a general parser reads it too");
        assert_eq!(document.nodes().len(), 8);
    }

    #[test]
    fn archives_round_trip() {
        let mut lock = ArchivesLock::default();
        let index = IndexPin { size: 1, digest: digest("i") };
        let pin = SuitePin {
            date: crate::model::EPOCH,
            release: digest("r"),
            indexes: [("main/binary-amd64/Packages.xz".to_owned(), index)].into(),
        };
        lock.suites.insert((ArchiveName::new("debian").expect("a name"), "trixie".to_owned()), pin);
        assert_eq!(parse_archives(&render_archives(&lock)), Ok(lock));
    }

    #[test]
    fn what_was_edited_by_hand_is_refused_with_its_line() {
        let good = render_recipe(&example());
        let cases = [
            ("commit=\"0", "commit=\"z", "not a commit"),
            ("path=\"pool/c.deb\"", "path=\"pool/../c.deb\"", "not a path within"),
            ("path=\"pool/c.deb\"", "path=\"file:/etc/x\"", "not a path within"),
            ("sha256=", "sha512=", "lacks `sha256=`"),
            ("created", "<<<<<<< ours", "expected the name"),
            ("arch=\"arm64\"", "arch=\"arm64\" arch=\"arm64\"", "stands twice"),
            ("vendor \"c\"", "vendor \"c\" \"d\"", "argument too many"),
            ("    file size", "    file odd=1 size", "does not know `odd=`"),
            ("platform=\"linux/arm/v7\" build=\"linux/arm/v7\"", "platform=\"linux/arm/v7\"", "lacks `build=`"),
            ("packages image=\"i\"", "packages image=\"i\" build=\"linux/amd64\"", "does not know `build=`"),
        ];
        for (from, to, message) in cases {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = parse_recipe(&text).expect_err(to);
            assert!(error.reason.contains(message) && error.number > 1, "{error:?}");
        }
        assert!(parse_recipe("packages image=\"a\" platform=\"linux/amd64\" request=\"sha256:0").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[ -~\n\"\\\\{}=é]{0,300}") {
            let _ = parse_recipe(&text);
            let _ = parse_archives(&text);
        }
    }
}
