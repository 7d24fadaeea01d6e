//! `/etc/ld.so.cache` as `ldconfig` (glibc 2.32 to 2.41) writes it, for any architecture.
//!
//! Layout, all numbers in the byte order of the target: a header of 48 bytes (magic and version, number of entries,
//! length of the strings, byte order, offset of the extensions), 24 bytes per entry (flags, offsets of name and path
//! from the beginning of the file, an unused version, hardware capabilities), the strings, and aligned to four bytes
//! the extensions: who wrote it, and the names of `glibc-hwcaps` folders in use.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::ConfigureError;
use super::tree::{Root, at};
use crate::archive::{ElfFacts, EntryKind};
use crate::model::{Architecture, Glob, ImagePath, Platform};

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
const EXTENSIONS: u32 = 0xeaa4_2174;
const GENERATOR: u32 = 0;
const HWCAPS: u32 = 1;
/// Set in an entry's capabilities when they are a number of the extension's list.
const HWCAP_EXTENSION: u64 = 1 << 62;
/// Always searched, after what the configuration names.
const BUILT_IN: &[&str] = &["/lib", "/usr/lib"];
const CONFIGURATION: &str = "/etc/ld.so.conf";
const ET_DYN: u16 = 3;

/// A folder that is searched.
struct Folder {
    /// As the configuration writes it.
    path: String,
    /// The folder below `glibc-hwcaps` that it is, if it is one.
    hwcap: Option<String>,
}

/// A line of the cache.
struct Line {
    soname: Vec<u8>,
    path: Vec<u8>,
    flags: u32,
    hwcap: Option<String>,
    isa_level: u64,
}

/// A library of a folder, under the name that programs ask for.
struct Library {
    /// Its file name.
    name: Vec<u8>,
    is_link: bool,
    flags: u32,
    isa_level: u64,
}

/// Writes the cache, and the links from the names that programs ask for to the libraries where they are missing.
/// `version` is that of the C library.
pub(super) fn update(root: &mut Root<'_>, platform: Platform, version: &str) -> Result<(), ConfigureError> {
    let mut lines = Vec::new();
    for folder in folders(root)? {
        let libraries = libraries(root, platform, &folder)?;
        for (soname, library) in libraries {
            if !library.is_link {
                link(root, &folder.path, &soname, &library.name)?;
            }
            let path = [folder.path.as_bytes(), b"/", &soname].concat();
            let Library { flags, isa_level, .. } = library;
            lines.push(Line { soname, path, flags, hwcap: folder.hwcap.clone(), isa_level });
        }
    }
    lines.sort_by(order);
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let generator = format!("ldconfig (Debian GLIBC {version}) stable release version {upstream}");
    root.write(&at("/etc/ld.so.cache")?, 0o644, (0, 0), write(&lines, &generator, platform.elf().2));
    if !root.is_dir(&at("/var/cache/ldconfig")?) {
        root.mkdir(&at("/var/cache/ldconfig")?, 0o700, (0, 0));
    }
    Ok(())
}

/// Folders in the order of the configuration, each once however it is called, those that are missing left out.
fn folders(root: &Root<'_>) -> Result<Vec<Folder>, ConfigureError> {
    let mut paths = Vec::new();
    if root.is_file(&at(CONFIGURATION)?) {
        configuration(root, &at(CONFIGURATION)?, 0, &mut paths)?;
    } else {
        // without libc-bin nobody reads the C library's own file, but the loader is to find what it names
        included(root, "/etc/ld.so.conf.d/*.conf", 0, &mut paths)?;
    }
    paths.extend(BUILT_IN.iter().map(|path| (*path).to_owned()));
    let mut seen = BTreeSet::new();
    let mut folders = Vec::new();
    for path in paths {
        let Some(real) = root.real(&at(&path)?).filter(|_| root.is_dir(&at(&path).unwrap_or_default())) else {
            continue;
        };
        if !seen.insert(real) {
            continue;
        }
        let hwcaps = format!("{path}/glibc-hwcaps");
        folders.push(Folder { path, hwcap: None });
        for entry in root.list(&at(&hwcaps)?) {
            if root.is_dir(&entry.path) {
                let name = String::from_utf8_lossy(entry.path.name()).into_owned();
                folders.push(Folder { path: format!("{hwcaps}/{name}"), hwcap: Some(name) });
            }
        }
    }
    Ok(folders)
}

fn configuration(root: &Root<'_>, file: &ImagePath, depth: u32, paths: &mut Vec<String>) -> Result<(), ConfigureError> {
    let text = root.text(file)?.unwrap_or_default();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(patterns) = line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
            for pattern in patterns.split_whitespace() {
                let folder = file.parent().map(|folder| folder.to_string()).unwrap_or_default();
                let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("{folder}/{pattern}") };
                included(root, &pattern, depth, paths)?;
            }
        } else if line.starts_with('/') {
            let path = line.split('=').next().unwrap_or_default().trim_end();
            paths.push(path.trim_end_matches('/').to_owned());
        }
    }
    Ok(())
}

fn included(root: &Root<'_>, pattern: &str, depth: u32, paths: &mut Vec<String>) -> Result<(), ConfigureError> {
    let Ok(glob) = Glob::new(pattern) else { return Ok(()) };
    let folder = pattern.rsplit_once('/').map_or("", |(folder, _)| folder);
    for entry in root.list(&at(folder)?) {
        if depth < 8 && glob.matches(&entry.path) {
            configuration(root, &entry.path, depth + 1, paths)?;
        }
    }
    Ok(())
}

/// The libraries of a folder by the name that programs ask for.
fn libraries(
    root: &Root<'_>,
    platform: Platform,
    folder: &Folder,
) -> Result<BTreeMap<Vec<u8>, Library>, ConfigureError> {
    let mut found: BTreeMap<Vec<u8>, Library> = BTreeMap::new();
    for entry in root.list(&at(&folder.path)?) {
        let name = entry.path.name().to_vec();
        if entry.kind == EntryKind::Dir || !looks_like_library(&name) {
            continue;
        }
        let Some(elf) = root.elf(&entry.path)? else { continue };
        let Some(flags) = flags(platform, &elf).filter(|_| elf.dynamic && elf.file_type == ET_DYN) else { continue };
        let mut soname = elf.soname.clone().map_or_else(|| name.clone(), String::into_bytes);
        let mut is_link = matches!(entry.kind, EntryKind::Symlink { .. });
        // a link is one for the loader when it bears the name asked for, one for the linker when it ends in `.so`
        if is_link && name != soname && !(name.ends_with(b".so") && soname.starts_with(&name)) {
            is_link = false;
        }
        if is_link {
            soname.clone_from(&name);
        }
        // the number of the highest bit: of x86, 0 for the baseline and 3 for x86-64-v4
        let isa_level = elf.isa_needed.and_then(u32::checked_ilog2).map_or(0, u64::from);
        let library = Library { name, is_link, flags, isa_level };
        match found.get(&soname) {
            Some(known) if !library.replaces(known) => {}
            _ => drop(found.insert(soname, library)),
        }
    }
    Ok(found)
}

impl Library {
    /// A file wins over a link, then the higher version.
    fn replaces(&self, known: &Self) -> bool {
        !self.is_link && known.is_link || self.is_link == known.is_link && compare(&known.name, &self.name).is_lt()
    }
}

fn looks_like_library(name: &[u8]) -> bool {
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    let library = (name.starts_with(b"lib") || name.starts_with(b"ld-")) && has(b".so");
    let loader = name.starts_with(b"ld.so.") || name.starts_with(b"ld64.so.");
    (library || loader) && !name.ends_with(b".dpkg-new") && !name.ends_with(b".dpkg-tmp")
}

/// What kind of library it is, where the platform's `ldconfig` takes it at all (`sysdeps/**/readelflib.c`). The low
/// byte says that it is for this C library.
fn flags(platform: Platform, elf: &ElfFacts) -> Option<u32> {
    const X86: &[u16] = &[62, 3];
    const ARM: &[u16] = &[40, 183];
    const POWER: &[u16] = &[21, 20];
    let machines: &[u16] = match platform.architecture() {
        Architecture::Amd64 | Architecture::I386 => X86,
        Architecture::Arm64 | Architecture::ArmV7 | Architecture::ArmV6 => ARM,
        Architecture::Ppc64le => POWER,
        Architecture::Riscv64 => &[243],
        Architecture::S390x => &[22],
    };
    if !machines.contains(&elf.machine) || elf.little_endian != platform.elf().2 {
        return None;
    }
    let kind = match (elf.machine, elf.class64) {
        (62, true) => 0x0300,
        (62, false) => 0x0800,
        (183, true) => 0x0a00,
        (40, false) if elf.flags & 0x400 != 0 => 0x0900,
        (40, false) if elf.flags & 0x200 != 0 => 0x0b00,
        (21, true) => 0x0500,
        (22, true) => 0x0400,
        (243, true) => match elf.flags & 0x6 {
            0 => 0x0f00,
            4 => 0x1000,
            _ => return None,
        },
        (3 | 40 | 20 | 22, false) => 0,
        _ => return None,
    };
    Some(kind | 3)
}

/// Makes the link that programs follow, where it is missing or leads elsewhere.
fn link(root: &mut Root<'_>, folder: &str, soname: &[u8], name: &[u8]) -> Result<(), ConfigureError> {
    if soname == name || soname.contains(&b'/') {
        return Ok(());
    }
    let below = |name: &[u8]| ImagePath::new(name).map(|name| at(folder).map(|folder| folder.join(&name)));
    let (Ok(link), Ok(library)) = (below(soname), below(name)) else { return Ok(()) };
    let (link, library) = (link?, library?);
    let made = match root.entry(&link).map(|entry| entry.kind) {
        None => true,
        Some(EntryKind::Symlink { .. }) => root.real(&link) != root.real(&library),
        Some(_) => false,
    };
    if made {
        root.symlink(&link, name);
    }
    Ok(())
}

/// How the loader orders names (`_dl_cache_libcmp`): runs of digits by their value, and digits after everything else.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        match (one.first(), other.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(first), second) if first.is_ascii_digit() => {
                if !second.is_some_and(u8::is_ascii_digit) {
                    return Ordering::Greater;
                }
                let (value, rest) = number(one);
                let (other_value, other_rest) = number(other);
                if value != other_value {
                    return value.cmp(&other_value);
                }
                (one, other) = (rest, other_rest);
            }
            (Some(_), None) => return Ordering::Greater,
            (Some(_), Some(second)) if second.is_ascii_digit() => return Ordering::Less,
            (Some(first), Some(second)) if first != second => return first.cmp(second),
            _ => (one, other) = (&one[1..], &other[1..]),
        }
    }
}

/// The number at the beginning, in the arithmetic of a C `int`.
fn number(text: &[u8]) -> (i32, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value =
        text[..digits].iter().fold(0_i32, |value, digit| value.wrapping_mul(10).wrapping_add(i32::from(digit - b'0')));
    (value, &text[digits..])
}

/// The order of entries, the last name first, so that the loader's search finds the best one at once.
fn order(one: &Line, other: &Line) -> Ordering {
    let by_name = compare(&other.soname, &one.soname).then_with(|| other.flags.cmp(&one.flags));
    by_name.then_with(|| match (&one.hwcap, &other.hwcap) {
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (one, other) => one.cmp(other),
    })
}

/// The file.
fn write(lines: &[Line], generator: &str, little_endian: bool) -> Vec<u8> {
    let number = |value: u32| if little_endian { value.to_le_bytes() } else { value.to_be_bytes() };
    let long = |value: u64| if little_endian { value.to_le_bytes() } else { value.to_be_bytes() };
    let hwcaps: BTreeSet<&str> = lines.iter().filter_map(|line| line.hwcap.as_deref()).collect();
    let hwcaps: Vec<&str> = hwcaps.into_iter().collect();
    let all = lines
        .iter()
        .flat_map(|line| [line.soname.as_slice(), &line.path])
        .chain(hwcaps.iter().map(|name| name.as_bytes()));
    let (strings, offsets) = strings(all);
    let base = HEADER + lines.len() * ENTRY;
    let offset = |text: &[u8]| number((base + offsets[text]) as u32);
    let extensions = (base + strings.len()).next_multiple_of(4);

    let mut out = MAGIC.to_vec();
    out.extend(number(lines.len() as u32));
    out.extend(number(strings.len() as u32));
    out.extend([if little_endian { 2 } else { 3 }, 0, 0, 0]);
    out.extend(number(extensions as u32));
    out.extend([0; 12]);
    for line in lines {
        let index = line.hwcap.as_deref().and_then(|name| hwcaps.iter().position(|one| *one == name));
        let hwcap = index.map_or(0, |index| HWCAP_EXTENSION | line.isa_level << 32 | index as u64);
        out.extend(number(line.flags));
        out.extend(offset(&line.soname));
        out.extend(offset(&line.path));
        out.extend(number(0));
        out.extend(long(hwcap));
    }
    out.extend(&strings);
    out.resize(extensions, 0);
    let hwcap_names: Vec<u8> = hwcaps.iter().flat_map(|name| offset(name.as_bytes())).collect();
    let mut sections = vec![(GENERATOR, generator.len())];
    sections.extend((!hwcaps.is_empty()).then_some((HWCAPS, hwcap_names.len())));
    let names_at = extensions + 8 + 16 * sections.len();
    out.extend(number(EXTENSIONS));
    out.extend(number(sections.len() as u32));
    // the table lists the generator first; the names stand first, for they are numbers and must be aligned
    for (tag, length) in sections {
        let start = if tag == HWCAPS { names_at } else { names_at + hwcap_names.len() };
        for value in [tag, 0, start as u32, length as u32] {
            out.extend(number(value));
        }
    }
    out.extend(hwcap_names);
    out.extend(generator.as_bytes());
    out
}

/// All strings, each ending in a zero byte, one that is the tail of another sharing its bytes; and where each is.
fn strings<'l>(all: impl Iterator<Item = &'l [u8]>) -> (Vec<u8>, BTreeMap<&'l [u8], usize>) {
    let unique: BTreeSet<&[u8]> = all.collect();
    let mut sorted: Vec<&[u8]> = unique.into_iter().collect();
    // by their ends, the highest byte first, and a longer one before its own tail
    sorted.sort_by(|one, other| {
        let differing = one.iter().rev().zip(other.iter().rev()).find(|(one, other)| one != other);
        differing.map_or_else(|| other.len().cmp(&one.len()), |(one, other)| other.cmp(one))
    });
    let mut table = Vec::new();
    let mut offsets = BTreeMap::new();
    let mut previous: Option<(&[u8], usize)> = None;
    for text in sorted {
        let offset = match previous {
            Some((longer, offset)) if longer.ends_with(text) => offset + longer.len() - text.len(),
            _ => {
                let offset = table.len();
                table.extend(text);
                table.push(0);
                offset
            }
        };
        offsets.insert(text, offset);
        previous = Some((text, offset));
    }
    (table, offsets)
}
