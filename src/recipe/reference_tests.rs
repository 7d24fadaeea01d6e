//! docs/reference.md: its tables of nodes say what the decoder's own tables say, between marks; the rest is written by
//! hand. `BLESS=1` writes the tables anew.

use super::language::{Known, Language, Way};
use super::shape::Times;
use super::vocabulary::STRUCTURE;

/// `<!-- nodes: an image, from … exclude -->` begins a table of the nodes of a block, all or from one to another.
const BEGIN: &str = "<!-- nodes: ";
const END: &str = "<!-- end -->\n";

/// Which nodes a mark asks for.
struct Wanted<'m> {
    block: &'m str,
    range: Option<(&'m str, &'m str)>,
}

impl<'m> Wanted<'m> {
    fn new(mark: &'m str) -> Self {
        let (block, range) =
            mark.split_once(", ").map_or((mark, None), |(block, range)| (block, range.split_once(" … ")));
        Self { block, range }
    }

    fn nodes(&self) -> &'static [Known] {
        let found = Language::get().blocks.iter().find(|(what, _)| *what == self.block);
        let (_, nodes) = found.unwrap_or_else(|| panic!("no block is called `{}`", self.block));
        let at = |name: &str| {
            let found = nodes.iter().position(|known| known.shape.name == name);
            found.unwrap_or_else(|| panic!("`{}` has no `{name}`", self.block))
        };
        self.range.map_or(nodes, |(first, last)| &nodes[at(first)..=at(last)])
    }
}

/// The file with its tables made anew.
fn made_anew(reference: &str) -> String {
    let mut parts = reference.split(BEGIN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mark, rest) = part.split_once(" -->\n").expect("a mark ends its line");
        let (_, after) = rest.split_once(END).expect("a table ends with a mark");
        let table = if mark == "structure" { structure() } else { nodes(Wanted::new(mark).nodes()) };
        out += &format!("{BEGIN}{mark} -->\n{table}{END}{after}");
    }
    out
}

/// A table without the columns that say nothing.
fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let kept: Vec<usize> = (0..header.len()).filter(|&column| rows.iter().any(|row| !row[column].is_empty())).collect();
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |")
    };
    let mut out = line(kept.iter().map(|&column| header[column]).collect());
    out += &format!("|{}\n", "---|".repeat(kept.len()));
    for row in rows {
        out += &line(kept.iter().map(|&column| row[column].as_str()).collect());
    }
    out
}

fn structure() -> String {
    let rows = STRUCTURE
        .iter()
        .map(|node| vec![format!("`{}`", node.written), node.stands.to_owned(), node.meaning.to_owned()]);
    table(&["node", "stands", "meaning"], &rows.collect::<Vec<_>>())
}

fn nodes(nodes: &[Known]) -> String {
    let rows: Vec<Vec<String>> =
        nodes.iter().flat_map(|known| known.ways.iter().enumerate().map(|way| row(known, way))).collect();
    table(&["node", "", "meaning", "default"], &rows)
}

fn row(known: &Known, (index, way): (usize, &Way)) -> Vec<String> {
    let shape = known.shape;
    let first = index == 0;
    let once = if shape.times == Times::Once { "once" } else { "" };
    let default = match (first, shape.required) {
        (false, _) => "",
        (true, true) => "required",
        (true, false) => shape.otherwise,
    };
    vec![format!("`{}`", way.written(shape)), once.to_owned(), way.meaning.to_owned(), default.to_owned()]
}

const REFERENCE: &str = include_str!("../../docs/reference.md");

#[test]
fn the_tables_of_the_reference_are_those_of_the_decoder() {
    let anew = made_anew(REFERENCE);
    if std::env::var_os("BLESS").is_some() {
        fs_err::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md"), anew).expect("blessed");
        return;
    }
    for (is, should) in REFERENCE.lines().zip(anew.lines()) {
        assert_eq!(is, should, "docs/reference.md is not what the tables say: BLESS=1 writes it anew");
    }
    assert_eq!(REFERENCE.len(), anew.len(), "docs/reference.md is not what the tables say: BLESS=1 writes it anew");
}

#[test]
fn every_node_stands_in_one_table_of_the_reference() {
    let marks = REFERENCE.split(BEGIN).skip(1).filter_map(|part| Some(part.split_once(" -->")?.0));
    let marks: Vec<Wanted<'_>> = marks.filter(|mark| *mark != "structure").map(Wanted::new).collect();
    for (what, nodes) in &Language::get().blocks {
        for name in nodes.iter().map(|known| known.shape.name) {
            let tables = marks.iter().filter(|wanted| wanted.block == *what);
            let count = tables.filter(|wanted| wanted.nodes().iter().any(|known| known.shape.name == name)).count();
            assert_eq!(count, 1, "`{name}` in {what}");
        }
    }
}

#[test]
fn every_node_of_every_block_has_a_meaning() {
    for (what, nodes) in &Language::get().blocks {
        for known in nodes {
            for (_, meaning) in known.shape.ways() {
                let name = known.shape.name;
                assert!(meaning.ends_with(['.', ')', '…']), "`{name}` in {what} means `{meaning}`");
                assert!(!meaning.contains("  ") && !meaning.contains('\n'), "`{name}` in {what}: {meaning}");
            }
        }
    }
}

/// Where only some words are allowed, the reader learns which.
#[test]
fn every_word_that_is_allowed_is_explained() {
    for (what, nodes) in &Language::get().blocks {
        for (known, way) in nodes.iter().flat_map(|known| known.ways.iter().map(move |way| (known, way))) {
            let properties = way.takes.properties.iter().map(|(_, taken)| taken);
            for word in way.takes.arguments.iter().chain(properties).flat_map(|taken| &taken.words) {
                let said = format!("{} {}", way.written(known.shape), way.meaning);
                let spelled = [format!("`{word}`"), format!("\"{word}\"")];
                assert!(
                    spelled.iter().any(|spelled| said.contains(spelled)),
                    "`{}` in {what}: {word}",
                    known.shape.name
                );
            }
        }
    }
}
