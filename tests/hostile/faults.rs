//! The program, its file system and its mirrors fail at the worst moment: never a wrong digest, never anything to clean up
//! by hand. `hack/faults.sh` does much more of the same on real images.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::faults::kills::{Tally, Work, kill};
use crate::faults::mirror::{Manner, Mirror};
use crate::faults::sample::Sample;
use crate::faults::space::{Trial, measure, try_size};
use crate::faults::together::together;
use crate::faults::{Random, Site, digests};

fn sample() -> Sample {
    Sample::new(PathBuf::from(env!("CARGO_BIN_EXE_orchestrate")))
}

/// Where the moments come from; `ORCHESTRATE_FAULTS_SEED` tries others.
fn random() -> Random {
    let seed = std::env::var("ORCHESTRATE_FAULTS_SEED").ok().and_then(|text| text.parse().ok());
    Random::new(seed.unwrap_or(8))
}

/// Fetching, source, root, stage, images and output are killed where they are, and so is cleaning.
#[test]
fn promise_8_crash_safe_killed_at_any_moment_the_next_run_continues() {
    let sample = sample();
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = random();
    let works = [
        Work { name: "build", arguments: &["build"], then: &[], prepare: &|_| {}, kills: 24 },
        Work {
            name: "clean",
            arguments: &["cache", "clean", "--keep-size", "1KiB"],
            then: &["build"],
            prepare: &|store| drop(sample.site.try_run(store, &["build"]).expect("it builds")),
            kills: 6,
        },
    ];
    for work in works {
        let (mut tally, mut rounds) = (Tally::of(&work), 0);
        kill(&sample.site, &work, folder.path(), &mut random, &mut tally, &mut |_| rounds += 1);
        assert_eq!(rounds, tally.completions, "{tally:#?}");
        assert!(tally.holds(), "{tally:#?}");
        assert!(tally.kills >= work.kills && tally.completions > 0, "{tally:#?}");
    }
}

#[test]
fn promise_8_crash_safe_eight_processes_share_a_store() {
    let sample = sample();
    let folder = tempfile::tempdir().expect("a folder");
    let expected = sample.site.try_run(&folder.path().join("alone"), &["build"]).expect("it builds");
    let (all, one, other, both): (&[_], &[_], &[_], &[_]) =
        (&["build"], &["build", "app"], &["build", "other"], &["build", "app", "box"]);
    let processes = [all, one, other, both, all, one, other, both];
    let together = together(&sample.site, &folder.path().join("store"), &processes, &expected);
    assert_eq!(together.faults, [""; 0]);
    // three images, one of them for a second platform less, a source, a root and a stage
    assert!(together.steps >= 5, "{together:?}");
}

#[test]
fn promise_8_crash_safe_a_full_file_system_is_named_and_the_store_goes_on() {
    let sample = sample();
    let need = measure(&sample.site, &[]).unwrap_or_else(|error| panic!("{error}"));
    let mut full = 0;
    for part in [0, 1, 3, 5, 7, 9] {
        // tmpfs takes a size of zero for no limit at all
        let bytes = (need.bytes * part / 10).max(4096);
        let trial = try_size(&sample.site, &[], bytes, &need).unwrap_or_else(|error| panic!("{error}"));
        full += usize::from(trial == Trial::Full);
    }
    assert!(full > 3, "only {full} sizes were too small");
}

/// The bad mirror comes first, the good one second: what the bad one sends costs time and nothing else. All at once, since
/// most of the time is spent waiting before it is asked again.
#[test]
fn promise_8_crash_safe_mirrors_that_lie_break_off_or_fail_change_no_digest() {
    let sample = sample();
    let folder = tempfile::tempdir().expect("a folder");
    let expected = built(&sample.site, folder.path(), "undisturbed");
    std::thread::scope(|scope| {
        for &manner in Manner::QUICK {
            let (sample, folder, expected) = (&sample, folder.path(), &expected);
            scope.spawn(move || {
                let name = format!("{manner:?}");
                let (bad, good) =
                    (Mirror::start(manner, 0, sample.files()), Mirror::start(Manner::Good, 0, sample.files()));
                let site = sample.with_mirrors(&format!("{name}.kdl"), &[bad.url(), good.url()]);
                let since = Instant::now();
                assert_eq!(built(&site, folder, &name), *expected, "{manner:?}");
                assert!(bad.requests() > 0 && good.requests() > 0, "{manner:?}");
                assert!(since.elapsed() < LONGEST, "{manner:?} took {:?}", since.elapsed());
                alone(sample, &bad, &folder.join(format!("{name}-alone")));
            });
        }
    });
}

/// Longest that a build of the small project may take with a bad mirror before a good one, on a busy machine.
const LONGEST: Duration = Duration::from_secs(180);

/// What a build into a store of this name prints and writes.
fn built(site: &Site, folder: &Path, name: &str) -> (Result<String, String>, String) {
    let (store, out) = (folder.join(name), folder.join(format!("{name}-out")));
    let printed = site.try_run(&store, &["build", "--output", &format!("oci:{}", out.display())]);
    site.verify(&store).unwrap_or_else(|error| panic!("{name}: {error}"));
    (printed, digests(&out))
}

/// With no other mirror it is an error, and nothing of what came is kept under the name of what should have.
fn alone(sample: &Sample, bad: &Mirror, store: &Path) {
    let name = store.file_name().expect("a name").to_string_lossy();
    let site = sample.with_mirrors(&format!("{name}.kdl"), &[bad.url()]);
    let error = site.try_run(store, &["build"]).expect_err("no mirror has the files");
    assert!(error.contains("large 1.0") && !error.contains("panicked"), "{error}");
    site.verify(store).unwrap_or_else(|error| panic!("{error}"));
}
