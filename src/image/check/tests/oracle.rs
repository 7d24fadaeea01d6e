//! The rules of the loader, held against the GNU loader itself: programs and libraries are put into a root, the real
//! loader says there what it finds, and the image with the same files must say the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::super::config::execution;
use super::super::Subject;
use super::super::loader::Loader;
use crate::beneath::Beneath;
use crate::image::CopyContent;
use crate::image::tests::bench::{Bench, amd64, entry, nowhere, plain, run};
use crate::model::{Check, ImagePath, Spanned};
use crate::packages::Shelf;
use crate::packages::testing::path;
use crate::recipe::{CopyFrom, EnvVar, ImageEntryKind, Waiver};

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const FOLDER: &str = "usr/lib/x86_64-linux-gnu";

/// By program and name of a library: where it is.
type Found = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// A root with the C library of this machine.
struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    fn new() -> Self {
        let root = Self { folder: tempfile::tempdir().expect("a folder") };
        for folder in [FOLDER, "usr/bin", "usr/lib64", "opt", "srv", "etc"] {
            fs_err::create_dir_all(root.at(folder)).expect("a folder");
        }
        for (link, target) in [("lib", "usr/lib"), ("lib64", "usr/lib64"), ("bin", "usr/bin")] {
            std::os::unix::fs::symlink(target, root.at(link)).expect("a link");
        }
        root.take(Path::new(LOADER), LOADER.trim_start_matches('/'));
        root.take(&Path::new("/").join(FOLDER).join("libc.so.6"), &format!("{FOLDER}/libc.so.6"));
        root.take(Path::new("/usr/bin/env"), "usr/bin/env");
        root
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn take(&self, from: &Path, to: &str) {
        fs_err::copy(from, self.at(to)).expect("a copy");
    }

    /// A program or library made by the compiler; `options` are the linker's.
    fn make(&self, to: &str, kind: &str, options: &str) {
        let source = if kind == "program" { "int main(void) { return 0; }" } else { "int nothing;" };
        let kind = if kind == "program" { "-pie" } else { "-shared" };
        let to = self.at(to);
        let (root, to) = (self.folder.path().display(), to.display());
        let script = format!(
            "cd {root} && echo '{source}' | gcc -x c -fPIC {kind} -o {to} - -x none -Wl,--no-as-needed {options}"
        );
        run("sh", "gcc", &["-c", &script]);
    }

    /// What the real loader finds for each program, in the way that `ldd` asks it: by name of a library, where it is,
    /// links followed.
    fn real(&self, programs: &[String], environment: &str) -> Found {
        let root = self.folder.path().display();
        let list = |program: &String| {
            let script = format!(
                "unshare --map-root-user chroot {root} {LOADER} /usr/bin/env LD_TRACE_LOADED_OBJECTS=1 \
                 LD_LIBRARY_PATH={environment} {LOADER} {program} || true"
            );
            let said = run("sh", "util-linux", &["-c", &script]);
            let lines = said.lines().filter_map(|line| line.trim().split_once(" => "));
            let found = lines.map(|(name, there)| {
                let there = there.split(" (").next().filter(|there| *there != "not found");
                (name.to_owned(), there.map(|there| self.canonical(there)))
            });
            (program.clone(), found.collect())
        };
        programs.iter().map(list).collect()
    }

    /// A path inside, links followed: all of the root's are relative.
    fn canonical(&self, inside: &str) -> String {
        let there = fs_err::canonicalize(self.at(inside.trim_start_matches('/'))).expect("the loader found it");
        let base = fs_err::canonicalize(self.folder.path()).expect("it is there");
        format!("/{}", there.strip_prefix(base).expect("inside").display())
    }

    /// The same of the image that has the root's files.
    fn ours(&self, programs: &[String], environment: &str) -> Found {
        let bench = Bench::new();
        let mut image = plain("mine");
        let from = CopyFrom::Local(Spanned::new("x".into(), nowhere()));
        image.entries = vec![entry(ImageEntryKind::Copy { from, to: ImagePath::root() })];
        let excused = [Check::ElfNeeded, Check::Interpreter, Check::Setuid, Check::Machine];
        image.waivers =
            excused.map(|check| Waiver { place: nowhere(), check, subject: None, reason: "a test".into() }).into();
        image.config.env = vec![EnvVar { name: "LD_LIBRARY_PATH".into(), value: environment.into(), doc: None }];
        let built = bench.try_image(
            &image,
            None,
            &[],
            &[CopyContent::Host(Beneath::open(self.folder.path()).expect("it opens"))],
        );
        let tree = built.expect("an image").tree(&bench.store).expect("its tree");
        let (accounts, shelf) = (Default::default(), Shelf::new(&bench.store));
        let execution = execution(&image.config, BTreeMap::new(), None);
        let subject = Subject {
            image: &image,
            platform: amd64(),
            execution: &execution,
            tree: &tree,
            accounts: &accounts,
            shelf: &shelf,
        };
        let loader = Loader::new(&subject);
        let list = |program: &String| {
            let asked = loader.load(&path(program)).into_iter();
            (program.clone(), asked.map(|asked| (asked.library, asked.found.map(|path| path.to_string()))).collect())
        };
        programs.iter().map(list).collect()
    }
}

#[test]
fn made_programs_find_what_the_real_loader_finds() {
    let root = Root::new();
    for folder in ["opt/lib", "srv/deep", "opt/sub/x86_64"] {
        fs_err::create_dir_all(root.at(folder)).expect("a folder");
    }
    root.make("opt/lib/libb.so", "library", "-Wl,-soname,libb.so");
    root.make("srv/libc1.so", "library", "-Wl,-soname,libc1.so");
    root.make("opt/lib/liba.so", "library", "-Lopt/lib -lb -Wl,-soname,liba.so");
    root.make("srv/deep/libd.so", "library", "-Wl,-soname,libd.so -Lopt/lib -lb -Wl,-rpath,'$ORIGIN/../../opt/lib'");
    root.make("srv/deep/libe.so", "library", "-Wl,-soname,libe.so -Lopt/lib -lb -Wl,-rpath,/none");
    root.make("opt/sub/x86_64/libp.so", "library", "-Wl,-soname,libp.so");
    root.make(&format!("{FOLDER}/libg.so"), "library", "-Wl,-soname,libg.so -Lsrv -lc1");
    let all = "-Lopt/lib -la -Lsrv/deep -ld -le -Lopt/sub/x86_64 -lp -Lsrv -lc1 -Wl,--allow-shlib-undefined";
    let ways = [
        "",
        "-Wl,-rpath,/opt/lib",
        "-Wl,-rpath,'$ORIGIN/lib'",
        "-Wl,-rpath,'${ORIGIN}/../opt/lib:/srv'",
        "-Wl,--disable-new-dtags,-rpath,/opt/lib",
        "-Wl,--disable-new-dtags,-rpath,'$ORIGIN/lib:/srv/deep'",
        "-Wl,-rpath,/srv/deep:/srv",
        "-Wl,--disable-new-dtags,-rpath,/srv/deep:/srv",
        "-Wl,-rpath,'/opt/sub/$PLATFORM'",
        "-Wl,-rpath,'/usr/$LIB'",
    ];
    let mut programs = Vec::new();
    for (number, way) in ways.iter().enumerate() {
        let folder = if number % 2 == 0 { "opt" } else { "usr/bin" };
        let program = format!("{folder}/p{number}");
        root.make(&program, "program", &format!("{all} -L{FOLDER} -lg {way} -Wl,-rpath-link,opt/lib:srv"));
        programs.push(format!("/{program}"));
    }
    for environment in ["", "/srv", "/none:/opt/lib"] {
        let (real, ours) = (root.real(&programs, environment), root.ours(&programs, environment));
        for (program, way) in programs.iter().zip(ways) {
            assert!(real[program].values().any(Option::is_some), "{program}: the loader said nothing");
            assert_eq!(ours[program], real[program], "{program} with `{way}` and `{environment}`");
        }
    }
}

#[test]
fn programs_of_this_machine_lack_what_the_real_loader_lacks() {
    const LARGEST: u64 = 400_000;
    let root = Root::new();
    let files = |folder: &str| {
        let read = fs_err::read_dir(folder).expect("a folder");
        let mut paths: Vec<PathBuf> = read.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| fs_err::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() < LARGEST));
        paths.sort();
        paths
    };
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let is_library = |path: &PathBuf| name(path).contains(".so.");
    let libraries: Vec<PathBuf> = files(&format!("/{FOLDER}")).into_iter().filter(is_library).collect();
    // one of six is missing, and another is where only the cache leads
    fs_err::create_dir_all(root.at("opt/cached")).expect("a folder");
    fs_err::write(root.at("etc/ld.so.conf"), "/opt/cached\n").expect("a file");
    for (number, path) in libraries.iter().enumerate().filter(|(number, _)| number % 6 != 0) {
        let folder = if number % 6 == 1 { "opt/cached" } else { FOLDER };
        root.take(path, &format!("{folder}/{}", name(path)));
    }
    let mut programs = Vec::new();
    for path in files("/usr/bin") {
        let bytes = fs_err::read(&path).expect("a program");
        let dynamic =
            bytes.starts_with(b"\x7fELF") && bytes.windows(LOADER.len()).any(|part| part == LOADER.as_bytes());
        if dynamic && programs.len() < 150 {
            root.take(&path, &format!("usr/bin/{}", name(&path)));
            programs.push(format!("/usr/bin/{}", name(&path)));
        }
    }
    for with_cache in [false, true] {
        if with_cache {
            run("ldconfig", "libc-bin", &["-r", root.folder.path().to_str().expect("UTF-8")]);
        }
        let (real, ours) = (root.real(&programs, ""), root.ours(&programs, ""));
        let said: Vec<&Option<String>> = real.values().flat_map(BTreeMap::values).collect();
        let cached = said.iter().filter_map(|there| there.as_ref()).any(|there| there.starts_with("/opt/cached/"));
        assert!(said.iter().any(|there| there.is_none()) && cached == with_cache, "{} programs", programs.len());
        for program in &programs {
            assert_eq!(ours[program], real[program], "{program}");
        }
    }
}
