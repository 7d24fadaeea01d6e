//! `audit`: a table per image and platform, or JSON.

use std::io::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use super::Exit;
use super::args::{Audit, Common};
use super::progress::{Progress, plural};
use super::{setup, terminal};
use crate::distribution::system::Cover;
use crate::ops::{self, AuditedScript, ImageScripts, OpsError, Workspace};
use crate::recipe::Configure;

/// Columns where nothing says how many there are.
const WIDTH: u16 = 80;

pub(super) fn run(common: &Common, verb: &Audit, workspace: &Workspace, progress: &Progress) -> Result<Exit, OpsError> {
    let services = setup::services(common, verb.offline, progress)?;
    let images = ops::audit_scripts(workspace, &services, &verb.chosen.images, &verb.chosen.platform)?;
    progress.clear();
    if verb.json {
        terminal::json(&images)?;
    } else {
        print(&images)?;
    }
    let unknown = images.iter().flat_map(ImageScripts::unknown).count();
    if !common.quiet {
        terminal::say(summary(&images, unknown));
    }
    Ok(if unknown == 0 { Exit::Done } else { Exit::Failed })
}

fn summary(images: &[ImageScripts], unknown: usize) -> String {
    let scripts: usize = images.iter().map(|image| image.scripts.len()).sum();
    let looked = format!("{scripts} script{} of {} image{}", plural(scripts), images.len(), plural(images.len()));
    match unknown {
        0 => format!("{looked}: somebody vouches for all that the images need"),
        _ => format!(
            "{looked}: nobody vouches for {unknown}; `--json` has their lines. An image is built with them when it waives \
             `maintainer-script` with a reason, or lets the scripts run: `configure \"scripts\"`"
        ),
    }
}

fn print(images: &[ImageScripts]) -> Result<(), OpsError> {
    let mut out = terminal::data();
    let people = terminal::data_goes_to_a_terminal();
    let width = if people { u16::try_from(terminal::width()).unwrap_or(WIDTH) } else { WIDTH };
    for (index, image) in images.iter().enumerate() {
        let space = if index == 0 { "" } else { "\n" };
        writeln!(out, "{space}{} {}{}", image.image, image.platform, remark(image))?;
        if image.scripts.is_empty() {
            continue;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        table.set_header(["PACKAGE", "VERSION", "SCRIPT", "COVERED BY"]);
        for script in &image.scripts {
            let coverage = &script.coverage;
            table.add_row([&coverage.package, &coverage.version, coverage.script, &covered(script)]);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        writeln!(out, "{}", table.trim_fmt())?;
    }
    Ok(())
}

/// What is to be known of an image before its table.
fn remark(image: &ImageScripts) -> &'static str {
    match (image.packages, image.scripts.len(), image.configure) {
        (0, ..) => ": no packages of its own",
        (_, 0, _) => ": no scripts",
        (_, _, Configure::Model) => "",
        (_, _, Configure::Scripts) => ": its scripts are run (`configure \"scripts\"`)",
        (_, _, Configure::None) => ": its packages are not configured (`configure \"none\"`)",
    }
}

fn covered(script: &AuditedScript) -> String {
    let mut lines = vec![vouched(script)];
    if !script.coverage.snippets.is_empty() && !matches!(script.coverage.cover, Cover::Snippets) {
        lines.push(script.coverage.snippets.join(", "));
    }
    lines.extend(script.coverage.left_out.iter().map(|what| format!("left out: {what}")));
    lines.join("\n")
}

fn vouched(script: &AuditedScript) -> String {
    let versions = |checked: &[&str]| checked.join(", ");
    match (&script.coverage.cover, &script.waived) {
        (_, Some(reason)) => format!("a waiver: {reason}"),
        (Cover::Snippets, None) if script.coverage.snippets.is_empty() => "nothing to do".to_owned(),
        (Cover::Snippets, None) => script.coverage.snippets.join(", "),
        (Cover::Rule { fingerprint, checked, .. }, None) => {
            format!("rule {fingerprint}, checked with {}", versions(checked))
        }
        (Cover::NoEffect { fingerprint, checked, .. }, None) => {
            format!("no effect {fingerprint}, checked with {}", versions(checked))
        }
        (Cover::Interpreted { fingerprint }, None) => format!("interpreted {fingerprint}"),
        (Cover::Nothing { fingerprint, lines, checked }, None) => {
            let known = if checked.is_empty() { String::new() } else { format!(", known are {}", versions(checked)) };
            format!("nobody: {} unknown line{} {fingerprint}{known}", lines.len(), plural(lines.len()))
        }
    }
}
