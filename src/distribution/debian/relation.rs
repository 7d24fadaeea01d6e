//! Relations between packages (Debian Policy §7): `libc6 (>= 2.41) | libc6.1, gcc:any [amd64] <!cross>`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::version;

/// How versions are compared. `<` and `>`, which Debian gave up in 1997, are read as `<=` and `>=`, as `dpkg` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// The longest first, so that a prefix does not hide another.
const OPERATORS: [(&str, Operator); 7] = [
    ("<<", Operator::Earlier),
    ("<=", Operator::EarlierOrEqual),
    (">=", Operator::LaterOrEqual),
    (">>", Operator::Later),
    ("=", Operator::Equal),
    ("<", Operator::EarlierOrEqual),
    (">", Operator::LaterOrEqual),
];

/// An operator and a version: `>= 2.41`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Constraint<'a> {
    /// How to compare.
    pub operator: Operator,
    /// With what.
    pub version: Cow<'a, str>,
}

/// Which architecture's package is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qualifier<'a> {
    /// That of the package with the relation, or a `Multi-Arch: foreign` one.
    #[default]
    Own,
    /// `:any`: any, if the package is `Multi-Arch: allowed`.
    Any,
    /// `:native`: that of the build machine (only in build dependencies).
    Native,
    /// `:arm64`: exactly that.
    Architecture(&'a str),
}

/// One alternative of a dependency, or one conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The package.
    pub name: &'a str,
    /// Of which architecture.
    pub qualifier: Qualifier<'a>,
    /// Which versions of it.
    pub constraint: Option<Constraint<'a>>,
    /// `[amd64 !i386]`: for which architectures it holds, as written; only in source packages.
    pub architectures: Vec<&'a str>,
    /// `<!cross !nocheck> <stage1>`: under which build profiles it holds, as written; only in source packages.
    pub profiles: Vec<Vec<&'a str>>,
}

/// Why a field with relations cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RelationError {
    /// The name of a package is missing or has characters that names may not have.
    #[error("`{text}` in `{relation}` is not the name of a package")]
    Name {
        /// What stands for the name.
        text: String,
        /// The relation around it.
        relation: String,
    },
    /// A bracket is not closed, or something follows that does not belong there.
    #[error("`{relation}` cannot be read from `{rest}` on: expected (version), [architectures] or <profiles>")]
    Syntax {
        /// The relation.
        relation: String,
        /// What could not be read.
        rest: String,
    },
    /// What stands in parentheses is no operator with a version.
    #[error(
        "`{text}` is not a version constraint: expected an operator (=, >=, <=, <<, >>) and a version, like `>= 1.2`"
    )]
    Constraint {
        /// What was found.
        text: String,
    },
    /// More than [`LONGEST`] relations in a field.
    #[error("a field has more than {LONGEST} relations")]
    TooMany,
}

/// Most relations in one field; the longest in Debian (`Provides` of a Rust crate) has some hundreds.
pub const LONGEST: usize = 20_000;

impl Operator {
    /// As written in control files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }
}

impl<'a> Constraint<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (operator, version) =
            OPERATORS.iter().find_map(|&(sign, operator)| Some((operator, text.strip_prefix(sign)?.trim())))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
        (!version.is_empty() && version.bytes().all(plain))
            .then_some(Self { operator, version: Cow::Borrowed(version) })
    }

    /// Whether `version` satisfies it.
    #[must_use]
    pub fn allows(&self, version: &str) -> bool {
        let order = version::compare(version, &self.version);
        match self.operator {
            Operator::Earlier => order.is_lt(),
            Operator::EarlierOrEqual => order.is_le(),
            Operator::Equal => order.is_eq(),
            Operator::LaterOrEqual => order.is_ge(),
            Operator::Later => order.is_gt(),
        }
    }

    /// The same, independent of the text it was read from.
    #[must_use]
    pub fn into_owned(self) -> Constraint<'static> {
        Constraint { operator: self.operator, version: Cow::Owned(self.version.into_owned()) }
    }
}

impl FromStr for Constraint<'static> {
    type Err = RelationError;

    fn from_str(text: &str) -> Result<Self, RelationError> {
        let error = || RelationError::Constraint { text: shorten(text) };
        Constraint::read(text).map(Constraint::into_owned).ok_or_else(error)
    }
}

/// Reads a field: groups separated by commas, alternatives within them by `|`. Empty groups (a trailing comma) are
/// passed over, as `dpkg` does.
///
/// # Errors
/// When anything in it is no relation.
pub fn parse(text: &str) -> Result<Vec<Vec<Relation<'_>>>, RelationError> {
    let mut count = 0;
    let mut groups = Vec::new();
    for group in text.split(',').map(str::trim).filter(|group| !group.is_empty()) {
        let alternatives = group.split('|').map(Relation::read).collect::<Result<Vec<_>, _>>()?;
        count += alternatives.len();
        if count > LONGEST {
            return Err(RelationError::TooMany);
        }
        groups.push(alternatives);
    }
    Ok(groups)
}

/// Reads a field without alternatives, such as `Provides` or `Conflicts`.
///
/// # Errors
/// When anything in it is no relation.
pub fn parse_flat(text: &str) -> Result<Vec<Relation<'_>>, RelationError> {
    let relations = text.split(',').map(str::trim).filter(|relation| !relation.is_empty());
    relations
        .enumerate()
        .map(|(index, text)| if index < LONGEST { Relation::read(text) } else { Err(RelationError::TooMany) })
        .collect()
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    // upper case and `_` are not allowed by policy, but stand in relations to packages of other vendors
    let rest = |byte: u8| plain(byte) || byte.is_ascii_uppercase() || byte == b'_';
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && text.bytes().all(rest)
}

impl<'a> Relation<'a> {
    fn read(text: &'a str) -> Result<Self, RelationError> {
        let text = text.trim();
        let end = text.find(|next: char| next.is_ascii_whitespace() || "([<".contains(next)).unwrap_or(text.len());
        let (head, mut rest) = (&text[..end], text[end..].trim_start());
        let (name, qualifier) = match head.split_once(':') {
            None => (head, Qualifier::Own),
            Some((name, "any")) => (name, Qualifier::Any),
            Some((name, "native")) => (name, Qualifier::Native),
            Some((name, architecture)) => (name, Qualifier::Architecture(architecture)),
        };
        let qualified = !matches!(qualifier, Qualifier::Architecture(architecture) if !is_name(architecture));
        if !is_name(name) || !qualified {
            return Err(RelationError::Name { text: shorten(head), relation: shorten(text) });
        }
        let mut relation = Self { name, qualifier, constraint: None, architectures: Vec::new(), profiles: Vec::new() };
        while !rest.is_empty() {
            rest = relation.read_restriction(text, rest)?.trim_start();
        }
        Ok(relation)
    }

    /// Reads one bracket at the beginning of `rest` and gives back what follows it.
    fn read_restriction(&mut self, relation: &str, rest: &'a str) -> Result<&'a str, RelationError> {
        let syntax = || RelationError::Syntax { relation: shorten(relation), rest: shorten(rest) };
        let close = match rest.as_bytes().first() {
            Some(b'(') if self.constraint.is_none() => ')',
            Some(b'[') if self.architectures.is_empty() => ']',
            Some(b'<') => '>',
            _ => return Err(syntax()),
        };
        let (inner, after) = rest[1..].split_once(close).ok_or_else(syntax)?;
        match close {
            ')' => {
                let error = || RelationError::Constraint { text: shorten(inner) };
                self.constraint = Some(Constraint::read(inner).ok_or_else(error)?);
            }
            ']' => self.architectures = inner.split_ascii_whitespace().collect(),
            _ => self.profiles.push(inner.split_ascii_whitespace().collect()),
        }
        Ok(after)
    }

    /// Whether `[…]` and `<…>` let it hold when built for `architecture` (Debian's name) under these profiles.
    #[must_use]
    pub fn holds(&self, architecture: &str, profiles: &[&str]) -> bool {
        let negative = self.architectures.iter().any(|name| name.starts_with('!'));
        let named = self.architectures.iter().any(|name| matches(name.trim_start_matches('!'), architecture));
        let term = |term: &&str| match term.strip_prefix('!') {
            Some(name) => !profiles.contains(&name),
            None => profiles.contains(term),
        };
        (self.architectures.is_empty() || named != negative)
            && (self.profiles.is_empty() || self.profiles.iter().any(|all| all.iter().all(term)))
    }
}

/// Whether a name or wildcard (`any`, `linux-any`, `any-amd64`) stands for a Linux architecture.
fn matches(pattern: &str, architecture: &str) -> bool {
    match pattern {
        "any" | "linux-any" => true,
        _ => {
            pattern == architecture
                || ["any-", "linux-"].iter().any(|head| pattern.strip_prefix(head) == Some(architecture))
        }
    }
}

/// Keeps a message readable when the wrong text is a whole file.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for Constraint<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.operator, self.version)
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)?;
        match self.qualifier {
            Qualifier::Own => {}
            Qualifier::Any => out.write_str(":any")?,
            Qualifier::Native => out.write_str(":native")?,
            Qualifier::Architecture(architecture) => write!(out, ":{architecture}")?,
        }
        self.constraint.as_ref().map_or(Ok(()), |constraint| write!(out, " ({constraint})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_field_is_read_whole() {
        let text =
            "libc6 (>= 2.41),\n python3:any | pypy3 (<<7), gcc:native [amd64 arm64] <!cross !nocheck> <stage1> ,";
        let groups = parse(text).expect("a field");
        assert_eq!(groups.len(), 3);
        assert_eq!(groups[0][0].to_string(), "libc6 (>= 2.41)");
        assert_eq!(groups[1][0].qualifier, Qualifier::Any);
        assert_eq!(groups[1][1].to_string(), "pypy3 (<< 7)");
        assert_eq!(groups[2][0].architectures, ["amd64", "arm64"]);
        assert_eq!(groups[2][0].profiles, [vec!["!cross", "!nocheck"], vec!["stage1"]]);
    }

    #[test]
    fn restrictions_decide_whether_a_build_dependency_holds() {
        let holds = |text: &str, architecture: &str, profiles: &[&str]| {
            parse(text).expect(text)[0][0].holds(architecture, profiles)
        };
        assert!(holds("a [amd64 i386]", "amd64", &[]) && !holds("a [amd64 i386]", "arm64", &[]));
        assert!(!holds("a [!amd64]", "amd64", &[]) && holds("a [!amd64 !i386]", "arm64", &[]));
        assert!(holds("a [linux-any]", "arm64", &[]) && holds("a [any-arm64]", "arm64", &[]));
        assert!(!holds("a [kfreebsd-any hurd-any]", "arm64", &[]));
        assert!(!holds("a <!nocheck>", "amd64", &["nocheck"]) && holds("a <!nocheck>", "amd64", &["cross"]));
        assert!(holds("a <!cross> <nocheck>", "amd64", &["cross", "nocheck"]));
        assert!(!holds("a <!cross !nocheck>", "amd64", &["nocheck"]));
    }

    #[test]
    fn what_is_no_relation_is_refused_with_its_text() {
        for text in
            ["(>= 1)", "a b", "a (>= 1", "a (1.0)", "a (>=)", "a ()", "a [x", "a | ", "a (= 1) (= 2)", "a:!", "ä", "-a"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
        let message = parse("x, foo (~ 1)").expect_err("no operator").to_string();
        assert!(message.contains("`~ 1`") && message.contains(">= 1.2"), "{message}");
        assert!(parse(&"a,".repeat(LONGEST + 1)).is_err() && parse_flat(&"a,".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn constraints_of_recipes_are_read_alone() {
        let constraint: Constraint<'_> = ">= 1.2".parse().expect("a constraint");
        assert!(constraint.allows("1.2-1") && !constraint.allows("1.2~rc1"));
        assert!("= 3.5.1-1+deb13u1".parse::<Constraint<'_>>().expect("exact").allows("3.5.1-1+deb13u1"));
        assert!("1.2".parse::<Constraint<'_>>().is_err());
    }
}
