//! `kill -9` at random moments, again and again in one store, until the work is done.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Random, Site, digests, remove, said};

/// Something that the program does, and that is killed while it does it.
pub(crate) struct Work<'w> {
    /// What it is called in the report.
    pub(crate) name: &'static str,
    /// The arguments of the program; it writes its images to `out` beside the store.
    pub(crate) arguments: &'w [&'w str],
    /// What is run after it, for work that gives no images itself: its result is what is compared.
    pub(crate) then: &'w [&'w str],
    /// Makes the store that a round begins with.
    pub(crate) prepare: &'w dyn Fn(&Path),
    /// How often it is killed in all.
    pub(crate) kills: usize,
}

/// What came of the kills of one work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// What it is called.
    pub(crate) name: String,
    /// How often it was killed.
    pub(crate) kills: usize,
    /// How many kills came in each tenth of the time that the work takes when nothing happens to it.
    pub(crate) tenths: [usize; 10],
    /// How many rounds ended with the result.
    pub(crate) completions: usize,
    /// Results that were not those of the undisturbed run.
    pub(crate) wrong: Vec<String>,
    /// Runs that did not go on by themselves, and entries of a store that are not what they are called.
    pub(crate) broken: Vec<String>,
    /// How long the undisturbed run took.
    pub(crate) undisturbed: Duration,
    /// How much longer the rounds took in all than as many undisturbed runs.
    pub(crate) lost: Duration,
}

impl Tally {
    /// One without kills.
    pub(crate) fn of(work: &Work<'_>) -> Self {
        Self { name: work.name.to_owned(), ..Self::default() }
    }

    /// Whether everything held.
    pub(crate) fn holds(&self) -> bool {
        self.wrong.is_empty() && self.broken.is_empty()
    }
}

/// What a run gives: what it prints, and what it writes.
#[derive(Clone, PartialEq, Eq)]
struct Outcome {
    printed: String,
    written: String,
}

/// Kills the work until the tally has as many kills as it says, in stores below `folder`. A round is one store: its runs
/// are killed until one comes to its end, and the result is compared with that of an undisturbed run. `keep` gets the
/// tally after each round.
pub(crate) fn kill(
    site: &Site,
    work: &Work<'_>,
    folder: &Path,
    random: &mut Random,
    tally: &mut Tally,
    keep: &mut dyn FnMut(&Tally),
) {
    let (store, out) = (folder.join("store"), folder.join("out"));
    let begin = |tally: &mut Tally| {
        remove(&store);
        remove(&out);
        (work.prepare)(&store);
        tally.broken.extend(site.verify(&store).err());
    };
    begin(tally);
    let since = Instant::now();
    let undisturbed = run(site, work, &store, None).map(|output| output.expect("nobody killed it"));
    tally.undisturbed = since.elapsed();
    let expected = match undisturbed.and_then(|printed| outcome(site, work, &store, printed)) {
        Ok(outcome) => outcome,
        Err(error) => {
            tally.broken.push(format!("nobody killed it, and yet {error}"));
            return keep(tally);
        }
    };
    while tally.kills < work.kills && tally.broken.is_empty() {
        begin(tally);
        round(site, work, &store, &expected, random, tally);
        keep(tally);
    }
    remove(&store);
    remove(&out);
}

fn round(site: &Site, work: &Work<'_>, store: &Path, expected: &Outcome, random: &mut Random, tally: &mut Tally) {
    let full = u64::try_from(tally.undisturbed.as_micros()).unwrap_or(u64::MAX);
    let mut spent = Duration::ZERO;
    // a store that was killed so often that nothing new comes of it lets its last run pass
    for attempt in 0.. {
        let moment = Duration::from_micros(random.below(full));
        let last = attempt == 24 || tally.kills == work.kills;
        let since = Instant::now();
        let ended = run(site, work, store, (!last).then_some(moment));
        spent += since.elapsed();
        match ended {
            Ok(Some(printed)) => {
                match outcome(site, work, store, printed) {
                    Ok(found) if found == *expected => {}
                    Ok(found) => tally.wrong.push(difference(expected, &found)),
                    Err(error) => tally.broken.push(format!("after {} kills {error}", tally.kills)),
                }
                tally.completions += 1;
                break;
            }
            Ok(None) => {
                tally.kills += 1;
                let tenth = usize::try_from(10 * moment.as_micros() / u128::from(full.max(1))).unwrap_or(9);
                tally.tenths[tenth.min(9)] += 1;
            }
            Err(error) => return tally.broken.push(format!("after {} kills {error}", tally.kills)),
        }
        // hashing everything after each kill would take most of the time
        if attempt == 0 {
            tally.broken.extend(site.verify(store).err());
        }
    }
    tally.broken.extend(site.verify(store).err());
    tally.lost += spent.saturating_sub(tally.undisturbed);
}

/// What the work prints; nothing when it was killed before its end.
fn run(site: &Site, work: &Work<'_>, store: &Path, kill_after: Option<Duration>) -> Result<Option<String>, String> {
    let mut command = site.command(store, work.arguments);
    if work.then.is_empty() {
        command.args(to_out(store));
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let process = rustix::process::Pid::from_child(&child);
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        // reads what it says, so that it is never held up, and waits for its end
        let reader = scope.spawn(move || finish(child, &done));
        if let Some(time) = kill_after
            && wait.recv_timeout(time).is_err()
        {
            // the child is not waited for before its output has ended, so the number is still its own
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        let output = reader.join().expect("the reader ends");
        if std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9) {
            return Ok(None);
        }
        said(&format!("`{}`", work.arguments.join(" ")), &output).map(Some)
    })
}

fn to_out(store: &Path) -> [String; 2] {
    ["--output".to_owned(), format!("oci:{}", store.with_file_name("out").display())]
}

/// What the work gave, once it has come to its end.
fn outcome(site: &Site, work: &Work<'_>, store: &Path, mut printed: String) -> Result<Outcome, String> {
    if !work.then.is_empty() {
        let [option, output] = to_out(store);
        printed = site.try_run(store, &[work.then, &[option.as_str(), output.as_str()]].concat())?;
    }
    Ok(Outcome { printed, written: digests(&store.with_file_name("out")) })
}

fn finish(child: Child, done: &std::sync::mpsc::Sender<()>) -> std::process::Output {
    let output = child.wait_with_output().expect("it ends");
    let _ = done.send(()); // nobody waits for one that was killed
    output
}

fn difference(expected: &Outcome, found: &Outcome) -> String {
    let both = |outcome: &Outcome| format!("{}{}", outcome.printed, outcome.written);
    let (expected, found) = (both(expected), both(found));
    let new: Vec<&str> = found.lines().filter(|line| !expected.lines().any(|other| other == *line)).collect();
    let gone: Vec<&str> = expected.lines().filter(|line| !found.lines().any(|other| other == *line)).collect();
    format!("instead of {gone:?} it gave {new:?}")
}
