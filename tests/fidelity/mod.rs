//! The configuration model against the real thing: what `mmdebstrap` makes by running maintainer scripts is compared
//! entry by entry with what [`configure`] makes of the same packages as data.

pub(crate) mod campaign;
pub(crate) mod compare;
pub(crate) mod reference;
pub(crate) mod sets;
pub(crate) mod tree;

use orchestrate::distribution::debian::Debian;
use orchestrate::distribution::system::{Configured, Extent, UnpackedSystem};
use orchestrate::distribution::world::World as _;
use orchestrate::model::{EPOCH, Platform, Why};

use compare::{Allowed, compare};
use reference::Reference;
use sets::differs;
use tree::MemoryTree;

/// Where a minimal system may differ, and why that is right.
pub(crate) const MINBASE: &[Allowed] = &[
    differs("/dev/**", "the container runtime provides device nodes"),
    differs("/etc/{hostname,resolv.conf}", "copied from the machine that ran mmdebstrap"),
    differs("/etc/apt/sources.list", "names the mirror that mmdebstrap used"),
    differs("/etc/fstab", "a remark of mmdebstrap's"),
    differs("/var/lib/dpkg/arch", "mmdebstrap writes it for its own use; dpkg does without"),
    differs("/var/{lib/apt/lists,cache/apt/archives}/lock", "left behind by a run of apt"),
    differs("/**/*-old", "copies of the state before the last command"),
    differs("/etc/{passwd,group}-", "copies of the state before the last command"),
    differs("/etc/.pwd.lock", "left behind by a run of shadow's tools"),
];

fn configured(reference: &Reference, platform: Platform) -> (MemoryTree, Configured) {
    let (tree, mut packages) = MemoryTree::unpack(&reference.packages());
    let automatic = reference.automatic();
    for package in &mut packages {
        package.why = match automatic.contains(package.id.name.as_str()) {
            true => Why::Needed,
            false => Why::Asked,
        };
    }
    let system = UnpackedSystem { platform, packages: &packages, tree: &tree, moment: EPOCH };
    let configured = Debian.model().configure(Extent::Configured, &system).expect("configures");
    (tree, configured)
}

fn differences(reference: &Reference, platform: Platform, allowed: &[Allowed]) -> Vec<String> {
    let (mut tree, configured) = configured(reference, platform);
    let mut found: Vec<String> = configured
        .unmodelled
        .iter()
        .map(|script| {
            format!(
                "unmodelled: {} {} {} {}\n    {}",
                script.package,
                script.version,
                script.script,
                script.fingerprint,
                script.lines.join("\n    ")
            )
        })
        .collect();
    tree.apply(configured);
    let ours = tree.to_tar();
    let theirs = fs_err::File::open(reference.tar()).expect("the reference");
    found.extend(compare(&ours[..], theirs, allowed));
    found
}

/// A minimal system from the packages that mmdebstrap chose.
fn minbase(suite: &str, platform: &str) {
    let platform: Platform = platform.parse().expect("a platform");
    let differences = differences(&Reference::minimal(suite, platform), platform, MINBASE);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn minbase_of_trixie_for_amd64_is_what_mmdebstrap_makes() {
    minbase("trixie", "linux/amd64");
}

#[test]
fn minbase_of_trixie_for_arm64_is_what_mmdebstrap_makes() {
    minbase("trixie", "linux/arm64");
}

#[test]
fn minbase_of_bookworm_for_amd64_is_what_mmdebstrap_makes() {
    minbase("bookworm", "linux/amd64");
}
