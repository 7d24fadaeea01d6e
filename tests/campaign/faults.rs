//! The campaign of faults on the images of this repository: kills, full file systems, many processes, bad mirrors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::faults::kills::{Tally, Work, kill};
use crate::faults::mirror::{Manner, Mirror};
use crate::faults::sample::Sample;
use crate::faults::space::{Trial, measure, try_size};
use crate::faults::together::together;
use crate::faults::{Random, Site, remove};
use crate::support::{text_of, tool};

/// The images that are built: packages alone, a compiled Debian source for two architectures, a compiled folder of our own.
pub(crate) const IMAGES: [&str; 3] = ["debian", "dns", "hello"];
/// The recipes of the images that they are built on and with.
const BASES: &[&str] = &["builder", "runtime", "static"];
/// Bytes a second that the loopback mirror gives on a connection when its client is to be killed while it fetches.
const RATE: u64 = 16 << 20;
/// Longest that a build may take longer because of a bad mirror before a good one.
const PATIENCE: Duration = Duration::from_secs(900);

/// What is wanted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    pub(crate) kills: usize,
    pub(crate) points: u64,
    pub(crate) seed: u64,
    pub(crate) program: PathBuf,
}

impl Options {
    /// Reads `--kills N --points N --seed N --program FILE`.
    fn read(arguments: &[String]) -> Result<Self, String> {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mut options = Self {
            kills: 1000,
            points: 100,
            seed: u64::from(clock.subsec_nanos()),
            program: PathBuf::from(env!("CARGO_BIN_EXE_orchestrate")),
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
            let number = || value.parse::<u64>().map_err(|_| format!("`{name} {value}`: that is no number"));
            match name.as_str() {
                "--kills" => options.kills = usize::try_from(number()?).unwrap_or(usize::MAX),
                "--points" => options.points = number()?,
                "--seed" => options.seed = number()?,
                "--program" => options.program = value.into(),
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        Ok(options)
    }
}

/// What the campaign came to so far. It is kept after each round, and a run with the same options and program goes on.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) options: Options,
    /// What the program is: its SHA-256.
    program: String,
    pub(crate) kills: Vec<Tally>,
    /// Sizes that were too small, and all that were tried.
    pub(crate) full: (u64, u64),
    /// Steps that eight processes did together.
    pub(crate) shared_steps: Option<usize>,
    /// How the mirrors were, and how much longer a build took with them.
    pub(crate) mirrors: Vec<(String, String, Duration)>,
    /// Everything else that went wrong.
    pub(crate) faults: Vec<String>,
    pub(crate) took: Duration,
}

impl Results {
    pub(crate) fn holds(&self) -> bool {
        self.faults.is_empty() && self.kills.iter().all(Tally::holds)
    }
}

/// Runs the campaign and writes its page.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let folder = crate::results("faults");
    println!("seed {}; everything is in {}", options.seed, folder.display());
    let progress = Progress { file: folder.join("progress.json"), since: Instant::now(), before: Duration::ZERO };
    let results = run(options, &folder, progress);
    for fault in
        results.faults.iter().chain(results.kills.iter().flat_map(|tally| tally.wrong.iter().chain(&tally.broken)))
    {
        println!("        {fault}");
    }
    let page = folder.join("faults.md");
    fs_err::write(&page, super::faults_page::page(&results)).expect("written");
    fs_err::remove_file(folder.join("progress.json")).expect("removed"); // the next run begins anew
    println!("\n{}; the page is in {}", if results.holds() { "all held" } else { "not all held" }, page.display());
    ExitCode::from(u8::from(!results.holds()))
}

/// Where results are kept, and how long earlier runs took.
struct Progress {
    file: PathBuf,
    since: Instant,
    before: Duration,
}

impl Progress {
    fn keep(&self, results: &mut Results) {
        results.took = self.before + self.since.elapsed();
        let text = serde_json::to_vec(results).expect("JSON");
        let new = self.file.with_extension("new");
        fs_err::write(&new, text).expect("written");
        fs_err::rename(new, &self.file).expect("renamed");
    }

    /// What an earlier run of the same came to.
    fn earlier(&self, options: &Options, program: &str) -> Option<Results> {
        let results: Results = serde_json::from_slice(&fs_err::read(&self.file).ok()?).ok()?;
        (results.options == *options && results.program == program).then_some(results)
    }
}

fn run(options: Options, folder: &Path, mut progress: Progress) -> Results {
    let program = text_of("coreutils", Command::new("sha256sum").arg(&options.program));
    let program = program.split(' ').next().unwrap_or_default().to_owned();
    let earlier = progress.earlier(&options, &program);
    let ground = Ground::of(&options.program, folder, earlier.is_some());
    let mut results = earlier.unwrap_or_else(|| Results { options, program, ..Results::default() });
    progress.before = results.took;
    // another run gets other moments, or it would repeat those of the first
    let done = results.kills.iter().map(|tally| tally.kills as u64).sum::<u64>() + results.full.1;
    if done > 0 {
        println!("goes on after {done} kills and sizes");
    }
    let mut random = Random::new(results.options.seed.wrapping_add(done));
    ground.kills(&mut results, &mut random, &progress);
    ground.space(&mut results, &mut random, &progress);
    ground.together(&mut results, &progress);
    ground.mirrors(&mut results, &progress);
    results
}

/// The project, what it needs from the network, and what it gives when nothing happens to it.
struct Ground {
    site: Site,
    folder: PathBuf,
    /// A store with the downloads and nothing else.
    fetched: PathBuf,
    /// The same after a build of everything.
    built: PathBuf,
    /// What that build printed.
    printed: String,
}

impl Ground {
    /// Refreshes a copy of the project, since mirrors drop superseded packages, fetches, and builds once; or takes what
    /// an earlier run left.
    fn of(program: &Path, folder: &Path, again: bool) -> Self {
        let project = folder.join("project");
        let (fetched, built, kept) = (folder.join("fetched"), folder.join("built"), folder.join("printed"));
        let environment = project.join("environment.kdl");
        let site = Site { program: program.to_owned(), project, environment };
        if let (true, Ok(printed)) = (again, fs_err::read_to_string(&kept)) {
            return Self { site, folder: folder.to_owned(), fetched, built, printed };
        }
        remove(&site.project);
        fs_err::create_dir_all(&site.project).expect("made");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["images", "lock"] {
            tool("coreutils", Command::new("cp").arg("-r").arg(root.join(name)).arg(&site.project));
        }
        fs_err::write(&site.environment, "").expect("written");
        let undisturbed = |store: &Path, arguments: &[&str]| {
            println!("        {}", arguments.join(" "));
            site.try_run(store, arguments).unwrap_or_else(|error| panic!("nothing happened to it, and yet {error}"))
        };
        undisturbed(&folder.join("refreshed"), &[&["refresh"], BASES, &IMAGES[..]].concat());
        undisturbed(&fetched, &[&["fetch"], &IMAGES[..]].concat());
        remove(&fetched.join("steps"));
        copy(&fetched, &built);
        let output = format!("oci:{}", folder.join("out").display());
        let printed = undisturbed(&built, &[&["build", "--offline", "--output", &output], &IMAGES[..]].concat());
        fs_err::write(kept, &printed).expect("written");
        Self { site, folder: folder.to_owned(), fetched, built, printed }
    }

    /// What a mirror of the archives has, by path: the lock knows the paths and the store the files.
    fn files(&self) -> impl Fn(&str) -> Option<PathBuf> + Send + Sync + use<> {
        let mut files = BTreeMap::new();
        for entry in fs_err::read_dir(self.site.project.join("lock")).expect("a lock") {
            let text = fs_err::read_to_string(entry.expect("an entry").path()).expect("text");
            for line in text.lines() {
                let value = |name: &str| Some(line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.to_owned());
                if let (Some(path), Some(hash)) = (value("path"), value("sha256")) {
                    files.insert(path, self.fetched.join("blobs/sha256").join(hash));
                }
            }
        }
        move |path: &str| files.get(path).filter(|file| file.exists()).cloned()
    }

    /// The same project with mirrors in this order.
    fn with_mirrors(&self, name: &str, mirrors: &[&Mirror]) -> Site {
        let environment = self.folder.join(name);
        let line = |archive: &str| -> String {
            mirrors.iter().map(|mirror| format!("mirror \"{archive}\" \"{}\"\n", mirror.url())).collect()
        };
        fs_err::write(&environment, line("debian") + &line("debian-security")).expect("written");
        Site { program: self.site.program.clone(), project: self.site.project.clone(), environment }
    }

    fn kills(&self, results: &mut Results, random: &mut Random, progress: &Progress) {
        let mirror = Mirror::start(Manner::Good, RATE, self.files());
        let fetching = self.with_mirrors("loopback.kdl", &[&mirror]);
        let all = results.options.kills;
        let (fetched, built) = (|store: &Path| copy(&self.fetched, store), |store: &Path| copy(&self.built, store));
        // Go's cache stays, as on a machine that builds every day; its files are written to, so they are no second names
        let warm = |store: &Path| {
            copy(&self.fetched, store);
            tool("coreutils", Command::new("cp").arg("-a").arg(self.built.join("caches")).arg(store));
        };
        let part = |part: usize| (all * part / 1000).max(1);
        let works: [(&Site, Work<'_>); 7] = [
            // in parts of a thousand; whatever takes minutes is hit less often
            (&self.site, work("packages to images", &["build", "--offline", "debian"], &[], &fetched, part(412))),
            (&self.site, work("a stage in Go", &["build", "--offline", "hello"], &[], &warm, part(120))),
            (&self.site, work("a stage in C, twice", &["build", "--offline", "dns"], &[], &fetched, part(4))),
            (
                &self.site,
                work("all three images", &["build", "--offline", "debian", "dns", "hello"], &[], &fetched, part(4)),
            ),
            (
                &self.site,
                work(
                    "writing the images out",
                    &["build", "--offline", "debian", "dns", "hello"],
                    &[],
                    &built,
                    part(180),
                ),
            ),
            (&fetching, work("fetching", &["fetch", "debian"], &["build", "debian"], &|_| {}, part(180))),
            (
                &fetching,
                work("cleaning", &["cache", "clean", "--keep-size", "64MiB"], &["build", "debian"], &built, part(100)),
            ),
        ];
        for (site, work) in works {
            let known = results.kills.iter().position(|tally| tally.name == work.name);
            let at = known.unwrap_or_else(|| {
                results.kills.push(Tally::of(&work));
                results.kills.len() - 1
            });
            let mut tally = results.kills[at].clone();
            if tally.kills >= work.kills || !tally.holds() {
                continue;
            }
            println!("{} kills: {}", work.kills - tally.kills, work.name);
            kill(site, &work, &self.folder.join("killed"), random, &mut tally, &mut |tally| {
                results.kills[at] = tally.clone();
                progress.keep(results);
            });
            println!(
                "        {} kills, {} completions, {} wrong digests, {} not gone on by itself; {:.1} s lost",
                tally.kills,
                tally.completions,
                tally.wrong.len(),
                tally.broken.len(),
                tally.lost.as_secs_f64()
            );
        }
    }

    fn space(&self, results: &mut Results, random: &mut Random, progress: &Progress) {
        let mirror = Mirror::start(Manner::Good, 0, self.files());
        let site = self.with_mirrors("near.kdl", &[&mirror]);
        // every tenth size is one for a build with a stage in it, which takes much longer
        let all = results.options.points;
        for (arguments, until) in [(&["debian"], all - all / 10), (&["hello"], all)] {
            if results.full.1 >= until {
                continue;
            }
            println!("{} sizes: {}", until - results.full.1, arguments[0]);
            let need = match measure(&site, arguments) {
                Ok(need) => need,
                Err(error) => return results.faults.push(error),
            };
            while results.full.1 < until {
                let bytes = random.below(need.bytes).max(4096);
                match try_size(&site, arguments, bytes, &need) {
                    Ok(trial) => results.full.0 += u64::from(trial == Trial::Full),
                    Err(error) => results.faults.push(error),
                }
                results.full.1 += 1;
                progress.keep(results);
            }
        }
        println!("        {} of {} sizes were too small", results.full.0, results.full.1);
    }

    fn together(&self, results: &mut Results, progress: &Progress) {
        if results.shared_steps.is_some() {
            return;
        }
        println!("8 processes");
        let store = self.folder.join("together/store");
        remove(&self.folder.join("together"));
        copy(&self.fetched, &store);
        let all: &[&str] = &["build", "--offline", "debian", "dns", "hello"];
        let one = |images: &[&'static str]| [&["build", "--offline"], images].concat();
        let some =
            [one(&["debian"]), one(&["dns"]), one(&["hello"]), one(&["debian", "hello"]), one(&["dns", "hello"])];
        let processes: Vec<&[&str]> = [all; 3].into_iter().chain(some.iter().map(Vec::as_slice)).collect();
        let together = together(&self.site, &store, &processes, &self.printed);
        println!("        {} steps, {} faults", together.steps, together.faults.len());
        results.shared_steps = Some(together.steps);
        results.faults.extend(together.faults);
        progress.keep(results);
        remove(&self.folder.join("together"));
    }

    /// Those that answer wrongly serve the image `debian`; those that cost patience with each file a project of few files.
    fn mirrors(&self, results: &mut Results, progress: &Progress) {
        let sample = Sample::new(self.site.program.clone());
        let quick = Manner::QUICK.iter().map(|manner| (manner, "debian"));
        for (&manner, project) in quick.chain(Manner::SLOW.iter().map(|manner| (manner, "a project of four packages")))
        {
            let name = format!("{manner:?}");
            if results.mirrors.iter().any(|(known, ..)| *known == name) {
                continue;
            }
            println!("a mirror: {name}");
            let (bad, good, site, images): (_, _, _, &[&str]) = if project == "debian" {
                let (bad, good) =
                    (Mirror::start(manner, 0, self.files()), Mirror::start(Manner::Good, 0, self.files()));
                let site = self.with_mirrors("bad.kdl", &[&bad, &good]);
                (bad, good, site, &["debian"])
            } else {
                let (bad, good) =
                    (Mirror::start(manner, 0, sample.files()), Mirror::start(Manner::Good, 0, sample.files()));
                let site = sample.with_mirrors("bad.kdl", &[bad.url(), good.url()]);
                (bad, good, site, &[])
            };
            match self.with_bad_mirror(&site, images, [&bad, &good]) {
                Ok(longer) => {
                    println!("        {:.1} s longer", longer.as_secs_f64());
                    results.mirrors.push((name, project.to_owned(), longer));
                }
                Err(error) => results.faults.push(format!("{name}: {error}")),
            }
            progress.keep(results);
        }
    }

    fn with_bad_mirror(&self, site: &Site, images: &[&str], mirrors: [&Mirror; 2]) -> Result<Duration, String> {
        let folder = self.folder.join("mirrors");
        let alone = Site { environment: self.folder.join("good.kdl"), ..clone(site) };
        let text = fs_err::read_to_string(&site.environment).expect("written before");
        let good: Vec<&str> = text.lines().filter(|line| line.contains(&mirrors[1].url())).collect();
        fs_err::write(&alone.environment, good.join("\n")).expect("written");
        let build = |site: &Site, name: &str| {
            let (since, output) = (Instant::now(), format!("oci:{}", folder.join(format!("{name}-out")).display()));
            remove(&folder);
            fs_err::create_dir_all(&folder).expect("made");
            let printed = site.try_run(&folder.join(name), &[&["build", "--output", &output], images].concat())?;
            let took = since.elapsed();
            site.verify(&folder.join(name))?;
            Ok::<_, String>((printed, took))
        };
        let (expected, undisturbed) = build(&alone, "good")?;
        let (found, took) = build(site, "bad")?;
        remove(&folder);
        let longer = took.saturating_sub(undisturbed);
        match mirrors.iter().all(|mirror| mirror.requests() > 0) {
            _ if found != expected => Err(format!("it gave\n{found}and not\n{expected}")),
            _ if longer > PATIENCE => Err(format!("it took {longer:?} longer")),
            false => Err("one of the mirrors was not asked".to_owned()),
            true => Ok(longer),
        }
    }
}

fn work<'w>(
    name: &'static str,
    arguments: &'w [&'w str],
    then: &'w [&'w str],
    prepare: &'w dyn Fn(&Path),
    kills: usize,
) -> Work<'w> {
    Work { name, arguments, then, prepare, kills }
}

fn clone(site: &Site) -> Site {
    Site { program: site.program.clone(), project: site.project.clone(), environment: site.environment.clone() }
}

/// A store like another one. Files get a second name: no program writes into a file of a store that has its name.
fn copy(from: &Path, to: &Path) {
    remove(to);
    fs_err::create_dir_all(to.parent().expect("a parent")).expect("made");
    tool("coreutils", Command::new("cp").arg("-al").arg(from).arg(to));
}
