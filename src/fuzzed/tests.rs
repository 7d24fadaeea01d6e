//! Each parser takes its samples, cut off and changed at random: no panic, no promise that does not hold, nothing that takes
//! long. The samples in `fuzz/seeds` are those that a fuzzer begins with as well.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::TARGETS;

/// Changed samples for each parser.
const ROUNDS: usize = 300;
/// Longest that a parser may take of a processor for one of them, in a build without optimisation.
const LONGEST: Duration = Duration::from_secs(5);
/// Largest changed sample.
const LARGEST: usize = 256 << 10;

/// Pieces that hurt.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"\t",
    b"\xff",
    b"\xe2\x80\xae",
    b"..",
    b"/",
    b"../",
    b"-1",
    b"0",
    b"4294967296",
    b"18446744073709551616",
    b"999999999999999999999999",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"[[[[[[[[[[[[[[[[",
    b"${",
    b"$(",
    b"`",
    b"%",
    b"*",
    b"?",
    b"=",
    b"://",
    b"@",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"null",
    b"1e999",
];

/// Numbers that look random (xorshift64*), the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(0) % limit.max(1)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn samples(name: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(name);
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(&folder).expect("samples").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no sample", folder.display());
    files.iter().map(|file| fs_err::read(file).expect("a sample")).collect()
}

/// A sample with a few changes.
fn changed(random: &mut Random, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = samples[random.below(samples.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let widest = 1 << random.below(10);
        let end = (at + random.below(widest)).min(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].repeat(1 + random.below(50));
                drop(bytes.splice(at..at, again));
            }
            4 => {
                let other = &samples[random.below(samples.len())];
                let from = random.below(other.len() + 1);
                drop(bytes.splice(at..end, other[from..].iter().copied()));
            }
            5 => drop(bytes.splice(at..end, PIECES[random.below(PIECES.len())].iter().copied())),
            _ => {
                let piece = PIECES[random.below(PIECES.len())].repeat(1 + random.below(300));
                drop(bytes.splice(at..at, piece));
            }
        }
        bytes.truncate(LARGEST);
    }
    bytes
}

/// What this thread has had of the processors, to a hundredth of a second (proc(5), fields 14 and 15): on a busy machine the
/// clock tells of other processes as well.
fn processor_time() -> Duration {
    let stat = fs_err::read_to_string("/proc/thread-self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Calls the parser, and says with which bytes it did not keep its promise.
fn take(name: &str, target: fn(&[u8]), bytes: &[u8]) {
    let since = processor_time();
    let ended = std::panic::catch_unwind(|| target(bytes));
    let kept = || {
        let file = std::env::temp_dir().join(format!("fuzzed-{name}"));
        fs_err::write(&file, bytes).expect("written");
        file.display().to_string()
    };
    assert!(ended.is_ok(), "`{name}` panics, see above; the bytes are in {}", kept());
    let took = processor_time().saturating_sub(since);
    assert!(took < LONGEST, "`{name}` takes {took:?}; the bytes are in {}", kept());
}

#[test]
fn no_parser_panics_or_stalls_on_changed_samples() {
    let only = std::env::var("ORCHESTRATE_FUZZED").ok();
    let rounds = std::env::var("ORCHESTRATE_FUZZED_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    for (name, target) in TARGETS.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        let samples = samples(name);
        let mut random = Random(name.bytes().fold(1, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte)) | 1);
        for bytes in [Vec::new(), b"\0".repeat(2000), b"\xff".repeat(2000), b"(".repeat(20_000)] {
            take(name, *target, &bytes);
        }
        samples.iter().for_each(|sample| take(name, *target, sample));
        (0..rounds).for_each(|_| take(name, *target, &changed(&mut random, &samples)));
    }
}

/// A sample that nothing accepts tries nothing: these parsers say whether they took theirs.
#[test]
fn the_samples_are_right() {
    use crate::{lock, ops, recipe};
    let text = |name: &str| String::from_utf8(samples(name).remove(0)).expect("text");
    assert!(lock::parse_recipe(&text("lock")).is_ok() || lock::parse_archives(&text("lock")).is_ok());
    assert!(recipe::format("recipe.kdl", &text("format")).is_ok());
    assert!(ops::Environment::load(&folder().join("seeds/environment/environment.kdl"), true).is_ok());
    let deb = samples("deb").remove(0);
    let mut read = crate::archive::DebReader::open(&deb[..], Default::default()).expect("a package");
    drop(read.data().expect("its files"));
    assert!(crate::archive::elf::facts(&samples("elf")[0]).is_some());
    assert!(crate::distribution::debian::release::Release::parse(&text("release")).is_ok());
    assert!(crate::distribution::debian::sources::parse(text("sources").as_bytes(), |_| true).is_ok());
    assert!(crate::distribution::debian::relation::parse(&text("relation")).is_ok());
    let index = crate::distribution::debian::index::parse(text("index").as_bytes());
    assert!(index.is_ok(), "{:?}", index.err());
}

/// What `fuzz/` offers is what is here.
#[test]
fn each_parser_is_a_fuzz_target() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known.len(), TARGETS.len());
    let stems = |folder: &str| -> BTreeSet<String> {
        let entries = fs_err::read_dir(self::folder().join(folder)).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(stems("fuzz_targets"), known);
    assert_eq!(stems("seeds"), known);
    let manifest = fs_err::read_to_string(folder().join("Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let text = fs_err::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).expect("a target");
        assert!(text.contains(&format!("orchestrate::fuzzed::{name}(bytes)")), "{name}");
    }
}
