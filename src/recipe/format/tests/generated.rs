//! Documents of every shape, recipes with something cut out or put in, and heaps of pieces.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::holds;
use crate::recipe::format::{laid_out, read};

fn pick(choices: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    select(choices).prop_map(str::to_owned)
}

/// What may stand between two parts of a node.
fn space() -> impl Strategy<Value = String> + Clone {
    let odd = &[
        "  ",
        "\t",
        "\u{a0}",
        " /* c */ ",
        "/**/",
        " /* a /* b */\n    c */ ",
        " \\\n",
        " \\ // c\n",
        "\\\r\n\t",
        "\\\n \\\n",
    ];
    prop_oneof![6 => Just(" ".to_owned()), 2 => pick(odd)]
}

fn value() -> impl Strategy<Value = String> + Clone {
    let plain = &[
        "b",
        "-",
        "5",
        "0x1F",
        "-1.5",
        "#true",
        "#null",
        "\"\"",
        "\"a b\"",
        "\"\\\"//\\\\\"",
        "\"{;}/*\"",
        "#\"a\"b\"#",
        "##\"\"#\"##",
        "\"a \\\n   b\"",
    ];
    let lines = &[
        "one",
        "  two",
        "",
        "   ",
        "\tthree \\",
        "four\\n",
        "\\\"\"\"",
        "\"",
        "// no comment",
        "{ }",
        "x \\ y",
        "\\\\",
    ];
    let long = (
        select(&["", "  ", "\t", "        "][..]),
        prop::collection::vec(select(&lines[..]), 0..5),
        any::<(bool, bool)>(),
    );
    let long = long.prop_map(|(own, lines, (raw, windows))| {
        let hash = if raw { "#" } else { "" };
        let lines: Vec<String> = lines.iter().map(|line| format!("{own}{line}\n")).collect();
        let text = format!("{hash}\"\"\"\n{}{own}\"\"\"{hash}", lines.concat());
        if windows { text.replace('\n', "\r\n") } else { text }
    });
    prop_oneof![4 => pick(plain), 1 => long]
}

fn entry() -> impl Strategy<Value = String> + Clone {
    let equals = &["=", "=", "=", " = ", "= ", " =", " /* c */ = ", "=/**/"];
    let property = (select(&["p", "q", "\"r s\"", "#\"t\"#"][..]), pick(equals), value());
    let property = property.prop_map(|(name, equals, value)| format!("{name}{equals}{value}"));
    let hidden =
        (pick(&["/-", "/- ", "/-\n", "/- // c\n", "/- /* c */\n"]), prop_oneof![value(), Just("p=1".to_owned())]);
    let hidden = hidden.prop_map(|(dash, entry)| dash + &entry);
    prop_oneof![5 => value(), 2 => property, 1 => hidden]
}

fn end() -> impl Strategy<Value = String> + Clone {
    let odd = &[
        ";",
        ";",
        "; ",
        "\r\n",
        "\n\n\n",
        "\n  \n",
        " // c\n",
        "      // c\n",
        "; // c\n",
        " /* c */\n",
        "; /* c */ ",
        "\n// c\n",
        "\n    // c \n\n",
        "\n/* c\n c */\n",
        "\u{2028}",
        " \\\n\n",
    ];
    prop_oneof![3 => Just("\n".to_owned()), 3 => pick(odd)]
}

/// A node, with `block` in its braces.
fn node(block: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let begin = pick(&["", "", "", "", "", "", "  ", "\t", "\\\n", "/* c */ ", "/-", "/- ", "/-\n\n", "/- // c\n"]);
    let name = prop_oneof![
        6 => pick(&["a", "name", "\"quoted name\"", "#\"raw\"#"]),
        1 => (90..120_usize).prop_map(|width| "x".repeat(width)),
    ];
    let entries = prop::collection::vec((space(), entry()).prop_map(|(space, entry)| space + &entry), 0..4);
    let open =
        pick(&["{", " {", " {", " { ", " {\n", " {\n\n", " { // c\n", " {/* c */", " /-{\n", " /-\n{", " \\\n{"]);
    let close = pick(&["}", "}", " }", "\n}", "\n\n}", "// c\n}", "/* c */ }", "} /-{ }", "} /* c */"]);
    let block =
        prop::option::weighted(0.4, (open, block, close).prop_map(|(open, block, close)| open + &block + &close));
    (begin, name, entries, block).prop_map(|(begin, name, entries, block)| {
        std::iter::once(begin + &name).chain(entries).chain(block).collect::<String>()
    })
}

fn document() -> impl Strategy<Value = String> {
    let nodes = |node: BoxedStrategy<String>, most: usize| {
        let nodes = prop::collection::vec((node, end()).prop_map(|(node, end)| node + &end), 1..most);
        nodes.prop_map(|nodes| nodes.concat()).boxed()
    };
    let leaves = nodes(node(Just("a".to_owned())).boxed(), 3);
    let inner = nodes(node(leaves).boxed(), 3);
    (pick(&["", "\u{feff}", "\n\n", "// c\n", "/* c */\n"]), nodes(node(inner).boxed(), 5))
        .prop_map(|(begin, nodes)| begin + &nodes)
}

/// The generator proves little if most of what it makes is refused.
#[test]
fn many_generated_documents_have_no_mistakes() {
    let (mut runner, strategy) = (TestRunner::deterministic(), document());
    let documents = (0..200).map(|_| strategy.new_tree(&mut runner).expect("a document").current());
    let good = documents.filter(|text| read("a.kdl", text).is_ok()).count();
    assert!(good >= 60, "{good} of 200");
}

/// Recipes as people write them, and one of everything.
const WRITTEN: &[&str] = &[
    include_str!("../../../../images/dns/recipe.kdl"),
    include_str!("../../../../images/fileserver/recipe.kdl"),
    include_str!("../../../../images/builder/recipe.kdl"),
    "// all\n\na \"b\" c=5 { // d\n    /-e { f; g }\n    h /* i */ \\\n        j // k\n    l   // m\n    nop // q\n\n    r \"\"\"\n        s \\\n          t\n\n        \"\"\"\n} /-{ u }\n",
];

/// Pieces that layout depends on.
const PIECES: &[&str] = &[
    "{",
    "}",
    " { ",
    " }",
    "\n",
    "\n\n",
    ";",
    " ",
    "    ",
    "\t",
    "\"",
    "\"\"\"",
    "\"\"\"\n",
    "#\"",
    "\"#",
    "/-",
    "/-\n",
    "// c",
    "// c\n",
    "/*",
    "*/",
    "/* c */",
    "/* c\n c */",
    "\\",
    "\\\n",
    "\\\n\n",
    "=",
    " = ",
    "(t)",
    "(",
    ")",
    "a",
    " a ",
    "5",
    "\"a\"",
    "\r\n",
    "\r",
    "\u{2028}",
    "\u{a0}",
    "\u{feff}",
    "é",
    ",",
    "#true",
    "#",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_documents_keep_all_they_say(text in document()) {
        holds(&text);
    }

    #[test]
    fn any_text_is_laid_out_or_refused(text in any::<String>()) {
        holds(&text);
        laid_out(&text);
    }

    #[test]
    fn any_heap_of_pieces_is_laid_out_or_refused(pieces in prop::collection::vec(select(PIECES), 0..40)) {
        holds(&pieces.concat());
        laid_out(&pieces.concat());
    }

    #[test]
    fn a_recipe_with_something_cut_out_or_put_in_is_laid_out_or_refused(
        text in select(WRITTEN), cut in any::<prop::sample::Index>(), length in 0..30_usize, put in select(PIECES),
        again in any::<prop::sample::Index>(), other in select(PIECES),
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        let cut = cut.index(characters.len());
        let end = (cut + length).min(characters.len());
        characters.splice(cut..end, put.chars());
        let again = again.index(characters.len() + 1);
        characters.splice(again..again, other.chars());
        holds(&characters.into_iter().collect::<String>());
    }
}
