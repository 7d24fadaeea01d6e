//! The resolver on archives of a few lines: `name version architecture; Field: …`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::distribution::debian::index::{self, Priority};
use crate::distribution::debian::relation::Constraint;
use crate::model::SourceMap;

fn part(suite: &str, architecture: &str, priority: i32, lines: &str) -> UniversePart {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut fields = line.split(';').map(str::trim);
        let mut words = fields.next().expect("a package").split(' ');
        let mut next = || words.next().expect("a name, a version and an architecture");
        let (name, version, arch) = (next(), next(), next());
        write!(text, "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nFilename: pool/{name}.deb\nSize: 1\n")
            .expect("text");
        writeln!(text, "SHA256: {}", crate::model::Digest::of(line.as_bytes()).hex()).expect("text");
        fields.for_each(|field| writeln!(text, "{field}").expect("text"));
        text.push('\n');
    }
    let index = index::parse(text.as_bytes()).expect("an index");
    UniversePart {
        archive: "debian".parse().expect("a name"),
        suite: suite.to_owned(),
        architecture: architecture.to_owned(),
        priority,
        index,
    }
}

fn universe(lines: &str) -> Universe {
    let for_arch = |architecture: &str| {
        let belongs = |line: &&str| {
            [architecture, "all"]
                .iter()
                .any(|arch| line.split([' ', ';']).filter(|word| !word.is_empty()).nth(2) == Some(arch))
        };
        part("trixie", architecture, 500, &lines.lines().filter(|line| belongs(line)).collect::<Vec<_>>().join("\n"))
    };
    Universe::new(vec![for_arch("amd64"), for_arch("arm64")]).expect("a universe")
}

/// `curl`, `libssl:arm64`, `curl (>= 2)`.
fn wanted(text: &str) -> Wanted {
    let (name, constraint) = match text.split_once(" (") {
        Some((name, constraint)) => {
            (name, Some(constraint.trim_end_matches(')').parse::<Constraint<'_>>().expect("a constraint")))
        }
        None => (text, None),
    };
    let (name, architecture) = name.split_once(':').map_or((name, None), |(name, arch)| (name, Some(arch.to_owned())));
    Wanted { name: name.to_owned(), architecture, constraint, place: None }
}

fn request(texts: &[&str]) -> Request {
    Request {
        native: "amd64".to_owned(),
        wanted: texts.iter().map(|text| wanted(text)).collect(),
        ..Request::default()
    }
}

fn chosen(universe: &Universe, request: &Request) -> Vec<String> {
    let solution = resolve(universe, request).unwrap_or_else(|error| panic!("{error}"));
    let show = |chosen: &Chosen<'_>| {
        let package = chosen.package;
        match package.architecture() {
            "amd64" => format!("{} {}", package.name(), package.version()),
            architecture => format!("{}:{architecture} {}", package.name(), package.version()),
        }
    };
    solution.packages.iter().map(show).collect()
}

fn installs(lines: &str, texts: &[&str], expected: &[&str]) {
    assert_eq!(chosen(&universe(lines), &request(texts)), expected, "{texts:?} from {lines}");
}

fn refuses(lines: &str, texts: &[&str], words: &[&str]) -> Unsatisfiable {
    let universe = universe(lines);
    let error = match resolve(&universe, &request(texts)) {
        Ok(_) => panic!("{texts:?} has a solution: {:?}", chosen(&universe, &request(texts))),
        Err(error) => *error,
    };
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
    error
}

#[test]
fn dependencies_follow_in_their_newest_version() {
    installs(
        "a 1 amd64; Depends: b (>= 1)\nb 1 amd64\nb 2 amd64; Pre-Depends: c\nc 1 all",
        &["a"],
        &["a 1", "b 2", "c:all 1"],
    );
    installs("a 1 amd64; Depends: b (<< 2)\nb 1 amd64\nb 2 amd64", &["a"], &["a 1", "b 1"]);
    installs("a 1 amd64\na 2 amd64", &["a (= 1)"], &["a 1"]);
    installs("a 1 amd64; Depends: b\nb 1 amd64; Depends: a", &["a"], &["a 1", "b 1"]);
}

/// Archives of others have such names, and nothing may stop at them after the index was read.
#[test]
fn a_name_in_upper_case_is_a_name() {
    let universe = universe("a 1 amd64; Depends: R\nR 2:1.0~x amd64");
    let solution = resolve(&universe, &request(&["a"])).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<String> = solution.packages.iter().map(|chosen| chosen.package.id().to_string()).collect();
    assert_eq!(ids, ["R 2:1.0~x (amd64)", "a 1 (amd64)"]);
}

#[test]
fn the_first_alternative_is_taken_unless_another_is_there_already() {
    let lines = "a 1 amd64; Depends: x | y\nb 1 amd64; Depends: y, x | y\nx 1 amd64\ny 1 amd64";
    installs(lines, &["a"], &["a 1", "x 1"]);
    installs(lines, &["a", "y"], &["a 1", "y 1"]);
    installs(lines, &["b"], &["b 1", "y 1"]);
    installs("a 1 amd64; Depends: x | y\ny 1 amd64", &["a"], &["a 1", "y 1"]);
    // what cannot be installed is passed over, also when that is found out late
    installs(
        "a 1 amd64; Depends: x | y\nx 1 amd64; Depends: z\nz 1 amd64; Depends: none\ny 1 amd64",
        &["a"],
        &["a 1", "y 1"],
    );
}

#[test]
fn real_packages_come_before_those_that_provide_a_name() {
    let lines = "a 1 amd64; Depends: mta\nmta 1 amd64\np 1 amd64; Provides: mta";
    installs(lines, &["a"], &["a 1", "mta 1"]);
    let lines = "a 1 amd64; Depends: mta\np 1 amd64; Provides: mta; Priority: optional\nq 1 amd64; Provides: mta; Priority: standard";
    installs(lines, &["a"], &["a 1", "q 1"]);
    installs(lines, &["a", "p"], &["a 1", "p 1"]);
    // a version is needed to satisfy a versioned dependency
    let lines = "a 1 amd64; Depends: api (>= 2)\np 1 amd64; Provides: api\nq 1 amd64; Provides: api (= 1)\nr 1 amd64; Provides: api (= 2)";
    installs(lines, &["a"], &["a 1", "r 1"]);
    installs("p 1 amd64; Provides: only", &["only"], &["p 1"]);
}

#[test]
fn conflicts_and_breaks_hold_for_what_provides_a_name_but_never_for_oneself() {
    let lines =
        "p 1 amd64; Provides: mta; Conflicts: mta\nq 1 amd64; Provides: mta; Conflicts: mta\nz 1 amd64; Depends: mta";
    installs(lines, &["p", "z"], &["p 1", "z 1"]);
    refuses(lines, &["p", "q"], &["p (1)", "conflicts with `mta`", "provided by q (1)", "asked for"]);
    let lines = "a 1 amd64; Depends: b | c\nb 1 amd64; Breaks: d (<< 2)\nc 1 amd64\nd 1 amd64";
    installs(lines, &["a", "d"], &["a 1", "c 1", "d 1"]);
    installs("a 2 amd64; Breaks: a (<< 2); Conflicts: old; Provides: old", &["a"], &["a 2"]);
}

#[test]
fn the_solver_finds_what_choosing_in_order_does_not() {
    // the first alternative of `a` turns out to be impossible only when `b` is looked at
    let lines = "a 1 amd64; Depends: x | y\nb 1 amd64; Depends: w\nw 1 amd64; Breaks: x\nx 1 amd64\ny 1 amd64";
    installs(lines, &["a", "b"], &["a 1", "b 1", "w 1", "y 1"]);
    // an older version is needed
    let lines = "a 1 amd64; Depends: x, y\nx 2 amd64; Conflicts: y\nx 1 amd64\ny 1 amd64";
    installs(lines, &["a"], &["a 1", "x 1", "y 1"]);
}

#[test]
fn foreign_architectures_follow_multi_arch() {
    let lines = "lib 1 amd64; Multi-Arch: same\nlib 1 arm64; Multi-Arch: same; Depends: tool, base\ntool 1 amd64; Multi-Arch: foreign
        tool 1 arm64; Multi-Arch: foreign\nbase 1 amd64\nbase 1 arm64\npy 1 amd64; Multi-Arch: allowed\npy 1 arm64; Multi-Arch: allowed
        s 1 arm64; Depends: py:any\nt 1 arm64; Depends: py";
    installs(lines, &["lib:arm64"], &["base:arm64 1", "lib:arm64 1", "tool 1"]);
    installs(lines, &["lib:arm64", "lib"], &["base:arm64 1", "lib 1", "lib:arm64 1", "tool 1"]);
    installs(lines, &["s:arm64"], &["py 1", "s:arm64 1"]);
    installs(lines, &["t:arm64"], &["py:arm64 1", "t:arm64 1"]);
    refuses(lines, &["base", "base:arm64"], &["base", "not `Multi-Arch: same`"]);
    // an architecture that nobody named is never drawn in
    installs("a 1 amd64; Depends: b | c\nb 1 arm64; Multi-Arch: foreign\nc 1 amd64", &["a"], &["a 1", "c 1"]);
    // what is for all architectures serves the one that is wanted
    installs("doc 1 all", &["doc:arm64"], &["doc:all 1"]);
}

#[test]
fn co_installed_libraries_have_the_same_version() {
    let lines = "lib 1 amd64; Multi-Arch: same\nlib 2 amd64; Multi-Arch: same\nlib 1 arm64; Multi-Arch: same";
    installs(lines, &["lib", "lib:arm64"], &["lib 1", "lib:arm64 1"]);
    refuses(lines, &["lib (= 2)", "lib:arm64"], &["all architectures must have the same version"]);
}

fn installed(name: &str, version: &str) -> Installed {
    Installed { name: name.to_owned(), version: version.to_owned(), architecture: "amd64".to_owned() }
}

#[test]
fn what_is_installed_stays_and_is_not_listed() {
    let universe = universe(
        "a 1 amd64; Depends: b | c, lib (>= 1)\nb 1 amd64\nc 1 amd64; Depends: none\nlib 2 amd64\nlib 1 amd64\nd 1 amd64; Depends: lib (>= 2)",
    );
    let on = |texts: &[&str]| Request { installed: vec![installed("c", "1"), installed("lib", "1")], ..request(texts) };
    assert_eq!(chosen(&universe, &on(&["a"])), ["a 1"]);
    assert!(chosen(&universe, &on(&["lib", "c"])).is_empty());
    for (texts, words) in [
        (&["d"][..], &["d (1)", "needs `lib (>= 2)`", "lib (1) is installed and stays"][..]),
        (&["lib (= 2)"], &["`lib` is wanted in a version = 2", "lib (1) is installed"]),
    ] {
        let error = resolve(&universe, &on(texts)).map(|_| ()).expect_err("cannot be");
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert!(error.help.expect("help").contains("refresh"));
    }
    // a version that no index has any more is taken as it is
    let gone = Request { installed: vec![installed("lib", "1.5"), installed("own", "7")], ..request(&["a"]) };
    assert_eq!(chosen(&universe, &gone), ["a 1", "b 1"]);
}

#[test]
fn recommended_packages_come_only_when_asked_for_and_possible() {
    let lines = "a 1 amd64; Recommends: b, c | d, gone\nb 1 amd64; Recommends: e\nc 1 amd64; Conflicts: a\nd 1 amd64\ne 1 amd64";
    installs(lines, &["a"], &["a 1"]);
    let universe = universe(lines);
    let with = Request { recommends: true, ..request(&["a"]) };
    assert_eq!(chosen(&universe, &with), ["a 1", "b 1", "d 1", "e 1"]);
}

#[test]
fn essential_packages_and_the_minimal_system_can_be_asked_for() {
    let lines = "bash 1 amd64; Essential: yes; Depends: libc\nlibc 1 amd64\npasswd 1 amd64; Priority: required\napt 1 amd64; Priority: required
        other 1 amd64; Priority: important\nbash 1 arm64; Essential: yes";
    let universe = universe(lines);
    let essential = Request { essential: true, ..request(&["other"]) };
    assert_eq!(chosen(&universe, &essential), ["bash 1", "libc 1", "other 1"]);
    assert_eq!(universe.minbase("amd64"), ["apt", "bash", "passwd"]);
    assert_eq!(universe.with_priority("amd64", Priority::Important), ["apt", "other", "passwd"]);
    let solution = resolve(&universe, &essential).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(solution.find("bash", "amd64").expect("there").reason, ChoiceReason::Essential);
}

#[test]
fn a_merged_usr_needs_no_conversion() {
    let lines = "init 1 amd64; Depends: usrmerge | usr-is-merged\nusrmerge 1 all; Depends: perl\nusr-is-merged 1 all\nperl 1 amd64";
    installs(lines, &["init"], &["init 1", "usr-is-merged:all 1"]);
}

#[test]
fn suites_count_by_priority_then_by_version() {
    let parts = || {
        vec![
            part("trixie", "amd64", 500, "a 1 amd64\nb 1 amd64"),
            part("updates", "amd64", 500, "a 2 amd64\nb 1 amd64"),
            part("backports", "amd64", 100, "a 3 amd64\nc 3 amd64; Depends: a (>= 3)"),
        ]
    };
    let universe = Universe::new(parts()).expect("a universe");
    assert_eq!(chosen(&universe, &request(&["a", "b"])), ["a 2", "b 1"]);
    assert_eq!(chosen(&universe, &request(&["c"])), ["a 3", "c 3"]);
    let asked = request(&["a", "b"]);
    let solution = resolve(&universe, &asked).unwrap_or_else(|error| panic!("{error}"));
    let suites: Vec<&str> = solution.packages.iter().map(|chosen| chosen.suite).collect();
    assert_eq!(suites, ["updates", "trixie"], "the first suite that has a version counts");
}

#[test]
fn every_package_says_why_it_is_there() {
    let universe = universe("a 1 amd64; Depends: b\nb 1 amd64; Pre-Depends: c | x\nc 1 amd64\nd 1 amd64");
    let asked = request(&["d", "a"]);
    let solution = resolve(&universe, &asked).unwrap_or_else(|error| panic!("{error}"));
    let chain: Vec<&str> = solution.why(2).iter().map(|chosen| chosen.package.name()).collect();
    assert_eq!(chain, ["c", "b", "a"]);
    let reason = &solution.packages[2].reason;
    assert_eq!(*reason, ChoiceReason::Needed { by: 1, kind: DependencyKind::PreDepends, relation: "c | x".to_owned() });
    assert_eq!(solution.packages[0].reason, ChoiceReason::Wanted(1));
}

#[test]
fn mistakes_in_the_request_are_all_named_at_once() {
    let lines = "libssl3t64 1 amd64\nlibssl-dev 1 amd64\ncurl 1 amd64\ncurl 2 amd64\nonly 1 arm64\np 1 amd64; Provides: mta\nq 1 amd64; Provides: mta";
    let error = refuses(
        lines,
        &["libssl4", "curl (>= 3)", "only", "mta", "curl:riscv64"],
        &[
            "there is no package `libssl4`; nearest: libssl3t64",
            "`curl` is wanted in a version >= 3; available for amd64: 2 (trixie), 1 (trixie)",
            "there is no package `only` for the architecture amd64, only for arm64",
            "`mta` is a virtual package that 2 packages provide: p, q",
            "no index has packages for that",
        ],
    );
    assert_eq!(error.explanation.len(), 5);
}

#[test]
fn explanations_say_what_is_missing_and_who_needs_it() {
    refuses(
        "a 1 amd64; Depends: b\nb 1 amd64; Depends: libfoo2 (>= 5)\nlibfoo2 4 amd64",
        &["a"],
        &[
            "b (1), which a needs, which was asked for, needs `libfoo2 (>= 5)`, but `libfoo2` is available in 4 (trixie) only",
        ],
    );
    refuses(
        "a 1 amd64; Depends: libfoo3 | gone\nlibfoo2 4 amd64",
        &["a"],
        &["there is no package `libfoo3` (nearest: libfoo2)", "there is no package `gone`"],
    );
    refuses("a 1 arm64; Depends: b\nb 1 amd64", &["a:arm64"], &["needs `b`, but there is no `b` for arm64"]);
    refuses(
        "a 1 amd64; Depends: b (= 1)\nc 1 amd64; Depends: b (= 2)\nb 1 amd64\nb 2 amd64",
        &["a", "c"],
        &["b", "which a needs", "which c needs"],
    );
    refuses("a 1 amd64; Depends: b (>= ", &["a"], &["a (1)", "cannot be used"]);
    // each thing once, whatever the number of versions
    let error = refuses(
        "a 1 amd64; Depends: b\nb 1 amd64; Depends: x\nb 2 amd64; Depends: x\nb 3 amd64; Depends: x",
        &["a"],
        &["b (3, 2, 1)"],
    );
    assert_eq!(error.explanation.len(), 1, "{error}");
}

#[test]
fn places_of_the_recipe_are_pointed_at() {
    let place = |offset| {
        let mut sources = SourceMap::default();
        crate::model::Place { file: sources.add("recipe.kdl", ""), offset, length: 1 }
    };
    let universe = universe("a 1 amd64; Conflicts: b\nb 1 amd64\nc 1 amd64");
    let at = |name: &str, offset| Wanted { place: Some(place(offset)), ..Wanted::any(name) };
    let asked = Request { wanted: vec![at("a", 1), at("c", 2), at("b", 3)], ..request(&[]) };
    let error = resolve(&universe, &asked).map(|_| ()).expect_err("a conflict");
    let offsets: BTreeSet<u32> = error.places.iter().map(|(place, _)| place.offset).collect();
    assert_eq!(offsets, BTreeSet::from([1, 3]), "the package that has no part in it is not blamed");
    let unknown = Request { wanted: vec![at("xyzzy", 7)], ..request(&[]) };
    let error = resolve(&universe, &unknown).map(|_| ()).expect_err("unknown");
    assert_eq!(error.places.len(), 1);
    assert!(error.places[0].1.contains("no such package"));
}

#[test]
fn an_architecture_without_an_index_is_named() {
    let universe = universe("a 1 amd64");
    let asked = Request { native: "s390x".to_owned(), ..request(&["a"]) };
    let message = resolve(&universe, &asked).map(|_| ()).expect_err("no index").to_string();
    assert!(message.contains("`s390x`") && message.contains("amd64, arm64"), "{message}");
}

/// A package of a random archive: dependencies (groups of alternatives), and conflicts, by number.
type Random = (Vec<Vec<(u8, u8)>>, Vec<(u8, u8)>);

const NAMES: u8 = 5;
const VERSIONS: u8 = 2;

fn name(number: u8) -> String {
    format!("p{number}")
}

fn archive(packages: &[Random]) -> String {
    let relation = |&(name_number, version): &(u8, u8)| match version {
        0 => name(name_number),
        version => format!("{} (= {version})", name(name_number)),
    };
    let mut lines = String::new();
    for (position, (depends, conflicts)) in packages.iter().enumerate() {
        let (number, version) = (position as u8 / VERSIONS, position as u8 % VERSIONS + 1);
        let groups = depends.iter().map(|group| group.iter().map(relation).collect::<Vec<_>>().join(" | "));
        let conflicts: Vec<String> = conflicts.iter().map(relation).collect();
        write!(lines, "{} {version} amd64", name(number)).expect("text");
        write!(lines, "; Depends: {}; Conflicts: {}", groups.collect::<Vec<_>>().join(", "), conflicts.join(", "))
            .expect("text");
        lines.push('\n');
    }
    lines
}

/// Whether a choice of one version (or none, as 0) for each name is what was asked for and fits together.
fn fits(packages: &[Random], choice: &[u8], asked: &[u8]) -> bool {
    let meets = |&(name, version): &(u8, u8)| {
        let there = choice[usize::from(name)];
        there != 0 && (version == 0 || version == there)
    };
    let good = |(name, &version): (usize, &u8)| {
        let Some(version) = version.checked_sub(1) else { return true };
        let (depends, conflicts) = &packages[name * usize::from(VERSIONS) + usize::from(version)];
        let harmed = conflicts.iter().any(|conflict| usize::from(conflict.0) != name && meets(conflict));
        !harmed && depends.iter().all(|group| group.is_empty() || group.iter().any(meets))
    };
    asked.iter().all(|&name| choice[usize::from(name)] != 0) && choice.iter().enumerate().all(good)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against trying everything out: a solution is one, and there is one exactly when there can be one.
    #[test]
    fn random_archives_are_solved_exactly_when_they_can_be(
        packages in prop::collection::vec((
            prop::collection::vec(prop::collection::vec((0..NAMES, 0..=VERSIONS), 1..3), 0..3),
            prop::collection::vec((0..NAMES, 0..=VERSIONS), 0..2),
        ), usize::from(NAMES * VERSIONS)),
        asked in prop::collection::btree_set(0..NAMES, 1..3),
    ) {
        let asked: Vec<u8> = asked.into_iter().collect();
        let universe = universe(&archive(&packages));
        let names: Vec<String> = asked.iter().map(|&number| name(number)).collect();
        let request = request(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let possible = (0..3_u32.pow(u32::from(NAMES))).any(|number| {
            let choice: Vec<u8> = (0..u32::from(NAMES)).map(|digit| (number / 3_u32.pow(digit) % 3) as u8).collect();
            fits(&packages, &choice, &asked)
        });
        match resolve(&universe, &request) {
            Ok(solution) => {
                let mut choice = vec![0; usize::from(NAMES)];
                for chosen in &solution.packages {
                    let number: usize = chosen.package.name()[1..].parse().expect("a number");
                    choice[number] = chosen.package.version().parse().expect("a number");
                }
                prop_assert!(fits(&packages, &choice, &asked), "{choice:?} from\n{}", archive(&packages));
            }
            Err(error) => {
                prop_assert!(!possible, "{error}\nfrom\n{}", archive(&packages));
                prop_assert!(!error.explanation.is_empty(), "no explanation from\n{}", archive(&packages));
            }
        }
    }
}
