//! docs/model.md: its tables say what the tables of rules say, between marks; the rest is written by hand. `BLESS=1` writes
//! the tables anew.

use std::fmt::Write as _;

use super::{Rule, WithoutEffect, base, bookworm, services};

const BEGIN: &str = "<!-- rules: ";
const END: &str = "<!-- end -->\n";

#[test]
fn the_tables_of_the_documentation_are_those_of_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/model.md");
    let text = fs_err::read_to_string(path).expect("the page");
    let anew = made_anew(&text);
    if std::env::var_os("BLESS").is_some() {
        fs_err::write(path, &anew).expect("written");
    }
    assert!(
        text == anew || std::env::var_os("BLESS").is_some(),
        "docs/model.md is out of date: BLESS=1 writes it anew"
    );
}

#[test]
fn every_rule_is_compared_by_a_test_that_exists() {
    let sets = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fidelity/sets.rs"));
    let sets: String = sets.split_whitespace().collect();
    let of_rules = super::rules().map(|rule| (rule.package, rule.compared));
    let without = super::without_effect().map(|(package, .., compared)| (*package, *compared));
    for (package, compared) in of_rules.chain(without) {
        let is_set = sets.contains(&format!("set(\"{compared}\","));
        assert!(compared == "minbase" || is_set, "{package}: no set is called {compared}");
    }
}

fn made_anew(text: &str) -> String {
    let mut parts = text.split(BEGIN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mark, rest) = part.split_once(" -->\n").expect("a mark ends its line");
        let (_, after) = rest.split_once(END).expect("a table ends with a mark");
        let table = match mark {
            "base" => rules(base::RULES),
            "services" => rules(services::RULES),
            "bookworm" => rules(bookworm::RULES),
            "without effect" => without([bookworm::WITHOUT_EFFECT, services::WITHOUT_EFFECT, base::WITHOUT_EFFECT]),
            other => panic!("no table is called `{other}`"),
        };
        let _ = write!(out, "{BEGIN}{mark} -->\n{table}{END}{after}");
    }
    out
}

fn rules(rules: &[Rule]) -> String {
    let mut out = "| package | what its scripts do | checked with | compared by |\n|---|---|---|---|\n".to_owned();
    for rule in rules {
        let effects: Vec<String> = rule.effects.iter().map(ToString::to_string).collect();
        let effects =
            if effects.is_empty() { "nothing on a first installation".to_owned() } else { effects.join("<br>") };
        let checked = rule.checked.join("<br>");
        let _ = writeln!(out, "| {} | {effects} | {checked} | {} |", rule.package, rule.compared);
    }
    out
}

fn without(tables: [&[WithoutEffect]; 3]) -> String {
    let mut rows: Vec<&WithoutEffect> = tables.into_iter().flatten().collect();
    rows.sort();
    let mut out = "| package | script | checked with | compared by |\n|---|---|---|---|\n".to_owned();
    for (package, version, script, _, compared) in rows {
        let _ = writeln!(out, "| {package} | {script} | {version} | {compared} |");
    }
    out
}
