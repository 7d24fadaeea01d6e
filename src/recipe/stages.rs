//! `stage` and `vendor`: a build step, and one with a network whose output is pinned.

use std::collections::BTreeMap;

use crate::model::{ByteSize, ImageName, ImagePath, PackageName, Place, Seconds, SourceName, Spanned, StageName};

use super::Mistake;
use super::caches;
use super::drafts::{RecipeDraft, Requests};
use super::project::{Dependencies, PackageRequest, Per, Stage, StageCopy, StepLimits, Use};
use super::reader::{Reader, Row, Table};
use super::reads::{Destination, EnvName};
use super::shape::Shape;

/// A stage that is being read.
#[derive(Default)]
pub(super) struct StageDraft {
    from: Option<Spanned<ImageName>>,
    packages: Requests,
    target_packages: Requests,
    uses: Vec<Use>,
    copies: Vec<StageCopy>,
    /// What is mounted where, by its node.
    mounts: Vec<Spanned<ImagePath>>,
    env: BTreeMap<String, Spanned<String>>,
    run: Vec<Spanned<String>>,
    output: Option<ImagePath>,
    caches: Vec<Spanned<ImagePath>>,
    secrets: Vec<Spanned<String>>,
    per: Option<Spanned<Per>>,
    timeout: Option<Seconds>,
    memory: Option<ByteSize>,
}

/// Variables that every step has, and that only its platform and limits decide.
const FIXED: [&str; 3] = ["OUT", "JOBS", "SOURCE_DATE_EPOCH"];

pub(super) const STAGE: Table<StageDraft> = Table {
    what: "a stage",
    rows: &[
        Row::new(
            Shape::once("from", "from \"builder\"")
                .means(
                    "The image that it runs in; also written as a property: `stage \"a\" \
                     from=\"builder\"`.",
                )
                .required(),
            |draft, node| draft.from = node.argument("an image"),
        ),
        Row::new(
            Shape::any("packages", "packages \"make\" \"pkgconf\"")
                .means(
                    "Packages on top of it, of the build machine's architecture. `version` is a \
                     constraint on a single name; `alone=#true` leaves away what they depend on.",
                )
                .set(),
            |draft, node| packages(&mut draft.packages, node),
        ),
        Row::new(
            Shape::any("target-packages", "target-packages \"libssl-dev\"")
                .means("The same, of the target's architecture: headers and libraries.")
                .set(),
            |draft, node| packages(&mut draft.target_packages, node),
        ),
        Row::new(
            Shape::any("use", "use \"upstream\" at=\"/src\"")
                .means("A source, at this folder: writable, changes are thrown away."),
            uses,
        ),
        Row::new(
            Shape::any("copy", "copy \"/usr/lib/libexample.a\" from=\"other-stage\" to=\"/deps/\"")
                .means("A file or folder of another stage's output. Without `to`: at the same path."),
            copy,
        ),
        Row::new(
            Shape::any("env", "env CGO_ENABLED \"0\"")
                .means(
                    "A variable. Not `OUT`, `JOBS`, `SOURCE_DATE_EPOCH`, `TARGET_…`, `BUILD_…`, which the \
                     step sets itself.",
                )
                .keyed(),
            env,
        ),
        Row::new(
            Shape::any("run", "run \"make install DESTDIR=$OUT\"")
                .means("A script for `/bin/sh -eu`; several run in order. `${…}` in it is the shell's.")
                .required()
                .sequence(),
            |draft, node| {
                let Some(script) = node.argument::<String>("a script") else { return };
                if script.trim().is_empty() {
                    return node.mistake(script.place, "the script is empty", "nothing to run", node.like());
                }
                draft.run.push(script);
            },
        ),
        Row::new(
            Shape::any("secret", "secret \"signing-key\"")
                .means("Secrets of the environment file, as `/run/secrets/ID`.")
                .set(),
            secret,
        ),
        Row::new(
            Shape::any("cache", "cache \"/root/.cache/go-build\"")
                .means(
                    "Folders kept between runs, below `/root/.cache`, `/var/cache`, `/cache`, `/tmp` or another \
                     folder that the root has nothing in. Which there are is part of what a result is known by.",
                )
                .set(),
            |draft, node| {
                let paths = node.arguments::<ImagePath>("a folder");
                for path in paths {
                    mount(draft, node, Spanned::new(path.value.clone(), path.place));
                    draft.caches.push(path);
                }
            },
        ),
        Row::new(
            Shape::once("output", "output \"/src/dist\"")
                .means("The folder that becomes the output, which `$OUT` then names.")
                .otherwise("the sandbox's choice"),
            |draft, node| {
                let Some(path) = node.argument::<ImagePath>("a folder") else { return };
                mount(draft, node, path.clone());
                draft.output = Some(path.value);
            },
        ),
        Row::new(
            Shape::once("per", "per \"build\"")
                .means("`target`: once per platform; `build`: once. Not in `vendor`.")
                .otherwise("`target`"),
            |draft, node| {
                let per = node.word("`\"build\"` or `\"target\"`", &[("build", Per::Build), ("target", Per::Target)]);
                draft.per = per.map(|per| Spanned::new(per, node.place()));
            },
        ),
        Row::new(
            Shape::once("timeout", "timeout \"30m\"").means("Longest time that it may take.").otherwise("`1h`"),
            |draft, node| {
                draft.timeout = node.argument("a duration").map(|timeout| timeout.value);
            },
        ),
        Row::new(
            Shape::once("memory", "memory \"4GiB\"").means("Largest data segment of a process.").otherwise("no limit"),
            |draft, node| draft.memory = node.argument("a size").map(|memory| memory.value),
        ),
    ],
};

/// Reads a `stage` node into the recipe.
pub(super) fn read(draft: &mut RecipeDraft, node: &mut Reader<'_>) {
    let name = node.argument::<StageName>("a name");
    let stage = body(node).map(|(stage, _)| stage);
    if let (Some(name), Some(stage)) = (name, stage) {
        draft.stages.entry(name.value).or_insert(stage);
    }
}

/// Reads a `vendor` node: it runs once, whatever the target.
pub(super) fn vendor(node: &mut Reader<'_>) -> Option<Stage> {
    let (stage, per) = body(node)?;
    if let Some(per) = per {
        node.mistake(per.place, "`vendor` runs once, whatever the platform", "not needed", "remove `per`");
    }
    Some(Stage { per: Per::Build, ..stage })
}

fn body(node: &mut Reader<'_>) -> Option<(Stage, Option<Spanned<Per>>)> {
    let mut draft = StageDraft::default();
    node.block(&STAGE, &mut draft);
    let from = toolchain(node, draft.from.take());
    if draft.run.is_empty() && node.node.children.is_some() && !node.has_child("run") {
        node.mistake(
            node.place(),
            format!("`{}` runs nothing", *node.node.name),
            "no `run` in it",
            "add `run \"…\"`, which fills `$OUT`",
        );
    }
    let others: Vec<_> = draft.mounts.iter().filter(|at| !draft.caches.contains(at)).cloned().collect();
    caches::check(node, &draft.caches, &others, draft.output.as_ref());
    let limits = StepLimits { timeout: draft.timeout.unwrap_or(StepLimits::default().timeout), memory: draft.memory };
    let stage = Stage {
        place: node.place(),
        from: from?,
        packages: draft.packages.list,
        target_packages: draft.target_packages.list,
        uses: draft.uses,
        copies: draft.copies,
        env: draft.env.into_iter().map(|(name, value)| (name, value.value)).collect(),
        run: draft.run,
        output: draft.output,
        caches: draft.caches.into_iter().map(|cache| cache.value).collect(),
        secrets: draft.secrets,
        per: draft.per.as_ref().map(|per| per.value).unwrap_or_default(),
        limits,
    };
    Some((stage, draft.per))
}

/// The image that the stage runs in: `from`, as a property or in its block.
fn toolchain(node: &mut Reader<'_>, in_block: Option<Spanned<ImageName>>) -> Option<Spanned<ImageName>> {
    let from = node.property("from");
    if !node.has("from") && !node.has_child("from") {
        node.missing("from");
    }
    if let (Some(property), Some(in_block)) = (&from, &in_block) {
        let what = format!("`{}` is built on two things", *node.node.name);
        let mistake = Mistake::new(in_block.place, what, "and this", "keep one of the two");
        node.cx.sink.push(mistake.and(property.place, "this"));
    }
    let from = node.cx.meant(from.or(in_block)?);
    node.cx.toolchain(&from);
    Some(from)
}

/// Packages, with a version for a single one, and without what they depend on where they are `alone`.
pub(super) fn packages(requests: &mut Requests, node: &mut Reader<'_>) {
    let names = node.arguments::<PackageName>("the name of a package");
    let version = node.property::<Constraint>("version");
    if let Some(version) = version.as_ref().filter(|_| names.len() > 1) {
        let help = "give that package a `packages` node of its own";
        node.mistake(version.place, "`version` does not say of which package", "there are several", help);
    }
    let alone = node.property::<bool>("alone").is_some_and(|alone| alone.value);
    let dependencies = if alone { Dependencies::Ignore } else { Dependencies::Follow };
    for name in names {
        if let Some(first) = requests.places.get(&name.value) {
            let message = format!("the package `{}` is asked for twice", *name);
            let mistake = Mistake::new(name.place, message, "again here", "keep one of the two");
            node.cx.sink.push(mistake.and(*first, "first here"));
            continue;
        }
        requests.places.insert(name.value.clone(), name.place);
        let version = version.as_ref().map(|version| version.value.0.clone());
        requests.list.push(Spanned::new(PackageRequest { name: name.value, version, dependencies }, name.place));
    }
}

/// A version constraint: an operator and a version.
struct Constraint(String);

impl super::read::Read for Constraint {
    const WORD: &'static str = "VERSION";
    const EXPECTED: &'static str = "a version with an operator";
    const EXAMPLE: &'static str = "\">= 1.2\"";
    fn read(value: &super::node::Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        let operators = [">=", "<=", "<<", ">>", "~=", "=", "<", ">", "~"];
        let split =
            operators.into_iter().find_map(|operator| Some((operator, text.trim().strip_prefix(operator)?.trim())));
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b".+-:~_".contains(&byte);
        let version = split.filter(|(_, version)| !version.is_empty() && version.bytes().all(letters));
        let wrong = || match split {
            Some((operator, _)) => format!("no version follows `{operator}` in `{text}`"),
            None => format!("`{text}` begins with no operator: `=`, `>=`, `<=`, `<<` or `>>`"),
        };
        Some(version.map(|(operator, version)| Self(format!("{operator} {version}"))).ok_or_else(wrong))
    }
}

/// Notes that something is mounted, and reports what would hide something else.
fn mount(draft: &mut StageDraft, node: &Reader<'_>, at: Spanned<ImagePath>) {
    if at.is_root() {
        let help = "choose a folder, like `/src`";
        return node.mistake(at.place, "this would cover the whole root", "the root itself", help);
    }
    if let Some(first) = draft.mounts.iter().find(|first| first.value == at.value) {
        let message = format!("two things would appear at `{}`", *at);
        let mistake = Mistake::new(at.place, message, "this one", "choose another folder for one of them");
        return node.cx.sink.push(mistake.and(first.place, "and this one"));
    }
    draft.mounts.push(at);
}

fn uses(draft: &mut StageDraft, node: &mut Reader<'_>) {
    let source = node.argument::<SourceName>("a source");
    if let Some(source) = &source {
        node.cx.source(source);
    }
    let Some(at) = node.required::<ImagePath>("at") else { return };
    mount(draft, node, at.clone());
    draft.uses.extend(source.map(|source| Use { source, at: at.value }));
}

fn copy(draft: &mut StageDraft, node: &mut Reader<'_>) {
    let path = node.argument::<ImagePath>("a path of the other stage's output");
    let from = node.required::<StageName>("from");
    if let Some(from) = &from {
        node.cx.stage(from);
    }
    let to = node.property::<Destination>("to");
    let (Some(path), Some(from)) = (path, from) else { return };
    let place = to.as_ref().map_or(path.place, |to| to.place);
    let to = to.map_or_else(|| path.value.clone(), |to| to.value.of(path.name()));
    mount(draft, node, Spanned::new(to.clone(), place));
    draft.copies.push(StageCopy { from, path, to });
}

fn env(draft: &mut StageDraft, node: &mut Reader<'_>) {
    let (name, value) = (node.argument::<EnvName>("a name"), node.argument::<String>("a value"));
    let (Some(name), Some(value)) = (name, value) else { return };
    let (name, place): (String, Place) = (name.value.0, name.place);
    let platform = name.starts_with("TARGET_") || name.starts_with("BUILD_");
    if FIXED.contains(&name.as_str()) || platform {
        let help = "choose another name: the step's platform and limits decide this one";
        return node.mistake(place, format!("`{name}` is set by the step itself"), "not yours", help);
    }
    if let Some(first) = draft.env.get(&name) {
        let mistake = Mistake::new(place, format!("`{name}` is set twice"), "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(first.place, "first here"));
    }
    draft.env.insert(name, Spanned::new(value.value, place));
}

fn secret(draft: &mut StageDraft, node: &mut Reader<'_>) {
    for id in node.arguments::<String>("an id") {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if id.is_empty() || id.starts_with('.') || !id.bytes().all(letters) {
            let help = "use letters, digits, `.`, `_` and `-`: it becomes a file below `/run/secrets`";
            node.mistake(id.place, format!("`{}` cannot name a secret", *id), "not a name", help);
        } else {
            draft.secrets.push(id);
        }
    }
}
