//! The lines of a file around the places that an error is about, as they can be shown: a few of them, none too long,
//! and without characters that a terminal obeys. Offsets are translated, so that what is marked stays under its mark.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::model::{Place, SourceFile, printable_line};

/// Lines shown before the first and after the last that is marked.
const AROUND: usize = 1;
/// Most lines of a place that are shown: a script may have thousands.
const MOST_LINES: usize = 16;
/// Longest line that is shown whole, in characters.
const WIDEST: usize = 240;
/// Characters shown before and after each end of a mark in a longer line.
const BESIDE: usize = 60;
/// Stands for what is left out of a line.
const LEFT_OUT: char = '…';

/// Some lines of one file, for `miette` to draw.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    pieces: Vec<Piece>,
    /// Where each mark begins: its offset in the excerpt, its line and its column in the file, counting from zero.
    begins: Vec<(usize, usize, usize)>,
}

/// Lines that follow each other.
#[derive(Debug)]
struct Piece {
    /// Offset of its first byte in the excerpt.
    start: usize,
    /// Number of its first line in the file, counting from zero.
    line: usize,
    text: String,
}

impl Excerpt {
    /// The lines around `places` of `file`, and where in the excerpt each of them is.
    #[must_use]
    pub(super) fn new(file: &SourceFile, places: &[Place]) -> (Self, Vec<Range<usize>>) {
        let ranges: Vec<Range<usize>> = places.iter().map(|place| shown_range(file, *place)).collect();
        let marks: BTreeSet<usize> = ranges.iter().flat_map(|range| [range.start, range.end]).collect();
        let (mut pieces, mut moved) = (Vec::new(), Vec::new());
        let mut start = 0;
        for lines in stretches(file, &ranges) {
            let mut piece = Piece { start, line: lines.start, text: String::new() };
            for line in lines {
                let Some(range) = file.line_range(line) else { break };
                // nothing follows the last line end
                if line > 0 && range.start == file.text.len() && !marks.contains(&range.start) {
                    break;
                }
                show_line(file, range, &marks, &mut piece, &mut moved);
                piece.text.push('\n');
            }
            start += piece.text.len() + 1; // pieces do not touch
            pieces.push(piece);
        }
        let to = |offset: usize| moved.iter().find(|(from, _)| *from == offset).map_or(0, |(_, to)| *to);
        let shown: Vec<Range<usize>> = ranges.iter().map(|range| to(range.start)..to(range.end)).collect();
        let begins = ranges.iter().zip(&shown).map(|(range, shown)| {
            let line = file.line_at(range.start);
            let first = file.line_range(line).map_or(0, |range| range.start);
            (shown.start, line, range.start.saturating_sub(first))
        });
        let name = printable_line(&file.name).into_owned();
        (Self { name, begins: begins.collect(), pieces }, shown)
    }
}

/// The bytes of a place that can be shown: it ends on a character, and after a moderate number of lines.
fn shown_range(file: &SourceFile, place: Place) -> Range<usize> {
    let text = &*file.text;
    let floor = |mut offset: usize| {
        offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = floor(place.offset as usize);
    let end = floor((place.offset as usize).saturating_add(place.length as usize)).max(start);
    let last = file.line_at(start) + MOST_LINES - 1;
    let bound = file.line_range(last).map_or(text.len(), |line| line.end);
    start..end.min(bound)
}

/// The lines to be shown, as stretches that neither overlap nor touch.
fn stretches(file: &SourceFile, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut wanted: Vec<Range<usize>> = ranges
        .iter()
        .map(|range| file.line_at(range.start).saturating_sub(AROUND)..file.line_at(range.end) + AROUND + 1)
        .collect();
    wanted.sort_by_key(|lines| lines.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for lines in wanted {
        match joined.last_mut() {
            Some(last) if lines.start <= last.end => last.end = last.end.max(lines.end),
            _ => joined.push(lines),
        }
    }
    joined
}

/// Adds a line to a piece, and to `moved` where the marks in it came to be.
fn show_line(
    file: &SourceFile,
    line: Range<usize>,
    marks: &BTreeSet<usize>,
    piece: &mut Piece,
    moved: &mut Vec<(usize, usize)>,
) {
    let end = line.end;
    let text = &file.text[line.clone()];
    // the carriage return of a line end is no part of the line
    let shown = text.strip_suffix('\r').unwrap_or(text);
    let windows = windows(shown, line.start, marks);
    let mut last_end = line.start;
    for window in &windows {
        if window.start > last_end {
            piece.text.push(LEFT_OUT);
        }
        for (at, character) in file.text[window.clone()].char_indices() {
            note(window.start + at, marks, piece, moved);
            show_character(character, &mut piece.text);
        }
        note(window.end, marks, piece, moved);
        last_end = window.end;
    }
    if last_end < line.start + shown.len() {
        piece.text.push(LEFT_OUT);
    }
    // a mark may end behind the carriage return
    for mark in line.start + shown.len()..=end {
        note(mark, marks, piece, moved);
    }
}

/// Notes that `offset` of the file is where the piece ends now, when somebody wants to know.
fn note(offset: usize, marks: &BTreeSet<usize>, piece: &Piece, moved: &mut Vec<(usize, usize)>) {
    if marks.contains(&offset) && moved.iter().all(|(known, _)| *known != offset) {
        moved.push((offset, piece.start + piece.text.len()));
    }
}

/// Tabs are left to who draws: the column they lead to depends on what stands before them.
fn show_character(character: char, text: &mut String) {
    if character == '\t' {
        text.push(character);
    } else {
        let mut bytes = [0; 4];
        // writing to a string cannot fail
        let _ = text.write_str(&printable_line(character.encode_utf8(&mut bytes)));
    }
}

/// The stretches of a line, which begins at `start`, that are shown: all of it, or what is around the marks in it.
fn windows(line: &str, start: usize, marks: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let whole = start..start + line.len();
    if line.len() <= WIDEST {
        return vec![whole];
    }
    let step = |at: usize, forward: bool| {
        let inside = at.clamp(whole.start, whole.end) - start;
        match forward {
            true => line[inside..].char_indices().nth(BESIDE).map_or(whole.end, |(more, _)| at + more),
            false => line[..inside].char_indices().rev().nth(BESIDE - 1).map_or(whole.start, |(less, _)| start + less),
        }
    };
    let mut windows: Vec<Range<usize>> = Vec::new();
    for mark in marks.range(whole.start..=whole.end) {
        let window = step(*mark, false)..step(*mark, true);
        match windows.last_mut() {
            Some(last) if window.start <= last.end => last.end = window.end,
            _ => windows.push(window),
        }
    }
    if windows.is_empty() {
        windows.push(whole.start..step(whole.start, true));
    }
    windows
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let index = self.pieces.partition_point(|piece| piece.start <= span.offset()).saturating_sub(1);
        let piece = self.pieces.get(index).ok_or(MietteError::OutOfBounds)?;
        let local = SourceSpan::new((span.offset() - piece.start).into(), span.len());
        if local.offset() + local.len() > piece.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let found = piece.text.as_str().read_span(&local, before, after)?;
        let within = *found.span();
        let data = piece.text.as_bytes().get(within.offset()..within.offset() + within.len());
        let moved = SourceSpan::new((within.offset() + piece.start).into(), within.len());
        // what is left out before a mark counts when its column is told
        let known = self.begins.iter().find(|(offset, ..)| before == 0 && *offset == span.offset());
        let (line, column) =
            known.map_or((found.line() + piece.line, found.column()), |(_, line, column)| (*line, *column));
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data.ok_or(MietteError::OutOfBounds)?,
            moved,
            line,
            column,
            found.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceMap;

    fn excerpt(text: &str, places: &[(usize, usize)]) -> (Excerpt, Vec<Range<usize>>) {
        let mut sources = SourceMap::default();
        let id = sources.add("images/a/recipe.kdl", text);
        let place = |(offset, length): &(usize, usize)| Place {
            file: id,
            offset: u32::try_from(*offset).expect("small"),
            length: u32::try_from(*length).expect("small"),
        };
        Excerpt::new(sources.file(id), &places.iter().map(place).collect::<Vec<_>>())
    }

    fn marked(excerpt: &Excerpt, range: &Range<usize>) -> String {
        let piece = excerpt.pieces.iter().rfind(|piece| piece.start <= range.start).expect("a piece");
        piece.text[range.start - piece.start..range.end - piece.start].to_owned()
    }

    #[test]
    fn what_is_marked_stays_marked() {
        let text = "one\ntwo \u{1b}[31mtwo\u{202e} x\r\nthree\n";
        let at = text.find("two\u{202e}").expect("there");
        let (shown, ranges) = excerpt(text, &[(at, 6), (text.find('x').expect("there"), 1)]);
        assert_eq!(shown.pieces[0].text, "one\ntwo \\u{1b}[31mtwo\\u{202e} x\nthree\n");
        assert_eq!(marked(&shown, &ranges[0]), "two\\u{202e}");
        assert_eq!(marked(&shown, &ranges[1]), "x");
    }

    #[test]
    fn a_long_line_is_shown_around_its_marks() {
        let text = format!("{}HERE{}THERE{}\n", "a".repeat(100_000), "b".repeat(100_000), "c".repeat(100_000));
        let (shown, ranges) = excerpt(&text, &[(100_000, 4), (200_004, 5)]);
        assert!(shown.pieces[0].text.len() < 1000, "{}", shown.pieces[0].text.len());
        assert_eq!((marked(&shown, &ranges[0]).as_str(), marked(&shown, &ranges[1]).as_str()), ("HERE", "THERE"));
        let contents = shown.read_span(&ranges[1].clone().into(), 0, 0).expect("there");
        assert_eq!((contents.line(), contents.column()), (0, 200_004));
    }

    #[test]
    fn a_long_mark_is_shown_from_both_ends() {
        let text = format!("begin{}end", "é".repeat(100_000));
        let (shown, ranges) = excerpt(&text, &[(0, text.len())]);
        let marked = marked(&shown, &ranges[0]);
        assert!(marked.starts_with("beginé") && marked.ends_with("éend") && marked.contains('…'), "{marked}");
        assert!(marked.chars().count() < 300);
    }

    #[test]
    fn places_far_apart_are_pieces_of_their_own() {
        let text = "line\n".repeat(1000);
        let (shown, _) = excerpt(&text, &[(0, 4), (2500, 4), (10, text.len())]);
        let lines: Vec<(usize, usize)> =
            shown.pieces.iter().map(|piece| (piece.line, piece.text.lines().count())).collect();
        assert_eq!(lines, [(0, 3 + MOST_LINES), (499, 3)]);
    }

    #[test]
    fn places_beyond_the_text_are_at_its_end() {
        for (text, place) in [("", (0, 0)), ("", (5, 5)), ("é", (1, 9)), ("a\n", (2, 0)), ("a\n", (1, 1))] {
            let (shown, ranges) = excerpt(text, &[place]);
            for (before, after) in [(0, 0), (1, 1)] {
                assert!(shown.read_span(&ranges[0].clone().into(), before, after).is_ok(), "{text:?} {place:?}");
            }
        }
    }
}
