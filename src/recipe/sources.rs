//! `source`: something from outside that `refresh` pins.

use crate::model::{Format, PackageName, Place, SourceName, Spanned};

use super::Mistake;
use super::drafts::RecipeDraft;
use super::project::{DistributionRef, Download, Edit, GitReference, Origin, Signature, Source, Unpack};
use super::reader::{Reader, Row, Table};
use super::reads::{Beside, CommitId, FileUrl, GitUrl, RefName};
use super::shape::Shape;
use super::stages;
use crate::diagnostic::nearest::list;

/// A source that is being read.
#[derive(Default)]
pub(super) struct SourceDraft {
    /// Where the first node that says where it comes from stands.
    said: Option<Place>,
    origin: Option<Origin>,
    track: Option<Spanned<String>>,
    edits: Vec<Edit>,
}

pub(super) const SOURCE: Table<SourceDraft> = Table {
    what: "a source",
    rows: &[
        Row::new(
            Shape::any("git", "git \"https://example.org/project\" tag=\"v1.2.3\"")
                .means(
                    "A repository at one of a `tag`, a `branch`, or a whole `commit` id, with its \
                     submodules. The URL is `https`, `http`, `git` or `file`.",
                )
                .single(),
            |draft, node| origin(draft, node, git),
        ),
        Row::new(
            Shape::any("download", "download \"https://example.org/project-1.2.3.tar.gz\" unpack=\"tar\" strip=1")
                .means(
                    "A file. `unpack=\"tar\"` unpacks an archive, compressed or not (default `no`); \
                     `strip` drops so many leading folders (default 0).",
                )
                .single()
                .block(&DOWNLOAD),
            |draft, node| {
                origin(draft, node, download);
            },
        ),
        Row::new(
            Shape::any("debian-source", "debian-source \"unbound\" distribution=\"debian\" suite=\"trixie\"")
                .means(
                    "A Debian source package of the locked suite. `distribution` and `suite` may be left \
                     out when the project has just one that fits.",
                )
                .single(),
            |draft, node| {
                origin(draft, node, source_package);
            },
        ),
        Row::new(
            Shape::any("local", "local \"files\"").means("A file or folder beside the recipe.").single(),
            |draft, node| origin(draft, node, local),
        ),
        Row::new(
            Shape::any(
                "vendor",
                "vendor from=\"builder-go\" { use \"project\" at=\"/src\"; run \"cd /src && go mod vendor && cp -a vendor/. $OUT/\" }",
            )
            .means(
                "The output of [a stage](#stages) that has a network and runs once; pinned by the \
                 hash of its tree.",
            )
            .single()
            .block(&stages::STAGE),
            |draft, node| {
                origin(draft, node, |node| Some(Origin::Vendor(Box::new(stages::vendor(node)?))));
            },
        ),
        Row::new(
            Shape::once("track", "track \"minor\"")
                .means("What `refresh` may move a `git` tag to: a new `patch`, `minor` or `major` version. Not supported yet: refused.")
                .otherwise("the tag as written"),
            |draft, node| {
                let written = node.node.arguments.first().map(|value| value.place);
                let word = node.word(
                    "`\"major\"`, `\"minor\"` or `\"patch\"`",
                    &[("major", "major"), ("minor", "minor"), ("patch", "patch")],
                );
                draft.track = word.zip(written).map(|(word, place)| Spanned::new(word.to_owned(), place));
            },
        ),
        Row::new(
            Shape::any("patch", "patch \"patches/fix.diff\" strip=1")
                .means(
                    "A unified diff beside the recipe, which must apply without fuzz; `strip` as in \
                     `patch -p` (default 1).",
                )
                .keyed(),
            |draft, node| {
                let strip = node.property::<u8>("strip").map_or(1, |strip| u32::from(strip.value));
                let file = node.argument::<Beside>("a file beside the recipe");
                draft.edits.extend(file.map(|file| Edit::Patch { file: file.map(|file| file.0), strip }));
            },
        ),
        Row::new(
            Shape::any("replace", "replace \"src/main.c\" old=\"0.0.0.0\" new=\"127.0.0.1\"")
                .means("A text in a file of the source, which must occur."),
            replace,
        ),
    ],
};

/// Reads a `source` node into the recipe.
pub(super) fn read(draft: &mut RecipeDraft, node: &mut Reader<'_>) {
    let name = node.argument::<SourceName>("a name");
    let mut read = SourceDraft::default();
    node.block(&SOURCE, &mut read);
    if read.said.is_none() && node.node.children.is_some() {
        let help = format!("say one of {}", list(["git", "download", "debian-source", "local", "vendor"]));
        node.mistake(node.place(), "the source does not say where it comes from", "nothing to pin", help);
    }
    if let (Some(track), Some(origin)) = (&read.track, &read.origin)
        && !matches!(origin, Origin::Git { reference: GitReference::Tag(_), .. })
    {
        let help = "remove it: only a `git` source with a `tag` has versions that `refresh` can move along";
        node.mistake(track.place, "`track` has nothing to follow", "not for this source", help);
    }
    let (Some(name), Some(mut origin)) = (name, read.origin) else { return };
    if let Origin::Git { track, .. } = &mut origin {
        *track = read.track;
    }
    draft.sources.entry(name.value).or_insert(Source { place: node.place(), origin, edits: read.edits });
}

fn origin(draft: &mut SourceDraft, node: &mut Reader<'_>, read: impl FnOnce(&mut Reader<'_>) -> Option<Origin>) {
    let origin = read(node);
    if let Some(first) = draft.said {
        let help = "declare a second `source` for it";
        let mistake = Mistake::new(node.place(), "the source comes from two places", "and from here", help);
        return node.cx.sink.push(mistake.and(first, "from here"));
    }
    draft.said = Some(node.place());
    draft.origin = origin;
}

fn git(node: &mut Reader<'_>) -> Option<Origin> {
    let url = node.argument::<GitUrl>("a URL");
    let named: Vec<Place> = ["tag", "branch", "commit"].into_iter().filter_map(|name| node.place_of(name)).collect();
    let tag = node.property::<RefName>("tag").map(|name| GitReference::Tag(name.map(|name| name.0)));
    let branch = node.property::<RefName>("branch").map(|name| GitReference::Branch(name.map(|name| name.0)));
    let commit = node.property::<CommitId>("commit").map(|id| GitReference::Commit(id.map(|id| id.0)));
    match named[..] {
        [] => {
            let help = "add `tag=\"…\"`, `branch=\"…\"` or `commit=\"…\"`";
            node.mistake(node.place(), "`git` does not say what to check out", "of which version?", help);
        }
        [_] => {}
        [first, second, ..] => {
            let mistake = Mistake::new(
                second,
                "`git` says twice what to check out",
                "and this",
                "keep one of `tag`, `branch`, `commit`",
            );
            node.cx.sink.push(mistake.and(first, "this"));
        }
    }
    Some(Origin::Git { url: url?.map(|url| url.0), reference: tag.or(branch).or(commit)?, track: None })
}

#[derive(Default)]
pub(super) struct DownloadDraft {
    signature: Option<Signature>,
}

pub(super) const DOWNLOAD: Table<DownloadDraft> = Table {
    what: "a download",
    rows: &[Row::new(
        Shape::once(
            "signature",
            "signature \"https://example.org/project-1.2.3.tar.gz.asc\" keyring=\"keys/project.asc\"",
        )
        .means("A detached OpenPGP signature that `refresh` checks, and the keyring below `images/`."),
        |draft, node| {
            let url = node.argument::<FileUrl>("a URL");
            let keyring = node.required::<Beside>("keyring");
            draft.signature = url
                .zip(keyring)
                .map(|(url, keyring)| Signature { url: url.map(|url| url.0), keyring: keyring.map(|path| path.0) });
        },
    )],
};

fn download(node: &mut Reader<'_>) -> Option<Origin> {
    let url = node.argument::<FileUrl>("a URL");
    let unpack = node.property_word("unpack", &[("tar", Unpack::Tar), ("no", Unpack::No)]).unwrap_or(Unpack::No);
    let strip = node.property::<u8>("strip");
    let mut draft = DownloadDraft::default();
    node.optional_block(&DOWNLOAD, &mut draft);
    if let Some(strip) = strip.as_ref().filter(|_| unpack == Unpack::No && !node.has("unpack")) {
        node.mistake(strip.place, "`strip` has nothing to strip", "nothing is unpacked", "add `unpack=\"tar\"`");
    }
    let strip = strip.map_or(0, |strip| u32::from(strip.value));
    Some(Origin::Download(Download { url: url?.map(|url| url.0), unpack, strip, signature: draft.signature }))
}

fn source_package(node: &mut Reader<'_>) -> Option<Origin> {
    let package = node.argument::<PackageName>("the name of a source package");
    let name = node.property::<String>("distribution");
    let suite = if name.is_some() && !node.has("suite") { node.suite() } else { node.property("suite") };
    let distribution = match (name, suite) {
        (Some(name), suite) => Some(DistributionRef { name: name.value, suite: suite?.value }),
        (None, suite) => the_only_distribution(node, suite),
    };
    let distribution = distribution?;
    node.cx.distribution(&Spanned::new(distribution.clone(), node.place()));
    Some(Origin::Package { package: package?, distribution })
}

/// The project's only distribution with source packages, which then need not be named.
fn the_only_distribution(node: &Reader<'_>, suite: Option<Spanned<String>>) -> Option<DistributionRef> {
    let world = node.cx.world;
    let known = world.distributions.iter().filter(|(_, kind)| *kind != Some(Format::Apk)).map(|(known, _)| known);
    let fitting: Vec<_> = known.filter(|known| suite.as_ref().is_none_or(|suite| known.suite == **suite)).collect();
    match fitting[..] {
        [only] => Some(only.clone()),
        _ if !world.project_complete => None,
        _ => {
            let known: Vec<String> = fitting
                .iter()
                .map(|known| format!("distribution=\"{}\" suite=\"{}\"", known.name, known.suite))
                .collect();
            let help = match known.is_empty() {
                true => "declare a distribution of kind `deb` in images/project.kdl".to_owned(),
                false => format!("add one of {}", list(known.iter().map(String::as_str))),
            };
            node.mistake(node.place(), "`debian-source` does not say of which distribution", "which one?", help);
            None
        }
    }
}

fn local(node: &mut Reader<'_>) -> Option<Origin> {
    let path = node.argument::<Beside>("a path beside the recipe")?;
    Some(Origin::Local { path: path.map(|path| path.0) })
}

fn replace(draft: &mut SourceDraft, node: &mut Reader<'_>) {
    let file = node.argument::<Beside>("a file of the source");
    let (old, new) = (node.required::<String>("old"), node.required::<String>("new"));
    let (Some(file), Some(old), Some(new)) = (file, old, new) else { return };
    if old.is_empty() {
        return node.mistake(old.place, "`old` is empty", "it must occur in the file", node.like());
    }
    let file = file.map(|path| path.0.into_string());
    draft.edits.push(Edit::Replace { file, old: old.value, new: new.value });
}
