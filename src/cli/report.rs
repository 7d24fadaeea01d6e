//! Errors as people read them: drawn with the lines of the recipe they are about, causes below, what to do next.

use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan};

use super::terminal::{self, Colours};
use crate::distribution::suite::DocumentError;
use crate::image::ImageError;
use crate::import::ImportError;
use crate::model::{Place, RecipeName, SourceMap, printable, printable_line, printable_output};
use crate::ops::{OpsError, PinError, ShowError, StepError, SuiteError};
use crate::plan::PlanError;
use crate::recipe::{Excerpt, Mistakes};
use crate::stage::{ScriptsError, StageError};
use crate::store::FREE_SPACE;

/// An error with everything that is said about it.
#[derive(Debug)]
struct Drawn {
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<Excerpt>,
}

impl fmt::Display for Drawn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl Diagnostic for Drawn {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }
}

/// Draws `error` on stderr.
pub(super) fn report(error: &OpsError, sources: Option<&SourceMap>, colour: bool) {
    let handler = handler(colour);
    let mut text = String::new();
    match error {
        OpsError::Recipes { mistakes: found } => {
            mistakes(found, colour);
            let count = found.list.len();
            text.push_str(&format!("{count} mistake{} in the recipes\n", super::progress::plural(count)));
        }
        OpsError::Steps { failures, .. } => {
            for failure in failures {
                report(failure, sources, colour);
            }
            return;
        }
        _ => {
            for drawn in draw(error, sources) {
                let _ = handler.render_report(&mut text, &drawn);
                text.push('\n');
            }
        }
    }
    terminal::draw(&text, Colours::when(colour));
}

/// Draws mistakes on stderr.
pub(super) fn mistakes(mistakes: &Mistakes, colour: bool) {
    let handler = handler(colour);
    let mut text = String::new();
    for report in mistakes.reports() {
        let _ = handler.render_report(&mut text, &report); // writing to a string cannot fail
        text.push('\n');
    }
    terminal::draw(&text, Colours::when(colour));
}

fn handler(colour: bool) -> GraphicalReportHandler {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    GraphicalReportHandler::new_themed(theme).with_width(terminal::width()).with_links(false)
}

fn draw(error: &OpsError, sources: Option<&SourceMap>) -> Vec<Drawn> {
    match error {
        OpsError::Plan { source: PlanError::Unfit { misfits } } => {
            let mut recipes: Vec<&RecipeName> = misfits.iter().map(|misfit| &misfit.recipe).collect();
            recipes.dedup();
            let drawn = recipes.into_iter().map(|recipe| {
                let of_recipe: Vec<_> = misfits.iter().filter(|misfit| misfit.recipe == *recipe).collect();
                let mut lines: Vec<String> = of_recipe.iter().map(|misfit| format!("\n  - {misfit}")).collect();
                lines.dedup();
                let mut places: Vec<_> =
                    of_recipe.iter().map(|misfit| (misfit.place, "asked for here".to_owned())).collect();
                places.sort_by_key(|(place, _)| *place);
                places.dedup_by_key(|(place, _)| *place);
                let message = format!("the lock does not fit recipe `{recipe}`:{}", lines.concat());
                at(message, &places, Some(format!("run `orchestrate refresh {recipe}`")), sources)
            });
            drawn.collect()
        }
        OpsError::Step { source, .. } if let StepError::Stage(StageError::Failed(failure)) = source.as_ref() => {
            let script = failure.script.trim_end().lines().map(|line| format!("\n    {}", line.trim_start()));
            let lines = failure.tail.iter().map(|line| format!("\n    {}", printable_output(line)));
            let message = format!(
                "{}\n  while it ran{}\n  it said last{}",
                chain(error),
                script.collect::<String>(),
                lines.collect::<String>()
            );
            let places: Vec<_> = place(error).into_iter().map(|place| (place, "this step".to_owned())).collect();
            vec![at(message, &places, help(error), sources)]
        }
        OpsError::Step { source, .. }
            if let StepError::Image(ImageError::Scripts { source: ScriptsError::Failed { tail, .. } }) =
                source.as_ref() =>
        {
            let lines: String = tail.iter().map(|line| format!("\n    {}", printable_output(line))).collect();
            let places: Vec<_> = place(error).into_iter().map(|place| (place, "asked for here".to_owned())).collect();
            vec![at(format!("{}\n  it said last{lines}", chain(error)), &places, help(error), sources)]
        }
        OpsError::Unsatisfiable { source, .. } => {
            vec![at(chain(error), &source.places, source.help.clone(), sources)]
        }
        _ => {
            let places: Vec<_> = place(error).into_iter().map(|place| (place, "asked for here".to_owned())).collect();
            vec![at(chain(error), &places, help(error), sources)]
        }
    }
}

/// The message and those of all causes, each on its own line.
fn chain(error: &OpsError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let message = source.to_string();
        if !text.ends_with(&message) {
            text.push_str("\n  ");
            text.push_str(&message.replace('\n', "\n  "));
        }
        cause = source.source();
    }
    text
}

fn at(message: String, places: &[(Place, String)], help: Option<String>, sources: Option<&SourceMap>) -> Drawn {
    let message = printable(&message).into_owned();
    let help = help.map(|help| printable(&help).into_owned());
    let mut drawn = Drawn { message, help, labels: Vec::new(), source: None };
    if let (Some(sources), Some((first, _))) = (sources, places.first()) {
        let here: Vec<&(Place, String)> = places.iter().filter(|(place, _)| place.file == first.file).collect();
        let of_file: Vec<Place> = here.iter().map(|(place, _)| *place).collect();
        let (excerpt, ranges) = Excerpt::new(sources.file(first.file), &of_file);
        let label = |(range, (_, text)): (_, &(Place, String))| {
            LabeledSpan::new_with_span(Some(printable_line(text).into_owned()), range)
        };
        drawn.labels = ranges.into_iter().zip(here).map(label).collect();
        drawn.source = Some(excerpt);
    }
    drawn
}

/// Where in a recipe an error is about.
fn place(error: &OpsError) -> Option<Place> {
    match error {
        OpsError::Suite { place, .. }
        | OpsError::NoMirror { place, .. }
        | OpsError::NoSourcePackage { place, .. }
        | OpsError::Pin { place, .. }
        | OpsError::NoDistribution { place, .. }
        | OpsError::TooLarge { place, .. }
        | OpsError::Plan {
            source:
                PlanError::NoToolchain { place, .. }
                | PlanError::ToolchainFromImage { place, .. }
                | PlanError::CacheInSearchPath { place, .. }
                | PlanError::Local { place, .. }
                | PlanError::Dangling { place, .. },
        } => Some(*place),
        OpsError::Step { place, source, .. } => match source.as_ref() {
            StepError::Absent { place, .. } => Some(*place),
            StepError::Image(error) => error.place().or(*place),
            _ => *place,
        },
        _ => None,
    }
}

/// What to do about an error.
fn help(error: &OpsError) -> Option<String> {
    own_help(error).or_else(|| is_full(error).then(|| FREE_SPACE.to_owned()))
}

/// Whether a file system without room, or a quota that is used up, is among the causes.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let own = matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded));
    own || error.source().is_some_and(is_full)
}

/// What the error itself says about what to do.
fn own_help(error: &OpsError) -> Option<String> {
    match error {
        OpsError::NoProject { .. } => Some("go to the repository of images, or name it with `--project DIR`".to_owned()),
        OpsError::Import { source: ImportError::UnknownKind, .. } => {
            Some("say what it is with `--kind dockerfile`, `--kind apko` or `--kind melange`".to_owned())
        }
        OpsError::Import { source: ImportError::NoName, .. } => Some("call it with `--name NAME`".to_owned()),
        OpsError::Import { .. } => Some("is it of another kind? `--kind` says which".to_owned()),
        OpsError::Exists { .. } => Some("nothing was written: choose another name, or remove what is there".to_owned()),
        OpsError::ImageExists { .. } => {
            Some("names of images are unique in a project: choose another one; `orchestrate list` shows all".to_owned())
        }
        OpsError::Lock { source } => Some(source.help()),
        OpsError::Store { source } => source.help(),
        OpsError::Fetch { source } => source.help(),
        OpsError::Plan { source: PlanError::UnknownImage { name, known } } => {
            let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            Some(suggest(name.as_str(), &known))
        }
        OpsError::Plan { source: PlanError::NotFor { known, .. } } => {
            Some(format!("its recipe is for {}", known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
        }
        OpsError::Show { source: ShowError::Unknown { name, known } } => {
            Some(suggest(name, &known.iter().map(String::as_str).collect::<Vec<_>>()))
        }
        OpsError::Show { source: ShowError::NotFor { known, .. } } => {
            Some(format!("it is for {}", known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
        }
        OpsError::Plan { source: PlanError::CacheInSearchPath { .. } } => {
            Some("choose another folder for the cache, like `/cache`".to_owned())
        }
        OpsError::VendorRefused { option, .. } => Some(format!(
            "run `orchestrate fetch`, which runs vendor steps and compares what they give with the lock, with the same store first; then `build {option}` finds it there"
        )),
        OpsError::TooLarge { .. } => Some(
            "leave packages or files out (`exclude`), raise `size` in the policy of images/project.kdl, or write `waive \"policy-size\" reason=\"…\"` in the image".to_owned(),
        ),
        OpsError::UnknownRecipe { name, known } => {
            Some(suggest(name, &known.iter().map(String::as_str).collect::<Vec<_>>()))
        }
        OpsError::NoMirror { archive, .. } => Some(format!(
            "name one in the environment file: `mirror \"{archive}\" \"http://…\"`, or give the archive a `snapshot` in project.kdl"
        )),
        OpsError::NoSuites => Some("run `orchestrate refresh` first".to_owned()),
        OpsError::NoDistribution { .. } => Some("say where its packages come from: add `distribution NAME suite=SUITE` to the image, as images/project.kdl declares it".to_owned()),
        OpsError::Step { source, .. } => match source.as_ref() {
            StepError::Stage(error) => error.help(),
            StepError::Root(error) => error.help(),
            StepError::Source(error) => error.help(),
            StepError::Image(error) => error.help(),
            StepError::Store(error) => error.help(),
            StepError::Fetch(error) => error.help(),
            StepError::OtherTree { .. } | StepError::OtherBase { .. } => Some(
                "somebody changed the lock by hand, or what it was made from changed: find out which, then run `orchestrate refresh` for the recipe and review what moves".to_owned(),
            ),
            StepError::Registry { source, .. } => match source.as_ref() {
                PinError::Fetch(error) => error.help(),
                _ => None,
            },
            StepError::NotGranted { add, .. } => Some(format!("if it should, add {add}")),
            StepError::NoVariable { variable, .. } => {
                Some(format!("set `{variable}`, or name a file with the secret in the environment file"))
            }
            StepError::World(_) => None,
            StepError::Absent { .. } => Some("look at what the step put into \"$OUT\"".to_owned()),
        },
        OpsError::Suite { source, .. } => match source.as_ref() {
            SuiteError::Fetch(error) => error.help(),
            SuiteError::Document(DocumentError::Signature(_)) | SuiteError::Keys { .. } | SuiteError::Keyring { .. } => Some(
                "whom to trust is decided by the archive's `keyring` in project.kdl, below `images/`; a mirror may also serve a broken file"
                    .to_owned(),
            ),
            SuiteError::Document(DocumentError::Expired(_)) => Some(
                "the mirror is behind (name another one in the environment file), or this machine's clock is wrong".to_owned(),
            ),
            SuiteError::Store(error) => error.help(),
            error if error.is_older() => Some(
                "the mirror is behind or replays an old release: name another one in the environment file; to go back on purpose, run `orchestrate refresh --allow-older`"
                    .to_owned(),
            ),
            _ => None,
        },
        OpsError::Pin { source, .. } => match source.as_ref() {
            PinError::Fetch(error) => error.help(),
            PinError::Store(error) => error.help(),
            _ => None,
        },
        _ => None,
    }
}

fn suggest(name: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
    match known.iter().min_by_key(distance).filter(|near| distance(near) <= name.len() / 2) {
        Some(found) => format!("did you mean `{found}`? `orchestrate list` shows all"),
        None => "`orchestrate list` shows all".to_owned(),
    }
}
