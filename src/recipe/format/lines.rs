//! Lines that are finished, but for the columns of the comments behind them.

/// Widest line that is filled; what is longer was written so.
pub(super) const WIDEST: usize = 120;

/// A line, or several when a text goes over them.
#[derive(Default)]
pub(super) struct Line<'t> {
    pub(super) text: String,
    pub(super) comment: Option<Comment<'t>>,
}

/// A `//` behind something.
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// In which column it was.
    pub(super) column: usize,
}

/// The number of characters after the last line end of `text`.
pub(super) fn column(text: &str) -> usize {
    let line = text.rfind('\n').map_or(text, |end| &text[end + 1..]);
    line.chars().count()
}

/// All lines in one text.
///
/// Comments of consecutive lines that were in one column are put in one column. It is the nearest possible, so that
/// laying out twice changes nothing: runs that come to be in the same column would have it together as well. Beyond the
/// widest line each stands for itself, or few long lines would fill many short ones with spaces.
pub(super) fn join(lines: &[Line<'_>]) -> String {
    let mut joined = String::new();
    let column_of = |line: &Line<'_>| line.comment.as_ref().map(|comment| comment.column);
    for run in lines.chunk_by(|one, next| column_of(one).is_some() && column_of(one) == column_of(next)) {
        let widest = run.iter().map(|line| column(&line.text)).max().unwrap_or_default();
        for line in run {
            joined.push_str(&line.text);
            if let Some(comment) = &line.comment {
                let missing = if widest < WIDEST { widest - column(&line.text) } else { 0 };
                joined.push_str(&" ".repeat(missing + 1));
                joined.push_str(comment.text);
            }
            joined.push('\n');
        }
    }
    joined
}
