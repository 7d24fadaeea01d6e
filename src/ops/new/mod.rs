//! A recipe to start from, and where there is no project yet, one around it. Pure: what is to be written is data.

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::create::create;
use super::error::OpsError;
use crate::model::{ImageName, RecipeName};
use crate::recipe;

/// What a new recipe is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// A Go program, linked statically.
    Go,
    /// A Rust program.
    Rust,
    /// A C program.
    C,
    /// Packages of a distribution.
    Packages,
}

/// A file to be written: its path below the project, or below the recipe's folder, and its text.
type File = (&'static str, &'static str);

impl Template {
    fn recipe(self) -> &'static str {
        match self {
            Self::Go => include_str!("go/recipe.kdl"),
            Self::Rust => include_str!("rust/recipe.kdl"),
            Self::C => include_str!("c/recipe.kdl"),
            Self::Packages => include_str!("packages/recipe.kdl"),
        }
    }

    /// The files beside the recipe.
    fn files(self) -> &'static [File] {
        match self {
            Self::Go => &[("src/go.mod", include_str!("go/go.mod")), ("src/main.go", include_str!("go/main.go"))],
            Self::Rust => &[
                ("src/Cargo.toml", include_str!("rust/Cargo.toml")),
                ("src/Cargo.lock", include_str!("rust/Cargo.lock")),
                ("src/src/main.rs", include_str!("rust/main.rs.txt")),
            ],
            Self::C => &[("src/Makefile", include_str!("c/Makefile")), ("src/main.c", include_str!("c/main.c"))],
            Self::Packages => &[("files/index.html", include_str!("packages/index.html"))],
        }
    }

    /// The images that the recipe builds on.
    fn bases(self) -> &'static [&'static str] {
        match self {
            Self::Go => &["static", "builder-go"],
            Self::Rust => &["runtime", "builder-rust"],
            Self::C => &["runtime", "builder"],
            Self::Packages => &["static"],
        }
    }

    /// The recipes that these images come from.
    fn base_recipes(self) -> &'static [File] {
        const STATIC: File = ("images/static/recipe.kdl", include_str!("../../../images/static/recipe.kdl"));
        const RUNTIME: File = ("images/runtime/recipe.kdl", include_str!("../../../images/runtime/recipe.kdl"));
        const DEBIAN: File = ("images/debian/recipe.kdl", include_str!("../../../images/debian/recipe.kdl"));
        const BUILDER: File = ("images/builder/recipe.kdl", include_str!("../../../images/builder/recipe.kdl"));
        // `runtime` also where the recipe does without: most of those that follow will not
        match self {
            Self::Go | Self::Rust | Self::C => &[STATIC, RUNTIME, DEBIAN, BUILDER],
            Self::Packages => &[STATIC, RUNTIME],
        }
    }
}

/// What every project has.
const PROJECT: &[File] = &[
    ("images/project.kdl", include_str!("project.kdl")),
    ("images/keys/debian-archive.asc", include_str!("../../../images/keys/debian-archive.asc")),
    ("images/keys/debian-security.asc", include_str!("../../../images/keys/debian-security.asc")),
];

/// What was created.
#[derive(Debug, Serialize)]
pub struct NewReport {
    /// The files, relative to the project.
    pub created: Vec<Utf8PathBuf>,
    /// Whether the project is new as well.
    pub project: bool,
    /// Images that the recipe builds on and that the project has not.
    pub missing: Vec<String>,
    /// Whether the project's recipes could be read to look for them.
    pub looked: bool,
}

/// Creates the recipe `name` in the project at `root`, and that too when there is none.
///
/// # Errors
/// When something of it exists, or a file cannot be written.
pub fn new(root: &Utf8Path, name: &RecipeName, template: Template) -> Result<NewReport, OpsError> {
    let project = !root.join("images/project.kdl").is_file();
    let (mut missing, mut looked) = (Vec::new(), true);
    let mut files = Vec::new();
    if project {
        files.extend(whole(PROJECT).chain(whole(template.base_recipes())));
        refuse_base(template, name)?;
    } else if let Ok(loaded) = recipe::load(root) {
        let known: Vec<&ImageName> = loaded
            .project
            .recipes
            .values()
            .flat_map(|set| set.on.values())
            .flat_map(|recipe| recipe.images.keys())
            .collect();
        let has = |wanted: &str| known.iter().any(|image| image.as_str() == wanted);
        if has(name.as_str()) {
            return Err(OpsError::ImageExists { name: name.to_string() });
        }
        missing = template.bases().iter().filter(|base| !has(base)).map(|base| (*base).to_owned()).collect();
    } else {
        looked = false;
    }
    files.extend(of_recipe(name, template));
    create(root, &files)?;
    Ok(NewReport { created: files.into_iter().map(|(path, _)| path).collect(), project, missing, looked })
}

fn whole(files: &[File]) -> impl Iterator<Item = (Utf8PathBuf, String)> {
    files.iter().map(|(path, text)| (Utf8PathBuf::from(path), (*text).to_owned()))
}

/// The recipe and the files beside it.
fn of_recipe(name: &RecipeName, template: Template) -> Vec<(Utf8PathBuf, String)> {
    let folder = Utf8PathBuf::from(format!("images/{name}"));
    let recipe = (folder.join("recipe.kdl"), template.recipe().replace("NAME", name.as_str()));
    let beside = template.files().iter().map(|(path, text)| (folder.join(path), (*text).to_owned()));
    std::iter::once(recipe).chain(beside).collect()
}

/// A new project has images of its own, whose names are taken.
fn refuse_base(template: Template, name: &RecipeName) -> Result<(), OpsError> {
    let folder = format!("images/{name}/");
    let taken = template.bases().contains(&name.as_str())
        || template.base_recipes().iter().any(|(path, _)| path.starts_with(&folder));
    if taken { Err(OpsError::ImageExists { name: name.to_string() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
