//! Each verb: calls one function of `ops` and prints what it gives.

use std::io::{self, Write as _};
use std::time::Duration;

use super::Exit;
use super::args::{Arguments, Build, Cache, Chosen, Command, Fetch, List, Plan, Refresh};
use super::progress::{Progress, plural};
use super::{audit, check, completions, find, fmt, import, lsp, man, new, report, setup, show, terminal};
use crate::model::{ByteSize, SourceMap};
use crate::ops::{
    self, BuildReport, BuildRequest, OnFailure, OpsError, Output, RefreshMode, RefreshReport, RefreshRequest,
    Vendoring, Workspace,
};
use crate::store::{Retention, Usage};

/// Runs what was asked for and reports what went wrong.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let threads = setup::jobs(&arguments.common).get();
    // only fails when it was set before, and nothing before this uses it
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    let progress = Progress::new(arguments.common.quiet);
    let mut sources = None;
    let result = dispatch(arguments, &progress, &mut sources);
    progress.clear();
    result.unwrap_or_else(|error| {
        // a reader that has seen enough is no failure
        if let OpsError::Io { source } = &error
            && source.kind() == io::ErrorKind::BrokenPipe
        {
            return Exit::Done;
        }
        report::report(&error, sources.as_ref(), setup::colour(&arguments.common));
        Exit::Failed
    })
}

/// Loads recipes and lock, and keeps the texts for errors that point into them.
fn load(arguments: &Arguments, sources: &mut Option<SourceMap>) -> Result<Workspace, OpsError> {
    let workspace = setup::workspace(&arguments.common)?;
    *sources = Some(workspace.project.sources.clone());
    Ok(workspace)
}

/// Most warnings that are drawn before work begins.
const WARNINGS: usize = 5;

/// The same for verbs that work long: shows what is worth a second look first.
fn load_and_warn(arguments: &Arguments, sources: &mut Option<SourceMap>) -> Result<Workspace, OpsError> {
    let workspace = load(arguments, sources)?;
    if !arguments.common.quiet && !workspace.warnings.is_empty() {
        let mut shown = workspace.warnings.clone();
        let more = shown.list.len().saturating_sub(WARNINGS);
        shown.list.truncate(WARNINGS);
        report::mistakes(&shown, setup::colour(&arguments.common));
        if more > 0 {
            terminal::say(format!("and {more} more warning{}: `orchestrate check` shows all", plural(more)));
        }
    }
    Ok(workspace)
}

fn dispatch(arguments: &Arguments, progress: &Progress, sources: &mut Option<SourceMap>) -> Result<Exit, OpsError> {
    match &arguments.command {
        Command::Build(verb) => build(arguments, verb, progress, sources),
        Command::Fetch(verb) => fetch(arguments, verb, progress, sources),
        Command::Plan(verb) => plan(arguments, verb, progress, sources),
        Command::Refresh(verb) => refresh(arguments, verb, progress, sources),
        Command::Check(verb) => check::run(&arguments.common, verb),
        Command::Audit(verb) => {
            let workspace = load(arguments, sources)?;
            audit::run(&arguments.common, verb, &workspace, progress)
        }
        Command::Find(verb) => {
            let workspace = load(arguments, sources)?;
            find::run(&arguments.common, verb, &workspace, progress)
        }
        Command::Show(verb) => show::run(&arguments.common, verb),
        Command::Lsp => lsp::run(&arguments.common),
        Command::Fmt(verb) => fmt::fmt(&arguments.common, verb),
        Command::List(verb) => list(arguments, verb, sources),
        Command::New(verb) => new::new(&arguments.common, verb),
        Command::Import(verb) => import::import(&arguments.common, verb),
        Command::Cache(verb) => cache(arguments, verb, progress),
        Command::Completions { shell } => completions::run(*shell),
        Command::Schema => {
            terminal::json(&crate::recipe::language())?;
            Ok(Exit::Done)
        }
        Command::Man { folder } => man::run(folder.as_deref()),
    }
}

fn request(chosen: &Chosen, outputs: Vec<Output>, on_failure: OnFailure) -> BuildRequest {
    let (images, platforms) = (chosen.images.clone(), chosen.platform.clone());
    BuildRequest { images, platforms, outputs, on_failure, vendoring: Vendoring::Allowed }
}

fn build(
    arguments: &Arguments,
    verb: &Build,
    progress: &Progress,
    sources: &mut Option<SourceMap>,
) -> Result<Exit, OpsError> {
    let workspace = load_and_warn(arguments, sources)?;
    let services = setup::services(&arguments.common, verb.offline, progress)?;
    let outputs = match verb.output.as_slice() {
        [] => vec![Output::Oci(workspace.project.root.join("dist").into())],
        outputs => outputs.to_vec(),
    };
    let on_failure = if verb.debug_shell { OnFailure::Shell } else { OnFailure::Report };
    let vendoring = match (verb.no_vendor, verb.offline) {
        (true, _) => Vendoring::Refused,
        (false, true) => Vendoring::Offline,
        (false, false) => Vendoring::Allowed,
    };
    let request = BuildRequest { vendoring, ..request(&verb.chosen, outputs, on_failure) };
    let report = ops::build(&workspace, &services, &request)?;
    progress.clear();
    if !arguments.common.quiet {
        let said = if report.ran == 0 {
            format!("nothing to do: all {} step{} are done", report.steps, plural(report.steps))
        } else {
            let images = report.images.len();
            format!("{images} image{} written to {}", plural(images), report.outputs.join(" and "))
        };
        terminal::say(said);
    }
    if verb.json {
        terminal::json(&report)?
    } else {
        print_images(&report)?
    }
    Ok(Exit::Done)
}

fn print_images(report: &BuildReport) -> Result<(), OpsError> {
    let mut out = terminal::data();
    for image in &report.images {
        for built in &image.platforms {
            writeln!(out, "{}\t{}\t{}", image.name, built.platform, built.manifest)?;
        }
        writeln!(out, "{}\tindex\t{}", image.name, image.index)?;
    }
    Ok(())
}

fn fetch(
    arguments: &Arguments,
    verb: &Fetch,
    progress: &Progress,
    sources: &mut Option<SourceMap>,
) -> Result<Exit, OpsError> {
    let workspace = load(arguments, sources)?;
    let services = setup::services(&arguments.common, false, progress)?;
    ops::fetch(&workspace, &services, &request(&verb.chosen, Vec::new(), OnFailure::Report))?;
    progress.clear();
    if !arguments.common.quiet {
        terminal::say(format_args!("everything is here: `orchestrate build --offline` needs no network"));
    }
    Ok(Exit::Done)
}

fn plan(
    arguments: &Arguments,
    verb: &Plan,
    progress: &Progress,
    sources: &mut Option<SourceMap>,
) -> Result<Exit, OpsError> {
    let workspace = load(arguments, sources)?;
    let services = setup::services(&arguments.common, true, progress)?;
    let steps = ops::plan_steps(&workspace, &services, &request(&verb.chosen, Vec::new(), OnFailure::Report))?;
    if verb.json {
        terminal::json(&steps)?;
        return Ok(Exit::Done);
    }
    let mut out = terminal::data();
    for step in steps.iter().filter(|step| verb.all || !step.run.is_empty()) {
        let state = if step.run.is_empty() { "done" } else { "run" };
        writeln!(out, "{state:4}  {:44} {}", step.step, step.key.short())?;
        for reason in &step.run {
            writeln!(out, "        {reason}")?;
        }
    }
    let to_run = steps.iter().filter(|step| !step.run.is_empty()).count();
    terminal::say(format_args!("{to_run} of {} steps would run", steps.len()));
    Ok(Exit::Done)
}

fn refresh(
    arguments: &Arguments,
    verb: &Refresh,
    progress: &Progress,
    sources: &mut Option<SourceMap>,
) -> Result<Exit, OpsError> {
    let workspace = load_and_warn(arguments, sources)?;
    let services = setup::services(&arguments.common, false, progress)?;
    let mode = if verb.check { RefreshMode::Check } else { RefreshMode::Write };
    let (recipes, only, allow_older) = (verb.recipes.clone(), verb.only.clone(), verb.allow_older);
    let request = RefreshRequest { recipes, only, mode, allow_older };
    let report = ops::refresh(&workspace, &services, &request)?;
    progress.clear();
    if verb.json {
        terminal::json(&report)?
    } else {
        print_moves(&report)?
    }
    if !arguments.common.quiet {
        terminal::say(summary(&report, mode));
    }
    Ok(if verb.check && report.changed { Exit::NotUpToDate } else { Exit::Done })
}

/// A table for people; for programs, words with tabs between them.
fn print_moves(report: &RefreshReport) -> Result<(), OpsError> {
    if terminal::data_goes_to_a_terminal() && !report.moves.is_empty() {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["RECIPE", "WHAT", "WAS", "", "IS", "IN"]);
        for moved in &report.moves {
            let was = moved.old.clone().unwrap_or_default();
            let is = moved.new.clone().unwrap_or_else(|| "gone".to_owned());
            table.add_row([moved.recipe.to_string(), moved.what.clone(), was, "→".to_owned(), is, moved.part.clone()]);
        }
        return Ok(writeln!(terminal::data(), "{}", table.trim_fmt())?);
    }
    let mut out = terminal::data();
    for moved in &report.moves {
        let (old, new) = (moved.old.as_deref().unwrap_or("-"), moved.new.as_deref().unwrap_or("-"));
        writeln!(out, "{}\t{}\t{old}\t{new}\t{}", moved.recipe, moved.what, moved.part)?;
    }
    Ok(())
}

fn summary(report: &RefreshReport, mode: RefreshMode) -> String {
    let count = report.moves.len();
    match (report.changed, mode) {
        (false, _) => "nothing moved".to_owned(),
        (true, RefreshMode::Check) => format!("{count} pin{} would move", plural(count)),
        (true, RefreshMode::Write) => format!("{count} pin{} moved; review the change of `lock/`", plural(count)),
    }
}

fn list(arguments: &Arguments, verb: &List, sources: &mut Option<SourceMap>) -> Result<Exit, OpsError> {
    if let Some(names) = verb.names {
        return completions::names(&arguments.common, names);
    }
    let workspace = load(arguments, sources)?;
    let images = ops::list(&workspace.project);
    if verb.json {
        terminal::json(&images)?;
        return Ok(Exit::Done);
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["IMAGE", "FROM", "PLATFORMS", "RECIPE", "TITLE"]);
    for image in &images {
        let platforms: Vec<String> = image.platforms.iter().map(ToString::to_string).collect();
        let title = image.title.clone().unwrap_or_default();
        table.add_row([
            image.name.to_string(),
            image.from.clone(),
            platforms.join(" "),
            image.recipe.to_string(),
            title,
        ]);
    }
    writeln!(terminal::data(), "{}", table.trim_fmt())?;
    Ok(Exit::Done)
}

fn print_usage(usage: &Usage) -> Result<(), OpsError> {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["KIND", "ENTRIES", "SIZE"]);
    let trees = usage.trees.iter().map(|(name, count)| (format!("trees/{name}"), count));
    let records = usage.records.iter().map(|(name, count)| (format!("steps/{name}"), count));
    let total = usage.total();
    let caches = usage.caches.iter().map(|(domain, count)| (format!("caches/{domain}"), count));
    let rows = std::iter::once(("blobs".to_owned(), &usage.blobs)).chain(trees).chain(records).chain(caches);
    let last = [("logs", &usage.logs), ("parts", &usage.parts), ("total", &total)];
    for (kind, count) in rows.chain(last.map(|(name, count)| (name.to_owned(), count))) {
        table.add_row([kind, count.entries.to_string(), ByteSize(count.bytes).to_string()]);
    }
    Ok(writeln!(terminal::data(), "{}", table.trim_fmt())?)
}

fn cache(arguments: &Arguments, verb: &Cache, progress: &Progress) -> Result<Exit, OpsError> {
    let store = setup::store(&arguments.common, &setup::environment(&arguments.common)?)?;
    match verb {
        Cache::Status { json: as_json } => {
            let usage = store.status()?;
            if *as_json {
                terminal::json(&usage)?;
            } else {
                print_usage(&usage)?;
            }
        }
        Cache::Verify { repair, json: as_json } => {
            let problems = store.verify()?;
            progress.clear();
            if *as_json {
                let listed = problems.iter().map(|problem| (&problem.path, &problem.reason));
                terminal::json(&listed.collect::<Vec<_>>())?;
            } else {
                for problem in &problems {
                    writeln!(terminal::data(), "{}\t{}", problem.path.display(), problem.reason)?;
                }
            }
            if *repair {
                store.discard(&problems)?;
            }
            return Ok(if problems.is_empty() || *repair { Exit::Done } else { Exit::Failed });
        }
        Cache::Clean { keep_size, keep_days } => {
            let age = keep_days.map(|days| Duration::from_secs(u64::from(days) * 24 * 3600));
            let cleaned = store.clean(Retention { size: *keep_size, age })?;
            let (removed, kept) = (cleaned.removed, cleaned.kept);
            writeln!(terminal::data(), "removed\t{}\t{}", removed.entries, ByteSize(removed.bytes))?;
            writeln!(terminal::data(), "kept\t{}\t{}", kept.entries, ByteSize(kept.bytes))?;
        }
    }
    Ok(Exit::Done)
}
