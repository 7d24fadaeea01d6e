//! Which of our images takes the place of a base that people usually name.

/// A reference to an image as people write it, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Registry and name, both written out: `docker.io/library/golang`.
    pub(super) name: String,
    pub(super) tag: Option<String>,
    pub(super) digest: Option<String>,
}

impl Reference {
    pub(super) fn read(text: &str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
            _ => (rest, None),
        };
        let registry =
            name.split_once('/').is_some_and(|(first, _)| first.contains(['.', ':']) || first == "localhost");
        let name = match (registry, name.contains('/')) {
            (true, _) => name.to_owned(),
            (false, true) => format!("docker.io/{name}"),
            (false, false) => format!("docker.io/library/{name}"),
        };
        Self { name, tag, digest }
    }

    /// Written out, as recipes want it but for the digest that may be missing.
    pub(super) fn whole(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        let latest = (tag.is_none() && digest.is_none()).then(|| ":latest".to_owned());
        [Some(self.name.clone()), tag, latest, digest].into_iter().flatten().collect()
    }

    /// The name by which everyone knows it: the last word, for official and distroless images.
    fn known(&self) -> Option<&str> {
        let places =
            ["docker.io/library/", "public.ecr.aws/docker/library/", "mirror.gcr.io/library/", "gcr.io/distroless/"];
        places.iter().find_map(|place| self.name.strip_prefix(place))
    }

    fn is_distroless(&self) -> bool {
        self.name.starts_with("gcr.io/distroless/")
    }
}

/// What an image is built on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Scratch,
    /// An image of the project.
    Project(&'static str),
    /// Alpine, of a release like `v3.20`.
    Alpine(String),
    /// An image of a registry.
    Registry(Reference),
}

/// What an image that was built on `reference` is built on here, and whether the user of that base is not root.
pub(super) fn ground(reference: &str) -> (Ground, bool) {
    if reference == "scratch" {
        return (Ground::Scratch, false);
    }
    let reference = Reference::read(reference);
    let tag = reference.tag.clone().unwrap_or_default();
    let nonroot = reference.is_distroless() && tag.contains("nonroot");
    let known = reference.known().unwrap_or_default();
    let ground = match known.trim_end_matches("-debian11").trim_end_matches("-debian12").trim_end_matches("-debian13") {
        "static" if reference.is_distroless() => Ground::Project("static"),
        "base" | "base-nossl" | "cc" if reference.is_distroless() => Ground::Project("runtime"),
        "debian" | "ubuntu" | "buildpack-deps" if !reference.is_distroless() => Ground::Project("runtime"),
        "alpine" => Ground::Alpine(release(&tag)),
        _ => Ground::Registry(reference),
    };
    (ground, nonroot)
}

/// The branch of Alpine's archive that a tag is of.
fn release(tag: &str) -> String {
    let mut parts = tag.split(['.', '-', '_']);
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u16>().ok());
    match (number(parts.next()), number(parts.next())) {
        (Some(major), Some(minor)) => format!("v{major}.{minor}"),
        _ if tag == "edge" => "edge".to_owned(),
        _ => "latest-stable".to_owned(),
    }
}

/// Where a stage runs that ran in `reference`: an image of the project, packages that it needs there, and whether
/// packages were Alpine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Toolchain {
    pub(super) image: &'static str,
    pub(super) packages: &'static [&'static str],
    pub(super) alpine: bool,
    /// Whether anything is known of the image.
    pub(super) known: bool,
}

pub(super) fn toolchain(reference: &str) -> Toolchain {
    let reference = Reference::read(reference);
    let tag = reference.tag.as_deref().unwrap_or_default();
    let alpine = tag.contains("alpine") || reference.name.ends_with("/alpine");
    let toolchain = |image, packages| Toolchain { image, packages, alpine, known: true };
    match reference.known() {
        Some("golang") => toolchain("builder-go", &[]),
        Some("rust") => toolchain("builder-rust", &[]),
        Some("node") => toolchain("builder", &["nodejs", "npm"]),
        Some("python") => toolchain("builder", &["python3-pip", "python3-venv"]),
        Some("debian" | "ubuntu" | "buildpack-deps" | "gcc" | "alpine" | "busybox") => toolchain("builder", &[]),
        _ => Toolchain { known: false, ..toolchain("builder", &[]) },
    }
}

/// Alpine's packages whose contents the image `static` has.
pub(super) fn in_static(package: &str) -> bool {
    matches!(package, "ca-certificates" | "ca-certificates-bundle" | "tzdata" | "mailcap" | "alpine-baselayout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_written_out() {
        let whole = |text: &str| Reference::read(text).whole();
        assert_eq!(whole("node:20"), "docker.io/library/node:20");
        assert_eq!(whole("user/app"), "docker.io/user/app:latest");
        assert_eq!(whole("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(whole("quay.io/a/b:1@sha256:0"), "quay.io/a/b:1@sha256:0");
    }

    #[test]
    fn usual_bases_have_a_place() {
        let project = |text: &str| match ground(text) {
            (Ground::Project(name), nonroot) => Some((name, nonroot)),
            _ => None,
        };
        assert_eq!(project("gcr.io/distroless/static-debian12:nonroot"), Some(("static", true)));
        assert_eq!(project("gcr.io/distroless/cc"), Some(("runtime", false)));
        assert_eq!(project("debian:bookworm-slim"), Some(("runtime", false)));
        assert_eq!(ground("alpine:3.20.1").0, Ground::Alpine("v3.20".to_owned()));
        assert_eq!(ground("alpine").0, Ground::Alpine("latest-stable".to_owned()));
        assert_eq!(ground("scratch").0, Ground::Scratch);
        assert!(matches!(ground("nginx:1").0, Ground::Registry(_)));
        assert_eq!(toolchain("golang:1.22-alpine").image, "builder-go");
        assert!(!toolchain("ghcr.io/x/y").known);
    }
}
