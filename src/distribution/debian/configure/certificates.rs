//! Trusted certificates as ca-certificates' script and `update-ca-certificates` (20230311 to 20250419) install them:
//! the list, the bundle, a link per certificate, and links named by the hash of the subject, as `openssl rehash` makes.

use std::collections::BTreeSet;

use sha1::{Digest as _, Sha1};

use super::ConfigureError;
use super::script::here_document;
use super::tree::{Root, at};
use crate::archive::EntryKind;
use crate::model::ImagePath;

const LIST: &str = "/etc/ca-certificates.conf";
const PACKAGED: &str = "/usr/share/ca-certificates";
const LOCAL: &str = "/usr/local/share/ca-certificates";
const INSTALLED: &str = "/etc/ssl/certs";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes the list of certificates, all of them chosen; `script` is the package's own, which holds the list's remarks.
/// Gives the names as debconf is told of them.
pub(super) fn list(root: &mut Root<'_>, script: &str) -> Result<Vec<String>, ConfigureError> {
    if root.is_dir(&at("/usr/local")?) && !root.exists(&at(LOCAL)?) {
        let local = root.target(&at("/usr/local")?);
        let (mode, group) = local.map_or((0o755, 0), |entry| (entry.mode.bits(), entry.gid));
        root.mkdir(&at(LOCAL)?, mode, (0, group));
    }
    let folder = at(PACKAGED)?;
    let mut names = Vec::new();
    find(root, &folder, &mut |path| names.extend(path.below(&folder).map(|name| name.to_string()[1..].to_owned())));
    names.sort();
    if !root.exists(&at(LIST)?) {
        let remarks = here_document(script, LIST).unwrap_or_default();
        let text: String =
            remarks.lines().chain(names.iter().map(String::as_str)).flat_map(|line| [line, "\n"]).collect();
        root.write(&at(LIST)?, 0o644, (0, 0), text);
    }
    Ok(names)
}

/// Calls `each` with the files below `folder` whose names end in `.crt`, in the order of their paths' bytes.
fn find(root: &Root<'_>, folder: &ImagePath, each: &mut dyn FnMut(&ImagePath)) {
    for entry in root.list(folder) {
        match entry.kind {
            EntryKind::Dir => find(root, &entry.path, each),
            _ if entry.path.name().ends_with(b".crt") && root.is_file(&entry.path) => each(&entry.path),
            _ => {}
        }
    }
}

/// Installs what the list names and what is in the local folder.
pub(super) fn update(root: &mut Root<'_>) -> Result<(), ConfigureError> {
    let list = root.text(&at(LIST)?)?.unwrap_or_default();
    let chosen = list.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    let mut certificates: Vec<String> = chosen.map(|name| format!("{PACKAGED}/{name}")).collect();
    let mut local = Vec::new();
    find(root, &at(LOCAL)?, &mut |path| local.push(path.to_string()));
    local.sort();
    certificates.extend(local);

    let mut bundle = Vec::new();
    let mut hashes = BTreeSet::new();
    for certificate in &certificates {
        let Some(content) = root.read(&at(certificate)?)? else { continue };
        let name = certificate.rsplit('/').next().unwrap_or_default().trim_end_matches(".crt");
        let name = name.replace([' ', ','], "_").replace(['(', ')'], "=") + ".pem";
        root.symlink(&at(&format!("{INSTALLED}/{name}"))?, certificate.as_bytes());
        bundle.extend_from_slice(&content);
        if !content.is_empty() && !content.ends_with(b"\n") {
            bundle.push(b'\n');
        }
        if let Some(hash) = subject_hash(&content) {
            hashes.insert((hash, name, content));
        }
    }
    if !certificates.is_empty() {
        root.write(&at(BUNDLE)?, 0o644, (0, 0), bundle);
    }
    link_hashes(root, hashes)
}

/// Links `HASH.0`, `HASH.1`, …; a certificate that is there under two names gets one.
fn link_hashes(root: &mut Root<'_>, hashes: BTreeSet<(u32, String, Vec<u8>)>) -> Result<(), ConfigureError> {
    let mut same: Vec<Vec<u8>> = Vec::new();
    let mut current = None;
    for (hash, name, content) in hashes {
        if current != Some(hash) {
            current = Some(hash);
            same.clear();
        }
        let Some(der) = pem(&content).filter(|der| !same.contains(der)) else { continue };
        root.symlink(&at(&format!("{INSTALLED}/{hash:08x}.{}", same.len()))?, name.as_bytes());
        same.push(der);
    }
    Ok(())
}

/// OpenSSL's hash of a certificate's subject (`X509_NAME_hash`): the first four bytes, little endian, of SHA-1 over
/// the name in canonical form. None when it is no certificate in PEM, or several.
fn subject_hash(content: &[u8]) -> Option<u32> {
    let der = pem(content)?;
    let certificate = Der(&der).enter(SEQUENCE)?;
    let mut fields = certificate.enter(SEQUENCE)?;
    // version (optional), serial number, signature, issuer, validity: then the subject (RFC 5280 §4.1)
    let mut skip = if fields.0.first() == Some(&0xa0) { 5 } else { 4 };
    while skip > 0 {
        fields.next()?;
        skip -= 1;
    }
    let canonical = canonical_name(fields.enter(SEQUENCE)?)?;
    let digest = Sha1::digest(canonical);
    Some(u32::from_le_bytes(digest.as_slice().get(..4)?.try_into().ok()?))
}

/// The content of the only certificate.
fn pem(content: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, rest) = rest.split_once("-----END CERTIFICATE-----")?;
    if rest.contains("-----BEGIN") {
        return None;
    }
    let mut der = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in body.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            der.push((bits >> held) as u8);
        }
    }
    Some(der)
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0c;

/// DER that has not been read yet.
#[derive(Clone, Copy)]
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// The next value: its tag, its content, and all of its bytes.
    fn next(&mut self) -> Option<(u8, Der<'d>, &'d [u8])> {
        let (&tag, &first) = (self.0.first()?, self.0.get(1)?);
        let (start, length) = match usize::from(first) {
            short @ ..0x80 => (2, short),
            long => {
                let bytes = self.0.get(2..2 + (long & 0x7f)).filter(|bytes| (1..=4).contains(&bytes.len()))?;
                (2 + bytes.len(), bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
            }
        };
        let whole = self.0.get(..start.checked_add(length)?)?;
        self.0 = &self.0[whole.len()..];
        Some((tag, Der(&whole[start..]), whole))
    }

    /// The content of the next value, which must have this tag.
    fn enter(mut self, tag: u8) -> Option<Der<'d>> {
        self.next().filter(|(found, _, _)| *found == tag).map(|(_, content, _)| content)
    }
}

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        ..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// The sets of a name, each attribute's text as UTF-8 in lower case with single spaces.
fn canonical_name(mut name: Der<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while !name.0.is_empty() {
        let (tag, mut attributes, _) = name.next()?;
        let mut set = Vec::new();
        while !attributes.0.is_empty() {
            let mut attribute = attributes.next()?.1;
            let (_, _, kind) = attribute.next()?;
            let (text_tag, text, whole) = attribute.next()?;
            let text =
                canonical_text(text_tag, text.0).map_or_else(|| whole.to_vec(), |text| value(UTF8_STRING, &text));
            set.push(value(SEQUENCE, &[kind, &text].concat()));
        }
        set.sort(); // DER orders the members of a set
        out.extend(value(SET, &set.concat()).into_iter().take(if tag == SET { usize::MAX } else { 0 }));
    }
    Some(out)
}

/// None for what is no text: it stays as it is.
fn canonical_text(tag: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    let text: String = match tag {
        // UTF8String, PrintableString, IA5String, VisibleString
        UTF8_STRING | 0x13 | 0x16 | 0x1a => String::from_utf8(bytes.to_vec()).ok()?,
        // T61String, which OpenSSL reads as Latin-1
        0x14 => bytes.iter().copied().map(char::from).collect(),
        // BMPString
        0x1e => char::decode_utf16(bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])))
            .collect::<Result<_, _>>()
            .ok()?,
        _ => return None,
    };
    let words: Vec<&str> =
        text.split([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']).filter(|word| !word.is_empty()).collect();
    Some(words.join(" ").to_ascii_lowercase().into_bytes())
}
