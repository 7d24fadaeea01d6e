//! What an ELF file says of itself: what it runs on and which libraries it needs. Any bytes may be asked; what does not
//! make sense is left out.

use std::io::{Read, Seek};

use object::elf;
use object::pod;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _};
use object::read::{ReadCache, ReadRef, StringTable};
use serde::{Deserialize, Serialize};

/// Facts of one file, as its dynamic loader and `ldconfig` see them (System V ABI, chapters 4 and 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElfFacts {
    /// `e_machine`, e.g. 62 for x86-64 and 183 for AArch64.
    pub machine: u16,
    /// `e_flags`, by which ABIs of one machine are told apart.
    pub flags: u32,
    /// Whether it is of the 64-bit class.
    pub class64: bool,
    /// Whether it is little endian.
    pub little_endian: bool,
    /// `ET_EXEC`, `ET_DYN` or another type.
    pub file_type: u16,
    /// The loader that runs it.
    pub interpreter: Option<String>,
    /// The name under which programs ask for it.
    pub soname: Option<String>,
    /// The libraries it asks for, in order.
    pub needed: Vec<String>,
    /// Folders to search for them, as written, `:` between them.
    pub runpath: Option<String>,
    /// The same in its old form, which `LD_LIBRARY_PATH` cannot override.
    pub rpath: Option<String>,
    /// Whether it has a dynamic section: it is a shared library or takes part in dynamic linking.
    pub dynamic: bool,
    /// Whether it is a position-independent program rather than a library (`DF_1_PIE`).
    pub pie: bool,
    /// The oldest Linux it runs on, from the ABI note: major, minor and patch level in a byte each.
    pub osversion: Option<u32>,
    /// `GNU_PROPERTY_X86_ISA_1_NEEDED`: the x86-64 levels it cannot do without, one bit each.
    pub isa_needed: Option<u32>,
}

/// Whether a file that begins like this may be an ELF file: four bytes are enough.
#[must_use]
pub fn is_elf(head: &[u8]) -> bool {
    head.starts_with(&elf::ELFMAG)
}

/// The facts of a file, given whole; none when it is no ELF file. `bytes` that are not aligned to 8 are copied.
#[must_use]
pub fn facts(bytes: &[u8]) -> Option<ElfFacts> {
    if !is_elf(bytes) {
        return None;
    }
    if !bytes.as_ptr().addr().is_multiple_of(align_of::<u64>()) {
        let mut words = vec![0_u64; bytes.len().div_ceil(size_of::<u64>())];
        let aligned = pod::bytes_of_slice_mut(&mut words);
        let aligned = aligned.get_mut(..bytes.len())?;
        aligned.copy_from_slice(bytes);
        return of_class(&*aligned);
    }
    of_class(bytes)
}

/// The facts of a file that is too large to be held: only what its headers point at is read, up to 1 MiB each.
#[must_use]
pub fn facts_of(file: impl Read + Seek) -> Option<ElfFacts> {
    of_class(&ReadCache::new(file))
}

/// Larger than any program's loader name, dynamic section or notes.
const LARGEST: u64 = 1 << 20;

fn of_class<'d, R: ReadRef<'d>>(bytes: R) -> Option<ElfFacts> {
    let head = bytes.read_bytes_at(0, 5).ok()?;
    match head[4] {
        _ if !is_elf(head) => None,
        1 => read::<elf::FileHeader32<object::Endianness>, R>(bytes),
        2 => read::<elf::FileHeader64<object::Endianness>, R>(bytes),
        _ => None,
    }
}

fn read<'d, Elf: FileHeader<Endian = object::Endianness>, R: ReadRef<'d>>(bytes: R) -> Option<ElfFacts> {
    let header = Elf::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let mut facts = ElfFacts {
        machine: header.e_machine(endian).0,
        flags: header.e_flags(endian).0,
        class64: header.is_class_64(),
        little_endian: header.is_little_endian(),
        file_type: header.e_type(endian).0,
        ..ElfFacts::default()
    };
    let segments = header.program_headers(endian, bytes).unwrap_or_default();
    for segment in segments.iter().filter(|segment| segment.p_filesz(endian).into() <= LARGEST) {
        if let Ok(Some(interpreter)) = segment.interpreter(endian, bytes) {
            facts.interpreter = text(interpreter);
        }
        if let Ok(Some(entries)) = segment.dynamic(endian, bytes) {
            facts.dynamic = true;
            facts.read_dynamic::<Elf, R>(endian, bytes, segments, entries);
        }
        facts.read_notes::<Elf, R>(endian, bytes, segment);
    }
    Some(facts)
}

impl ElfFacts {
    fn read_dynamic<'d, Elf: FileHeader<Endian = object::Endianness>, R: ReadRef<'d>>(
        &mut self,
        endian: Elf::Endian,
        bytes: R,
        segments: &[Elf::ProgramHeader],
        entries: &[Elf::Dyn],
    ) {
        let entries = entries.iter().map(|entry| (entry.d_tag(endian), entry.d_val(endian).into()));
        let entries: Vec<(elf::DynamicTag, u64)> = entries.take_while(|&(tag, _)| tag != elf::DT_NULL).collect();
        let value = |wanted| entries.iter().find(|&&(tag, _)| tag == wanted).map(|&(_, value)| value);
        self.pie = value(elf::DT_FLAGS_1).is_some_and(|flags| flags & DF_1_PIE != 0);
        let Some((address, size)) = value(elf::DT_STRTAB).zip(value(elf::DT_STRSZ)) else { return };
        let Some(start) = file_offset::<Elf>(endian, segments, address) else { return };
        let strings = StringTable::new(bytes, start, start.saturating_add(size));
        for &(tag, value) in &entries {
            let string = || u32::try_from(value).ok().and_then(|offset| strings.get(offset).ok()).and_then(text);
            match tag {
                elf::DT_NEEDED => self.needed.extend(string()),
                elf::DT_SONAME => self.soname = string(),
                elf::DT_RUNPATH => self.runpath = string(),
                elf::DT_RPATH => self.rpath = string(),
                _ => {}
            }
        }
    }

    fn read_notes<'d, Elf: FileHeader<Endian = object::Endianness>, R: ReadRef<'d>>(
        &mut self,
        endian: Elf::Endian,
        bytes: R,
        segment: &Elf::ProgramHeader,
    ) {
        let Ok(Some(notes)) = segment.notes(endian, bytes) else { return };
        for note in notes.map_while(Result::ok) {
            if note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_ABI_TAG {
                self.osversion = linux_version(note.desc(), self.little_endian).or(self.osversion);
            }
            for property in note.gnu_properties(endian).into_iter().flatten().map_while(Result::ok) {
                if property.pr_type() == elf::GNU_PROPERTY_X86_ISA_1_NEEDED {
                    self.isa_needed = property.data_u32(endian).ok();
                }
            }
        }
    }
}

const DF_1_PIE: u64 = 0x0800_0000;

/// Four words: the operating system (0 for Linux) and a version.
fn linux_version(description: &[u8], little_endian: bool) -> Option<u32> {
    let word = |at: usize| {
        let bytes = <[u8; 4]>::try_from(description.get(4 * at..4 * at + 4)?).ok()?;
        Some(if little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let byte = |at| word(at).filter(|&number| number < 256);
    (word(0)? == 0).then_some(())?;
    Some(byte(1)? << 16 | byte(2)? << 8 | byte(3)?)
}

/// Where in the file the byte is that will be loaded to `address`.
fn file_offset<Elf: FileHeader<Endian = object::Endianness>>(
    endian: Elf::Endian,
    segments: &[Elf::ProgramHeader],
    address: u64,
) -> Option<u64> {
    segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
        let (offset, size) = segment.file_range(endian);
        let within = address.checked_sub(segment.p_vaddr(endian).into()).filter(|&within| within < size)?;
        offset.checked_add(within)
    })
}

/// Names are bytes to the loader; those that are not UTF-8 occur in hostile files only and are left out.
fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}
