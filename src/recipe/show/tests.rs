//! What is shown reads back as the same recipe.

use camino::Utf8Path;

use super::super::{Loaded, parse};
use crate::model::{Digest, ImageName, RecipeName};

const PROJECT: &str = r#"platforms "linux/amd64" "linux/arm64"
archive "debian" kind="deb" { component "main"; keyring "keys/debian.asc" }
distribution "debian" suite="trixie" { use "debian" suite="trixie" }
define "service" {
    param "port" type="port" default=8080
    image {
        user (default)"65532"
        expose "${port}"
        env PORT "${port}"
        layers "${port}"
        runtime { read-only #true }
        healthcheck "/usr/bin/h" "http://127.0.0.1:${port}/" interval=(default)"30s"
    }
}
define "go" {
    param "name"
    param "package" default="."
    source "${name}" { git "https://example.org/${name}" tag="v1" }
    stage "${name}" from="builder" {
        use "${name}" at="/src"
        env CGO_ENABLED (default)"0"
        run "go build -o $OUT/usr/bin/$name $package"
        on "linux/arm64" { env GOARM "7" }
    }
}
"#;
const BASES: &str = r#"image "runtime" from="scratch" { distribution "debian" suite="trixie"; user "65532" }
image "builder" from="runtime" { user "root" reason="it builds" }
"#;
const APP: &str = r#"license "MIT"
let words "two $${words}"
let machine "${platform.deb}"
is "go" name="app" package="./cmd/app"
is "service" port=43
stage "other" from="builder" {
    run """
        echo "$machine" | tee -a 'x\\y' \
            > "$OUT/file"

        """
    run "true"
}
on "linux/arm64" { source "extra" { local "extra" } }
image "a" from="runtime" {
    copy "/usr/bin/app" from="app"
    copy "/file" from="other"
    on "linux/arm64" { copy "/" from="extra" to="/extra" }
    user "1000:100"
    file "/etc/motd" "${words}\n\tline\u{7}\n"
    healthcheck "/usr/bin/h" "http://127.0.0.1:43/" interval="10s"
}
image "b" from="runtime" { copy "/usr/bin/app" from="app"; runtime { tmpfs "/tmp"; read-only #true } }
"#;

fn load(recipes: &[(&str, &str)]) -> Loaded {
    let mut files = vec![
        ("images/project.kdl".to_owned(), PROJECT.to_owned()),
        ("images/bases/recipe.kdl".to_owned(), BASES.to_owned()),
    ];
    files.extend(recipes.iter().map(|(name, text)| (format!("images/{name}/recipe.kdl"), (*text).to_owned())));
    parse(files, Utf8Path::new("/nowhere")).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn shown(loaded: &Loaded, recipe: &str) -> super::Shown {
    let recipe = RecipeName::new(recipe).expect("a name");
    loaded.unified.show(&recipe, None, None, &loaded.project.sources).expect("a recipe")
}

/// What a recipe means, on each platform.
fn meanings(loaded: &Loaded, recipe: &str) -> Vec<String> {
    let set = &loaded.project.recipes[recipe];
    set.on
        .values()
        .map(|recipe| format!("{} {}", Digest::of_value(recipe), serde_json::to_string(recipe).expect("JSON")))
        .collect()
}

#[test]
fn what_is_shown_is_the_recipe_that_is_meant() {
    let loaded = load(&[("app", APP)]);
    let text = shown(&loaded, "app").text();
    for line in [
        "    expose \"43\"",
        "    layers 43",
        "    run \"go build -o $OUT/usr/bin/$name $package\"",
        "    env \"package\" \"./cmd/app\"",
        "    on \"linux/arm64\" {",
        "        env \"GOARM\" \"7\"",
        "    healthcheck \"/usr/bin/h\" \"http://127.0.0.1:43/\" interval=\"30s\"",
        "    user \"65532\"",
        "    user \"1000:100\"",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let again = load(&[("app", &text)]);
    assert_eq!(shown(&again, "app").text(), text);
    let (before, after) = (meanings(&loaded, "app"), meanings(&again, "app"));
    assert_eq!(before, after);
    assert_eq!(before.len(), 2);
    assert!(
        again.warnings.is_empty() || again.warnings.list.iter().all(|warning| warning.message.contains("nothing uses"))
    );
}

#[test]
fn every_value_says_where_it_came_from() {
    let loaded = load(&[("app", APP)]);
    let shown = shown(&loaded, "app");
    let printed: Vec<String> = shown
        .lines()
        .iter()
        .map(|line| {
            line.iter()
                .map(|part| match part {
                    super::ShownPart::Code(text) | super::ShownPart::Origin(text) => text.as_str(),
                })
                .collect()
        })
        .collect();
    let text = printed.join("\n");
    for line in [
        "    user \"65532\"  // images/project.kdl:7, definition service used in line 5, default",
        "    user \"1000:100\"  // images/app/recipe.kdl:19",
        "    healthcheck \"/usr/bin/h\" \"http://127.0.0.1:43/\" interval=\"10s\"  // images/project.kdl:12, definition service; interval: images/app/recipe.kdl:21",
        "let \"words\" \"two $${words}\"  // images/app/recipe.kdl:2",
        "    healthcheck \"/usr/bin/h\" \"http://127.0.0.1:43/\" interval=\"30s\"  // images/project.kdl:12, definition service used in line 5; interval: default",
    ] {
        assert!(printed.iter().any(|known| known == line), "{line}\n{text}");
    }
    let json = serde_json::to_value(&shown).expect("JSON");
    let image =
        json["nodes"].as_array().expect("nodes").iter().find(|node| node["arguments"][0]["value"] == "b").expect("b");
    let user =
        image["children"].as_array().expect("a block").iter().find(|node| node["name"] == "user").expect("a user");
    assert_eq!(user["arguments"][0]["origin"]["default"], true);
    assert_eq!(user["arguments"][0]["origin"]["definition"], "service");
    assert_eq!(user["arguments"][0]["origin"]["line"], 7);
    let image = ImageName::new("b").expect("a name");
    let one = loaded.unified.show(&shown.recipe, Some(&image), None, &loaded.project.sources).expect("a recipe").text();
    assert!(one.starts_with("image \"b\" {\n") && !one.contains("image \"a\""), "{one}");
}

#[test]
fn a_variant_is_shown_as_one() {
    let recipe = r#"
let base "x"
variant "8.3" { let php "8.3"; image "php" { packages "php8.3" } }
variant "8.4" { let php "8.4"; image "php" { packages "php8.4" } }
image "php" from="runtime" { env PHP "${php}${base}"; healthcheck "none" reason="it ends" }
image "more" from="php" { env B "b" }
license "MIT"
"#;
    let other = "license \"MIT\"\nimage \"user\" from=\"php:8.4\" { env C \"c\" }\n";
    let loaded = load(&[("php", recipe), ("user", other)]);
    let text = shown(&loaded, "php:8.4").text();
    assert!(
        text.starts_with("variant \"8.4\"\n") && text.contains("packages \"php8.4\"") && text.contains("\"8.4x\""),
        "{text}"
    );
    let again = load(&[("php", &text), ("user", other)]);
    assert_eq!(meanings(&loaded, "php:8.4"), meanings(&again, "php:8.4"));
    let names: Vec<String> = loaded.project.recipes.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["bases", "php:8.3", "php:8.4", "user"]);
    let images = loaded.project.images_called(&ImageName::new("php").expect("a name"));
    assert_eq!(images.iter().map(ToString::to_string).collect::<Vec<_>>(), ["php:8.3", "php:8.4"]);
}
