//! The page of the campaign of faults, in Markdown.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use super::faults_campaign::{IMAGES, Results};
use crate::faults::kills::Tally;
use crate::support::text_of;

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let options = &results.options;
    let command =
        format!("hack/faults.sh --kills {} --points {} --seed {}", options.kills, options.points, options.seed);
    let mut page = format!(
        "<!-- written by `hack/faults.sh`: run it again instead of editing this page -->\n# Faults\n\nWhat happens when the \
         program is killed, the disk is full, many processes share a store, or mirrors misbehave. Built are the images {} of \
         this repository for both platforms. Each result is compared with that of an undisturbed build: printed digests and \
         all files of the OCI layout. After each round `cache verify` hashes the whole store.\n\n",
        IMAGES.map(|image| format!("`{image}`")).join(", ")
    );
    let date = text_of("coreutils", Command::new("date").args(["--utc", "+%Y-%m-%d"]));
    let _ = writeln!(page, "- command: `{command}`");
    let _ = writeln!(page, "- run on {} in {}", date.trim(), long(results.took));
    let _ = writeln!(page, "- {}", if results.holds() { "**all of it held**" } else { "**not all of it held**" });
    kills(&mut page, &results.kills);
    let (full, tried) = results.full;
    let _ = writeln!(
        page,
        "\n## Full file systems\n\nThe store and the output are on a file system in memory of a random size, from almost \
         nothing to all that the build needs. The error has to say that no space is left and what to do; then the file system \
         grows, and the same store has to go on to the same result.\n\n- {tried} sizes, {full} of them too small"
    );
    let _ = writeln!(
        page,
        "\n## Eight processes in one store\n\nThree build all images, five build one or two of them.\n\n- {} steps, each done \
         by one process",
        results.shared_steps.unwrap_or_default()
    );
    page.push_str(
        "\n## Mirrors\n\nA mirror in trouble stands before a good one, in an empty store. No result may differ, and no build may \
         take 15 minutes longer.\n\n| the first mirror | builds | takes longer by |\n|---|---|--:|\n",
    );
    for (manner, project, longer) in &results.mirrors {
        let _ = writeln!(page, "| {manner} | {project} | {} |", long(*longer));
    }
    let more = results.kills.iter().flat_map(|tally| tally.wrong.iter().chain(&tally.broken));
    let faults: Vec<&String> = results.faults.iter().chain(more).collect();
    if !faults.is_empty() {
        page.push_str("\n## Faults\n\n");
        faults.iter().for_each(|fault| page.push_str(&format!("```\n{fault}\n```\n")));
    }
    page
}

fn kills(page: &mut String, tallies: &[Tally]) {
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let _ = writeln!(
        page,
        "\n## Killed\n\n`kill -9` at random moments, again and again in one store, until a run comes to its end.\n\n- {} kills, \
         {} rounds completed\n- {} wrong digests\n- {} clean-ups by hand",
        sum(|tally| tally.kills),
        sum(|tally| tally.completions),
        sum(|tally| tally.wrong.len()),
        sum(|tally| tally.broken.len())
    );
    page.push_str(
        "\nTime lost is how much longer the rounds took than as many undisturbed runs. The last column counts the kills in each \
         tenth of the time that an undisturbed run takes.\n\n| killed while | kills | rounds | undisturbed | lost per kill | when |\n\
         |---|--:|--:|--:|--:|---|\n",
    );
    for tally in tallies {
        let tenths: Vec<String> = tally.tenths.iter().map(ToString::to_string).collect();
        let per_kill = tally.lost / u32::try_from(tally.kills.max(1)).unwrap_or(u32::MAX);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            tally.name,
            tally.kills,
            tally.completions,
            long(tally.undisturbed),
            long(per_kill),
            tenths.join(" ")
        );
    }
}

fn long(time: Duration) -> String {
    match time.as_secs() {
        0..100 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min", seconds / 60),
    }
}
