//! Each rule by an example, and what holds for any text: nothing is lost, nothing changes its meaning, and what is laid
//! out once stays so.

mod generated;

use super::tokens::{Kind, tokens};
use super::{format, laid_out, read};

/// The comments of a text in order, without the spaces around their lines.
fn comments(text: &str) -> Vec<String> {
    let comments =
        tokens(text).into_iter().filter(|token| matches!(token.kind, Kind::LineComment | Kind::BlockComment));
    comments.map(|comment| comment.text.lines().map(str::trim).collect::<Vec<_>>().join("\n")).collect()
}

/// Asserts all that holds for any text. Whether it could be laid out.
fn holds(text: &str) -> bool {
    let mistakes = read("a.kdl", text).err();
    let formatted = match (format("a.kdl", text), mistakes) {
        (Ok(formatted), None) => formatted,
        (Err(refused), Some(mistakes)) => {
            assert_eq!(refused.list, mistakes.list, "{text}");
            assert!(!refused.is_empty(), "{text}");
            return false;
        }
        // `scan` takes no space beyond ASCII for one, and so sees words for the first time
        (Err(_), None) if text.contains(|c: char| c.is_whitespace() && !c.is_ascii_whitespace()) => return false,
        (Err(refused), None) => panic!("{refused}\n--- from:\n{text}\n--- to:\n{}", laid_out(text)),
        (Ok(_), Some(mistakes)) => panic!("{mistakes}\n{text}"),
    };
    assert_eq!(format("a.kdl", &formatted).ok().as_deref(), Some(&*formatted), "laid out twice, from:\n{text}");
    assert_eq!(comments(text), comments(&formatted), "{text}\n--- to:\n{formatted}");
    let kinds: Vec<Kind> = tokens(&formatted).iter().map(|token| token.kind).collect();
    let never: [&[Kind]; 3] = [
        &[Kind::Newline, Kind::Newline, Kind::Newline],
        &[Kind::Open, Kind::Newline, Kind::Newline],
        &[Kind::Newline, Kind::Newline, Kind::Close],
    ];
    assert!(never.iter().all(|never| !kinds.windows(never.len()).any(|window| window == *never)), "{formatted}");
    assert!(formatted.is_empty() || formatted.ends_with('\n') && !formatted.starts_with('\n'), "{formatted:?}");
    true
}

/// Asserts that `text` becomes `expected`.
#[track_caller]
fn becomes(text: &str, expected: &str) {
    let formatted = format("a.kdl", text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
    assert_eq!(formatted, expected, "\n--- found:\n{formatted}\n--- expected:\n{expected}");
    assert!(holds(text));
}

#[track_caller]
fn stays(text: &str) {
    becomes(text, text);
}

#[test]
fn parts_of_a_node_stand_one_space_apart() {
    becomes("a   b\t\"c\"   d = 5  e= #true\n", "a b \"c\" d=5 e=#true\n");
    becomes("\t  a\n  b{\n c\n}\n", "a\nb {\n    c\n}\n");
    becomes("\u{feff}a\u{a0}b\r\nc", "a b\nc\n");
    becomes("\"a b\"   \"c\"=\"d\"  #\"a\"b\"#\n", "\"a b\" \"c\"=\"d\" #\"a\"b\"#\n");
    stays("a 0x1F 1_000 -1.5e9 #null #-inf - + .. \"\\u{41}\\\"\" ##\"a\"#b\"##\n");
}

#[test]
fn each_node_has_its_line() {
    becomes("a; b 1;c;\nd;", "a\nb 1\nc\nd\n");
    becomes("a\u{2028}b\u{85}c\rd", "a\nb\nc\nd\n");
    becomes("a; /* of b */ b; /* of b, too */\n", "a\n/* of b */ b /* of b, too */\n");
    becomes("", "");
    becomes("\n \n\t\n", "");
}

#[test]
fn blocks_are_indented_by_their_depth() {
    becomes("a {\nb {\n c 1 {\n d\n } } }\n", "a {\n    b {\n        c 1 {\n            d\n        }\n    }\n}\n");
    becomes("a {\n      b\n  \t c }", "a {\n    b\n    c\n}\n");
    becomes("a {b;\nc}", "a {\n    b\n    c\n}\n");
}

#[test]
fn a_block_on_one_line_stays_there() {
    becomes(
        "policy {user not=\"root\";healthcheck \"required\";}",
        "policy { user not=\"root\"; healthcheck \"required\" }\n",
    );
    becomes("a { b {c;d;} ; e ; }\n", "a { b { c; d }; e }\n");
    becomes("a {b /* x */; /* y */ c; /* z */}\n", "a { b /* x */; /* y */ c /* z */ }\n");
    stays("a { b { c } } // d\n");
}

#[test]
fn a_block_on_one_line_that_is_too_long_is_broken_up() {
    let name = "x".repeat(108);
    stays(&format!("{name} {{ b; cdef }}\n")); // 120 columns
    stays(&format!("{name} {{ b; cdef }} // whatever is said of it\n"));
    becomes(&format!("{name} {{ b; cdefg; }}\n"), &format!("{name} {{\n    b\n    cdefg\n}}\n"));
    // what is in it stays together as long as that fits
    becomes(&format!("{name} {{ b {{ c; d }}; e }} // f"), &format!("{name} {{\n    b {{ c; d }}\n    e\n}} // f\n"));
    becomes(
        &format!("a {{ {name} {{ b; cde }} }}"),
        &format!("a {{\n    {name} {{\n        b\n        cde\n    }}\n}}\n"),
    );
}

#[test]
fn empty_lines_are_kept_as_one() {
    becomes("\n\na\n\n\n\nb\n// c\n \n\t\n// d\n\n\n", "a\n\nb\n// c\n\n// d\n");
    becomes("a {\n\n  b\n\n\n  c\n\n}\n\nd", "a {\n    b\n\n    c\n}\n\nd\n");
    becomes("a { // of a\n\n  b\n}\n", "a { // of a\n    b\n}\n");
    becomes("\r\n// a\r\n\r\n\r\nb\r\n", "// a\n\nb\n");
}

#[test]
fn comments_stay_where_they_are() {
    becomes("  // own line   \na   // behind\n", "// own line\na // behind\n");
    becomes(
        "a {   // opens\n b // one\n  // own line\n }  // closes\n",
        "a { // opens\n    b // one\n    // own line\n} // closes\n",
    );
    becomes("a{/* x */\nb}", "a { /* x */\n    b\n}\n");
    becomes("a {/* x */ b\n}", "a {\n    /* x */ b\n}\n");
    becomes("a/* x */b/* y */c=/* z */d\n", "a /* x */ b /* y */ c= /* z */ d\n");
    becomes("a b /* x */ = /* y */ c\n", "a b /* x */ = /* y */ c\n");
    becomes("/* a /* b */ c */ d /**/\n", "/* a /* b */ c */ d /**/\n");
    becomes("a;// of a\nb {c;// of c\n}", "a // of a\nb {\n    c // of c\n}\n");
    becomes("a {\n// nothing else\n\nb\n// the end\n}", "a {\n    // nothing else\n\n    b\n    // the end\n}\n");
    becomes("// \"a { ; /*\n/* // */ a\n", "// \"a { ; /*\n/* // */ a\n");
}

#[test]
fn comments_of_several_lines_move_as_a_whole() {
    becomes("a {\n/* one\n     two\n three */ b\n}", "a {\n    /* one\n         two\n     three */ b\n}\n");
    becomes(
        "a {\n        /*\n         * one  \n\n         */\n  b\n}",
        "a {\n    /*\n     * one\n\n     */\n    b\n}\n",
    );
    becomes("    /* one\n  two */\n", "/* one\ntwo */\n");
    becomes("a   /* one\n  two */   b\n", "a /* one\n  two */ b\n");
}

#[test]
fn comments_behind_lines_stand_one_space_away_or_in_one_column() {
    becomes("a 1          // x\n\nbcd  // y\n", "a 1 // x\n\nbcd // y\n");
    stays("a     // x\nbcdef // y\nc     // z\n");
    becomes(
        "a          // x\nbcdef      // y\nc          // z\nd // w\n",
        "a     // x\nbcdef // y\nc     // z\nd // w\n",
    );
    becomes("  a   b     // x\n  bcd e     // y\n", "a b   // x\nbcd e // y\n");
    becomes("a { // x\n    b   // y\n    cde // z\n}\n", "a { // x\n    b   // y\n    cde // z\n}\n");
    let long = "x".repeat(120);
    becomes(&format!("{long} // x\na{} // y\n", " ".repeat(119)), &format!("{long} // x\na // y\n"));
}

#[test]
fn what_slashdash_hides_stays_hidden() {
    becomes("/-  a {\n b }\nc /- d /-e = 1 /- {\nf\n} \n", "/-a {\n    b\n}\nc /-d /-e=1 /-{\n    f\n}\n");
    becomes("a {b} /-{c;}\n", "a { b } /-{ c }\n");
    becomes("/-\n\n  a\nb /-\n{ c }\n", "/-a\nb /-{ c }\n");
    becomes("/- // why\n\n // more\n a 1\nb\n", "/- // why\n    // more\n    a 1\nb\n");
    becomes("/- /* why */\n a\nb /-{\n\n}\n", "/- /* why */ a\nb /-{}\n");
    becomes("a {b; /-c\n}", "a {\n    b\n    /-c\n}\n");
}

#[test]
fn lines_that_go_on_are_indented() {
    becomes("a \\\nb   \\   \n  c\nd\n", "a \\\n    b \\\n    c\nd\n");
    becomes("a {\nb 1\\\n2 { c }\n}\n", "a {\n    b 1 \\\n        2 { c }\n}\n");
    becomes("a \\ // why\n \"b\"\n", "a \\ // why\n    \"b\"\n");
    becomes("a \\ /* x */ // y\r\n \"b\"\n", "a \\ /* x */ // y\n    \"b\"\n");
    // these join nothing
    becomes("a \\\n\nb\n", "a\n\nb\n");
    becomes("a \\\n \\\n \\\n b\n", "a \\\n    b\n");
    becomes("a \\\n \\\n\nb\n", "a\n\nb\n");
    becomes("\\\n a\nb \\", "a\nb\n");
    becomes("a { b \\\n}\n", "a {\n    b\n}\n");
    becomes("a \\\n // why\nb", "a\n// why\nb\n");
    becomes("a \\\n ; b", "a\nb\n");
    becomes("a \\\n /* why */ b", "a \\\n    /* why */ b\n");
}

#[test]
fn texts_of_several_lines_stand_one_level_deeper() {
    becomes("a \"\"\"\nb\n  c\n\nd\n\"\"\"\n", "a \"\"\"\n    b\n      c\n\n    d\n    \"\"\"\n");
    becomes(
        "a {\nb {\n\t\tc \"\"\"\n\t\t\tone\n\t \n\t\t\t\ttwo\\n\\\"\n\t\t\t\"\"\" 5\n}}\n",
        "a {\n    b {\n        c \"\"\"\n            one\n\n            \ttwo\\n\\\"\n            \"\"\" 5\n    }\n}\n",
    );
    becomes("a #\"\"\"\r\n  \\\r\n   b\r\n  \"\"\"#\r\n", "a #\"\"\"\n    \\\n     b\n    \"\"\"#\n");
    becomes("a 1 \\\n\"\"\"\nb\n\"\"\" // c\n", "a 1 \\\n    \"\"\"\n    b\n    \"\"\" // c\n");
    becomes("a { b \"\"\"\nc\n\"\"\"; d }\n", "a {\n    b \"\"\"\n        c\n        \"\"\"\n    d\n}\n");
    becomes("a \"\"\"\n  \"\"\" b=\"\"\"\n\"\"\"", "a \"\"\"\n    \"\"\" b=\"\"\"\n    \"\"\"\n");
}

/// `\` takes up the line end and all spaces after it: how many they are does not matter.
#[test]
fn lines_that_a_text_joins_move_with_it() {
    becomes(
        "a \"\"\"\none \\\n    two\\\\\n  three \\  \n\n    four\n\"\"\"\n",
        "a \"\"\"\n    one \\\n        two\\\\\n      three \\  \n\n        four\n    \"\"\"\n",
    );
    becomes("a \"\"\"\n    one \\\n  two\n    \"\"\"\n", "a \"\"\"\n    one \\\n    two\n    \"\"\"\n");
    // where the last line is joined its spaces are not the indentation
    stays("a \"\"\"\n  \\\n      \"\"\"\n");
    // these have line ends of KDL that are none of editors
    stays("a \"\"\"\n  b \\\n  c\n  \r\"\"\"\n");
    stays("a \"b \\\n   c\"\nd \"\"\"\n  a\u{2028}  b\n  \"\"\"\n");
}

/// Annotations mean nothing in recipes, but in what will be recipes one day.
#[test]
fn annotations_stay_with_their_values() {
    let becomes = |text: &str, expected: &str| {
        assert_eq!(laid_out(text), expected);
        assert_eq!(laid_out(expected), expected);
    };
    becomes("(t)a  (default)\"x\"  b = (u) 5\n", "(t)a (default)\"x\" b=(u)5\n");
    becomes("(\"t)\")a /-  ( u )b /-(v)c=1\n", "(\"t)\")a /-( u )b /-(v)c=1\n");
    becomes("a (t) /* why */ b (u) \\\n c\n", "a (t) /* why */ b (u) \\\n    c\n");
}

#[test]
fn texts_with_mistakes_are_refused_with_them() {
    for text in ["a {", "a }", "a \"", "/*", "a 1 a=true", "a b=1 b=2", "a {}", "\u{202e}", "a \"\"\"b\"\"\"", "[a]"] {
        assert!(!holds(text), "{text}");
    }
    let mistakes = format("images/a/recipe.kdl", "title \"x\"\nimage {").expect_err("a block that is not closed");
    assert!(mistakes.to_string().starts_with("images/a/recipe.kdl:2: this block is never closed"), "{mistakes}");
    // one that would become too long to be read
    let text = format!("{}{}{}", "a {\n".repeat(60), "//\n".repeat(20_000), "b\n}\n".repeat(60));
    let mistakes = format("a.kdl", &text).expect_err("20,000 lines of 243 bytes");
    assert!(mistakes.list[0].message.contains("are allowed"), "{mistakes}");
}

#[test]
fn the_recipes_of_this_repository_hardly_change() {
    let images = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    let recipes =
        images.read_dir_utf8().expect("images").map(|entry| entry.expect("one").into_path().join("recipe.kdl"));
    let mut seen = 0;
    for path in recipes.chain([images.join("project.kdl")]).filter(|path| path.is_file()) {
        let text = fs_err::read_to_string(&path).expect("a recipe");
        assert!(holds(&text), "{path}");
        let formatted = format(path.as_str(), &text).expect("no mistakes");
        let (old, new) = (text.lines().count(), formatted.lines().count());
        assert!(new.abs_diff(old) <= 8, "{path}: {old} lines became {new}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen} recipes");
}

/// What would take long if anything here took more than its time.
#[test]
fn large_texts_take_their_time_and_no_more() {
    let many = |piece: &str| piece.repeat(400_000 / piece.len());
    let texts = [
        many("a;"),
        format!("a {}", many("/**/")),
        format!("a {{ {}\nb }}", many("/**/")),
        format!("a {}", many("/-b ")),
        format!("/-{}a", many("/* x */\n")),
        format!("a \\{}", many("\\\n")),
        format!("a {}b", many("\\ //\n")),
        many("a\u{2028}"),
        many("a // x\n"),
        format!("a \"\"\"\n{}\"\"\"", many("b \\\n")),
        format!("a \"{}\"", many("\\ ")),
        many("(a"),
        many("a;/**/"),
        many("\""),
        many("#"),
    ];
    for text in texts {
        let start = std::time::Instant::now();
        let once = laid_out(&text);
        assert!(once.len() <= text.len() * 6, "{}…", &text[..20]);
        assert!(start.elapsed().as_secs() < 5, "{}…", &text[..20]);
    }
}

/// A run of comments in one column is no wider than its file.
#[test]
fn few_long_lines_do_not_fill_many_short_ones() {
    let long = format!("/-{}a  // x\n", "/* x */\n".repeat(20_000));
    let text = long + &"a  // x\n".repeat(10_000);
    assert!(laid_out(&text).len() < 2 * text.len());
}
