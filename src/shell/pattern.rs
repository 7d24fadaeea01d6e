//! Patterns as of POSIX.1-2024 (XCU 2.14), for `case`, `${NAME%PATTERN}` and file names.

/// A pattern that is ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Element>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Element {
    Literal(char),
    /// `?`.
    One,
    /// `*`.
    Any,
    /// `[…]`.
    Class {
        negated: bool,
        members: Vec<Member>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Range(char, char),
    /// `[:NAME:]`.
    Named(String),
}

impl Pattern {
    /// Reads a pattern of characters and whether each is quoted and so means itself.
    pub(super) fn new(text: &[(char, bool)]) -> Self {
        let mut elements = Vec::new();
        let mut at = 0;
        while let Some(&(letter, quoted)) = text.get(at) {
            at += 1;
            match letter {
                _ if quoted => elements.push(Element::Literal(letter)),
                '*' if elements.last() == Some(&Element::Any) => {}
                '*' => elements.push(Element::Any),
                '?' => elements.push(Element::One),
                '\\' if at < text.len() => {
                    elements.push(Element::Literal(text[at].0));
                    at += 1;
                }
                '[' => match class(&text[at..]) {
                    Some((class, length)) => {
                        elements.push(class);
                        at += length;
                    }
                    None => elements.push(Element::Literal('[')),
                },
                _ => elements.push(Element::Literal(letter)),
            }
        }
        Self(elements)
    }

    /// The text that alone matches; none where several may.
    pub(super) fn literal(&self) -> Option<String> {
        let letter = |element: &Element| if let Element::Literal(letter) = element { Some(*letter) } else { None };
        self.0.iter().map(letter).collect()
    }

    /// Whether a hidden name may match: only a literal dot matches a leading one.
    pub(super) fn matches_hidden(&self) -> bool {
        self.0.first() == Some(&Element::Literal('.'))
    }

    /// Steps that a comparison with so many characters may take.
    pub(super) fn cost(&self, characters: usize) -> u64 {
        (self.0.len() as u64 + 1).saturating_mul(characters as u64 + 1)
    }

    /// Whether all of `text` matches. Takes no more than [`Self::cost`] steps.
    pub(super) fn matches(&self, text: &[char]) -> bool {
        let (mut at, mut element) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        loop {
            match self.0.get(element) {
                Some(Element::Any) => {
                    again = Some((element, at));
                    element += 1;
                    continue;
                }
                Some(other) if text.get(at).is_some_and(|letter| other.takes(*letter)) => {
                    at += 1;
                    element += 1;
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            // the last `*` takes one more
            let Some((star, begin)) = again.filter(|(_, begin)| *begin < text.len()) else { return false };
            again = Some((star, begin + 1));
            (at, element) = (begin + 1, star + 1);
        }
    }

    /// How many characters the shortest or longest beginning of `text` has that matches.
    pub(super) fn prefix(&self, text: &[char], longest: bool) -> Option<usize> {
        let mut lengths: Box<dyn Iterator<Item = usize>> = Box::new(0..=text.len());
        if longest {
            lengths = Box::new((0..=text.len()).rev());
        }
        lengths.into_iter().find(|length| self.matches(&text[..*length]))
    }

    /// Where the shortest or longest end of `text` begins that matches.
    pub(super) fn suffix(&self, text: &[char], longest: bool) -> Option<usize> {
        let mut begins: Box<dyn Iterator<Item = usize>> = Box::new((0..=text.len()).rev());
        if longest {
            begins = Box::new(0..=text.len());
        }
        begins.into_iter().find(|begin| self.matches(&text[*begin..]))
    }
}

impl Element {
    fn takes(&self, letter: char) -> bool {
        match self {
            Self::Literal(own) => *own == letter,
            Self::One | Self::Any => true,
            Self::Class { negated, members } => members.iter().any(|member| member.has(letter)) != *negated,
        }
    }
}

impl Member {
    fn has(&self, letter: char) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&letter),
            Self::Named(name) => is_of_class(letter, name),
        }
    }
}

/// Whether a character is of a named class, in the locale C.
pub(super) fn is_of_class(letter: char, name: &str) -> bool {
    match name {
        "alnum" => letter.is_ascii_alphanumeric(),
        "alpha" => letter.is_ascii_alphabetic(),
        "blank" => letter == ' ' || letter == '\t',
        "cntrl" => letter.is_ascii_control(),
        "digit" => letter.is_ascii_digit(),
        "graph" => letter.is_ascii_graphic(),
        "lower" => letter.is_ascii_lowercase(),
        "print" => letter == ' ' || letter.is_ascii_graphic(),
        "punct" => letter.is_ascii_punctuation(),
        "space" => letter.is_ascii_whitespace() || letter == '\u{b}',
        "upper" => letter.is_ascii_uppercase(),
        "xdigit" => letter.is_ascii_hexdigit(),
        _ => false,
    }
}

/// A bracket expression after its `[`, and how many characters it has with the closing bracket.
fn class(text: &[(char, bool)]) -> Option<(Element, usize)> {
    let negated = matches!(text.first(), Some(('!' | '^', false)));
    let mut at = usize::from(negated);
    let begin = at;
    let mut members = Vec::new();
    loop {
        let &(letter, quoted) = text.get(at)?;
        if letter == ']' && !quoted && at > begin {
            return Some((Element::Class { negated, members }, at + 1));
        }
        if letter == '[' && !quoted && text.get(at + 1) == Some(&(':', false)) {
            let rest: String = text[at + 2..].iter().map(|(letter, _)| *letter).collect();
            if let Some(end) = rest.find(":]") {
                at += 2 + rest[..end].chars().count() + 2;
                members.push(Member::Named(rest[..end].to_owned()));
                continue;
            }
        }
        let (first, length) = member(&text[at..])?;
        at += length;
        let dash = text.get(at) == Some(&('-', false)) && text.get(at + 1).is_some_and(|next| *next != (']', false));
        let mut last = first;
        if dash {
            let (end, length) = member(&text[at + 1..])?;
            last = end;
            at += 1 + length;
        }
        members.push(Member::Range(first, last));
    }
}

/// A character of a bracket expression, which a backslash may quote.
fn member(text: &[(char, bool)]) -> Option<(char, usize)> {
    match text.first()? {
        ('\\', false) => Some((text.get(1)?.0, 2)),
        (letter, _) => Some((*letter, 1)),
    }
}
