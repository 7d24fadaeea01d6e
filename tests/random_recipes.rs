//! Texts at random through parser, unifier, decoder, `show` and formatter: nothing panics, nothing stalls, and memory has
//! a bound. A process of its own takes them, so that its memory can be measured and a crash is one of its alone.
//!
//! `ORCHESTRATE_RANDOM_SECONDS` says for how long (20 by default), `ORCHESTRATE_RANDOM_SEED` repeats a run.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use camino::Utf8Path;
use orchestrate::diagnostic::Style;
use orchestrate::recipe;

/// Set in the process that takes the texts: its seed.
const CHILD: &str = "ORCHESTRATE_RANDOM_CHILD";
/// Most memory, in kilobytes.
const MOST_MEMORY: u64 = 200_000;
/// Longest that one text may take of the processors, in a build without optimisation.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn texts_at_random_neither_panic_nor_stall_nor_fill_memory() {
    let seconds = variable("ORCHESTRATE_RANDOM_SECONDS").unwrap_or(20);
    if let Some(seed) = variable(CHILD) {
        return take_texts(seed, Duration::from_secs(seconds));
    }
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos();
    let seed =
        variable("ORCHESTRATE_RANDOM_SEED").unwrap_or_else(|| u64::try_from(clock % 1_000_000_007).expect("small"));
    let name = "random_recipes::texts_at_random_neither_panic_nor_stall_nor_fill_memory";
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, seed.to_string())
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "ORCHESTRATE_RANDOM_SEED={seed} repeats this\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = said.lines().find_map(|line| line.split_once("took ")).map(|(_, rest)| rest);
    let line = line.unwrap_or_else(|| panic!("it said nothing of what it did: {said}"));
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [texts, right, slowest, memory] = numbers[..] else { panic!("{line}") };
    assert!(texts > seconds && right > texts / 50, "{line}");
    assert!(u128::from(slowest) < LONGEST.as_millis(), "{line}; seed {seed}");
    assert!(memory < MOST_MEMORY, "{line}; seed {seed}");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Numbers that look random (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % limit.max(1)
    }

    fn one<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// Pieces that recipes are made of, and pieces that hurt.
const PIECES: &[&str] = &[
    "{",
    "}",
    "{\n",
    "\n}\n",
    ";",
    "\n",
    " ",
    "\"",
    "\"\"\"\n",
    "#\"",
    "\"#",
    "/-",
    "//",
    "/*",
    "*/",
    "\\\n",
    "=",
    "(",
    ")",
    "(default)",
    "#true",
    "true",
    "1.2.3",
    "é",
    "\u{202e}",
    "\r\n",
    "${",
    "${a}",
    "$${",
    "${platform.deb}",
    "define \"a\" { ",
    "param \"a\" default=\"x\"; ",
    "param \"n\" type=\"one-of\" \"x\" \"y\"; ",
    "is \"a\"\n",
    "is \"b\" a=\"1\"\n",
    "include \"../lib/a.kdl\"\n",
    "require \"env\" \"A\"\n",
    "variant \"1\" { ",
    "on \"linux/arm64\" { ",
    "let a \"b\"\n",
    "image { ",
    "image \"a\" from=\"scratch\" { user \"1\"\n",
    "stage { run \"true\" }\n",
    "env A (default)\"1\"\n",
    "packages \"a\" \"b\"\n",
];

/// The KDL files below a folder of this repository: names relative to it, and texts.
fn files_in(folder: &str) -> Vec<(String, String)> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in folder.read_dir_utf8().expect("a folder") {
            let path = entry.expect("an entry").into_path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension() == Some("kdl") {
                let name = path.strip_prefix(root).expect("below the root").to_string();
                files.push((name, fs_err::read_to_string(&path).expect("a recipe")));
            }
        }
    }
    assert!(files.len() > 10, "{}", files.len());
    files.sort();
    files
}

/// A text with at most so many changes.
fn mutated(random: &mut Random, text: &str, changes: usize, corpus: &[String]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(changes) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(60)).min(text.len());
        match random.below(5) {
            0 => drop(text.drain(at..end)),
            1 => {
                let again: Vec<char> = text[at..end].to_vec();
                let times = 1 + random.below(40);
                text.splice(at..at, again.iter().copied().cycle().take(again.len() * times));
            }
            2 => drop(text.splice(at..at, random.one(corpus).chars())),
            3 => drop(text.splice(at..end, random.one(PIECES).chars())),
            _ => drop(text.splice(at..at, random.one(PIECES).repeat(1 + random.below(30)).chars())),
        }
        text.truncate(200_000);
    }
    text.into_iter().collect()
}

/// Whether the project could be read; everything that can be done with it is done.
fn exercise(files: &[(String, String)]) -> bool {
    for (name, text) in files {
        if let Ok(once) = recipe::format(name, text) {
            let twice = recipe::format(name, &once).unwrap_or_else(|mistakes| panic!("{mistakes}\n{once}"));
            assert_eq!(once, twice, "laid out twice");
        }
    }
    match recipe::parse(files.to_vec(), Utf8Path::new("/nowhere")) {
        Ok(loaded) => {
            for name in loaded.project.recipes.keys() {
                let shown = loaded.unified.show(name, None, None, &loaded.project.sources).expect("a recipe");
                assert!(!shown.text().is_empty());
            }
            true
        }
        Err(mistakes) => {
            assert!(!mistakes.draw(Style { width: 80, colour: false }).is_empty());
            false
        }
    }
}

/// A project of texts that were not made for each other.
fn heap(random: &mut Random, corpus: &[String]) -> Vec<(String, String)> {
    let names = ["images/project.kdl", "images/a/recipe.kdl", "images/b/recipe.kdl", "images/lib/a.kdl"];
    let count = 1 + random.below(names.len());
    let text = |random: &mut Random| {
        let text = random.one(corpus).clone();
        mutated(random, &text, 6, corpus)
    };
    names.iter().take(count).map(|name| ((*name).to_owned(), text(random))).collect()
}

/// This repository with one small change.
fn nearly_right(random: &mut Random, images: &[(String, String)], corpus: &[String]) -> Vec<(String, String)> {
    let mut files = images.to_vec();
    let index = random.below(files.len());
    files[index].1 = mutated(random, &files[index].1, 1, corpus);
    files
}

/// What this process has had of the processors, to a hundredth of a second (proc(5), fields 14 and 15): on a busy machine
/// the clock tells of other processes as well.
fn processor_time() -> Duration {
    let stat = fs_err::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn take_texts(seed: u64, long: Duration) {
    let mut random = Random(seed.max(1));
    let images = files_in("images");
    let cases = files_in("tests/cases/recipe");
    let corpus: Vec<String> = images.iter().chain(&cases).map(|(_, text)| text.clone()).collect();
    let start = Instant::now();
    let (mut texts, mut right, mut slowest) = (0, 0, Duration::ZERO);
    while start.elapsed() < long {
        let files = match random.below(2) {
            0 => heap(&mut random, &corpus),
            _ => nearly_right(&mut random, &images, &corpus),
        };
        let begin = processor_time();
        right += u64::from(exercise(&files));
        slowest = slowest.max(processor_time().saturating_sub(begin));
        texts += 1;
    }
    let status = fs_err::read_to_string("/proc/self/status").expect("Linux");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line").trim().to_owned();
    let memory = memory.trim_end_matches(" kB");
    // the test that started this process reads it
    #[expect(clippy::print_stdout, reason = "the test that started this process reads it")]
    {
        println!(
            "took {texts} texts, {right} without mistakes, the slowest {} ms, at most {memory} kB",
            slowest.as_millis()
        );
    }
}
