//! Reads `/etc/ld.so.cache`, in which the GNU loader looks libraries up: it never reads `/etc/ld.so.conf` itself.

use std::collections::BTreeMap;

/// Magic and version of the format since glibc 2.2.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// Bytes of the header, and of an entry.
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// Longer than any path.
const LONGEST: usize = 4096;

/// Where libraries are, by name, in the order of the cache. What does not make sense is left out.
pub(in crate::image) fn read(bytes: &[u8], little_endian: bool) -> BTreeMap<String, Vec<String>> {
    let mut libraries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // the older format may stand before it
    let Some(start) = bytes.windows(MAGIC.len()).position(|window| window == MAGIC) else { return libraries };
    let cache = &bytes[start..];
    let number = |at: usize| -> Option<usize> {
        let four: [u8; 4] = cache.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number = if little_endian { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
        usize::try_from(number).ok()
    };
    let text = |at: usize| -> Option<String> {
        let rest = cache.get(at..)?;
        let end = rest.iter().take(LONGEST).position(|&byte| byte == 0)?;
        String::from_utf8(rest[..end].to_vec()).ok()
    };
    let count = number(MAGIC.len()).unwrap_or(0).min(cache.len() / ENTRY);
    for entry in (0..count).map(|index| HEADER + index * ENTRY) {
        let names = (number(entry + 4).and_then(text), number(entry + 8).and_then(text));
        if let (Some(name), Some(path)) = names {
            libraries.entry(name).or_default().push(path);
        }
    }
    libraries
}
