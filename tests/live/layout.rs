//! The OCI layout as skopeo and umoci read it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::{Live, architecture, live};
use crate::support::{text_of, tool};

/// The root file system of an image for one platform, unpacked by umoci; once for all tests.
pub(super) fn unpacked(live: &Live, image: &str, platform: &str) -> PathBuf {
    static DONE: Mutex<BTreeMap<PathBuf, ()>> = Mutex::new(BTreeMap::new());
    let mut done = DONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = live.path("unpacked").join(format!("{image}-{}", architecture(platform)));
    if done.insert(folder.clone(), ()).is_none() {
        fs_err::create_dir_all(live.path("unpacked")).expect("made");
        let name = single(live, image, platform, &live.path("single"));
        tool("umoci", Command::new("umoci").args(["unpack", "--image", &name]).arg(&folder));
    }
    folder.join("rootfs")
}

/// An image for one platform under a name of its own in `layout`, as umoci wants it; layers that images share are there
/// once.
fn single(live: &Live, image: &str, platform: &str, layout: &Path) -> String {
    let architecture = architecture(platform);
    let name = format!("{image}-{architecture}");
    let mut copy = Command::new("skopeo");
    copy.args(["--insecure-policy", "--override-os=linux", "--override-arch", architecture, "copy", "-q"]);
    copy.arg(reference(&live.path("dist"), image)).arg(reference(layout, &name));
    tool("skopeo", &mut copy);
    format!("{}:{name}", layout.display())
}

fn reference(layout: &Path, name: &str) -> String {
    format!("oci:{}:{name}", layout.display())
}

#[test]
fn skopeo_reads_every_image_for_every_platform() {
    let live = live();
    for (image, platform) in live.manifests() {
        let mut inspect = Command::new("skopeo");
        inspect.args(["--override-os=linux", "--override-arch", architecture(&platform)]);
        // as it is: skopeo's own form of it drops what Docker added, such as health checks
        inspect.args(["inspect", "--config", "--raw"]);
        let config = text_of("skopeo", inspect.arg(reference(&live.path("dist"), &image)));
        let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
        assert_eq!(config["architecture"], architecture(&platform), "{image}");
        let settings = &config["config"];
        assert!(settings["User"].as_str().is_some_and(|user| !user.is_empty()), "{image} {platform} names no user");
        for label in ["title", "licenses", "vendor"] {
            let label = format!("org.opencontainers.image.{label}");
            assert!(settings["Labels"][&label].is_string(), "{image} {platform} lacks {label}");
        }
        assert!(settings["Healthcheck"]["Test"].is_array(), "{image} {platform} says nothing of its health");
        let mut raw = Command::new("skopeo");
        let raw = text_of("skopeo", raw.args(["inspect", "--raw"]).arg(reference(&live.path("dist"), &image)));
        let raw: serde_json::Value = serde_json::from_str(&raw).expect("JSON");
        let listed = raw["manifests"].as_array().expect("an index").iter();
        let found = listed.filter(|one| one["platform"]["architecture"] == architecture(&platform));
        let digests: Vec<_> = found.map(|one| one["digest"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(digests, [live.digests[&(image.clone(), platform.clone())].clone()], "{image} {platform}");
    }
}

#[test]
fn umoci_unpacks_every_image_for_every_platform() {
    let live = live();
    for (image, platform) in live.manifests() {
        let root = unpacked(live, &image, &platform);
        let entries = fs_err::read_dir(&root).expect("a root").count();
        assert!(entries > 0, "{image} {platform} is empty");
    }
}

/// The same for an ordinary user, who cannot make every owner.
#[test]
fn umoci_unpacks_without_root() {
    let live = live();
    let mut unpack = Command::new("umoci");
    let bundle = tempfile::tempdir().expect("a folder");
    let image = single(live, "debian", "linux/arm64", &bundle.path().join("layout"));
    tool("umoci", unpack.args(["unpack", "--rootless", "--image", &image]).arg(bundle.path().join("bundle")));
    assert!(bundle.path().join("bundle/rootfs/usr/bin/dpkg").is_file());
}
