//! Unification is commutative, associative and idempotent, whatever is unified; and what comes out is a fixed point.

use camino::Utf8Path;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::super::{Loaded, Mistakes, format, parse};
use crate::model::{Digest, RecipeName};

const BASES: &str = r#"image "runtime" from="scratch" { user "65532" }
"#;

/// The files of a project whose definitions are `definitions`, by name and body, and a recipe with the image `image`.
fn files(definitions: &[(&str, String)], image: &str) -> Vec<(String, String)> {
    let mut project = String::from("platforms \"linux/amd64\" \"linux/arm64\"\n");
    for (name, body) in definitions {
        project += &format!("define \"{name}\" {{\n{body}\n}}\n");
    }
    let recipe = format!("license \"MIT\"\nimage \"a\" {{\n    from \"runtime\"\n{image}\n}}\n");
    let files = [
        ("images/project.kdl", project),
        ("images/bases/recipe.kdl", BASES.to_owned()),
        ("images/a/recipe.kdl", recipe),
    ];
    files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn load(definitions: &[(&str, String)], image: &str) -> Result<Loaded, Mistakes> {
    parse(files(definitions, image), Utf8Path::new("/nowhere"))
}

/// What the recipe comes to, or what is wrong with it, without the places of use.
fn outcome(found: Result<Loaded, Mistakes>) -> Result<String, Vec<String>> {
    match found {
        Ok(loaded) => Ok(shown(&loaded)),
        Err(mistakes) => {
            let told = mistakes.list.iter().map(|mistake| {
                let mut places: Vec<String> = mistake
                    .others
                    .iter()
                    .filter(|(_, label)| !label.contains("is used here"))
                    .map(|(place, label)| format!("{place:?} {label}"))
                    .collect();
                places.push(format!("{:?} {}", mistake.place, mistake.label));
                places.sort();
                format!("{} {places:?}", mistake.message)
            });
            Err(told.collect())
        }
    }
}

fn shown(loaded: &Loaded) -> String {
    let recipe = RecipeName::new("a").expect("a name");
    loaded.unified.show(&recipe, None, None, &loaded.project.sources).expect("the recipe").text()
}

/// A node of an image: few names and few values, so that they meet.
fn node() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(vec!["x", "y", "z"]);
    let mark = || prop::sample::select(vec!["", "", "(default)"]);
    let option = |name: &'static str| {
        (any::<bool>(), mark(), prop::sample::select(vec!["1s", "2s"])).prop_map(move |(there, mark, value)| {
            if there { format!(" {name}={mark}\"{value}\"") } else { String::new() }
        })
    };
    prop_oneof![
        (mark(), word()).prop_map(|(mark, user)| format!("user {mark}\"{user}\"")),
        (word(), mark(), word()).prop_map(|(name, mark, value)| format!("env {name} {mark}\"{value}\"")),
        (mark(), prop::collection::vec(word(), 1..3)).prop_map(|(mark, all)| {
            let all: Vec<String> = all.iter().map(|word| format!("\"/{word}\"")).collect();
            format!("entrypoint {mark}{}", all.join(" "))
        }),
        (mark(), word(), option("interval"), option("timeout")).prop_map(|(mark, program, interval, timeout)| format!(
            "healthcheck {mark}\"/{program}\"{interval}{timeout}"
        )),
        prop::sample::subsequence(vec!["/x", "/y", "/z"], 1..3).prop_map(|all| format!(
            "volume {}",
            all.iter().map(|path| format!("\"{path}\"")).collect::<Vec<_>>().join(" ")
        )),
        (
            prop::sample::select(vec!["80", "\"80\"", "443"]),
            prop::sample::select(vec!["", " protocol=\"tcp\"", " protocol=\"udp\""])
        )
            .prop_map(|(port, protocol)| format!("expose {port}{protocol}")),
        (any::<bool>(), word()).prop_map(|(yes, path)| format!("runtime {{ read-only #{yes}; tmpfs \"/{path}\" }}")),
        (word(), prop::sample::select(vec!["", " mode=\"0700\"", " mode=(default)\"0755\""]))
            .prop_map(|(path, mode)| format!("dir \"/{path}\"{mode}")),
        Just("on \"linux/arm64\" { env x \"x\" }".to_owned()),
        prop::sample::select(vec!["user", "env", "volume"]).prop_map(|name| format!("require \"{name}\"")),
    ]
}

/// Some nodes, none written twice.
fn block() -> impl Strategy<Value = String> {
    prop::collection::vec(node(), 1..6).prop_map(|nodes| {
        let mut heads: Vec<String> = Vec::new();
        let mut kept = Vec::new();
        for node in nodes {
            let mut words = node.split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            let keyed = matches!(name.as_str(), "env" | "dir" | "expose" | "require");
            let head =
                if keyed { format!("{name} {}", words.next().unwrap_or_default().trim_matches('"')) } else { name };
            if !heads.contains(&head) {
                heads.push(head);
                kept.push(format!("    {node}"));
            }
        }
        kept.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_definitions_changes_nothing(a in block(), b in block(), own in block()) {
        let all = [("a", a), ("b", b)];
        let one = outcome(load(&all, &format!("    is \"a\"\n    is \"b\"\n{own}")));
        let other = outcome(load(&all, &format!("    is \"b\"\n    is \"a\"\n{own}")));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn how_definitions_are_grouped_changes_nothing(a in block(), b in block(), c in block()) {
        let all = [
            ("a", a), ("b", b), ("c", c),
            ("ab", "    is \"a\"\n    is \"b\"".to_owned()),
            ("bc", "    is \"b\"\n    is \"c\"".to_owned()),
        ];
        let left = outcome(load(&all, "    is \"ab\"\n    is \"c\""));
        let right = outcome(load(&all, "    is \"a\"\n    is \"bc\""));
        let flat = outcome(load(&all, "    is \"a\"\n    is \"b\"\n    is \"c\""));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&left, &flat);
    }

    #[test]
    fn using_a_definition_again_changes_nothing(a in block(), b in block()) {
        let all = [("a", a), ("b", b), ("aba", "    is \"a\"\n    is \"b\"\n    is \"a\"".to_owned())];
        let once = outcome(load(&all, "    is \"a\"\n    is \"b\""));
        let again = outcome(load(&all, "    is \"a\"\n    is \"b\"\n    is \"a\"\n    is \"b\""));
        let through = outcome(load(&all, "    is \"aba\"\n    is \"a\""));
        prop_assert_eq!(&once, &again);
        prop_assert_eq!(&once, &through);
    }

    #[test]
    fn what_is_shown_is_a_fixed_point(a in block(), b in block(), own in block()) {
        let all = [("a", a), ("b", b)];
        let own: String = own.lines().filter(|line| !line.contains("require")).map(|line| format!("{line}\n")).collect();
        let Ok(loaded) = load(&all, &format!("    is \"a\"\n    is \"b\"\n{own}")) else { return Ok(()) };
        let text = shown(&loaded);
        let files = [("images/project.kdl", "platforms \"linux/amd64\" \"linux/arm64\"\n"), ("images/bases/recipe.kdl", BASES), ("images/a/recipe.kdl", &text)];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let again = parse(files.to_vec(), Utf8Path::new("/nowhere"));
        let again = again.map_err(|mistakes| TestCaseError::fail(format!("{mistakes}\n{text}")))?;
        prop_assert_eq!(shown(&again), text);
        for (platform, recipe) in &loaded.project.recipes["a"].on {
            prop_assert_eq!(Digest::of_value(recipe), Digest::of_value(&again.project.recipes["a"].on[platform]));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_changes_nothing_that_is_shown(a in block(), own in block(), squeezed in any::<bool>()) {
        let squeeze = |text: String| if squeezed { text.replace("\n    ", " ; ").replace(" { ", "{") } else { text };
        let own: String = own.lines().filter(|line| !line.contains("require")).map(|line| format!("{line}\n")).collect();
        let all = [("a", squeeze(a))];
        let before = files(&all, &format!("    is \"a\"\n{own}"));
        let formatted = before.iter().map(|(name, text)| {
            let text = format(name, text).map_err(|mistakes| TestCaseError::fail(format!("{mistakes}")))?;
            Ok((name.clone(), text))
        });
        let after: Vec<(String, String)> = formatted.collect::<Result<_, TestCaseError>>()?;
        let Ok(loaded) = parse(before, Utf8Path::new("/nowhere")) else { return Ok(()) };
        let again = parse(after, Utf8Path::new("/nowhere")).map_err(|mistakes| TestCaseError::fail(format!("{mistakes}")))?;
        prop_assert_eq!(shown(&loaded), shown(&again));
    }
}

/// Enough of the random recipes are without mistakes for the tests above to say something.
#[test]
fn the_random_recipes_are_of_both_kinds() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut right = 0;
    for _ in 0..200 {
        let a = block().new_tree(&mut runner).expect("a block").current();
        let b = block().new_tree(&mut runner).expect("a block").current();
        right += usize::from(load(&[("a", a), ("b", b)], "    is \"a\"\n    is \"b\"").is_ok());
    }
    assert!((20..180).contains(&right), "{right} of 200");
}

#[test]
fn a_default_gives_way_and_everything_else_has_to_agree() {
    let define = |name: &'static str, body: &str| (name, body.to_owned());
    let text = |image: &str, all: &[(&str, String)]| outcome(load(all, image)).expect("no mistake");
    let service = [define("service", "user (default)\"1\"\nenv A (default)\"1\"\nvolume \"/a\"")];
    let found = text("is \"service\"\nuser \"2\"\nvolume \"/a\" \"/b\"", &service);
    assert!(found.contains("user \"2\"") && found.contains("env \"A\" \"1\""), "{found}");
    assert_eq!(found.matches("volume").count(), 2, "{found}");
    for (a, b) in
        [("user \"1\"", "user \"2\""), ("user (default)\"1\"", "user (default)\"2\""), ("env A \"1\"", "env A \"2\"")]
    {
        let found = outcome(load(&[define("a", a), define("b", b)], "is \"a\"\nis \"b\""));
        assert!(found.is_err(), "{found:?}");
    }
    // two defaults that differ are settled by anybody who says which it is
    let two = [define("a", "user (default)\"1\""), define("b", "user (default)\"2\"")];
    assert!(text("is \"a\"\nis \"b\"\nuser \"3\"", &two).contains("user \"3\""));
}
