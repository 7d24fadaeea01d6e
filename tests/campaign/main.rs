//! The campaigns, which take too long for `cargo test`; that takes a part of each.
//!
//! Without a word: every set of packages, or those that are named, against what mmdebstrap makes of it. Run by
//! `hack/fidelity.sh`, which says what it needs. With the word `faults`: what goes wrong at the worst moment, run by
//! `hack/faults.sh`.
//!
//! What each set came to is kept in `target/fidelity`, so that a table can be written of all when some are run again.

#![allow(dead_code, reason = "modules of the tests, of which a campaign needs a part")]
#![allow(clippy::print_stdout, reason = "a program for people")]
#![allow(clippy::disallowed_methods, reason = "tests follow paths in folders of their own")]

#[path = "../faults/mod.rs"]
mod faults;
#[path = "../fidelity/mod.rs"]
mod fidelity;
#[path = "../support/mod.rs"]
mod support;

#[path = "faults.rs"]
mod faults_campaign;
mod faults_page;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use fidelity::campaign::{Mode, run};
use fidelity::sets::{SETS, Set};
use table::Row;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == "faults" => faults_campaign::main(rest),
        _ => fidelity_of_sets(),
    }
}

fn fidelity_of_sets() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|name| SETS.iter().all(|set| set.name != **name)) {
        let known: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        println!("there is no set `{unknown}`; the sets are: {}", known.join(" "));
        return ExitCode::FAILURE;
    }
    let sets: Vec<&Set> =
        SETS.iter().filter(|set| wanted.is_empty() || wanted.iter().any(|name| name == set.name)).collect();
    let folder = results("fidelity");
    let mut faulty = 0;
    for (index, set) in sets.iter().enumerate() {
        let since = Instant::now();
        println!("[{:2}/{}] {}", index + 1, sets.len(), set.name);
        let outcome = run(set, &folder.join("store"));
        let faults = outcome.faults();
        let how = match &outcome.mode {
            Mode::Model => "model".to_owned(),
            Mode::Scripts(unknown) => format!("scripts ({} unknown to the model)", unknown.len()),
        };
        println!(
            "        {how}; {} packages; {} paths explained; {} faults; {} s",
            outcome.packages,
            outcome.comparison.explained,
            faults.len(),
            since.elapsed().as_secs()
        );
        faults.iter().take(40).for_each(|fault| println!("        {fault}"));
        faulty += usize::from(!faults.is_empty());
        Row::of(set, &outcome).write(&folder);
    }
    let table = folder.join("fidelity.md");
    fs_err::write(&table, table::all(&folder)).expect("written");
    println!("\n{} of {} sets without a fault; the table is in {}", sets.len() - faulty, sets.len(), table.display());
    ExitCode::from(u8::from(faulty > 0))
}

/// Where a campaign keeps what it has.
fn results(campaign: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..").join(campaign);
    fs_err::create_dir_all(&folder).expect("made");
    fs_err::canonicalize(folder).expect("there")
}
