//! The framing of clear-signed documents (RFC 9580 §7), read strictly: whatever two programs could understand
//! differently is refused.

use super::SignatureError;

/// A clear-signed document, taken apart.
pub(super) struct Parts {
    /// The signed text: dash escapes undone, white space at the ends of lines gone, lines ended by line feeds.
    pub(super) text: String,
    /// The armored signatures.
    pub(super) signatures: String,
}

const HEADER: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// Splits a document.
///
/// # Errors
/// When anything stands outside the signed block, or lines are not as they must be.
pub(super) fn split(document: &str) -> Result<Parts, SignatureError> {
    let mut lines =
        (1..).zip(document.split('\n')).map(|(number, line)| (number, line.strip_suffix('\r').unwrap_or(line)));
    let wrong = |line, reason| Err(SignatureError::Framing { line, reason });
    if lines.next().is_none_or(|(_, line)| line.trim_end_matches([' ', '\t']) != HEADER) {
        return wrong(
            1,
            "is not `-----BEGIN PGP SIGNED MESSAGE-----`: this is not a clear-signed document, or text stands before it",
        );
    }
    let mut last = 1;
    for (number, line) in lines.by_ref() {
        last = number;
        match line {
            "" => break,
            _ if line.starts_with("Hash: ") => {}
            _ => return wrong(number, "is no `Hash:` header; there must be an empty line before the text"),
        }
    }
    let text = signed_text(&mut lines, &mut last)?;
    let mut signatures = format!("{SIGNATURE}\n");
    for (number, line) in lines.by_ref() {
        last = number;
        signatures.push_str(line);
        signatures.push('\n');
        match line.trim_end() {
            END => break,
            line if line.starts_with('-') => return wrong(number, "begins another block inside the signatures"),
            _ => {}
        }
    }
    if !signatures.ends_with(&format!("{END}\n")) {
        return wrong(last, "is the last one, but the signatures have no end: the document was cut off");
    }
    match lines.find(|(_, line)| !line.trim().is_empty()) {
        Some((number, _)) => wrong(number, "stands after the signatures, where nothing may stand"),
        None => Ok(Parts { text, signatures }),
    }
}

fn signed_text<'a>(
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
    last: &mut usize,
) -> Result<String, SignatureError> {
    let mut text = String::new();
    let mut first = true;
    for (number, line) in lines {
        *last = number;
        if line.trim_end_matches([' ', '\t']) == SIGNATURE {
            return Ok(text);
        }
        let plain = match line.strip_prefix("- ") {
            Some(escaped) => escaped,
            None if line.starts_with('-') => {
                return Err(SignatureError::Framing { line: number, reason: "begins with a dash that is not escaped" });
            }
            None => line,
        };
        if plain.contains('\r') {
            return Err(SignatureError::Framing { line: number, reason: "has a carriage return in it" });
        }
        // the line break before the signatures is not part of the text
        if !first {
            text.push('\n');
        }
        first = false;
        text.push_str(plain.trim_end_matches([' ', '\t']));
    }
    Err(SignatureError::Framing {
        line: *last,
        reason: "is the last one, but there is no signature: the document was cut off",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\na \t\n- - b\n\n-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn the_text_is_what_was_signed() {
        for document in [GOOD.to_owned(), GOOD.replace('\n', "\r\n"), format!("{GOOD}\n \n")] {
            let parts = split(&document).expect("clear-signed");
            assert_eq!(parts.text, "a\n- b\n");
            assert!(parts.signatures.ends_with("abcd\n-----END PGP SIGNATURE-----\n"));
        }
    }

    #[test]
    fn whatever_stands_outside_the_signed_block_is_refused() {
        for (document, line) in [
            (format!("Origin: evil\n{GOOD}"), 1),
            (format!("\n{GOOD}"), 1),
            (format!("{GOOD}Origin: evil\n"), 11),
            (format!("{GOOD}{GOOD}"), 11),
            (GOOD.replace("SHA256\n", "SHA256\nOrigin: evil\n"), 3),
            (GOOD.replace("SHA256\n\n", "SHA256\n \n"), 3),
            (GOOD.replace("- - b", "- b\n-----BEGIN PGP SIGNED MESSAGE-----"), 6),
            (GOOD.replace("- - b", "-b"), 5),
            (GOOD.replace("- - b", "x\rb"), 5),
            (GOOD.replace("abcd", "-----BEGIN PGP SIGNATURE-----"), 9),
            (GOOD[..70].to_owned(), 7),
            (GOOD[..58].to_owned(), 5),
            (GOOD[..GOOD.len() - 10].to_owned(), 10),
            ("Origin: Archive\n".to_owned(), 1),
            (String::new(), 1),
        ] {
            match split(&document) {
                Err(SignatureError::Framing { line: found, .. }) => assert_eq!(found, line, "{document}"),
                _ => panic!("accepted: {document}"),
            }
        }
    }
}
