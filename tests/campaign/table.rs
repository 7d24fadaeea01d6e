//! The table of the campaign, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::fidelity::MINBASE;
use crate::fidelity::campaign::{Mode, Outcome, PLATFORM, SUITE};
use crate::fidelity::compare::{Allowed, Extent};
use crate::fidelity::sets::{EVERYWHERE, MODEL, SETS, Set};
use crate::support::text_of;

/// What a set came to.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    set: String,
    date: String,
    packages: usize,
    /// Scripts that the model refused; none when it configured the image.
    refused: Vec<String>,
    unexplained: usize,
    explained: usize,
    complaints: [Option<String>; 3],
}

impl Row {
    pub(crate) fn of(set: &Set, outcome: &Outcome) -> Self {
        Self {
            set: set.name.to_owned(),
            date: said("coreutils", Command::new("date").args(["--utc", "+%Y-%m-%d"])),
            packages: outcome.packages,
            refused: match &outcome.mode {
                Mode::Model => Vec::new(),
                Mode::Scripts(unknown) => unknown.clone(),
            },
            unexplained: outcome.comparison.unexplained.len(),
            explained: outcome.comparison.explained,
            complaints: outcome.complaints.clone(),
        }
    }

    pub(crate) fn write(&self, folder: &Path) {
        let text = serde_json::to_string_pretty(self).expect("serialises");
        fs_err::write(folder.join(format!("{}.json", self.set)), text).expect("written");
    }

    fn read(set: &Set, folder: &Path) -> Option<Self> {
        let text = fs_err::read_to_string(folder.join(format!("{}.json", set.name))).ok()?;
        Some(serde_json::from_str(&text).expect("a result of this campaign"))
    }
}

/// The whole page, of all sets that have been run.
pub(crate) fn all(folder: &Path) -> String {
    let rows: Vec<Row> = SETS.iter().filter_map(|set| Row::read(set, folder)).collect();
    let mut page = format!(
        "# How close images come to what debootstrap makes\n\nWritten by `hack/fidelity.sh`. Each set of packages, on top of a \
         minimal Debian ({SUITE}, {PLATFORM}), is built and compared, entry by entry (path, kind, mode, owner, size, content), \
         with what `mmdebstrap --variant=minbase` makes of the same packages by running their scripts as root. Then its main \
         program, `apt-get check` and `dpkg --audit` are run in it by podman.\n\n"
    );
    let dates: Vec<&str> = rows.iter().map(|row| row.date.as_str()).collect();
    let _ = writeln!(
        page,
        "- {} of {} sets, run {} to {}",
        rows.len(),
        SETS.len(),
        dates.iter().min().unwrap_or(&"-"),
        dates.iter().max().unwrap_or(&"-")
    );
    let clean = rows.iter().filter(|row| row.unexplained == 0).count();
    let _ = writeln!(page, "- {clean} without an unexplained difference");
    let versions = ["mmdebstrap", "dpkg", "apt", "podman"].map(|package| {
        let mut query = Command::new("dpkg-query");
        format!("{package} {}", said("dpkg", query.args(["-f", "${Version}", "-W", package])))
    });
    let _ = writeln!(page, "- made and run with {} (those of the machine, not of the images)", versions.join(", "));
    page.push_str("\n`model`: nothing was executed. `scripts`: the model refuses the set, and the packages' own scripts ran in the sandbox.\n\n");
    page.push_str("| set | packages | configured by | unexplained | explained | main program | `apt-get check` | `dpkg --audit` |\n|---|--:|---|--:|--:|---|---|---|\n");
    for row in &rows {
        let mode = if row.refused.is_empty() { "model" } else { "scripts" };
        let [program, check, audit] =
            row.complaints.each_ref().map(|said| if said.is_none() { "ok" } else { "**fails**" });
        let Row { set, packages, unexplained, explained, .. } = row;
        let _ = writeln!(
            page,
            "| {set} | {packages} | {mode} | {unexplained} | {explained} | {program} | {check} | {audit} |"
        );
    }
    page.push_str("\n## What is explained\n\n| where | paths | may differ in | why |\n|---|---|---|---|\n");
    let everywhere = MINBASE.iter().chain(EVERYWHERE).map(|allowed| ("everywhere", allowed));
    let model = MODEL.iter().map(|allowed| ("model", allowed));
    let own = SETS.iter().flat_map(|set| set.allowed.iter().map(move |allowed| (set.name, allowed)));
    for (place, Allowed { path, extent, reason }) in everywhere.chain(model).chain(own) {
        let what = match extent {
            Extent::Existence => "all",
            Extent::Content => "content",
        };
        let _ = writeln!(page, "| {place} | `{path}` | {what} | {reason} |");
    }
    page.push_str(
        "\n## What the model refuses\n\nScripts, with the sets that hold them.\n\n| script | sets |\n|---|---|\n",
    );
    let mut refused: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in &rows {
        row.refused.iter().for_each(|script| refused.entry(script).or_default().push(&row.set));
    }
    for (script, sets) in refused {
        let _ = writeln!(page, "| {script} | {} |", sets.join(", "));
    }
    page
}

fn said(package: &str, command: &mut Command) -> String {
    text_of(package, command).trim().to_owned()
}
