//! What the language has and this version cannot do: it is refused, because whoever writes it would think that it works.

use std::collections::BTreeMap;

use crate::model::{Format, Place};

use super::Mistake;
use super::project::{Origin, Project, Recipe};

/// A mistake at each place; what several platforms share is one.
pub(super) fn check(project: &Project) -> Vec<Mistake> {
    let mut found: BTreeMap<Place, Mistake> = BTreeMap::new();
    let archives = project.archives.values().filter(|archive| archive.kind == Format::Apk);
    let recipes = project.recipes.values().flat_map(|set| set.on.values());
    let all = archives
        .map(|archive| {
            let help = "remove the archive and the distributions that use it";
            refusal(archive.name.place, "archives of APK packages are not supported yet", help)
        })
        .chain(recipes.flat_map(of_recipe));
    for mistake in all {
        found.entry(mistake.place).or_insert(mistake);
    }
    found.into_values().collect()
}

fn of_recipe(recipe: &Recipe) -> impl Iterator<Item = Mistake> + '_ {
    let tags = recipe.tags.iter().map(|tag| {
        let help =
            "remove it, and give the image its tags where it is pushed: `skopeo copy oci:dist:NAME docker://…:TAG`";
        refusal(tag.place, "`tags` is not supported yet", help)
    });
    let tests = recipe.tests.iter().map(|test| {
        let help = "remove it, and run the image's program after the build, for example with podman";
        refusal(test.place, "`test` is not supported yet", help)
    });
    let tracks = recipe.sources.values().filter_map(|source| match &source.origin {
        Origin::Git { track: Some(track), .. } => {
            let help = "remove it, and change the tag by hand when there is a new one";
            Some(refusal(track.place, "`track` is not supported yet", help))
        }
        _ => None,
    });
    tags.chain(tests).chain(tracks)
}

fn refusal(place: Place, message: &str, help: &str) -> Mistake {
    Mistake::new(place, message, "this would have no effect", help)
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::super::load;

    #[test]
    fn what_would_have_no_effect_is_refused_at_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let write = |name: &str, text: &str| {
            let file = root.join(name);
            fs_err::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs_err::write(file, text).expect("written");
        };
        write("images/keys/wolfi.pub", "a key");
        write(
            "images/project.kdl",
            "platforms \"linux/amd64\" \"linux/arm64\"\n\
             archive \"wolfi\" kind=\"apk\" { keyring \"keys/wolfi.pub\" }\n",
        );
        write(
            "images/x/recipe.kdl",
            "title \"X\"\ntags \"1\" \"1.2\"\n\
             source \"x\" {\n    git \"https://example.org/x\" tag=\"v1.2.3\"\n    track \"minor\"\n}\n\
             image \"x\" from=\"scratch\" {\n    copy \"/\" from=\"x\" to=\"/x\"\n    user \"1\"\n}\n\
             test \"runs\" image=\"x\" { run \"/x\" }\n",
        );
        let mistakes = load(root).expect_err("a refusal").to_string();
        let at = ["project.kdl:2: archives", "x/recipe.kdl:2: `tags`", "x/recipe.kdl:2: `tags`"];
        let then = ["x/recipe.kdl:5: `track`", "x/recipe.kdl:11: `test`"];
        let lines: Vec<&str> = mistakes.lines().collect();
        assert_eq!(lines.len(), 5, "{mistakes}");
        for (line, begins) in lines.iter().zip(at.iter().chain(&then)) {
            assert!(line.starts_with(&format!("images/{begins} ")), "{line}");
        }
    }
}
