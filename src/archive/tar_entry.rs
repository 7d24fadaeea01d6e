//! From the headers of a tar archive to an entry: which of them may say what, and what they must agree about.

use crate::model::{ImagePath, Mode};

use super::ustar::{Header, MAX_LONG, flag};
use super::{ArchiveError, Entry, EntryKind, pax};

/// What the special headers before an entry say about it.
#[derive(Default)]
pub(super) struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<i64>,
    xattrs: Vec<(String, Vec<u8>)>,
    /// Whether there was a PAX header.
    pax: bool,
}

impl Extended {
    /// Takes in the content of a special header, of which `type_flag` is the type.
    pub(super) fn take(&mut self, type_flag: u8, content: Vec<u8>) -> Result<(), String> {
        match type_flag {
            flag::PAX_GLOBAL => check_global(&content),
            flag::PAX => self.take_pax(&content),
            // programs differ on which of the two following headers such a size is for
            _ if self.size.is_some() => Err("a long name follows an extended header with a size".to_owned()),
            flag::GNU_NAME => gnu_name(&mut self.path, content),
            _ => gnu_name(&mut self.link, content),
        }
    }

    fn take_pax(&mut self, content: &[u8]) -> Result<(), String> {
        if std::mem::replace(&mut self.pax, true) {
            return Err("two extended headers follow each other".to_owned());
        }
        for (key, value) in pax::parse(content)? {
            match key.as_str() {
                "path" => set_name(&mut self.path, value)?,
                "linkpath" => set_name(&mut self.link, value)?,
                "size" => self.size = Some(pax::number(&key, &value)?),
                "uid" => self.uid = Some(pax::number(&key, &value)?),
                "gid" => self.gid = Some(pax::number(&key, &value)?),
                "mtime" => self.mtime = Some(pax::time(&key, &value)?),
                pax::XATTR => return Err("an extended attribute has no name".to_owned()),
                _ if key.starts_with("GNU.sparse.") => return Err("sparse files are not supported".to_owned()),
                // all others say nothing that an entry holds, and a reader shall ignore what it does not know
                _ => self.xattrs.extend(key.strip_prefix(pax::XATTR).map(|name| (name.to_owned(), value))),
            }
        }
        Ok(())
    }

    /// The entry that a header and the special headers before it make; `offset` is for messages.
    pub(super) fn into_entry(self, header: &Header<'_>, offset: u64) -> Result<Entry, ArchiveError> {
        let name = self.path.unwrap_or_else(|| header.name());
        let shown = String::from_utf8_lossy(name.get(..200).unwrap_or(&name)).into_owned();
        let bad = |problem: String| ArchiveError::Header { offset, problem: format!("`{shown}`: {problem}") };
        let path = safe_path(&name)?;
        let link = self.link.unwrap_or_else(|| header.link());
        let size = one_size(header.size().map_err(bad)?, self.size).map_err(bad)?;
        let kind = match kind(header.flag(), &name, &link)? {
            Kind::Is(EntryKind::File { .. }) => EntryKind::File { size },
            // programs differ on whether what follows is content or the next header
            Kind::Is(kind) if size > 0 => return Err(bad(format!("{kind} cannot have {size} bytes of content"))),
            Kind::Is(kind) => kind,
            Kind::Forbidden(kind) => return Err(ArchiveError::ForbiddenKind { path: shown, kind }),
            Kind::Unknown(problem) => return Err(bad(problem)),
        };
        if path.is_root() && kind != EntryKind::Dir {
            return Err(ArchiveError::UnsafeName { problem: format!("`{shown}` is the root, but as {kind}") });
        }
        Ok(Entry {
            path,
            kind,
            mode: Mode::from_bits((header.mode().map_err(bad)? & 0o7777) as u32), // twelve bits
            uid: id(self.uid.map_or_else(|| header.uid(), Ok)).map_err(bad)?,
            gid: id(self.gid.map_or_else(|| header.gid(), Ok)).map_err(bad)?,
            mtime: self.mtime.map_or_else(|| header.mtime(), Ok).map_err(bad)?,
            xattrs: self.xattrs,
        })
    }
}

/// A global header may only carry comments (`git archive` writes the commit): one that changes entries is read
/// differently by every program.
fn check_global(content: &[u8]) -> Result<(), String> {
    const CHANGES: &[&str] = &["path", "linkpath", "size", "uid", "gid", "mtime"];
    match pax::parse(content)?.keys().find(|key| CHANGES.contains(&key.as_str()) || key.contains('.')) {
        Some(key) => Err(format!("a global extended header sets `{key}`")),
        None => Ok(()),
    }
}

/// GNU's long names end in a zero byte.
fn gnu_name(slot: &mut Option<Vec<u8>>, mut content: Vec<u8>) -> Result<(), String> {
    if content.last() == Some(&0) {
        content.pop();
    }
    set_name(slot, content)
}

fn set_name(slot: &mut Option<Vec<u8>>, name: Vec<u8>) -> Result<(), String> {
    if name.is_empty() || name.contains(&0) {
        return Err("a long name is empty or holds a zero byte".to_owned());
    }
    match slot.replace(name) {
        None => Ok(()),
        Some(_) => Err("an entry has two long names".to_owned()),
    }
}

/// The sizes of header and extended header must agree, unless one does not fit the header.
fn one_size(header: u64, extended: Option<u64>) -> Result<u64, String> {
    match extended {
        Some(size) if size != header && size <= MAX_LONG => {
            Err(format!("it has two sizes, {header} bytes in its header and {size} bytes in its extended header"))
        }
        Some(size) => Ok(size),
        None => Ok(header),
    }
}

fn id(number: Result<u64, String>) -> Result<u32, String> {
    // the last number means "no change" to chown(2)
    let id = u32::try_from(number?).ok().filter(|&id| id != u32::MAX);
    id.ok_or_else(|| "its owner's number is larger than 4294967294".to_owned())
}

/// What a type flag stands for.
enum Kind {
    /// The size of a file is not filled in yet.
    Is(EntryKind),
    Forbidden(&'static str),
    Unknown(String),
}

fn kind(type_flag: u8, name: &[u8], link: &[u8]) -> Result<Kind, ArchiveError> {
    Ok(match type_flag {
        // before there was a flag for folders, their names ended in a slash
        b'\0' | flag::FILE | b'7' if name.ends_with(b"/") => Kind::Is(EntryKind::Dir),
        b'\0' | flag::FILE | b'7' => Kind::Is(EntryKind::File { size: 0 }),
        flag::DIR => Kind::Is(EntryKind::Dir),
        flag::SYMLINK if link.is_empty() => Kind::Unknown("it is a symbolic link to nothing".to_owned()),
        flag::SYMLINK if link.len() > 4095 => Kind::Unknown("the target of the link is too long".to_owned()),
        flag::SYMLINK => Kind::Is(EntryKind::Symlink { target: link.to_vec() }),
        flag::HARDLINK => Kind::Is(EntryKind::Hardlink { target: safe_path(link)? }),
        b'3' => Kind::Forbidden("a character device"),
        b'4' => Kind::Forbidden("a block device"),
        b'6' => Kind::Forbidden("a named pipe"),
        b'S' => Kind::Unknown("sparse files are not supported".to_owned()),
        other => Kind::Unknown(format!("its type `{}` is not known", super::escaped::encode(&[other]))),
    })
}

/// Names must be relative: programs disagree about what to do with others.
fn safe_path(name: &[u8]) -> Result<ImagePath, ArchiveError> {
    let unsafe_name = |problem| ArchiveError::UnsafeName { problem };
    match name.first() {
        None => Err(unsafe_name("an entry or the target of a hard link has no name".to_owned())),
        Some(b'/') => {
            let shown = String::from_utf8_lossy(name.get(..200).unwrap_or(name));
            Err(unsafe_name(format!("`{shown}` is absolute, but names in an archive are relative")))
        }
        Some(_) => ImagePath::new(name).map_err(|error| unsafe_name(error.to_string())),
    }
}
