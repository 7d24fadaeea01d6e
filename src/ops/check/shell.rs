//! Shell scripts, those of stages and those that are copied into images: their syntax, by the shell itself, and what
//! `shellcheck` says where it is installed.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use serde::Deserialize;

use super::CheckFinding;
use crate::model::{Place, SourceMap};
use crate::ops::OpsError;
use crate::recipe::{CopyFrom, ImageEntryKind, Mistake, Origin, Project, ProjectDir, Recipe, Stage};

/// Largest script that is looked at.
const LARGEST: u64 = 1 << 20;
/// Most scripts of a recipe that are looked at: a program is started for each.
const MOST_SCRIPTS: usize = 250;
/// Most files of a copied folder that are looked at.
const MOST_FILES: usize = 1000;

/// A script: what it says, and where its lines stand.
struct Script {
    shell: &'static str,
    text: String,
    lines: Lines,
}

/// Where the lines of a script stand.
enum Lines {
    /// In a file of their own.
    File(Place),
    /// In the text of a recipe, from this place on.
    Recipe(Place),
}

/// Checks all scripts of the project; files that are read are added to `sources`.
pub(super) fn check(project: &Project, sources: &mut SourceMap) -> Result<Vec<CheckFinding>, OpsError> {
    let mut scripts = Vec::new();
    let mut seen = BTreeSet::new();
    let mut looked_at = BTreeSet::new();
    let mut skipped = Vec::new();
    for set in project.recipes.values() {
        let mut left = MOST_SCRIPTS;
        for recipe in set.on.values() {
            for run in stages(recipe).flat_map(|stage| &stage.run) {
                if !seen.insert((run.place, run.value.clone())) {
                    continue;
                }
                if left == 0 {
                    skipped.push(run.place);
                } else {
                    left -= 1;
                    let lines = Lines::Recipe(run.place);
                    scripts.push(Script { shell: "sh", text: run.value.clone(), lines });
                }
            }
            scripts.extend(copied(project, &set.folder, recipe, &mut looked_at, sources)?);
        }
    }
    let sources = &*sources;
    let found: Result<Vec<Vec<CheckFinding>>, io::Error> = scripts
        .par_iter()
        .map(|script| {
            Ok(match syntax(script, sources)? {
                Some(found) => vec![found],
                None => lint(script, sources)?,
            })
        })
        .collect();
    let mut found: Vec<CheckFinding> = found?.into_iter().flatten().collect();
    found.extend(skipped.first().map(|first| {
        let message = format!("{} scripts were not checked: a recipe has too many of them", skipped.len());
        let help = format!("split the recipe: {MOST_SCRIPTS} scripts of each are checked");
        CheckFinding::new("shell", Mistake::new(*first, message, "the first of them", help).as_warning())
    }));
    Ok(found)
}

fn stages(recipe: &Recipe) -> impl Iterator<Item = &Stage> {
    let vendors = recipe.sources.values().filter_map(|source| match &source.origin {
        Origin::Vendor(stage) => Some(&**stage),
        _ => None,
    });
    recipe.stages.values().chain(vendors)
}

/// The scripts among the files beside a recipe that its images copy, each once.
fn copied(
    project: &Project,
    folder: &Utf8Path,
    recipe: &Recipe,
    looked_at: &mut BTreeSet<Utf8PathBuf>,
    sources: &mut SourceMap,
) -> Result<Vec<Script>, OpsError> {
    let entries = recipe.images.values().flat_map(|image| &image.entries);
    let paths: BTreeSet<&Utf8PathBuf> = entries
        .filter_map(|entry| match &entry.kind {
            ImageEntryKind::Copy { from: CopyFrom::Local(path), .. } => Some(&path.value),
            _ => None,
        })
        .collect();
    let mut scripts = Vec::new();
    let root = ProjectDir::open(&project.root)?;
    for path in paths {
        for name in files(&root, folder.join(path))? {
            if !looked_at.insert(name.clone()) {
                continue;
            }
            let Some((shell, text)) = script(&root, &name)? else { continue };
            let place = Place { file: sources.add(name.as_str(), text.as_str()), offset: 0, length: 0 };
            scripts.push(Script { shell, text, lines: Lines::File(place) });
        }
    }
    Ok(scripts)
}

/// A file, or the files in a folder; links are not followed.
fn files(root: &ProjectDir, path: Utf8PathBuf) -> io::Result<Vec<Utf8PathBuf>> {
    let (mut found, mut waiting) = (Vec::new(), vec![path]);
    while let Some(path) = waiting.pop() {
        let Some(metadata) = root.dir().find(&path)? else { continue };
        if metadata.is_file() {
            found.push(path);
        } else if metadata.is_dir() {
            waiting.extend(root.names(&path)?.into_iter().map(|name| path.join(name)));
        }
        if found.len() + waiting.len() > MOST_FILES {
            break;
        }
    }
    found.sort();
    Ok(found)
}

/// The shell and the text of a file that is a shell script of a moderate size.
fn script(root: &ProjectDir, path: &Utf8Path) -> io::Result<Option<(&'static str, String)>> {
    let mut file = root.dir().open_file(path)?;
    if file.metadata()?.len() > LARGEST {
        return Ok(None);
    }
    let mut start = [0; 2];
    if file.read(&mut start)? < 2 || start != *b"#!" {
        return Ok(None);
    }
    let mut text = String::from("#!");
    if file.take(LARGEST).read_to_string(&mut text).is_err() {
        return Ok(None); // not text
    }
    let first = text.lines().next().unwrap_or_default();
    let mut words = first[2..].split_whitespace().map(|word| word.rsplit('/').next().unwrap_or_default());
    let program = words.by_ref().find(|word| *word != "env" && !word.starts_with('-')).unwrap_or_default();
    let shell = ["sh", "bash", "dash"].into_iter().find(|shell| *shell == program);
    Ok(shell.map(|shell| (shell, text)))
}

/// What a program said of a script.
struct Answer {
    right: bool,
    stdout: String,
    stderr: String,
}

/// Runs a program that reads the script; none when it is not installed.
fn ask(program: &str, arguments: &[&str], script: &str) -> io::Result<Option<Answer>> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // a program that has seen enough closes its end
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(script.as_bytes())));
        let output = child.wait_with_output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let right = output.status.success();
        Ok(Some(Answer { right, stdout: text(output.stdout), stderr: text(output.stderr) }))
    })
}

/// What the shell says of a script that it does not run.
fn syntax(script: &Script, sources: &SourceMap) -> io::Result<Option<CheckFinding>> {
    let Some(Answer { right: false, stderr: said, .. }) = ask(script.shell, &["-n"], &script.text)? else {
        return Ok(None);
    };
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says no more");
    let number = line.split(':').find_map(|part| part.trim().trim_start_matches("line ").parse::<usize>().ok());
    // `sh: 3: Syntax error: …`, `bash: line 3: syntax error …`
    let after = |text: &str| text.split_once(": ").map(|(_, rest)| rest.to_owned());
    let message = match number {
        Some(_) => after(line).and_then(|rest| after(&rest)).unwrap_or_else(|| line.to_owned()),
        None => line.to_owned(),
    };
    let place = script.lines.line(number.unwrap_or(1), sources);
    let help = format!("`{} -n` refuses this script: mend its syntax", script.shell);
    let message = format!("this is no shell script: {}", message.trim_start_matches("Syntax error: "));
    Ok(Some(CheckFinding::new("shell", Mistake::new(place, message, "not understood by the shell", help))))
}

/// What `shellcheck` writes with `--format=json1`.
#[derive(Deserialize)]
struct Linted {
    comments: Vec<Comment>,
}

#[derive(Deserialize)]
struct Comment {
    line: usize,
    code: u32,
    message: String,
}

/// What `shellcheck` warns of. That variables are set elsewhere is true of every script of a stage.
fn lint(script: &Script, sources: &SourceMap) -> io::Result<Vec<CheckFinding>> {
    let shell = format!("--shell={}", script.shell);
    let arguments =
        ["--norc", "--format=json1", "--severity=warning", "--exclude=SC1090,SC1091,SC2148,SC2154", &shell, "-"];
    // steps run with `-eu`, which several rules ask for
    let text = match script.lines {
        Lines::Recipe(_) => format!("set -eu; {}", script.text),
        Lines::File(_) => script.text.clone(),
    };
    let Some(Answer { stdout: said, .. }) = ask("shellcheck", &arguments, &text)? else { return Ok(Vec::new()) };
    let Ok(linted) = serde_json::from_str::<Linted>(&said) else { return Ok(Vec::new()) };
    let findings = linted.comments.into_iter().map(|comment| {
        let rule = format!("SC{}", comment.code);
        let message = comment.message.trim_end_matches('.').to_owned();
        let place = script.lines.line(comment.line, sources);
        let help = format!("{rule} of shellcheck; where it is meant so, write `# shellcheck disable={rule}` above");
        CheckFinding::new(rule, Mistake::new(place, message, "here", help).as_warning())
    });
    Ok(findings.collect())
}

impl Lines {
    /// The place of a line, counted from one, without the space around it.
    fn line(&self, wanted: usize, sources: &SourceMap) -> Place {
        let (whole, text) = match self {
            Self::File(place) => (*place, &*sources.file(place.file).text),
            Self::Recipe(place) => {
                let (start, end) = (place.offset as usize, (place.offset + place.length) as usize);
                (*place, sources.file(place.file).text.get(start..end).unwrap_or_default())
            }
        };
        // text of several lines begins on the line after its quotes
        let skipped = usize::from(matches!(self, Self::Recipe(_)) && text.contains('\n'));
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX); // texts are small
        let mut offset = 0;
        let mut last = whole;
        // a shell that reaches the end too early names the line after it
        for line in text.split_inclusive('\n').take(wanted + skipped) {
            let (indentation, length) = (line.len() - line.trim_start().len(), line.trim().len());
            if length > 0 {
                last = Place { offset: whole.offset + number(offset + indentation), length: number(length), ..whole };
            }
            offset += line.len();
        }
        last
    }
}
