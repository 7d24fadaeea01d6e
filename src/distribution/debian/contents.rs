//! `Contents-ARCHITECTURE`: which package has which file (Debian repository format, "Contents indices"). A line is a
//! path without its leading slash, white space, and packages with their sections, a comma between them.

use std::io::{self, BufRead, Read as _};

/// Longer than any line of an archive: some folders are in many packages.
const LONGEST: u64 = 1 << 20;

/// Gives each path with its packages (`section/name,section/name`) to `visit`. A line that is no text, or that has no
/// two columns, is passed over.
///
/// # Errors
/// When it cannot be read, or a line has more than 1 MiB.
pub fn each(mut reader: impl BufRead, mut visit: impl FnMut(&str, &str)) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if read as u64 == LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line has more than 1 MiB"));
        }
        let text = std::str::from_utf8(&line).ok().map(str::trim_end);
        // a path may hold spaces, the names of packages do not
        if let Some((path, packages)) = text.and_then(|text| text.rsplit_once([' ', '\t'])) {
            visit(path.trim_end(), packages);
        }
    }
}

/// The names in the second column.
pub fn names(packages: &str) -> impl Iterator<Item = &str> {
    packages.split(',').filter_map(|package| package.rsplit('/').next()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_path_and_packages() {
        let text = b"usr/bin/x   utils/x\nusr/share/a b\tnon-free/net/y,utils/z\n\xff\xff utils/w\nalone\n\n";
        let mut found = Vec::new();
        each(&text[..], |path, packages| {
            found.push((path.to_owned(), names(packages).map(str::to_owned).collect::<Vec<_>>()));
        })
        .expect("it is read");
        let expected = [
            ("usr/bin/x".to_owned(), vec!["x".to_owned()]),
            ("usr/share/a b".to_owned(), vec!["y".into(), "z".into()]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        assert!(each(endless, |_, _| panic!("no line ended")).is_err());
    }
}
