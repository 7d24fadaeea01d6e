//! A toolchain for stages in a second: the package `box` has a static busybox with a link for each of its commands in
//! `/bin`, and the recipe `box` makes an image of it that stages can name with `from="box"`.
//!
//! ```text
//! let archive = Archive::with_box(&[]);
//! let project = toolbox::project(&archive, &[("app", "title \"App\"\nstage \"make\" from=\"box\" { … }")]);
//! project.run(&["refresh"]).done();
//! ```
//!
//! Everything is for linux/amd64 alone; recipes of images say `platforms "linux/amd64"`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::archive::Archive;
use super::project::Project;
use super::{text_of, tool};

/// The recipe of the toolchain's image.
pub(crate) const RECIPE: &str = "title \"Box\"\nplatforms \"linux/amd64\"\nimage \"box\" {\n    from \"scratch\"\n    \
    distribution \"debian\" suite=\"stable\"\n    packages \"box\"\n    user \"10001\"\n    \
    healthcheck \"none\" reason=\"a toolchain\"\n}\n";

/// A project with the recipe `box` and these ones. `archive` must have the package, see [`Archive::with_box`].
pub(crate) fn project(archive: &Archive, recipes: &[(&str, &str)]) -> Project {
    Project::new(Some(archive), &[&[("box", RECIPE)], recipes].concat())
}

/// The program busybox, linked statically: fetched once for all tests and runs.
pub(crate) fn busybox() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("busybox-static");
        if !kept.exists() {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
            tool("apt", Command::new("apt-get").args(["-q", "download", "busybox-static"]).current_dir(folder.path()));
            let deb =
                fs_err::read_dir(folder.path()).expect("the folder").next().expect("a package").expect("an entry");
            tool("dpkg", Command::new("dpkg-deb").arg("-x").arg(deb.path()).arg(folder.path().join("package")));
            // whoever comes second replaces it with the same file
            fs_err::rename(folder.path().join("package/bin/busybox"), &kept).expect("renamed");
        }
        kept
    })
}

/// Puts busybox and its commands into `/bin` of a tree.
pub(crate) fn fill(tree: &Path) {
    let bin = tree.join("bin");
    fs_err::create_dir_all(&bin).expect("made");
    fs_err::copy(busybox(), bin.join("busybox")).expect("copied");
    let commands = text_of("busybox-static", Command::new(busybox()).arg("--list"));
    for command in commands.lines().filter(|command| *command != "busybox") {
        fs_err::os::unix::fs::symlink("busybox", bin.join(command)).expect("linked");
    }
}
