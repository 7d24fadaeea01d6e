use camino::Utf8Path;
use proptest::prelude::*;

use super::*;

fn kind_of(name: &str, text: &str) -> Option<ImportKind> {
    guess(Utf8Path::new(name), text)
}

#[test]
fn kinds_are_guessed_by_name_and_text() {
    assert_eq!(kind_of("a/Dockerfile", ""), Some(ImportKind::Dockerfile));
    assert_eq!(kind_of("Containerfile.dev", ""), Some(ImportKind::Dockerfile));
    assert_eq!(kind_of(".apko.yaml", ""), Some(ImportKind::Apko));
    assert_eq!(kind_of("zlib.yaml", "package:\n  name: x\npipeline:\n"), Some(ImportKind::Melange));
    assert_eq!(kind_of("image.yaml", "contents:\n"), Some(ImportKind::Apko));
    assert_eq!(kind_of("build", "# x\nfrom debian\n"), Some(ImportKind::Dockerfile));
    assert_eq!(kind_of("notes.md", "hello\n"), None);
}

#[test]
fn recipes_are_named_after_their_files() {
    let name = |path: &str| name_of(Utf8Path::new(path)).map(|name| name.to_string());
    assert_eq!(name("/src/My App/Dockerfile").as_deref(), Some("my-app"));
    assert_eq!(name("Dockerfile.web").as_deref(), Some("web"));
    assert_eq!(name("x/configs/nginx.latest.apko.yaml").as_deref(), Some("nginx"));
    assert_eq!(name("/Dockerfile"), None);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(text(b"a\n\xff"), Err(ImportError::NotText { line: 2 }));
    assert_eq!(text(b"a\0"), Err(ImportError::NotText { line: 1 }));
    assert_eq!(text(&vec![b' '; LARGEST + 1]), Err(ImportError::TooLong));
}

/// Imports a text as every kind; what comes out is KDL, and every finding stands in it.
fn holds(text: &str) -> Result<(), TestCaseError> {
    for kind in [ImportKind::Dockerfile, ImportKind::Apko, ImportKind::Melange] {
        let name = RecipeName::new("case").ok();
        let Ok(imported) = import(Utf8Path::new("File"), text, Some(kind), name) else { continue };
        let files = vec![("images/case/recipe.kdl".to_owned(), imported.recipe.clone())];
        let mistakes = crate::recipe::parse(files, Utf8Path::new("/")).err().unwrap_or_default();
        for mistake in mistakes.list {
            // values beyond what a recipe takes are a mistake of the text, its syntax would be ours
            prop_assert!(!mistake.message.contains("not KDL"), "{}\n{}", mistake.message, imported.recipe);
            prop_assert!(!mistake.message.contains("invisible character"), "{}", imported.recipe);
        }
        for finding in imported.findings {
            prop_assert!(imported.recipe.contains(&finding.why), "{finding:?}\n{}", imported.recipe);
        }
    }
    Ok(())
}

/// Pieces that files are made of, and that go wrong together.
const PIECES: &[&str] = &[
    "FROM a AS b\n",
    "FROM b\n",
    "FROM golang:1\n",
    "FROM alpine:3.20\n",
    "FROM scratch\n",
    "RUN ",
    "COPY --from=b ",
    "COPY . ",
    "COPY ",
    "ADD https://e.org/x.tar.gz ",
    "ENV A=",
    "ARG A",
    "LABEL a=",
    "USER ",
    "EXPOSE ",
    "VOLUME ",
    "CMD ",
    "ENTRYPOINT ",
    "HEALTHCHECK ",
    "--interval=5s ",
    "WORKDIR ",
    "/app",
    "/",
    ".",
    "..",
    "$A",
    "${A:-b}",
    "${",
    "}",
    "$",
    "\\",
    "\"",
    "'",
    "`",
    "[\"a\"]",
    "[",
    "]",
    "<<EOF",
    "EOF\n",
    "\n",
    " ",
    "\t",
    "&& ",
    "; ",
    "| ",
    "apt-get install -y a=1 ",
    "apk add b",
    "mkdir -p /x ",
    "chown -R a:b /x ",
    "useradd a",
    "rm -rf /x/*",
    "ln -s a b",
    "setcap cap_net_raw+ep /x",
    "git clone https://e.org/a -b v1",
    "go mod download",
    "--mount=type=cache,target=/c ",
    "\u{202e}",
    "\u{7}",
    "ü",
    "$${x}",
    "package:\n",
    "  name: x\n",
    "  version: 1\n",
    "pipeline:\n",
    "  - uses: fetch\n    with:\n      uri: https://e.org/${{package.version}}.tar.gz\n",
    "  - runs: |\n      ",
    "${{",
    "}}",
    "contents:\n  packages: [a, b=1]\n",
    "entrypoint:\n  command: ",
    "paths:\n  - path: /x\n    type: directory\n",
    "a: ",
    "- ",
    "&a ",
    "*a",
    "accounts:\n  run-as: ",
    "\"\"\"#",
    "#",
    "//",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_a_recipe_or_an_error(text in "(?s).{0,200}") {
        holds(&text)?;
    }

    #[test]
    fn any_pieces_give_a_recipe_or_an_error(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        holds(&text)?;
        holds(&format!("FROM a AS b\n{text}"))?;
        holds(&format!("FROM golang AS b\n{text}\nFROM debian\nCOPY --from=b /x /y\n"))?;
    }
}
