//! Real packages of Debian 13, from wherever this machine gets its own, chosen and fetched by the real apt.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use super::{text_of, tool, write};

/// Those of Debian's packages that every system has.
pub(crate) const ESSENTIAL: &str = "?and(?essential,?architecture(amd64))";

/// Names a list of packages to take instead, for a user who cannot fetch any: a line for each, as [`copy`] writes them.
pub(crate) const GIVEN: &str = "TEST_DEBS";

/// A package that was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Deb {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    pub(crate) path: PathBuf,
}

/// `wanted` and all that it needs, on an empty amd64 system that accepts arm64 as well, without recommendations.
/// Packages stay in the build folder for the next run; the indexes for a day.
pub(crate) fn debs(wanted: &[&str]) -> Vec<Deb> {
    if let Some(given) = std::env::var_os(GIVEN) {
        return read_list(Path::new(&given));
    }
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trixie");
    let config = folder.join("apt.conf");
    let age = fs_err::metadata(&config).and_then(|file| file.modified()).ok().and_then(|time| time.elapsed().ok());
    if age.is_none_or(|age| age > Duration::from_secs(86_400)) {
        configure(&folder);
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", &config).args(["-q", "-y"]);
        command
    };
    let plan = text_of("apt", apt().args(["install", "--simulate"]).args(wanted));
    tool("apt", apt().args(["install", "--download-only"]).args(wanted));
    let debs: Vec<Deb> = plan.lines().filter_map(|line| deb(line, &folder.join("cache/archives"))).collect();
    assert!(!debs.is_empty(), "apt would install nothing:\n{plan}");
    debs
}

/// Copies packages into `folder`, for another user; where the list of them is.
pub(crate) fn copy(debs: &[Deb], folder: &Path) -> PathBuf {
    let mut list = String::new();
    for Deb { name, version, architecture, path } in debs {
        let copy = folder.join(path.file_name().expect("a file"));
        fs_err::copy(path, &copy).expect("copied");
        list.push_str(&format!("{name} {version} {architecture} {}\n", copy.display()));
    }
    let file = folder.join("debs");
    write(&file, list);
    file
}

fn read_list(file: &Path) -> Vec<Deb> {
    let text = fs_err::read_to_string(file).expect("a list");
    let deb = |line: &str| {
        let mut words = line.splitn(4, ' ').map(str::to_owned);
        let mut next = || words.next().expect("four words");
        Deb { name: next(), version: next(), architecture: next(), path: next().into() }
    };
    text.lines().map(deb).collect()
}

/// A line like `Inst libc6 (2.41-12 Debian:13.2/stable [amd64])`.
fn deb(line: &str, cache: &Path) -> Option<Deb> {
    let mut words = line.strip_prefix("Inst ")?.split_whitespace();
    let name = words.next()?.split(':').next()?.to_owned();
    let version = words.next()?.trim_start_matches('(').to_owned();
    let architecture = line.split_once('[')?.1.split_once(']')?.0.to_owned();
    let path = cache.join(format!("{name}_{}_{architecture}.deb", version.replace(':', "%3a")));
    assert!(path.exists(), "apt did not fetch {}", path.display());
    Some(Deb { name, version, architecture, path })
}

/// An apt of its own, which knows the suite trixie of the archive that this machine uses.
fn configure(folder: &Path) {
    let targets = text_of(
        "apt",
        Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
            "Created-By: Packages",
        ]),
    );
    let mirror = targets
        .lines()
        .find_map(|line| line.strip_prefix("Debian|Debian|"))
        .expect("this machine's apt knows a Debian archive");
    for name in ["state/lists/partial", "cache/archives/partial", "empty"] {
        fs_err::create_dir_all(folder.join(name)).expect("made");
    }
    write(&folder.join("status"), "");
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    write(&folder.join("sources.list"), format!("deb [signed-by={keyring}] {mirror} trixie main\n"));
    let config = format!(
        "Dir::State \"{0}/state\";\nDir::State::status \"{0}/status\";\nDir::Cache \"{0}/cache\";\nDir::Etc::sourcelist \"{0}/sources.list\";\n\
         Dir::Etc::sourceparts \"{0}/empty\";\nDir::Etc::parts \"{0}/empty\";\nDir::Etc::preferencesparts \"{0}/empty\";\n\
         APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; \"arm64\"; }};\nAPT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n",
        folder.display()
    );
    write(&folder.join("apt.conf.new"), config);
    tool("apt", Command::new("apt-get").env("APT_CONFIG", folder.join("apt.conf.new")).args(["-q", "update"]));
    fs_err::rename(folder.join("apt.conf.new"), folder.join("apt.conf")).expect("renamed");
}
