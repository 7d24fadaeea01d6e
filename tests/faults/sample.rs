//! A project that has a step of every kind and is built in a second: packages, a source, a root, a stage, an image.

use std::path::{Path, PathBuf};

use super::Site;
use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::toolbox;

/// The project, its archive, and the program that this binary was compiled with.
pub(crate) struct Sample {
    pub(crate) archive: Archive,
    pub(crate) project: Project,
    pub(crate) site: Site,
}

/// The stage takes a moment, so that it can be hit.
const RECIPE: &str = "title \"App\"\nplatforms \"linux/amd64\"\nsource \"text\" { local \"src\" }\n\
    stage \"app\" from=\"box\" { use \"text\" at=\"/src\"; run \"cp /src/text $OUT/one; sleep 0.2; gzip -c /src/text > $OUT/two\"; }\n\
    image \"app\" {\n    from \"scratch\"\n    distribution \"debian\" suite=\"stable\"\n    packages \"small\" \"large\"\n    \
    copy \"/\" from=\"app\" to=\"/app\"\n    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}\n\
    image \"other\" {\n    from \"scratch\"\n    copy \"/one\" from=\"app\" to=\"/one\"\n    user \"10001\"\n    \
    healthcheck \"none\" reason=\"a test\"\n}\n";

impl Sample {
    /// Refreshed, nothing fetched: each trial has a store of its own.
    pub(crate) fn new(program: PathBuf) -> Self {
        let text: String = (0..100_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        let package = |name, files| Package { name, version: "1.0", architecture: "all", fields: "", files };
        let large = [("/usr/share/large", text.as_str()), ("/usr/share/doc/large/copyright", "free")];
        let small = [("/usr/bin/program", "#!/bin/sh\n"), ("/usr/share/small/", "")];
        let archive = Archive::with_box(&[package("small", &small[..]), package("large", &large[..])]);
        let project = toolbox::project(&archive, &[("app", RECIPE)]);
        project.write("images/app/src/text", &text[..200_000]);
        project.run(&["refresh"]).done();
        let site = Site { program, project: project.path(""), environment: project.path("environment.kdl") };
        Self { archive, project, site }
    }

    /// The same project with these mirrors in this order.
    pub(crate) fn with_mirrors(&self, name: &str, mirrors: &[String]) -> Site {
        let text: String = mirrors.iter().map(|url| format!("mirror \"local\" \"{url}\"\n")).collect();
        self.project.write(name, &text);
        Site {
            program: self.site.program.clone(),
            project: self.site.project.clone(),
            environment: self.project.path(name),
        }
    }

    /// Finds files of its archive for a mirror.
    pub(crate) fn files(&self) -> impl Fn(&str) -> Option<PathBuf> + Send + Sync + 'static {
        files_below(self.archive.root())
    }
}

fn files_below(root: PathBuf) -> impl Fn(&str) -> Option<PathBuf> + Send + Sync + 'static {
    move |path: &str| {
        let is_plain = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        Some(root.join(path)).filter(|file| is_plain && file.is_file())
    }
}
