//! The checks on small trees, whose files have the ELF facts that a rule needs.

mod oracle;

use super::super::accounts::Accounts;
use super::super::oci::{Execution, OciHealthcheck};
use super::loader::Loader;
use super::{Subject, Verdict, check, ldcache};
use crate::archive::{ElfFacts, EntryKind};
use crate::image::tests::bench::{Bench, amd64, nowhere, plain, run};
use crate::model::{Check, Mode};
use crate::packages::Shelf;
use crate::packages::testing::{link, node, path};
use crate::packages::{Content, FileTree, NodeOwner};
use crate::recipe::{Image, Waiver};

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
const PACKAGE: NodeOwner = NodeOwner::Package(0);

/// A tree and how it is started.
struct Case {
    bench: Bench,
    image: Image,
    execution: Execution,
    tree: FileTree,
}

impl Case {
    /// With a loader, and a C library's worth of nothing else.
    fn new() -> Self {
        let (bench, image) = (Bench::new(), plain("x"));
        let mut case = Self { bench, image, execution: Execution::default(), tree: FileTree::default() };
        case.elf(LOADER, library());
        case
    }

    fn put(&mut self, at: &str, text: &str, mode: u32, owner: NodeOwner) {
        let mut made = node(at, EntryKind::File { size: text.len() as u64 });
        made.entry.mode = Mode::from_bits(mode);
        (made.owner, made.content) = (owner, Some(Content::Memory(text.as_bytes().into())));
        self.tree.insert(made);
    }

    fn elf(&mut self, at: &str, facts: ElfFacts) {
        self.put(at, "\x7fELF", 0o755, PACKAGE);
        self.tree.get_mut(&path(at)).expect("it was put there").elf = Some(facts);
    }

    fn chmod(&mut self, at: &str, mode: u32) {
        self.tree.get_mut(&path(at)).expect("it is there").entry.mode = Mode::from_bits(mode);
    }

    fn env(&mut self, setting: &str) {
        self.execution.env.push(setting.to_owned());
    }

    fn with<T>(&self, ask: impl FnOnce(&Subject<'_>) -> T) -> T {
        let (accounts, shelf) = (Accounts::default(), Shelf::new(&self.bench.store));
        let Self { image, execution, tree, .. } = self;
        ask(&Subject { image, platform: amd64(), execution, tree, accounts: &accounts, shelf: &shelf })
    }

    fn verdict(&self) -> Verdict {
        self.with(check)
    }

    fn errors(&self) -> Vec<String> {
        self.verdict().findings.iter().map(|finding| format!("{}: {finding}", finding.check())).collect()
    }

    /// What `/opt/x` and its libraries do not find.
    fn missing(&self) -> Vec<String> {
        self.with(|subject| {
            let missing = Loader::new(subject).missing(&path("/opt/x"));
            missing.into_iter().map(|missing| missing.library).collect()
        })
    }
}

fn library() -> ElfFacts {
    ElfFacts { machine: 62, class64: true, little_endian: true, file_type: 3, dynamic: true, ..ElfFacts::default() }
}

fn needs(libraries: &[&str]) -> ElfFacts {
    ElfFacts { needed: libraries.iter().map(|name| (*name).to_owned()).collect(), ..library() }
}

fn program(libraries: &[&str]) -> ElfFacts {
    ElfFacts { interpreter: Some(LOADER.to_owned()), ..needs(libraries) }
}

fn waiver(check: Check, subject: &str) -> Waiver {
    Waiver { place: nowhere(), check, subject: Some(subject.to_owned()), reason: "test".into() }
}

#[test]
fn libraries_are_looked_for_where_the_gnu_loader_looks() {
    for (at, found) in [
        ("/usr/lib/x86_64-linux-gnu/liba.so.1", true),
        ("/lib/liba.so.1", true),
        ("/usr/lib64/liba.so.1", true),
        ("/usr/local/lib/liba.so.1", false),
        ("/opt/liba.so.1", false),
    ] {
        let mut case = Case::new();
        case.elf("/opt/x", program(&["liba.so.1"]));
        case.elf(at, library());
        assert_eq!(case.missing().is_empty(), found, "{at}");
    }
}

#[test]
fn runpath_and_rpath_have_their_own_rules() {
    let with = |facts: ElfFacts, of_library: ElfFacts| {
        let mut case = Case::new();
        case.elf("/opt/x", facts);
        case.elf("/opt/lib/liba.so.1", of_library);
        case.elf("/opt/lib/libb.so.1", library());
        case.missing()
    };
    let paths = |runpath: Option<&str>, rpath: Option<&str>, facts: ElfFacts| ElfFacts {
        runpath: runpath.map(str::to_owned),
        rpath: rpath.map(str::to_owned),
        ..facts
    };
    let one = || program(&["liba.so.1"]);
    let none: Vec<String> = Vec::new();
    for written in ["/opt/lib", "$ORIGIN/lib", "${ORIGIN}/../opt/lib", "/none:$ORIGIN/lib"] {
        assert_eq!(with(paths(Some(written), None, one()), library()), none, "{written}");
        assert_eq!(with(paths(None, Some(written), one()), library()), none, "{written}");
    }
    // RUNPATH is for what the file itself needs, RPATH also for what its libraries need
    let needing = || needs(&["libb.so.1"]);
    assert_eq!(with(paths(Some("/opt/lib"), None, one()), needing()), ["libb.so.1"]);
    assert_eq!(with(paths(None, Some("/opt/lib"), one()), needing()), none);
    // a file with RUNPATH has no RPATH, and does not inherit one
    assert_eq!(with(paths(Some("/none"), Some("/opt/lib"), one()), library()), ["liba.so.1"]);
    assert_eq!(with(paths(None, Some("/opt/lib"), one()), paths(Some("/none"), None, needing())), ["libb.so.1"]);
}

#[test]
fn the_folder_that_a_library_was_found_in_is_its_origin() {
    let mut case = Case::new();
    case.elf("/opt/x", program(&["liba.so.1"]));
    case.elf("/srv/a/liba-real.so", ElfFacts { runpath: Some("$ORIGIN/beside".to_owned()), ..needs(&["libb.so.1"]) });
    case.tree.insert(link("usr/lib/liba.so.1", "/srv/a/liba-real.so"));
    case.elf("/srv/a/beside/libb.so.1", library());
    assert_eq!(case.missing(), ["libb.so.1"]);
    case.elf("/usr/lib/beside/libb.so.1", library());
    assert!(case.missing().is_empty());
}

#[test]
fn what_is_loaded_by_its_soname_is_not_looked_for() {
    let mut case = Case::new();
    case.elf("/opt/x", program(&["/opt/liba-1.so", "liba.so.1", "ld-linux-x86-64.so.2"]));
    case.elf("/opt/liba-1.so", ElfFacts { soname: Some("liba.so.1".to_owned()), ..library() });
    assert!(case.missing().is_empty(), "{:?}", case.missing());
}

#[test]
fn a_library_for_another_machine_is_passed_over() {
    let mut case = Case::new();
    case.elf("/opt/x", program(&["liba.so.1"]));
    case.elf("/lib/x86_64-linux-gnu/liba.so.1", ElfFacts { machine: 3, class64: false, ..library() });
    assert_eq!(case.missing(), ["liba.so.1"]);
    case.elf("/usr/lib/liba-real.so", library());
    case.tree.insert(link("usr/lib/liba.so.1", "liba-real.so"));
    assert!(case.missing().is_empty(), "links are followed");
}

#[test]
fn the_environment_counts_unless_the_program_is_set_uid() {
    let mut case = Case::new();
    case.elf("/opt/x", program(&["liba.so.1"]));
    case.elf("/srv/liba.so.1", library());
    case.env("LD_LIBRARY_PATH=/none:/srv");
    assert!(case.missing().is_empty());
    case.chmod("/opt/x", 0o4755);
    assert_eq!(case.missing(), ["liba.so.1"]);
}

#[test]
fn musl_has_folders_of_its_own() {
    let mut case = Case::new();
    case.elf(MUSL, library());
    case.elf("/opt/x", ElfFacts { interpreter: Some(MUSL.to_owned()), ..needs(&["liba.so", "libc.so"]) });
    case.elf("/usr/local/lib/liba.so", library());
    assert!(case.missing().is_empty(), "{:?}", case.missing());
    case.put("/etc/ld-musl-x86_64.path", "/lib\n/srv\n", 0o644, NodeOwner::Generated);
    assert_eq!(case.missing(), ["liba.so"]);
}

#[test]
fn the_cache_of_ldconfig_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("UTF-8");
    for folder in ["etc", "usr/local/lib", "lib"] {
        fs_err::create_dir_all(folder_of(root, folder)).expect("a folder");
    }
    fs_err::write(folder_of(root, "etc/ld.so.conf"), "/usr/local/lib\n").expect("a file");
    let libc = run("sh", "dash", &["-c", "ldconfig -p | sed -n 's/.*libc.so.6 (libc6,x86-64.* => //p' | head -n 1"]);
    fs_err::copy(libc.trim(), folder_of(root, "usr/local/lib/libc.so.6")).expect("a copy");
    run("ldconfig", "libc-bin", &["-r", root]);
    let cache = fs_err::read(folder_of(root, "etc/ld.so.cache")).expect("a cache");
    let read = ldcache::read(&cache, true);
    assert_eq!(read.get("libc.so.6").map(Vec::as_slice), Some(&["/usr/local/lib/libc.so.6".to_owned()][..]));
    for end in 0..cache.len() {
        assert!(ldcache::read(&cache[..end], true).len() <= read.len(), "{end}");
    }
}

fn folder_of(root: &str, path: &str) -> std::path::PathBuf {
    std::path::Path::new(root).join(path)
}

#[test]
fn a_program_of_a_package_stops_the_image_and_a_plugin_does_not() {
    let mut case = Case::new();
    case.elf("/usr/lib/plugins/p.so", needs(&["libgone.so.2"]));
    let verdict = case.verdict();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    let plugin = "`/usr/lib/plugins/p.so` needs the library `libgone.so.2`, which is not in it";
    assert_eq!(verdict.notes, [format!("{plugin} (`elf-needed`)")]);
    case.elf("/usr/lib/plugins/q.so", needs(&["libgone.so.3"]));
    assert_eq!(case.verdict().notes, [format!("{plugin}, and 1 more of the kind (`elf-needed`)")]);
    case.elf("/usr/bin/x", program(&["liba.so.1"]));
    case.elf("/usr/lib/liba.so.1", needs(&["libgone.so.2"]));
    let found = "`/usr/lib/liba.so.1` needs the library `libgone.so.2` for `/usr/bin/x`, which is not in it";
    assert_eq!(case.errors(), [format!("elf-needed: {found}")]);
    case.image.waivers = vec![waiver(Check::ElfNeeded, "/usr/lib/liba.so.1")];
    assert!(case.errors().is_empty());
}

#[test]
fn scripts_need_their_interpreter() {
    let mut case = Case::new();
    case.put("/opt/a", "#! /bin/sh -e\n", 0o755, NodeOwner::Recipe);
    case.put("/opt/b", "#!/usr/bin/env -S A=1 python3\n", 0o755, NodeOwner::Recipe);
    case.put("/opt/c", "#!/bin/sh\n", 0o644, NodeOwner::Recipe);
    case.put("/usr/bin/d", "#!/bin/sh\n", 0o755, PACKAGE);
    let missing =
        |at: &str, program: &str| format!("interpreter: `/opt/{at}` is run by `{program}`, which is not in it");
    assert_eq!(case.errors(), [missing("a", "/bin/sh"), missing("b", "/usr/bin/env")]);
    assert_eq!(case.verdict().notes, ["`/usr/bin/d` is run by `/bin/sh`, which is not in it (`interpreter`)"]);
    case.put("/bin/sh", "", 0o755, PACKAGE);
    case.put("/usr/bin/env", "", 0o755, PACKAGE);
    assert_eq!(case.errors(), [missing("b", "python3")]);
    case.put("/usr/bin/python3", "", 0o755, PACKAGE);
    assert!(case.errors().is_empty() && case.verdict().notes.is_empty());
}

#[test]
fn set_uid_programs_are_for_systems() {
    let mut case = Case::new();
    case.put("/usr/bin/su", "", 0o4755, PACKAGE);
    assert!(case.errors().is_empty(), "root gains nothing");
    case.execution.user = "10001".into();
    let found = "setuid: `/usr/bin/su` runs as its owner or group, whoever starts it (mode 4755)";
    assert_eq!(case.errors(), [found]);
    case.image.waivers = vec![waiver(Check::Setuid, "/usr/bin/su")];
    assert!(case.errors().is_empty());
    case.image.waivers.clear();
    case.put("/usr/bin/dpkg", "", 0o755, PACKAGE);
    assert!(case.errors().is_empty(), "a system's own");
    case.put("/opt/mine", "", 0o2755, NodeOwner::Recipe);
    assert_eq!(case.errors().len(), 1, "not the recipe's, which does not say so");
}

#[test]
fn what_everybody_may_write_is_found() {
    let mut case = Case::new();
    case.put("/etc/x", "", 0o666, PACKAGE);
    for (at, mode) in [("/tmp", 0o1777), ("/srv", 0o777)] {
        case.tree.insert(node(at, EntryKind::Dir));
        case.chmod(at, mode);
    }
    let found = |path: &str, mode: &str| format!("world-writable: everybody may write `{path}` (mode {mode})");
    assert_eq!(case.errors(), [found("/etc/x", "0666"), found("/srv", "0777")]);
}

#[test]
fn variables_name_what_is_there() {
    let mut case = Case::new();
    for setting in ["SSL_CERT_FILE=/etc/ssl/c.crt", "LANG=de_DE.UTF-8", "LC_ALL=C.UTF-8", "TZ=Europe/Berlin"] {
        case.env(setting);
    }
    assert_eq!(
        case.errors(),
        [
            "certificates: `SSL_CERT_FILE` is `/etc/ssl/c.crt`, and `/etc/ssl/c.crt` is not in it",
            "locale: `LANG` is `de_DE.UTF-8`, and `/usr/lib/locale/de_DE.utf8` is not in it",
            "locale: `TZ` is `Europe/Berlin`, and `/usr/share/zoneinfo/Europe/Berlin` is not in it",
        ]
    );
    for at in ["/etc/ssl/c.crt", "/usr/lib/locale/de_DE.utf8", "/usr/share/zoneinfo/Europe/Berlin"] {
        case.put(at, "", 0o644, PACKAGE);
    }
    assert!(case.errors().is_empty());
    case.execution.env = ["TZ=UTC0", "LANG=C", "LC_TIME="].map(str::to_owned).into();
    assert!(case.errors().is_empty());
    case.execution.env = vec!["TZ=CET-1CEST,M3.5.0,M10.5.0/3".to_owned()];
    assert!(case.errors().is_empty());
}

#[test]
fn the_health_check_can_be_run_by_the_user() {
    let mut case = Case::new();
    let test = vec!["CMD".to_owned(), "/bin/health".to_owned()];
    case.execution.healthcheck = Some(OciHealthcheck { test, ..OciHealthcheck::default() });
    assert_eq!(case.errors(), ["healthcheck: its health check `/bin/health` is not in it"]);
    case.put("/bin/health", "", 0o744, NodeOwner::Recipe);
    case.execution.user = "10001:10001".into();
    assert_eq!(case.errors(), ["healthcheck: its health check `/bin/health` is not executable by `10001:10001`"]);
    case.put("/bin/health", "", 0o755, NodeOwner::Recipe);
    assert!(case.errors().is_empty());
}
