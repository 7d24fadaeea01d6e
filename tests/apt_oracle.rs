//! The resolver against apt, on the real archive: the same requests, the same sets of packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use orchestrate::distribution::debian::index;
use orchestrate::distribution::debian::release::{self, Release};
use orchestrate::distribution::openpgp::{Keyring, verify_clearsigned};
use orchestrate::model::{Digest, Timestamp};
use orchestrate::resolve::debian::{Request, Universe, UniversePart, Wanted, resolve};

use crate::support::mirror::of_this_machine;

/// How many random requests are made where `TEST_REQUESTS` says nothing. Four in five name one package.
const REQUESTS: usize = 60;

/// How many of two hundred requests may be answered differently for the one reason that is accepted, which
/// [`Comparison::is_tie`] proves for each: several packages provide the same name equally well. Nothing else then decides
/// between them: apt takes the one whose name its indexes mention last, which changes with unrelated packages; we go by
/// name.
const TIES: usize = 10;

const SUITES: [(&str, &str); 3] =
    [("debian", "trixie"), ("debian", "trixie-updates"), ("debian-security", "trixie-security")];

/// An apt of its own: lists, cache and an empty package database in a folder, fed by the host's mirror.
struct Apt {
    root: tempfile::TempDir,
}

impl Apt {
    fn new() -> Self {
        let root = tempfile::Builder::new().prefix("apt").tempdir().expect("a folder");
        for folder in ["lists/partial", "archives/partial", "cache", "empty"] {
            fs_err::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        fs_err::write(root.path().join("status"), "").expect("written");
        let mut sources = String::new();
        for (archive, suite) in SUITES {
            sources.push_str(&format!(
                "deb [signed-by={}] {} {suite} main\n",
                keyring(archive).display(),
                of_this_machine(archive)
            ));
        }
        fs_err::write(root.path().join("sources.list"), sources).expect("written");
        Self { root }
    }

    /// Runs apt-get; options on the command line win over the host's configuration, which may name a proxy.
    fn run(&self, architectures: &[&str], arguments: &[&str]) -> Output {
        let path = |name: &str| self.root.path().join(name).display().to_string();
        let mut apt = Command::new("apt-get");
        apt.env("LC_ALL", "C.UTF-8");
        let cache = format!("cache/{}", architectures.join("-"));
        for (option, value) in [
            ("Dir::State", path("")),
            ("Dir::State::lists", path("lists")),
            ("Dir::State::status", path("status")),
            ("Dir::Cache", path("")),
            ("Dir::Cache::pkgcache", path(&format!("{cache}.bin"))),
            ("Dir::Cache::srcpkgcache", path(&format!("{cache}.src.bin"))),
            ("Dir::Etc::sourcelist", path("sources.list")),
            ("Dir::Etc::sourceparts", path("empty")),
            ("Dir::Etc::trustedparts", path("empty")),
            ("Dir::Etc::preferences", path("empty/none")),
            ("Dir::Etc::preferencesparts", path("empty")),
            ("APT::Architecture", architectures[0].to_owned()),
            ("APT::Sandbox::User", "root".to_owned()),
            ("Acquire::Languages", "none".to_owned()),
            ("Acquire::GzipIndexes", "false".to_owned()),
            ("Debug::NoLocking", "true".to_owned()),
        ] {
            apt.arg("-o").arg(format!("{option}={value}"));
        }
        for architecture in architectures {
            apt.arg("-o").arg(format!("APT::Architectures::={architecture}"));
        }
        apt.args(arguments).output().expect("apt-get: install the package `apt`")
    }

    fn update(&self) {
        let output = self.run(&["amd64", "arm64"], &["update"]);
        assert!(output.status.success(), "apt-get update: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The package files that apt would download, or nothing when it cannot install what was asked for. Several times
    /// faster than letting apt simulate the installation.
    fn install(&self, architectures: &[&str], packages: &[&str]) -> Option<BTreeSet<String>> {
        let arguments = [&["-qq", "-y", "--print-uris", "--no-install-recommends", "install"], packages].concat();
        let output = self.run(architectures, &arguments);
        let text = String::from_utf8(output.stdout).expect("text");
        let files = text.lines().map(|line| line.split(' ').nth(1).expect("a file name").to_owned());
        output.status.success().then(|| files.collect())
    }

    fn list(&self, archive: &str, suite: &str, end: &str) -> PathBuf {
        let tail = format!("{archive}_dists_{suite}_{end}");
        let lists = fs_err::read_dir(self.root.path().join("lists")).expect("a folder");
        let mut found = lists.map(|entry| entry.expect("an entry").path());
        found.find(|path| path.to_string_lossy().ends_with(&tail)).unwrap_or_else(|| panic!("apt has no list …{tail}"))
    }

    fn universe(&self, architectures: &[&str]) -> Universe {
        let mut parts = Vec::new();
        for (archive, suite) in SUITES {
            for architecture in architectures {
                let path = self.list(archive, suite, &format!("main_binary-{architecture}_Packages"));
                let file = std::io::BufReader::new(fs_err::File::open(path).expect("apt's list"));
                parts.push(UniversePart {
                    archive: archive.parse().expect("a name"),
                    suite: suite.to_owned(),
                    architecture: (*architecture).to_owned(),
                    priority: 500,
                    index: index::parse(file).expect("an index"),
                });
            }
        }
        Universe::new(parts).expect("a universe")
    }
}

/// The keys of an archive, as the recipes name them.
fn keyring(archive: &str) -> PathBuf {
    let name = if archive == "debian" { "debian-archive" } else { archive };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("images/keys/{name}.asc"))
}

/// What we would install, or why we cannot.
fn ours(universe: &Universe, packages: &[&str]) -> Result<BTreeSet<String>, String> {
    let wanted = packages.iter().map(|name| match name.split_once(':') {
        Some((name, architecture)) => Wanted::any(name).on(architecture),
        None => Wanted::any(*name),
    });
    let request = Request { native: "amd64".to_owned(), wanted: wanted.collect(), ..Request::default() };
    let solution = resolve(universe, &request).map_err(|error| error.to_string())?;
    let show = |chosen: &orchestrate::resolve::debian::Chosen<'_>| {
        let package = chosen.package;
        // as apt names the files it downloads
        format!("{}_{}_{}.deb", package.name(), package.version().replace(':', "%3a"), package.architecture())
    };
    Ok(solution.packages.iter().map(show).collect())
}

/// Requests: most of one package, some of several. Chosen by hash, so that they stay the same when others come or go.
fn requests(universe: &Universe, count: usize) -> Vec<Vec<&str>> {
    let names: BTreeMap<Digest, &str> = universe
        .with_priority("amd64", index::Priority::Extra)
        .into_iter()
        .map(|name| (Digest::of(format!("seed 1 {name}").as_bytes()), name))
        .collect();
    let mut names = names.into_values();
    let mut requests: Vec<Vec<&str>> = names.by_ref().take(count * 4 / 5).map(|name| vec![name]).collect();
    requests.extend((requests.len()..count).map(|number| names.by_ref().take(2 + number % 3).collect()));
    requests
}

/// An apt and a universe made of its lists.
struct Comparison<'a> {
    apt: &'a Apt,
    universe: &'a Universe,
    architectures: &'a [&'a str],
}

/// How an answer differs.
enum Difference {
    /// In a way that is accepted.
    Tie(String),
    /// In another.
    Wrong(String),
}

impl Comparison<'_> {
    fn request(&self, request: &[&str]) -> Option<Difference> {
        let name = request.join(" ");
        let (theirs, ours) = (self.apt.install(self.architectures, request), ours(self.universe, request));
        match (theirs, ours) {
            (Some(theirs), Ok(ours)) if theirs == ours => None,
            (None, Err(_)) => None,
            (Some(theirs), Ok(ours)) => {
                let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
                let (apts, own) = (only(&theirs, &ours), only(&ours, &theirs));
                let (listed, others) = (apts.join(" "), own.join(" "));
                let text = format!("{name}: of {} only apt: {listed}; only ours: {others}", theirs.len());
                Some(match self.is_tie(request, &apts, &own, &ours) {
                    true => Difference::Tie(text),
                    false => Difference::Wrong(text),
                })
            }
            (None, Ok(_)) => Some(Difference::Wrong(format!("{name}: only apt cannot"))),
            (Some(_), Err(error)) => Some(Difference::Wrong(format!("{name}: only we cannot: {error}"))),
        }
    }

    /// Whether two packages that only one of the answers has provide a name in common, and apt itself, told to install the
    /// packages of our answer, finds that they are complete and fit.
    fn is_tie(&self, request: &[&str], apts: &[String], own: &[String], ours: &BTreeSet<String>) -> bool {
        let common = apts.iter().any(|one| {
            let names = self.provided(one);
            own.iter().any(|other| !names.is_disjoint(&self.provided(other)))
        });
        let exact: Vec<String> = ours.iter().map(|file| exact(file)).collect();
        let told: Vec<&str> = request.iter().copied().chain(exact.iter().map(String::as_str)).collect();
        common && self.apt.install(self.architectures, &told).as_ref() == Some(ours)
    }

    /// The name of a package, given the name of its file, and the names that it provides.
    fn provided(&self, file: &str) -> BTreeSet<String> {
        let name = file.split('_').next().unwrap_or_default();
        let provides = self.universe.find(name).flat_map(|package| package.provides().split(','));
        let provides = provides.filter_map(|relation| relation.split_whitespace().next().map(str::to_owned));
        provides.chain([name.to_owned()]).collect()
    }

    fn all(&self, requests: &[Vec<&str>]) -> Vec<Difference> {
        self.apt.install(self.architectures, &["base-files"]); // builds apt's cache once, before several read it
        let halves = requests.split_at(requests.len() / 2);
        let answer =
            |requests: &[Vec<&str>]| requests.iter().filter_map(|request| self.request(request)).collect::<Vec<_>>();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| answer(halves.1));
            let mut differences = answer(halves.0);
            differences.extend(other.join().expect("no panic"));
            differences
        })
    }
}

/// `NAME_VERSION_ARCHITECTURE.deb` as apt is asked for it.
fn exact(file: &str) -> String {
    let mut words = file.trim_end_matches(".deb").split('_');
    let mut next = || words.next().unwrap_or_default().replace("%3a", ":");
    let (name, version, architecture) = (next(), next(), next());
    match architecture.as_str() {
        "all" => format!("{name}={version}"),
        other => format!("{name}:{other}={version}"),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a run with --nocapture lists what was accepted, and why")]
fn random_requests_give_the_sets_that_apt_gives() {
    let count = std::env::var("TEST_REQUESTS").map_or(REQUESTS, |text| text.parse().expect("a number of requests"));
    let apt = Apt::new();
    apt.update();
    signed_release_files_are_trusted(&apt);

    let universe = apt.universe(&["amd64"]);
    let requests = requests(&universe, count);
    let one = Comparison { apt: &apt, universe: &universe, architectures: &["amd64"] };
    let mut differences = one.all(&requests);

    let both = apt.universe(&["amd64", "arm64"]);
    let cross: Vec<Vec<&str>> = [
        "build-essential crossbuild-essential-arm64 libssl-dev:arm64",
        "crossbuild-essential-arm64 zlib1g-dev:arm64 libexpat1-dev:arm64 libevent-dev:arm64 bison flex",
        "gcc-aarch64-linux-gnu pkgconf libglib2.0-dev:arm64",
        "cmake ninja-build g++-aarch64-linux-gnu libsqlite3-dev:arm64 libcurl4-openssl-dev:arm64",
        "libc6:arm64 libc6",
        "libssl-dev:arm64 libssl-dev",
        "libpq-dev:arm64 python3",
        "golang-go libc6-dev:arm64",
        "rustc cargo libstd-rust-dev:arm64 gcc-aarch64-linux-gnu",
        "meson libsystemd-dev:arm64 libkrb5-dev:arm64",
    ]
    .iter()
    .map(|line| line.split(' ').collect())
    .collect();
    differences.extend(Comparison { apt: &apt, universe: &both, architectures: &["amd64", "arm64"] }.all(&cross));

    let mut ties = Vec::new();
    let mut wrong = Vec::new();
    for difference in differences {
        match difference {
            Difference::Tie(text) => ties.push(text),
            Difference::Wrong(text) => wrong.push(text),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} requests differ:\n{}",
        wrong.len(),
        requests.len() + cross.len(),
        wrong.join("\n")
    );
    assert!(ties.len() <= TIES, "too many of {} are decided by a tie:\n{}", requests.len(), ties.join("\n"));
    println!("decided by a tie, and right by apt's own judgement:\n{}", ties.join("\n"));
}

/// The keys of the repository sign what the archive says today.
fn signed_release_files_are_trusted(apt: &Apt) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let now = Timestamp::from_seconds(i64::try_from(now).expect("before the year 292 277 026 596"));
    for (archive, suite) in SUITES {
        let document = fs_err::read_to_string(apt.list(archive, suite, "InRelease")).expect("text");
        let read = |archive| Keyring::parse(&fs_err::read(keyring(archive)).expect("a file")).expect("a keyring");
        let keyring = read(archive);
        let verified = verify_clearsigned(&document, &keyring, &keyring.fingerprints(), now).expect(suite);
        let release = Release::parse(&verified.text).expect(suite);
        release.check_suite(suite).expect("that suite");
        release::check(&release, now, true).expect("current");
        let listed = release.packages("main", "arm64").expect("listed");
        assert!(listed.by_hash.is_some() && release.sources("main").is_ok());
        let other = read(if archive == "debian" { "debian-security" } else { "debian" });
        assert!(verify_clearsigned(&document, &other, &[], now).is_err(), "{suite}");
        let changed = document.replacen("Codename: trixie", "Codename: Trixie", 1);
        assert!(verify_clearsigned(&changed, &keyring, &[], now).is_err(), "{suite}");
    }
}
