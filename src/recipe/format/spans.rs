//! What goes over several lines: it moves as a whole, and means the same afterwards.

/// A `"""` text with its lines, and the quotes that close it, at `indentation` spaces. Nothing when it is another kind
/// of string, or when it is not plain which spaces are its own.
pub(super) fn text(written: &str, indentation: usize) -> Option<String> {
    let hashes = written.bytes().take_while(|&byte| byte == b'#').count();
    let quotes = hashes + 3;
    if !written[hashes..].starts_with("\"\"\"") {
        return None;
    }
    let body = written.get(quotes..written.len().checked_sub(quotes)?)?;
    let body = body.replace("\r\n", "\n");
    let lines: Vec<&str> = body.strip_prefix('\n')?.split('\n').collect();
    if lines.iter().any(|line| line.contains(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])) {
        return None; // line ends of KDL that this does not move
    }
    let (own, lines) = lines.split_last()?;
    if !own.trim().is_empty() {
        return None;
    }
    let moved = moved(lines, own, indentation, hashes == 0)?;
    let (opening, closing) = (&written[..quotes], &written[written.len() - quotes..]);
    Some(format!("{opening}\n{moved}{}{closing}", " ".repeat(indentation)))
}

/// The lines with `indentation` spaces in the place of `own`.
fn moved(lines: &[&str], own: &str, indentation: usize, escapes: bool) -> Option<String> {
    let spaces = " ".repeat(indentation);
    let mut moved = String::new();
    let mut joined = false; // to the line before, by a `\` that takes up all spaces after it
    for line in lines {
        if !line.trim().is_empty() {
            let rest = line.strip_prefix(own).or_else(|| joined.then(|| line.trim_start()))?;
            moved.push_str(&spaces);
            moved.push_str(rest);
            joined = escapes && joins(line);
        }
        moved.push('\n');
    }
    (!joined).then_some(moved)
}

/// Whether the line ends with a `\` that joins the next one to it.
fn joins(line: &str) -> bool {
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            if characters.as_str().trim_start().is_empty() {
                return true;
            }
            characters.next();
        }
    }
    false
}

/// A comment that began in column `from` and begins in column `to`: its other lines move along.
pub(super) fn comment(written: &str, from: usize, to: usize) -> String {
    let mut lines = written.split('\n').map(str::trim_end);
    let mut moved = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        moved.push('\n');
        if line.is_empty() {
            continue;
        }
        let spaces = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        moved.push_str(&" ".repeat(to.saturating_sub(from)));
        moved.push_str(&line[from.saturating_sub(to).min(spaces)..]);
    }
    moved
}
