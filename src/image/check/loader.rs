//! Which libraries the loader of a program would find, by the rules of ld.so(8) and of musl's loader.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::archive::ElfFacts;
use crate::model::{ImagePath, Platform};

use super::machine::machine;
use super::{Subject, ldcache};
use crate::packages::{FileTree, Last, Node};

/// More libraries than any program loads.
const LOADED: usize = 4096;
/// What musl's loader is itself: `libc`, `libpthread`, …
const MUSL_OWN: [&str; 7] = ["c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."];

/// A library that is not found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Missing {
    /// The file that asks for it.
    pub(super) asked_by: ImagePath,
    /// Its name.
    pub(super) library: String,
}

/// The loaders of an image.
pub(super) struct Loader<'a> {
    tree: &'a FileTree,
    platform: Platform,
    /// `LD_LIBRARY_PATH`.
    environment: Vec<String>,
    /// `/etc/ld.so.cache`.
    cache: BTreeMap<String, Vec<String>>,
    /// Where the GNU loader looks in the end: multiarch folders, and those of other systems.
    defaults: Vec<String>,
    /// The folders of musl's loader, in an image that has it.
    musl: Option<Vec<String>>,
    /// Every library of the image by its file name, for messages.
    names: BTreeMap<Vec<u8>, ImagePath>,
}

/// A library that was asked for, and the file that answers.
pub(super) struct Asked {
    pub(super) by: ImagePath,
    pub(super) library: String,
    pub(super) found: Option<ImagePath>,
}

/// A file that is loaded.
struct Loaded<'a> {
    /// Where it is, links followed.
    path: ImagePath,
    /// The folder that `$ORIGIN` stands for.
    origin: ImagePath,
    elf: &'a ElfFacts,
    /// Which one asked for it first.
    parent: Option<usize>,
}

/// A program with what it has loaded so far, itself first.
struct Process<'a> {
    loaded: Vec<Loaded<'a>>,
    musl: Option<Vec<String>>,
    /// Set-uid: the environment does not count.
    secure: bool,
}

/// Where a path leads: links are followed, and `..` is the folder above what it leads to.
pub(super) fn follow(tree: &FileTree, path: &[u8]) -> Option<ImagePath> {
    if let Ok(path) = ImagePath::new(path) {
        return tree.resolve(&path, Last::Follow).ok();
    }
    let mut done = ImagePath::root();
    for component in path.split(|&byte| byte == b'/') {
        done = match component {
            b"" | b"." => done,
            b".." => done.parent().unwrap_or_default(),
            _ => tree.resolve(&done.join(&ImagePath::new(component).ok()?), Last::Follow).ok()?,
        };
    }
    Some(done)
}

/// Whether the image's C library is musl.
pub(super) fn is_musl(tree: &FileTree) -> bool {
    let lib = follow(tree, b"/lib").unwrap_or_default();
    tree.children(&lib).any(|node| node.entry.path.name().starts_with(b"ld-musl-"))
}

impl<'a> Loader<'a> {
    pub(super) fn new(subject: &Subject<'a>) -> Self {
        let (tree, platform) = (subject.tree, subject.platform);
        let read = |path: &str| {
            let path = ImagePath::absolute(path).ok()?;
            subject.shelf.read(tree, &path).ok()
        };
        let cache = read("/etc/ld.so.cache").map(|bytes| ldcache::read(&bytes, platform.elf().2)).unwrap_or_default();
        let musl = is_musl(tree).then(|| match read(&format!("/etc/ld-musl-{}.path", musl_name(platform))) {
            Some(text) => folders(&String::from_utf8_lossy(&text), &[':', '\n']),
            None => ["/lib", "/usr/local/lib", "/usr/lib"].map(str::to_owned).into(),
        });
        let multiarch = platform.multiarch();
        let mut defaults = vec![format!("/lib/{multiarch}"), format!("/usr/lib/{multiarch}")];
        defaults.extend(["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(str::to_owned));
        let libraries = tree.iter().filter(|node| node.elf.as_ref().is_some_and(|elf| elf.dynamic));
        let names = libraries.map(|node| (node.entry.path.name().to_vec(), node.entry.path.clone())).collect();
        let environment = folders(subject.variable("LD_LIBRARY_PATH").unwrap_or_default(), &[':', ';']);
        Self { tree, platform, environment, cache, defaults, musl, names }
    }

    /// Where a library of this file name is, anywhere in the image.
    pub(super) fn anywhere(&self, library: &str) -> Option<ImagePath> {
        self.names.get(library.as_bytes()).cloned()
    }

    /// What the program or library at `path`, and the libraries that it loads, do not find.
    pub(super) fn missing(&self, path: &ImagePath) -> Vec<Missing> {
        let missing = self.load(path).into_iter().filter(|asked| asked.found.is_none());
        missing.map(|Asked { by, library, .. }| Missing { asked_by: by, library }).collect()
    }

    /// All that the program or library at `path` and its libraries ask for, each name once.
    pub(super) fn load(&self, path: &ImagePath) -> Vec<Asked> {
        let Some((node, elf)) = self.tree.file(path).and_then(|node| Some((node, node.elf.as_ref()?))) else {
            return Vec::new();
        };
        // the loader itself is loaded before anything else
        let loader = elf.interpreter.as_deref().unwrap_or_else(|| self.platform.loader());
        let mut names: BTreeSet<&str> = loader.rsplit('/').next().into_iter().chain(elf.soname.as_deref()).collect();
        let path = node.entry.path.clone();
        let mut paths = BTreeSet::from([path.clone()]);
        let first = Loaded { origin: path.parent().unwrap_or_default(), path, elf, parent: None };
        let uses_musl = elf.interpreter.as_ref().is_none_or(|loader| loader.contains("/ld-musl-"));
        let musl = self.musl.clone().filter(|_| uses_musl);
        let mut process = Process { loaded: vec![first], musl, secure: node.entry.mode.bits() & 0o6000 != 0 };
        let mut open = VecDeque::from([0]);
        let mut all = Vec::new();
        while let Some(index) = open.pop_front() {
            let asking = process.loaded[index].elf;
            for library in &asking.needed {
                if !names.insert(library) || (process.musl.is_some() && is_musl_own(library)) {
                    continue;
                }
                let found = self.find(&process, index, library);
                let (by, path) = (process.loaded[index].path.clone(), found.as_ref().map(|(_, node)| &node.entry.path));
                all.push(Asked { by, library: library.clone(), found: path.cloned() });
                let Some((origin, node)) = found else { continue };
                let Some(elf) = &node.elf else { continue };
                names.extend(elf.soname.as_deref());
                if paths.insert(node.entry.path.clone()) && process.loaded.len() < LOADED {
                    open.push_back(process.loaded.len());
                    process.loaded.push(Loaded { path: node.entry.path.clone(), origin, elf, parent: Some(index) });
                }
            }
        }
        all
    }

    /// A library for the file that asks for it, and the folder that its `$ORIGIN` stands for.
    fn find(&self, process: &Process<'a>, asking: usize, library: &str) -> Option<(ImagePath, &'a Node)> {
        let Process { loaded, musl, secure } = process;
        let (program, own) = (loaded.first()?, loaded.get(asking)?);
        let usable = |path: &str| self.usable(path, machine(program.elf));
        if library.contains('/') {
            return usable(&self.expand(library, &own.origin));
        }
        let within = |folders: &[String]| folders.iter().find_map(|folder| usable(&format!("{folder}/{library}")));
        let environment = || if *secure { None } else { within(&self.environment) };
        // a file and those that led to its being loaded
        let chain = || std::iter::successors(Some(own), |one| loaded.get(one.parent?));
        if let Some(folders) = musl {
            let written = |one: &Loaded<'_>| self.folders(one.elf.runpath.as_ref().or(one.elf.rpath.as_ref()), one);
            return environment().or_else(|| chain().find_map(|one| within(&written(one)))).or_else(|| within(folders));
        }
        let old = || {
            let mut chain = chain().filter(|one| one.elf.runpath.is_none());
            chain.find_map(|one| within(&self.folders(one.elf.rpath.as_ref(), one)))
        };
        let old = if own.elf.runpath.is_none() { old() } else { None };
        old.or_else(environment)
            .or_else(|| within(&self.folders(own.elf.runpath.as_ref(), own)))
            .or_else(|| self.cache.get(library)?.iter().find_map(|path| usable(path)))
            .or_else(|| within(&self.defaults))
    }

    /// The folders that a file names itself.
    fn folders(&self, text: Option<&String>, of: &Loaded<'_>) -> Vec<String> {
        let written = folders(text.map(String::as_str).unwrap_or_default(), &[':']);
        written.iter().map(|folder| self.expand(folder, &of.origin)).collect()
    }

    /// Replaces `$ORIGIN`, `$LIB` and `$PLATFORM`, with or without braces.
    fn expand(&self, text: &str, origin: &ImagePath) -> String {
        let values = [
            ("ORIGIN", origin.to_string()),
            ("LIB", format!("lib/{}", self.platform.multiarch())),
            ("PLATFORM", self.platform.machine().to_owned()),
        ];
        values.iter().filter(|_| text.contains('$')).fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
        })
    }

    /// The file at an absolute path, when it is a library for the same machine.
    fn usable(&self, path: &str, wanted: (u16, bool, bool)) -> Option<(ImagePath, &'a Node)> {
        let (folder, _) = path.strip_prefix('/')?.rsplit_once('/').unwrap_or_default();
        let node = self.tree.file(&follow(self.tree, path.as_bytes())?)?;
        let elf = node.elf.as_ref()?;
        let fits = elf.dynamic && machine(elf) == wanted;
        // the last link is not followed: a library's folder is the one that it was found in
        if fits { Some((follow(self.tree, folder.as_bytes())?, node)) } else { None }
    }
}

fn folders(text: &str, separators: &[char]) -> Vec<String> {
    text.split(separators).filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}

fn is_musl_own(library: &str) -> bool {
    library.strip_prefix("lib").is_some_and(|rest| MUSL_OWN.iter().any(|own| rest.starts_with(own)))
}

/// The architecture in the names of musl's loader and its configuration.
fn musl_name(platform: Platform) -> &'static str {
    match platform.apk() {
        "x86" => "i386",
        "ppc64le" => "powerpc64le",
        name => name,
    }
}
