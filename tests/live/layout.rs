//! The OCI layout as skopeo and umoci read it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Live, architecture, live};
use crate::support::{text_of, tool};

/// An image for one platform, unpacked by umoci. The files go with the value: those of all images are 9 GB.
pub(super) struct Unpacked(tempfile::TempDir);

impl Unpacked {
    pub(super) fn new(live: &Live, image: &str, platform: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let layout = folder.path().join("layout");
        let name = single(live, image, platform, &layout);
        tool("umoci", Command::new("umoci").args(["unpack", "--image", &name]).arg(folder.path().join("bundle")));
        fs_err::remove_dir_all(layout).expect("removed");
        Self(folder)
    }

    /// The root file system.
    pub(super) fn root(&self) -> PathBuf {
        self.0.path().join("bundle/rootfs")
    }
}

/// An image for one platform under a name of its own in `layout`, as umoci wants it.
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

/// An ordinary user cannot make every owner.
#[test]
fn umoci_unpacks_without_root() {
    let live = live();
    let mut unpack = Command::new("umoci");
    let bundle = tempfile::tempdir().expect("a folder");
    let image = single(live, "debian", "linux/arm64", &bundle.path().join("layout"));
    tool("umoci", unpack.args(["unpack", "--rootless", "--image", &image]).arg(bundle.path().join("bundle")));
    assert!(bundle.path().join("bundle/rootfs/usr/bin/dpkg").is_file());
}
