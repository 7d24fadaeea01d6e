//! What whole recipes mean, and what no text may do.

use camino::Utf8Path;

use super::*;
use crate::model::{ImagePath, Platform, Principal, Seconds};

/// `images/project.kdl` and the recipes by their names.
fn project(recipes: &[(&str, &str)]) -> Result<Loaded, Mistakes> {
    project_with(&[], recipes)
}

/// The same with further files.
fn project_with(others: &[(String, String)], recipes: &[(&str, &str)]) -> Result<Loaded, Mistakes> {
    let mut files = others.to_vec();
    files.push(("images/project.kdl".to_owned(), PROJECT.to_owned()));
    files.extend(recipes.iter().map(|(name, text)| (format!("images/{name}/recipe.kdl"), (*text).to_owned())));
    parse(files, Utf8Path::new("/nowhere"))
}

fn platform(text: &str) -> Platform {
    text.parse().expect("a platform")
}

fn path(text: &str) -> ImagePath {
    text.parse().expect("a path")
}

const PROJECT: &str = r#"
platforms "linux/amd64" "linux/arm64"
archive "debian" kind="deb" {
    component "main"
    keyring "keys/debian-archive.asc"              // primary fingerprints are checked, not file names
    snapshot "https://snapshot.example.org/archive/debian"
}
archive "debian-security" kind="deb" { component "main"; keyring "keys/debian-security.asc"; snapshot "https://snapshot.example.org/archive/debian-security" }
distribution "debian" suite="trixie" {
    use "debian" suite="trixie"
    use "debian" suite="trixie-updates"
    use "debian-security" suite="trixie-security"
}
label "org.opencontainers.image.vendor" "example"
policy { user not="root"; healthcheck "required"; licence "MIT" "Apache-2.0" "BSD-3-Clause" }
"#;

const BASES: &str = r#"
license "MIT"
image "runtime" from="scratch" { distribution "debian" suite="trixie"; packages "libc6"; user "65532" }
image "builder-go" from="runtime" { packages "golang"; user "root" reason="it builds" }
"#;

const ROUTER: &str = r#"
title "HTTP router"
license "Apache-2.0"
let version "2.10.0"
platforms "linux/amd64" "linux/arm64"

source "caddy" {
    git "https://example.org/caddyserver/caddy" tag="v${version}"
    track "minor"                                  // what `refresh` may move it to
}
source "modules" {
    vendor from="builder-go" {                     // the only kind of step with a network; its output is pinned by hash
        use "caddy" at="/src"
        run "cd /src && go mod vendor -o \"$OUT\""
    }
}

stage "caddy" from="builder-go" {                  // runs on the build machine, once per target platform, without network
    use "caddy" at="/src"
    use "modules" at="/src/vendor"
    env CGO_ENABLED "0"
    run """
        cd /src
        go build -mod=vendor -trimpath -ldflags "-s -w" -o "$OUT/usr/bin/caddy" ./cmd/caddy
        """
}

image "router" from="runtime" {
    copy "/usr/bin/caddy" from="caddy"
    copy "files/Caddyfile" to="/etc/caddy/Caddyfile"
    file-capability "/usr/bin/caddy" "net_bind_service"
    dir "/data" owner="caddy:caddy" mode="0700"
    account "caddy" uid=2000
    user "caddy"
    env XDG_DATA_HOME "/data" doc="where certificates are kept"
    expose 443 protocol="tcp"
    volume "/data"
    entrypoint "/usr/bin/caddy" "run" "--config" "/etc/caddy/Caddyfile"
    healthcheck "/usr/bin/caddy" "version" interval="120s" timeout="30s" start-period="10s" retries=1
    runtime { read-only #true; capabilities "NET_BIND_SERVICE"; tmpfs "/tmp" }
}

test "prints its version" image="router" { run "/usr/bin/caddy" "version"; stdout contains="v${version}" }
"#;

#[test]
fn the_example_of_the_documentation_means_what_it_says() {
    let loaded = project(&[("bases", BASES), ("router", ROUTER)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let project = &loaded.project;
    let set = &project.recipes["router"];
    assert_eq!(set.platforms, [platform("linux/amd64"), platform("linux/arm64")]);
    let recipe = &set.on[&platform("linux/arm64")];
    assert_eq!(recipe.about.title.as_deref(), Some("HTTP router"));
    assert_eq!(recipe.values["version"], "2.10.0");
    let Origin::Git { reference: GitReference::Tag(tag), track, .. } = &recipe.sources["caddy"].origin else {
        panic!("{:?}", recipe.sources)
    };
    assert_eq!((tag.as_str(), track.as_ref().map(|track| track.as_str())), ("v2.10.0", Some("minor")));
    let Origin::Vendor(vendor) = &recipe.sources["modules"].origin else { panic!("a vendor source") };
    assert_eq!((vendor.per, vendor.run[0].as_str()), (Per::Build, "cd /src && go mod vendor -o \"$OUT\""));
    let stage = &recipe.stages["caddy"];
    assert!(stage.run[0].starts_with("cd /src\ngo build"), "{:?}", stage.run);
    assert_eq!(stage.uses[1].at, path("src/vendor"));

    let image = &recipe.images["router"];
    assert_eq!(image.from, Base::Image(crate::model::Spanned::new("runtime".parse().expect("a name"), set.place)));
    assert_eq!(image.entries.len(), 4);
    let ImageEntryKind::Copy { from: CopyFrom::Stage(name, from), to } = &image.entries[0].kind else {
        panic!("a copy")
    };
    assert_eq!((name.as_str(), &from.value, to), ("caddy", &path("usr/bin/caddy"), &path("usr/bin/caddy")));
    assert_eq!((image.accounts[0].uid, image.accounts[0].gid, image.accounts[0].group.as_str()), (2000, 2000, "caddy"));
    let user = image.config.user.as_ref().expect("a user");
    assert_eq!(user.user, Principal::Name("caddy".to_owned()));
    let Some(Healthcheck::Command { interval, retries, .. }) = &image.config.healthcheck else { panic!("a command") };
    assert_eq!((*interval, *retries), (Some(Seconds(120)), Some(1)));
    assert_eq!(image.runtime.capabilities, ["net_bind_service".parse().expect("a capability")]);
    assert_eq!(recipe.tests[0].stdout, ["v2.10.0"]);
    let distribution = project.distribution_of(image, platform("linux/arm64")).expect("that of its base");
    assert_eq!(project.distribution(&distribution).map(|known| known.uses.len()), Some(3));
}

#[test]
fn a_recipe_is_read_once_for_each_platform() {
    let recipe = r#"
let machine "${platform.deb}-${suffix}"
let suffix "x"
on "linux/amd64" { let level "v3" }
on "linux/arm64" { let level "v8" }
image "a" from="scratch" {
    user 65532
    healthcheck "none" reason="it ends"
    env MACHINE "${machine} ${platform.triplet} ${platform.go} ${platform.rust} $${HOME} ${level}"
    on "linux/arm64" { env ONLY "here" }
    on "linux/arm/v7" "linux/amd64" { label "k" "v" }
}
license "MIT"
"#;
    let loaded = project(&[("a", recipe)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let image = |text: &str| &loaded.project.recipes["a"].on[&platform(text)].images["a"];
    let (amd64, arm64) = (image("linux/amd64"), image("linux/arm64"));
    assert_eq!(amd64.config.env[0].value, "amd64-x x86_64-linux-gnu amd64 x86_64-unknown-linux-gnu ${HOME} v3");
    assert_eq!(arm64.config.env[0].value, "arm64-x aarch64-linux-gnu arm64 aarch64-unknown-linux-gnu ${HOME} v8");
    assert_eq!((amd64.config.env.len(), arm64.config.env.len()), (1, 2));
    assert_eq!((amd64.labels.len(), arm64.labels.len()), (1, 0));
    let warnings: Vec<_> = loaded.warnings.list.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, ["the recipe is not built for linux/arm/v7"]);
}

#[test]
fn where_something_is_copied_to_follows_from_what_is_written() {
    let recipe = r#"
license "MIT"
stage "s" from="builder-go" { run "true" }
image "a" from="runtime" {
    copy "/usr/bin/tool" from="s" to="/opt/"
    copy "/usr/bin/tool" from="s" to="/opt/other"
    copy "/" from="s"
    copy "files" to="/etc/"
    copy "/etc/passwd" from="runtime"
    healthcheck "none" reason="it ends"
}
"#;
    let loaded = project(&[("bases", BASES), ("a", recipe)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let image = &loaded.project.recipes["a"].on[&platform("linux/amd64")].images["a"];
    let to = |index: usize| match &image.entries[index].kind {
        ImageEntryKind::Copy { to, .. } => to.to_string(),
        other => panic!("{other:?}"),
    };
    let all: Vec<_> = (0..5).map(to).collect();
    assert_eq!(all, ["/opt/tool", "/opt/other", "/", "/etc/files", "/etc/passwd"]);
    assert!(matches!(&image.entries[4].kind, ImageEntryKind::Copy { from: CopyFrom::Image(..), .. }));
}

#[test]
fn every_example_of_the_language_is_read_without_a_mistake() {
    for block in super::vocabulary::blocks() {
        let what = block.what();
        let examples = |shape: &&'static super::shape::Shape| shape.ways().map(|(example, _)| (shape.name, example));
        for (name, example) in block.shapes().iter().flat_map(examples) {
            let nodes = super::syntax::parse(crate::model::SourceMap::default().add("example", example), example);
            assert!(nodes.mistakes.is_empty(), "{what}: {example}: {:?}", nodes.mistakes);
            let nodes = nodes.nodes.expect("an example parses");
            assert_eq!((nodes.len(), nodes[0].name.as_str()), (1, name), "{what}");
        }
    }
}

#[test]
fn the_recipes_of_this_repository_are_without_mistakes() {
    let loaded = load(Utf8Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn the_reference_names_every_node() {
    let reference = include_str!("../../docs/reference.md");
    for block in super::vocabulary::blocks() {
        for name in block.shapes().iter().map(|shape| shape.name) {
            let what = block.what();
            assert!(reference.contains(&format!("`{name}")), "docs/reference.md says nothing of `{name}` in {what}");
        }
    }
}

/// The examples of the reference before and after what definitions and variants do.
fn examples() -> (Vec<&'static str>, Vec<&'static str>) {
    let reference = include_str!("../../docs/reference.md");
    let (nodes, definitions) = reference.split_once("\n## Variants\n").expect("the section");
    let examples = |text: &'static str| -> Vec<&'static str> {
        text.split("```kdl\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
    };
    (examples(nodes), examples(definitions))
}

#[test]
fn the_examples_of_the_reference_are_recipes() {
    let (blocks, _) = examples();
    assert!(blocks.len() >= 6, "{blocks:?}");
    // each block is a part of a recipe: the rest of it is missing
    let apart = [
        "unknown image",
        "unknown source",
        "unknown value",
        "`app` is no stage",
        "the image `",
        "image `app` needs itself",
    ];
    for block in blocks.into_iter().filter(|block| !block.starts_with("name ")) {
        let found = match block.contains("archive \"debian\"") {
            true => parse(vec![("images/project.kdl".to_owned(), block.to_owned())], Utf8Path::new("/nowhere")),
            false => project(&[("bases", BASES), ("a", &format!("license \"MIT\"\n{block}"))]),
        };
        let Err(mistakes) = found else { continue };
        for mistake in &mistakes.list {
            assert!(apart.iter().any(|known| mistake.message.starts_with(known)), "{}\n{block}", mistake.message);
        }
    }
}

/// In these nothing is missing but the images that they are built on, and nothing is idle but stages. A first line may name a file.
#[test]
fn the_examples_with_definitions_and_variants_are_whole_recipes() {
    let (_, blocks) = examples();
    let named = |block: &str| Some((block.strip_prefix("// ")?.split_once('\n')?.0.to_owned(), block.to_owned()));
    let shared: Vec<(String, String)> = blocks.iter().filter_map(|block| named(block)).collect();
    let recipes: Vec<&str> = blocks.into_iter().filter(|block| named(block).is_none()).collect();
    assert!(shared.len() == 1 && recipes.len() >= 5, "{recipes:?}");
    let toolchain = r#"user "root" reason="it builds"; healthcheck "none" reason="it builds"; waive "policy-user" reason="it builds""#;
    let bases = format!(
        "license \"MIT\"\nimage \"runtime\" from=\"scratch\" {{ distribution \"debian\" suite=\"trixie\"; user 65532 }}\n\
         image \"builder\" from=\"runtime\" {{ {toolchain} }}\nimage \"builder-go\" from=\"runtime\" {{ {toolchain} }}\n"
    );
    for block in recipes {
        let license = if block.contains("license ") { "" } else { "license \"MIT\"\n" };
        let found = project_with(&shared, &[("bases", &bases), ("a", &format!("{license}{block}"))]);
        let loaded = found.unwrap_or_else(|mistakes| panic!("{mistakes}\n{block}"));
        let warnings =
            loaded.warnings.list.iter().filter(|warning| !warning.message.starts_with("nothing needs stage"));
        assert_eq!(warnings.count(), 0, "{}\n{block}", loaded.warnings);
    }
}

/// Values of values grow twofold with each step.
#[test]
fn values_that_grow_without_bound_are_refused() {
    let mut text = String::from("license \"MIT\"\nlet a0 \"0123456789\"\n");
    for step in 1..60 {
        text += &format!("let a{step} \"${{a{}}}${{a{}}}\"\n", step - 1, step - 1);
    }
    let mistakes = project(&[("a", &text)]).expect_err("2^60 bytes");
    assert!(mistakes.list.iter().any(|mistake| mistake.message.contains("are allowed")), "{mistakes}");
}

/// Definitions of definitions grow twofold with each step; blocks for all images are there once for each.
#[test]
fn definitions_that_grow_without_bound_are_refused() {
    let mut doubling = String::from("license \"MIT\"\ndefine \"d0\" { param \"a\"; env \"A${a}\" \"x\" }\n");
    for step in 1..40 {
        let before = step - 1;
        doubling += &format!(
            "define \"d{step}\" {{ param \"a\"; is \"d{before}\" a=\"${{a}}0\"; is \"d{before}\" a=\"${{a}}1\" }}\n"
        );
    }
    let deep = doubling.clone() + "image \"i\" from=\"runtime\" { is \"d39\" a=\"\" }\n";
    let wide = doubling + "image \"i\" from=\"runtime\" { is \"d25\" a=\"\" }\n";
    let block: String = (0..4000).map(|index| format!("label \"l{index}\" \"x\"\n")).collect();
    let images: String =
        (0..4000).map(|index| format!("image \"i{index}\" from=\"runtime\" {{ env A \"1\" }}\n")).collect();
    let everywhere = format!("license \"MIT\"\ndefine \"d\" {{ image {{\n{block} }} }}\nis \"d\"\n{images}");
    let variants: String = (0..5000).map(|index| format!("variant \"v{index}\" {{ env A \"1\" }}\n")).collect();
    for (text, part) in [
        (deep, "more than 32 deep"),
        (wide, "nodes into this recipe"),
        (everywhere, "nodes into this recipe"),
        (variants, "are 10000 readings of this recipe"),
    ] {
        let start = std::time::Instant::now();
        let mistakes = project(&[("bases", BASES), ("a", &text)]).expect_err("too much");
        assert!(
            mistakes.list.iter().any(|mistake| mistake.message.contains(part)),
            "{part}: {}",
            mistakes.list[0].message
        );
        assert!(start.elapsed().as_secs() < 20, "{part}");
    }
}

#[test]
fn texts_that_would_stall_or_end_the_parser_are_refused() {
    let nested = |open: &str, close: &str, times: usize| format!("{}x{}", open.repeat(times), close.repeat(times));
    let texts = [
        nested("a {\n", "\n}\n", 5000),
        nested("a\n/-b {\n", "\n}\n", 60),
        nested("b x /-{\n", "\n}\n", 60),
        format!("a {}", nested("/*", "*/", 50_000)),
        "(".repeat(20_000),
        "/-".repeat(50_000),
        "\"".repeat(50_001),
        "a ".to_owned() + &"#".repeat(50_000),
        "{".repeat(60),
        "a;".repeat(30_000),
        "x".repeat(2 << 20),
        "a =\n".repeat(10_000),
    ];
    for text in texts {
        let start = std::time::Instant::now();
        let mistakes = project(&[("a", &text)]).expect_err("hostile");
        assert!(!mistakes.is_empty());
        assert!(start.elapsed().as_secs() < 20, "{}…", &text[..20]);
    }
}

#[test]
fn mistakes_of_several_files_come_in_one_list_in_order() {
    let mistakes =
        project(&[("a", "titel \"x\"\nimage \"i\"\n"), ("b", "let x true\nurl 5\n")]).expect_err("four mistakes");
    let lines: Vec<_> = mistakes.list.iter().map(|mistake| mistakes.sources.line(mistake.place)).collect();
    let (a, b) = ("images/a/recipe.kdl", "images/b/recipe.kdl");
    let expected = [(a, 1), (a, 2), (b, 1), (b, 2)].map(|(file, line)| format!("{file}:{line}"));
    assert_eq!(lines, expected, "{mistakes}");
}

mod hostile {
    use proptest::prelude::*;

    use super::{BASES, PROJECT, ROUTER};
    use crate::diagnostic::Style;
    use crate::recipe::parse;

    fn read(text: &str) {
        let files =
            [("images/project.kdl", PROJECT), ("images/bases/recipe.kdl", BASES), ("images/a/recipe.kdl", text)];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        if let Err(mistakes) = parse(files.to_vec(), "/nowhere".into()) {
            for mistake in &mistakes.list {
                assert!(!mistake.help.is_empty() && !mistake.message.is_empty());
                let (start, end) =
                    (mistake.place.offset as usize, (mistake.place.offset + mistake.place.length) as usize);
                let file = mistakes.sources.file(mistake.place.file);
                assert!(file.text.get(start..end).is_some(), "{}: {mistake:?}", file.name);
            }
            assert!(!mistakes.draw(Style { width: 80, colour: false }).is_empty());
        }
    }

    /// Pieces that recipes are made of, and pieces that hurt.
    fn piece() -> impl Strategy<Value = String> {
        let pieces = [
            "{",
            "}",
            "{\n",
            "\n}\n",
            "\n",
            ";",
            " ",
            "\"",
            "\"\"\"\n",
            "#\"",
            "\"#",
            "r#\"",
            "/-",
            "//",
            "/*",
            "*/",
            "\\",
            "\\\n",
            "=",
            "(",
            ")",
            "#true",
            "true",
            "1.2.3",
            "0x",
            "-",
            "é",
            "\u{202e}",
            "\u{2028}",
            "\r\n",
            "\t",
            "${",
            "${version}",
            "$${",
            "}",
            "image ",
            "stage ",
            "source ",
            "on \"linux/arm64\" ",
            "let a \"${b}\"\n",
            "let b \"${a}\"\n",
            "from=\"a\"",
            "\"a\"",
            "a",
            ",",
            "1e9",
            "\\u{",
            "\u{feff}",
            "copy \"a\" to=\"/\"",
            "uid=",
            "\0",
        ];
        prop_oneof![8 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            read(&text);
        }

        #[test]
        fn any_heap_of_pieces_is_read_or_refused(pieces in prop::collection::vec(piece(), 0..60)) {
            read(&pieces.concat());
        }

        #[test]
        fn a_recipe_with_something_cut_out_or_put_in_is_read_or_refused(
            cut in 0..ROUTER.len(), length in 0..40_usize, put in piece(), again in 0..ROUTER.len(), other in piece(),
        ) {
            let mut characters: Vec<char> = ROUTER.chars().collect();
            let cut = cut.min(characters.len());
            let end = (cut + length).min(characters.len());
            characters.splice(cut..end, put.chars());
            let again = again.min(characters.len());
            characters.splice(again..again, other.chars());
            read(&characters.into_iter().collect::<String>());
        }
    }
}
