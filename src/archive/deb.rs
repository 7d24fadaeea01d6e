//! Binary packages (`deb(5)`, format 2): an `ar` archive of `debian-binary`, `control.tar` and `data.tar`.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use serde::{Deserialize, Serialize};

use crate::model::Mode;

use super::{ArReader, ArchiveError, CompressionFormat, EntryKind, Limits, TarReader};

/// What the control member of a package holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The file `control`: the package's own stanza.
    pub control: String,
    /// All other files by name with their permissions: `md5sums`, `conffiles`, `preinst`, `triggers`, …
    #[serde(with = "files")]
    pub files: BTreeMap<String, (Mode, Vec<u8>)>,
}

impl Control {
    /// The content of a file other than `control`.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|(_, bytes)| bytes.as_slice())
    }
}

/// A package that is read from its beginning to its end; only the control member is held in memory.
pub struct DebReader<R> {
    ar: ArReader<R>,
    control: Control,
    data: CompressionFormat,
    limits: Limits,
}

impl<R: Read> DebReader<R> {
    /// Reads a package up to the beginning of its data. `limits` are those of the data; the control member has
    /// [`Limits::CONTROL`].
    ///
    /// # Errors
    /// When it is not a package in format 2, its control member is malformed or too large, or it cannot be read.
    pub fn open(reader: R, limits: Limits) -> Result<Self, ArchiveError> {
        let mut ar = ArReader::new(reader)?;
        version(&mut ar)?;
        let (name, control) = loop {
            let member = ar.next_member()?.ok_or_else(|| missing("control.tar"))?;
            // reserved for additions that may be ignored (deb(5))
            if !member.name.starts_with('_') {
                break (member.name.clone(), compression(&member.name, "control.tar")?);
            }
        };
        let control = read_control(control.decoder(BufReader::new(&mut ar))?).map_err(|error| within(&name, error))?;
        let data = ar.next_member()?.ok_or_else(|| missing("data.tar"))?;
        let data = compression(&data.name, "data.tar")?;
        Ok(Self { ar, control, data, limits })
    }

    /// The control member.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// The files of the package. Read it to its end once, then call [`DebReader::finish`].
    ///
    /// # Errors
    /// When the decompressor cannot be set up.
    pub fn data(&mut self) -> Result<TarReader<Box<dyn Read + '_>>, ArchiveError> {
        let decoder = self.data.decoder(BufReader::with_capacity(64 << 10, &mut self.ar))?;
        Ok(TarReader::new(decoder, self.limits))
    }

    /// Checks that the package ends after its data, skipping what was not read of it, and gives the control member.
    ///
    /// # Errors
    /// When other members follow, the package is cut off, or it cannot be read.
    pub fn finish(mut self) -> Result<Control, ArchiveError> {
        while let Some(member) = self.ar.next_member()? {
            if !member.name.starts_with('_') {
                return Err(bad(format!("the member `{}` follows the data", member.name)));
            }
        }
        Ok(self.control)
    }
}

/// The first member: the version of the format, of which the minor number promises that we can read it.
fn version<R: Read>(ar: &mut ArReader<R>) -> Result<(), ArchiveError> {
    let member = ar.next_member()?.ok_or_else(|| missing("debian-binary"))?;
    if member.name != "debian-binary" {
        return Err(bad(format!("it begins with the member `{}` instead of `debian-binary`", member.name)));
    }
    let mut text = Vec::new();
    ar.take(64).read_to_end(&mut text).map_err(ArchiveError::from_read)?;
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let minor = line.strip_prefix(b"2.").filter(|minor| !minor.is_empty() && minor.iter().all(u8::is_ascii_digit));
    if minor.is_none() || line.len() == text.len() {
        let shown = super::escaped::encode(line);
        return Err(bad(format!("its format is version `{shown}`, and only version 2 is known")));
    }
    Ok(())
}

/// The compression that the name of a member tells.
fn compression(name: &str, expected: &str) -> Result<CompressionFormat, ArchiveError> {
    let extension = name.strip_prefix(expected);
    let extension = extension.filter(|extension| extension.is_empty() || extension.starts_with('.'));
    match extension {
        Some(extension) => CompressionFormat::from_extension(extension),
        None => Err(bad(format!("the member `{name}` stands where `{expected}` must be"))),
    }
}

fn read_control(reader: impl Read) -> Result<Control, ArchiveError> {
    let mut tar = TarReader::new(reader, Limits::CONTROL);
    let mut files = BTreeMap::new();
    while let Some((entry, mut content)) = tar.next()? {
        match entry.kind {
            EntryKind::Dir if entry.path.is_root() => continue,
            EntryKind::File { .. } if !entry.path.as_bytes().contains(&b'/') => {}
            _ => {
                let problem = format!("its control member holds `{}`, but only files belong there", entry.path);
                return Err(bad(problem));
            }
        }
        let name = String::from_utf8(entry.path.as_bytes().to_vec());
        let name = name.ok().filter(|name| is_control_name(name));
        let name = name.ok_or_else(|| bad(format!("its control member has the odd name `{}`", entry.path)))?;
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(ArchiveError::from_read)?;
        if files.insert(name.clone(), (entry.mode, bytes)).is_some() {
            return Err(bad(format!("its control member holds `{name}` twice")));
        }
    }
    let (_, control) = files.remove("control").ok_or_else(|| missing("control"))?;
    let control = String::from_utf8(control).map_err(|_| bad("its control file is not UTF-8".to_owned()))?;
    if control.trim_end().lines().any(|line| line.trim().is_empty()) {
        return Err(bad("its control file has more than the one stanza of the package".to_owned()));
    }
    Ok(Control { control, files })
}

/// Whether a file of the control member may be called so. dpkg keeps it as `info/PACKAGE.NAME`, where `list` is dpkg's
/// own.
fn is_control_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    first && name.len() <= 64 && name != "list" && name.bytes().all(plain)
}

fn within(member: &str, error: ArchiveError) -> ArchiveError {
    match error {
        ArchiveError::Truncated { within } => ArchiveError::Truncated { within: format!("{within} (in {member})") },
        other => other,
    }
}

fn missing(member: &str) -> ArchiveError {
    bad(format!("it has no `{member}`"))
}

fn bad(problem: String) -> ArchiveError {
    ArchiveError::Container { format: ".deb", problem }
}

/// Files in JSON: mode and escaped text.
mod files {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::archive::escaped;
    use crate::model::Mode;

    type Files = BTreeMap<String, (Mode, Vec<u8>)>;

    pub(super) fn serialize<S: Serializer>(files: &Files, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(files.iter().map(|(name, (mode, bytes))| (name, (mode, escaped::encode(bytes)))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Files, D::Error> {
        let files = BTreeMap::<String, (Mode, String)>::deserialize(deserializer)?;
        let decoded = files.into_iter().map(|(name, (mode, text))| Some((name, (mode, escaped::decode(&text)?))));
        decoded.collect::<Option<_>>().ok_or_else(|| serde::de::Error::custom("a stray % in escaped bytes"))
    }
}
