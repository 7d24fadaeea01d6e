//! Where caches of build steps may be. What one run leaves in a cache, the next one finds; so a cache is in a folder that
//! no root fills, and that nothing is run from, linked with or configured by unless the recipe says so.

use super::Mistake;
use super::project::STAGE_OUTPUT;
use super::reader::Reader;
use crate::model::{ImagePath, Spanned};

/// Folders that roots fill, or that the sandbox does; those that `PATH` names are among them.
const TAKEN: &[&str] = &["bin", "boot", "build", "dev", "etc", "orchestrate", "proc", "run", "sbin", "sys", "usr"];
/// Roots have a folder for the libraries of each word size: `/lib`, `/lib64`, `/libx32`.
const LIBRARIES: &[u8] = b"lib";
/// Links into folders that are taken, wherever there is a base system.
const LINKS: &[&str] = &["var/run", "var/lock", "var/lib/dpkg"];
/// Folders that a step gets empty: a cache may be in one of them, not be one of them.
const EMPTY: &[&str] = &["tmp", "tmp/home", "var/tmp"];

/// Reports caches at, above or below a place that something else fills. `mounts` are the places of what the stage uses.
pub(super) fn check(
    node: &Reader<'_>,
    caches: &[Spanned<ImagePath>],
    mounts: &[Spanned<ImagePath>],
    output: Option<&ImagePath>,
) {
    let usual = STAGE_OUTPUT.parse().unwrap_or_default();
    let output = output.unwrap_or(&usual);
    for cache in caches.iter().filter(|cache| !cache.is_root()) {
        let other = mounts.iter().find(|at| at.value != cache.value && overlap(at, cache));
        let (why, place) = match (filled_folder(cache), other) {
            (Some(folder), _) => (format!("`/{folder}` holds files of the root or of the sandbox"), None),
            (None, Some(other)) => ("this would lie over it, or under it".to_owned(), Some(other.place)),
            (None, None) if overlap(cache, output) => ("it would be a part of the output".to_owned(), None),
            (None, None) => continue,
        };
        let help = "choose a folder below `/root/.cache`, `/var/cache`, `/cache` or `/tmp`, and tell the tool with a \
                    variable, like `env GOCACHE \"/cache/go\"`";
        let mistake = Mistake::new(cache.place, format!("`{}` cannot be a cache", **cache), why, help);
        node.cx.sink.push(match place {
            Some(place) => mistake.and(place, "something else is here"),
            None => mistake,
        });
    }
}

fn overlap(one: &ImagePath, other: &ImagePath) -> bool {
    one.is_within(other) || other.is_within(one)
}

/// The folder, without its slash, that a root or the sandbox fills, and in which, or above which, this cache would be.
pub(crate) fn filled_folder(cache: &ImagePath) -> Option<String> {
    let first = cache.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
    if first.starts_with(LIBRARIES) {
        return Some(String::from_utf8_lossy(first).into_owned());
    }
    let path = |text: &&&str| text.parse::<ImagePath>().unwrap_or_default();
    let lies = TAKEN.iter().chain(LINKS).find(|folder| overlap(&path(folder), cache));
    let covers = || EMPTY.iter().find(|folder| path(folder).is_within(cache));
    lies.or_else(covers).map(|folder| (*folder).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_where_no_root_has_anything() {
        for (path, expected) in [
            ("/usr/local/bin", Some("usr")),
            ("/usr/include", Some("usr")),
            ("/lib64", Some("lib64")),
            ("/lib/x86_64-linux-gnu", Some("lib")),
            ("/libexec", Some("libexec")),
            ("/bin/x", Some("bin")),
            ("/etc", Some("etc")),
            ("/run/secrets", Some("run")),
            ("/var/run/secrets", Some("var/run")),
            ("/var", Some("var/run")),
            ("/var/lib", Some("var/lib/dpkg")),
            ("/tmp", Some("tmp")),
            ("/tmp/home", Some("tmp/home")),
            ("/var/tmp", Some("var/tmp")),
            ("/orchestrate", Some("orchestrate")),
            ("/build/target", Some("build")),
            ("/dev/shm", Some("dev")),
            ("/proc/1", Some("proc")),
            ("/root/.cache/go-build", None),
            ("/var/cache/ccache", None),
            ("/cache", None),
            ("/tmp/go", None),
            ("/tmp/cargo", None),
            ("/tmp/home/.npm", None),
            ("/go/pkg/mod", None),
            ("/binaries", None),
        ] {
            let cache = ImagePath::absolute(path).expect("a path");
            assert_eq!(filled_folder(&cache).as_deref(), expected, "{path}");
        }
    }
}
