//! Places in files as editors name them: URIs, lines from zero, columns in units of UTF-16.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use url::Url;

use crate::model::{Place, SourceFile, SourceMap};

/// The path that a `file:` URI names.
pub(super) fn path(uri: &str) -> Option<Utf8PathBuf> {
    let path = Url::parse(uri).ok()?.to_file_path().ok()?;
    Utf8PathBuf::from_path_buf(path).ok()
}

/// The URI of a file of the project.
pub(super) fn uri(root: &Utf8Path, name: &str) -> Option<String> {
    Url::from_file_path(root.join(name).as_std_path()).ok().map(String::from)
}

/// A position of the protocol as an offset in bytes; past the end of a line it is the end of that line.
pub(super) fn offset(text: &str, position: &Value) -> Option<usize> {
    let number = |name: &str| position[name].as_u64().and_then(|number| usize::try_from(number).ok());
    let (line, column) = (number("line")?, number("character")?);
    let start = match line {
        0 => 0,
        line => text.match_indices('\n').nth(line - 1)?.0 + 1,
    };
    let rest = text[start..].split('\n').next().unwrap_or_default();
    let mut units = 0;
    for (at, character) in rest.char_indices() {
        if units >= column {
            return Some(start + at);
        }
        units += character.len_utf16();
    }
    Some(start + rest.len())
}

/// An offset in bytes as a position of the protocol.
fn position(file: &SourceFile, offset: usize) -> Value {
    let line = file.line_at(offset);
    let start = file.line_range(line).map_or(0, |range| range.start);
    let before = file.text.get(start..offset).or_else(|| file.text.get(start..)).unwrap_or_default();
    json!({ "line": line, "character": before.encode_utf16().count() })
}

/// A place as a range of the protocol.
pub(super) fn range(sources: &SourceMap, place: Place) -> Value {
    let file = sources.file(place.file);
    let start = place.offset as usize;
    json!({ "start": position(file, start), "end": position(file, start.saturating_add(place.length as usize)) })
}

/// The whole of a text as a range of the protocol.
pub(super) fn whole(text: &str) -> Value {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let end = json!({ "line": text.matches('\n').count(), "character": last.encode_utf16().count() });
    json!({ "start": { "line": 0, "character": 0 }, "end": end })
}

/// A place as a location of the protocol.
pub(super) fn location(root: &Utf8Path, sources: &SourceMap, place: Place) -> Option<Value> {
    let uri = uri(root, &sources.file(place.file).name)?;
    Some(json!({ "uri": uri, "range": range(sources, place) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_editors_count_them() {
        let text = "aä😀b\n\nlast";
        let at = |line: u32, character: u32| offset(text, &json!({ "line": line, "character": character }));
        assert_eq!((at(0, 0), at(0, 2), at(0, 4), at(0, 99)), (Some(0), Some(3), Some(7), Some(8)));
        assert_eq!((at(1, 5), at(2, 1), at(3, 0)), (Some(9), Some(11), None));
        let mut sources = SourceMap::default();
        let file = sources.add("a", text);
        for offset in [0, 1, 3, 7, 8, 9, 10, 14] {
            let there = position(sources.file(file), offset);
            assert_eq!(super::offset(text, &there), Some(offset), "{there}");
        }
        assert_eq!(offset(text, &json!({})), None);
    }
}
