//! `image`: what it is built on, its packages, and what else there is in it; the table of all its nodes.

use std::collections::BTreeMap;

use crate::model::{Check, Glob, ImageName, ImageReference, PathPolicy, Spanned};

use super::Mistake;
use super::bases::{Parent, of_registry};
use super::drafts::{ImageDraft, RecipeDraft};
use super::project::{Base, Compression, Configure, DistributionRef, Emulate, Image, PackageSelection, Waiver};
use super::project_file::label;
use super::reader::{Reader, Row, Table};
use super::shape::Shape;
use super::stages::packages;
use super::{accounts, bases, config, entries};

pub(super) const IMAGE: Table<ImageDraft> = Table {
    what: "an image",
    rows: &[
        Row::new(
            Shape::once("from", "from \"runtime\"")
                .means(
                    "An image of the project, whose layers are reused as they are, or `scratch`; also a \
                     property: `image \"a\" from=\"runtime\"`.",
                )
                .otherwise("`from` or `oci` is required"),
            |draft, node| {
                draft.bases.extend(node.argument::<Parent>("an image, or `scratch`").map(Parent::base));
            },
        ),
        Row::new(
            Shape::once(
                "oci",
                concat!(
                    "oci \"registry.example.org/name@sha256:",
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
                ),
            )
            .means(
                "An image of a registry, `\"registry/name[:tag]@sha256:…\"`, an index over platforms \
                 or one image; also a property. Its layers are reused as they are; files can be added \
                 and hidden, packages not. `refresh` pins the blobs of each platform. Registries on \
                 `localhost` speak http, others https; credentials come from the netrc file of the \
                 environment.",
            ),
            |draft, node| {
                draft.bases.extend(node.argument::<ImageReference>("an image with its digest").map(of_registry));
            },
        ),
        Row::new(
            Shape::once("distribution", "distribution \"debian\" suite=\"trixie\"")
                .means("Where its packages come from.")
                .also(&[("distribution \"alpine\" release=\"v3.22\"", "The same in Alpine's words.")])
                .otherwise("its base's"),
            distribution,
        ),
        Row::new(
            Shape::any("packages", "packages \"ca-certificates\" \"tzdata\"")
                .means(
                    "Packages. `version` is a constraint on a single name; `alone=#true` leaves away what \
                     they depend on.",
                )
                .set(),
            |draft, node| packages(&mut draft.packages, node),
        ),
        Row::new(
            Shape::any("package-set", "package-set \"required\"")
                .means("Debian's own selections: `essential`, or `required` (those and priority `required`).")
                .set(),
            package_set,
        ),
        Row::new(
            Shape::once("recommends", "recommends #true")
                .means("Whether recommended packages come along.")
                .otherwise("`#false`"),
            |draft, node| {
                draft.recommends = node.argument("a yes or no").is_some_and(|yes| yes.value);
            },
        ),
        Row::new(
            Shape::once("configure", "configure \"model\"")
                .means(
                    "`model`: the effects of maintainer scripts as data; `scripts`: the real ones, in the \
                     sandbox; `none`.",
                )
                .otherwise("`model`"),
            |draft, node| {
                let words = [("model", Configure::Model), ("scripts", Configure::Scripts), ("none", Configure::None)];
                draft.configure = node.word("`\"model\"`, `\"scripts\"` or `\"none\"`", &words).unwrap_or_default();
            },
        ),
        Row::new(
            Shape::once("emulate", "emulate \"qemu\"")
                .means(
                    "With `configure \"scripts\"`: the scripts of platforms that are not the build machine's are run \
                     by the `qemu` of that machine, which no lock pins. It is said when it happens, and the image's \
                     annotations name it.",
                )
                .otherwise("nothing is emulated"),
            |draft, node| {
                let place = node.place();
                let word = node.word("`\"qemu\"`", &[("qemu", Emulate::Qemu)]);
                draft.emulate = word.map(|value| Spanned::new(value, place));
            },
        ),
        Row::new(
            Shape::any("exclude", "exclude \"/usr/share/doc\" keep=\"/usr/share/doc/*/copyright\"").means(
                "What of the packages is left out, and what of that stays. All patterns of an image \
                 count together.",
            ),
            |draft, node| {
                draft.exclude.extend(node.arguments::<Glob>("a pattern").into_iter().map(|glob| glob.value));
                draft.keep.extend(node.property::<Glob>("keep").map(|glob| glob.value));
            },
        ),
        Row::new(
            Shape::any("copy", "copy \"/usr/bin/router\" from=\"compile\" to=\"/usr/bin/\"")
                .means(
                    "A path of the stage, else the source, else the image of this name. Without `to`: to \
                     the same path.",
                )
                .also(&[("copy \"files/app.conf\" to=\"/etc/app.conf\"", "A file or folder beside the recipe.")])
                .keyed_with(&[("from", ""), ("to", "")]),
            entries::copy,
        ),
        Row::new(
            Shape::any("file", "file \"/etc/motd\" \"Welcome\" mode=\"0644\"").means("A file with this text.").keyed(),
            entries::file,
        ),
        Row::new(
            Shape::any("dir", "dir \"/data\" owner=\"caddy:caddy\" mode=\"0700\"").means("A folder.").keyed(),
            entries::dir,
        ),
        Row::new(
            Shape::any("symlink", "symlink \"/usr/bin/vi\" to=\"vim\"")
                .means("A link; the target is taken as written.")
                .keyed(),
            entries::symlink,
        ),
        Row::new(
            Shape::any("remove", "remove \"/usr/share/info\"")
                .means(
                    "Taken out again of what this image's packages and entries bring, with all that is in \
                     it.",
                )
                .set(),
            entries::remove,
        ),
        Row::new(
            Shape::any("file-capability", "file-capability \"/usr/bin/router\" \"net_bind_service\"")
                .means("Capabilities of a program, as in capabilities(7).")
                .keyed(),
            entries::file_capability,
        ),
        Row::new(
            Shape::any("account", "account \"caddy\" uid=2000")
                .means(
                    "A user. Without more: a group of its own with its number, home `/nonexistent`, shell \
                     `/usr/sbin/nologin`, no comment. Another group's number is taken from `group`, or \
                     said with `gid`.",
                )
                .keyed(),
            accounts::account,
        ),
        Row::new(
            Shape::any("group", "group \"render\" gid=105 { member \"caddy\" }")
                .means("A group. Its block names the members whose primary group is another.")
                .keyed()
                .block(&accounts::GROUP),
            accounts::group,
        ),
        Row::new(
            Shape::once("user", "user \"caddy\"")
                .means("Who it runs as: `USER` or `USER:GROUP`. Root needs a reason, and only root.")
                .otherwise("its base's; required on `scratch` and `oci`"),
            config::user,
        ),
        Row::new(
            Shape::any("env", "env XDG_DATA_HOME \"/data\" doc=\"where certificates are kept\"")
                .means("A variable and what it is for.")
                .otherwise("its base's")
                .keyed(),
            config::env,
        ),
        Row::new(
            Shape::once("workdir", "workdir \"/data\"").means("Working directory.").otherwise("its base's"),
            |draft, node| {
                draft.config.workdir = node.argument("a folder").map(|path| path.value);
            },
        ),
        Row::new(
            Shape::once("entrypoint", "entrypoint \"/usr/bin/router\" \"run\"")
                .means("What is run, without a shell.")
                .otherwise("its base's"),
            |draft, node| {
                draft.config.entrypoint = Some(config::argv(node, "a program"));
            },
        ),
        Row::new(
            Shape::once("command", "command \"--config\" \"/etc/router.conf\"")
                .means("Its default arguments.")
                .otherwise("its base's"),
            |draft, node| {
                draft.config.command = Some(config::argv(node, "an argument"));
            },
        ),
        Row::new(
            Shape::any("expose", "expose 443 protocol=\"tcp\"")
                .means("`443` or `\"6000-6009\"`; `protocol` is `tcp` (the default), `udp` or `sctp`.")
                .keyed_with(&[("protocol", "tcp")]),
            config::expose,
        ),
        Row::new(Shape::any("volume", "volume \"/data\"").means("Folders that hold data.").set(), |draft, node| {
            draft.config.volumes.extend(node.arguments("a folder").into_iter().map(|path| path.value));
        }),
        Row::new(
            Shape::once("healthcheck", "healthcheck \"/usr/bin/router\" \"health\" interval=\"30s\" retries=3")
                .means("A command that exits 0, run without a shell.")
                .otherwise("its base's")
                .also(&[("healthcheck \"none\" reason=\"it runs once and ends\"", "There is none, and why.")]),
            config::healthcheck,
        ),
        Row::new(
            Shape::once("stop-signal", "stop-signal \"SIGTERM\"")
                .means("`SIGTERM`, `SIGINT`, …")
                .otherwise("the runtime's"),
            config::stop_signal,
        ),
        Row::new(
            Shape::any("label", "label \"org.example.team\" \"network\"")
                .means("A label of the configuration.")
                .keyed(),
            |draft, node| label(&mut draft.labels, node),
        ),
        Row::new(
            Shape::any("annotation", "annotation \"org.example.team\" \"network\"")
                .means("An annotation of the manifest.")
                .keyed(),
            |draft, node| label(&mut draft.annotations, node),
        ),
        Row::new(
            Shape::once("runtime", "runtime { read-only #true; tmpfs \"/tmp\" }")
                .means("The contract that it is meant to run under; becomes labels.")
                .block(&config::RUNTIME),
            |draft, node| {
                node.block(&config::RUNTIME, &mut draft.runtime);
            },
        ),
        Row::new(
            Shape::once("layers", "layers 4").means("How many layers it may add, 1 to 100.").otherwise("1"),
            layers,
        ),
        Row::new(
            Shape::once("compression", "compression \"zstd\"").means("`gzip` or `zstd`.").otherwise("`gzip`"),
            |draft, node| {
                let words = [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)];
                draft.compression = node.word("`\"gzip\"` or `\"zstd\"`", &words).unwrap_or_default();
            },
        ),
        Row::new(
            Shape::any("waive", "waive \"policy-healthcheck\" reason=\"it runs once and ends\"")
                .means(
                    "Excuses the image from a check, for one path or one package, or for all. The checks are `certificates`, \
                     `elf-needed`, `entrypoint`, `healthcheck`, `interpreter`, `locale`, `machine`, `setuid`, `user` and \
                     `world-writable` ([of what is in it](checks.md)), `maintainer-script` ([of its packages](model.md)), and \
                     `policy-archive`, `policy-healthcheck`, `policy-size` and `policy-user` (of the project's policy).",
                )
                .keyed_with(&[("path", ""), ("package", "")]),
            waive,
        ),
    ],
};

/// Reads an `image` node into the recipe.
pub(super) fn read(recipe: &mut RecipeDraft, node: &mut Reader<'_>) {
    let name = node.argument::<ImageName>("a name");
    let mut draft = ImageDraft::default();
    node.optional_block(&IMAGE, &mut draft);
    let from = bases::read(node, std::mem::take(&mut draft.bases));
    accounts::find_groups(&mut draft, node);
    if matches!(from, Some(Base::Scratch | Base::Oci(_))) && !node.has_child("user") {
        let help =
            "write `user \"65532\"` or another number or account; root needs a reason: `user \"root\" reason=\"…\"`";
        node.mistake(
            node.place(),
            "the image does not say which user it runs as",
            "there is no base to take it from",
            help,
        );
    }
    if let Some(emulate) = draft.emulate.as_ref().filter(|_| draft.configure != Configure::Scripts) {
        let help = "add `configure \"scripts\"`, or take the line out: nothing else runs programs of the image";
        node.mistake(emulate.place, "nothing is there to be emulated", "the image runs no scripts", help);
    }
    let (Some(name), Some(from)) = (name, from) else { return };
    let Some(name) = node.cx.names.in_variant(name.value).map(|own| Spanned::new(own, name.place)) else {
        let help = "declare `variant \"8.4\" { … }` at the top of the recipe: its images get that name as their tag";
        return node.mistake(name.place, "an image is named without a tag", "it holds a `:`", help);
    };
    let plain =
        |labels: BTreeMap<String, Spanned<String>>| labels.into_iter().map(|(key, value)| (key, value.value)).collect();
    let image = Image {
        from,
        distribution: draft.distribution,
        packages: draft.packages.list,
        selections: draft.selections,
        recommends: draft.recommends,
        configure: draft.configure,
        emulate: draft.emulate.map_or(Emulate::Never, |emulate| emulate.value),
        policy: PathPolicy::new(draft.exclude, draft.keep),
        entries: draft.entries,
        accounts: draft.accounts,
        groups: draft.groups,
        config: draft.config,
        runtime: draft.runtime,
        labels: plain(draft.labels),
        annotations: plain(draft.annotations),
        layers: draft.layers.unwrap_or(1),
        compression: draft.compression,
        waivers: draft.waivers,
        name: name.clone(),
    };
    recipe.images.entry(name.value).or_insert(image);
}

fn distribution(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let (name, suite) = (node.argument::<String>("a name"), node.suite());
    let (Some(name), Some(suite)) = (name, suite) else { return };
    let read = Spanned::new(DistributionRef { name: name.value, suite: suite.value }, node.place());
    node.cx.distribution(&read);
    draft.distribution = Some(read);
}

fn package_set(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let words = [("essential", PackageSelection::Essential), ("required", PackageSelection::Required)];
    let Some(set) = node.word("`\"essential\"` or `\"required\"`", &words) else { return };
    if let Some(first) = draft.selections.iter().find(|first| first.value == set) {
        let mistake = Mistake::new(node.place(), "the set is asked for twice", "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(first.place, "first here"));
    }
    draft.selections.push(Spanned::new(set, node.place()));
}

fn layers(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let Some(layers) = node.argument::<u8>("a number") else { return };
    // runtimes stack at most 127 layers, bases included
    if (1..=100).contains(&layers.value) {
        draft.layers = Some(layers.value);
    } else {
        node.mistake(layers.place, "an image adds 1 to 100 layers", "out of range", node.like());
    }
}

fn waive(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let check = node.word("a check", Check::NAMES);
    let (path, package) = (node.property::<String>("path"), node.property::<String>("package"));
    let reason = node.reason();
    if let (Some(path), Some(package)) = (&path, &package) {
        let mistake =
            Mistake::new(package.place, "`waive` has one subject", "and this", "write a second `waive` for it");
        node.cx.sink.push(mistake.and(path.place, "this"));
    }
    let (Some(check), Some(reason)) = (check, reason) else { return };
    let subject = path.or(package).map(|subject| subject.value);
    draft.waivers.push(Waiver { place: node.place(), check, subject, reason });
}
