//! `images/project.kdl`: what the words in recipes stand for.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use crate::model::{ArchiveName, Format, Place, Platform, Principal, Spanned};

use super::Mistake;
use super::context::Context;
use super::node::Node;
use super::platforms;
use super::project::{Archive, Distribution, Policy, SuiteUse};
use super::reader::{Reader, Row, Table};
use super::reads::{Beside, FileUrl};
use super::shape::Shape;
use crate::diagnostic::nearest::suggestion;

/// What the file says.
#[derive(Default)]
pub(super) struct ProjectFile {
    pub(super) platforms: Vec<Platform>,
    pub(super) build_platforms: Vec<Platform>,
    pub(super) archives: BTreeMap<ArchiveName, Archive>,
    pub(super) distributions: Vec<Distribution>,
    pub(super) labels: BTreeMap<String, Spanned<String>>,
    pub(super) policy: Policy,
}

pub(super) const PROJECT: Table<ProjectFile> = Table {
    what: "project.kdl",
    rows: &[
        Row::new(
            Shape::once("platforms", "platforms \"linux/amd64\" \"linux/arm64\"")
                .means("What recipes are built for unless they say otherwise."),
            |file, node| file.platforms = read_platforms(node),
        ),
        Row::new(
            Shape::once("build-platforms", "build-platforms \"linux/amd64\"")
                .means("What stages run on; images that stages are built on must be built for all of them.")
                .otherwise("`linux/amd64`"),
            |file, node| file.build_platforms = read_platforms(node),
        ),
        Row::new(
            Shape::any(
                "archive",
                "archive \"debian\" kind=\"deb\" { component \"main\"; keyring \"keys/debian-archive.asc\" }",
            )
            .means("A package archive; `kind` is `deb`; `apk` is not supported yet and refused.")
            .keyed()
            .block(&ARCHIVE),
            archive,
        ),
        Row::new(
            Shape::any("distribution", "distribution \"debian\" suite=\"trixie\" { use \"debian\" suite=\"trixie\" }")
                .means("What recipes mean by `distribution NAME suite=…`.")
                .also(&[(
                    "distribution \"alpine\" release=\"v3.22\" { use \"alpine\" suite=\"v3.22\" }",
                    "The same in Alpine's words.",
                )])
                .keyed()
                .block(&DISTRIBUTION),
            distribution,
        ),
        Row::new(
            Shape::any("label", "label \"org.opencontainers.image.vendor\" \"example\"")
                .means("A label of every image.")
                .keyed(),
            |file, node| label(&mut file.labels, node),
        ),
        Row::new(
            Shape::once("policy", "policy { user not=\"root\"; healthcheck \"required\" }")
                .means(
                    "What images must keep to that are run: those that no other image and no stage is \
                     built on.",
                )
                .block(&POLICY),
            |file, node| {
                node.block(&POLICY, &mut file.policy);
            },
        ),
    ],
};

/// Reads the nodes of the file.
pub(super) fn read(nodes: &[Node], cx: &Context<'_>) -> ProjectFile {
    let mut file = ProjectFile::default();
    PROJECT.read(nodes, &mut file, cx);
    for (used, place) in nodes.iter().filter(|node| *node.name == "distribution").flat_map(uses) {
        let declared = nodes.iter().filter(|node| *node.name == "archive").filter_map(Node::key);
        let names: Vec<&str> = declared.map(|name| name.value).collect();
        if !names.contains(&used) {
            let help = suggestion(used, names.iter().copied(), "declare it with `archive NAME kind=\"deb\" { … }`");
            cx.sink.push(Mistake::new(place, format!("unknown archive `{used}`"), "not declared in this file", help));
        }
    }
    file
}

fn uses(distribution: &Node) -> impl Iterator<Item = (&str, Place)> {
    let children = distribution.children.iter().flatten().filter(|child| *child.name == "use");
    children.filter_map(Node::key).map(|name| (name.value, name.place))
}

/// The arguments of `platforms`.
pub(super) fn read_platforms(node: &mut Reader<'_>) -> Vec<Platform> {
    let mut read: Vec<Spanned<Platform>> = Vec::new();
    if node.node.arguments.is_empty() {
        node.mistake(node.place(), format!("`{}` names none", *node.node.name), "which ones?", node.like());
    }
    node.pass::<Platform>("a platform");
    for value in &node.node.arguments {
        let Some(platform) = platforms::platform(value, node.cx.sink) else { continue };
        match read.iter().find(|first| first.value == platform) {
            Some(first) => {
                let mistake = Mistake::new(
                    value.place,
                    format!("{platform} is given twice"),
                    "again here",
                    "keep one of the two",
                );
                node.cx.sink.push(mistake.and(first.place, "first here"));
            }
            None => read.push(Spanned::new(platform, value.place)),
        }
    }
    read.into_iter().map(|platform| platform.value).collect()
}

/// A label or annotation: a key, and a value.
pub(super) fn label(labels: &mut BTreeMap<String, Spanned<String>>, node: &mut Reader<'_>) {
    let (key, value) = (node.argument::<String>("a key"), node.argument::<String>("a value"));
    let (Some(key), Some(value)) = (key, value) else { return };
    if key.is_empty() {
        return node.mistake(key.place, "the key is empty", "here", node.like());
    }
    if let Some(first) = labels.get(&*key) {
        let mistake =
            Mistake::new(key.place, format!("`{}` is given twice", *key), "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(first.place, "first here"));
    }
    labels.insert(key.value, value);
}

#[derive(Default)]
pub(super) struct ArchiveDraft {
    components: Vec<String>,
    keyring: Option<Spanned<Utf8PathBuf>>,
    fingerprints: Vec<String>,
    snapshot: Option<Spanned<String>>,
}

pub(super) const ARCHIVE: Table<ArchiveDraft> = Table {
    what: "an archive",
    rows: &[
        Row::new(
            Shape::any("component", "component \"main\"")
                .means("Parts of the archive.")
                .otherwise("required for `deb`")
                .set(),
            |draft, node| {
                let components = node.arguments::<String>("a component");
                draft.components.extend(components.into_iter().map(|component| component.value));
            },
        ),
        Row::new(
            Shape::once("keyring", "keyring \"keys/debian-archive.asc\"")
                .means("Public keys that its indexes are signed with, below `images/`.")
                .required(),
            |draft, node| {
                draft.keyring = node.argument::<Beside>("a file below images/").map(|path| path.map(|path| path.0));
            },
        ),
        Row::new(
            Shape::any("fingerprint", "fingerprint \"4CB50190207B4758A3F73A796ED0E7B82643E131\"")
                .means("Primary keys of the keyring that may sign, 40 or 64 hexadecimal digits each.")
                .otherwise("all of them")
                .set(),
            |draft, node| {
                let fingerprints = node.arguments::<Fingerprint>("a fingerprint");
                draft.fingerprints.extend(fingerprints.into_iter().map(|fingerprint| fingerprint.value.0));
            },
        ),
        Row::new(
            Shape::once("snapshot", "snapshot \"https://snapshot.example.org/archive\"")
                .means("The dated record of last resort, when no mirror has a file any more."),
            |draft, node| {
                draft.snapshot = node.argument::<FileUrl>("a URL").map(|url| url.map(|url| url.0));
            },
        ),
    ],
};

/// The fingerprint of a primary key.
struct Fingerprint(String);

impl super::read::Read for Fingerprint {
    const WORD: &'static str = "FINGERPRINT";
    const EXPECTED: &'static str = "the fingerprint of a primary key";
    const EXAMPLE: &'static str = "\"4CB50190207B4758A3F73A796ED0E7B82643E131\"";
    fn read(value: &super::node::Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        let digits: String =
            text.chars().filter(|character| *character != ' ').collect::<String>().to_ascii_uppercase();
        let valid = matches!(digits.len(), 40 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let wrong = || format!("`{text}` is not a whole fingerprint: 40 (or 64) hexadecimal digits");
        Some(if valid { Ok(Self(digits)) } else { Err(wrong()) })
    }
}

fn archive(file: &mut ProjectFile, node: &mut Reader<'_>) {
    let name = node.argument::<ArchiveName>("a name");
    let kind = node.required_word("kind", &[("deb", Format::Deb), ("apk", Format::Apk)]);
    let mut draft = ArchiveDraft::default();
    node.block(&ARCHIVE, &mut draft);
    if draft.keyring.is_none() && !node.has_child("keyring") {
        let help = "name the file with its public keys: `keyring \"keys/debian-archive.asc\"`";
        node.mistake(node.place(), "the archive has no keyring", "nothing would be verified", help);
    }
    if draft.components.is_empty() && kind == Some(Format::Deb) && !node.has_child("component") {
        node.mistake(
            node.place(),
            "the archive has no component",
            "nothing would be read of it",
            "write `component \"main\"`",
        );
    }
    let (Some(name), Some(kind), Some(keyring)) = (name, kind, draft.keyring) else { return };
    if let Some(first) = file.archives.get(&name.value) {
        let mistake = Mistake::new(
            name.place,
            format!("the archive `{}` is declared twice", *name),
            "again here",
            "give one another name",
        );
        return node.cx.sink.push(mistake.and(first.name.place, "first here"));
    }
    let (components, fingerprints, snapshot) = (draft.components, draft.fingerprints, draft.snapshot);
    file.archives.insert(name.value.clone(), Archive { name, kind, components, keyring, fingerprints, snapshot });
}

pub(super) const DISTRIBUTION: Table<Vec<Spanned<SuiteUse>>> = Table {
    what: "a distribution",
    rows: &[Row::new(
        Shape::any("use", "use \"debian\" suite=\"trixie-updates\"")
            .means("A suite of an archive that packages come from, most basic first.")
            .required(),
        |uses, node| {
            let (archive, suite) = (node.argument::<ArchiveName>("an archive"), node.required::<String>("suite"));
            let (Some(archive), Some(suite)) = (archive, suite) else { return };
            let read = Spanned::new(SuiteUse { archive: archive.value, suite: suite.value }, node.place());
            match uses.iter().find(|first| first.value == read.value) {
                Some(first) => {
                    let mistake =
                        Mistake::new(read.place, "the suite is used twice", "again here", "keep one of the two");
                    node.cx.sink.push(mistake.and(first.place, "first here"));
                }
                None => uses.push(read),
            }
        },
    )],
};

fn distribution(file: &mut ProjectFile, node: &mut Reader<'_>) {
    let name = node.argument::<String>("a name");
    let suite = node.suite();
    let mut uses = Vec::new();
    node.block(&DISTRIBUTION, &mut uses);
    let (Some(name), Some(suite)) = (name, suite) else { return };
    if let Some(first) = file.distributions.iter().find(|known| *known.name == *name && known.suite == *suite) {
        let message = format!("the distribution `{}` with suite `{}` is declared twice", *name, *suite);
        let mistake = Mistake::new(name.place, message, "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(first.name.place, "first here"));
    }
    let uses = uses.into_iter().map(|suite| suite.value).collect();
    file.distributions.push(Distribution { name, suite: suite.value, uses });
}

pub(super) const POLICY: Table<Policy> = Table {
    what: "a policy",
    rows: &[
        Row::new(
            Shape::any("user", "user not=\"root\"").means(
                "A user that an image may not run as; `root` and `0` are the same. `waive \
                 \"policy-user\"` excuses an image.",
            ),
            |policy, node| {
                policy.user_not.extend(node.required::<Principal>("not"));
            },
        ),
        Row::new(
            Shape::once("healthcheck", "healthcheck \"required\"").means(
                "An image has a health check, its own or its base's, or `healthcheck \"none\"` with a \
                 reason. `waive \"policy-healthcheck\"` excuses it.",
            ),
            |policy, node| {
                if node.word("`\"required\"`", &[("required", ())]).is_some() {
                    policy.healthcheck = Some(node.place());
                }
            },
        ),
        Row::new(
            Shape::any("archive", "archive \"debian\" \"debian-security\"")
                .means(
                    "Archives that images may take packages from. `waive \"policy-archive\"` excuses an \
                     image.",
                )
                .otherwise("all of them")
                .set(),
            |policy, node| {
                policy.archives.extend(node.arguments("an archive"));
            },
        ),
        Row::new(
            Shape::once("size", "size \"200MB\"")
                .means(
                    "Most bytes of an image's layers, as a registry stores them: `check` knows its \
                     packages, `build` all of it. `waive \"policy-size\"` excuses an image.",
                )
                .otherwise("no limit"),
            |policy, node| policy.size = node.argument("a size"),
        ),
        Row::new(
            Shape::any("license", "license \"MIT\" \"Apache-2.0\"")
                .means(
                    "SPDX identifiers that a recipe's `license` must be met with; nothing excuses from \
                     it.",
                )
                .set(),
            |policy, node| policy.licenses.extend(node.arguments("a licence")),
        ),
        Row::new(Shape::any("licence", "licence \"MIT\" \"Apache-2.0\"").means("The same.").set(), |policy, node| {
            policy.licenses.extend(node.arguments("a licence"))
        }),
    ],
};
