//! Sums: `$(( … ))` as of POSIX.1-2024 (XCU 2.6.4), in signed integers of 64 bits that wrap around.

/// Variables, as sums read and set them.
pub(super) trait Variables {
    /// The value of a variable; none where it is not set.
    fn value(&self, name: &str) -> Option<String>;

    /// Sets a variable; says why where it cannot be.
    fn set(&mut self, name: &str, value: i64) -> Result<(), String>;
}

/// How deep brackets and signs may stand in one another.
const DEPTH: u32 = 60;

/// Why a sum has no value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// What a shell would say.
    Said(String),
    /// It is nested too deep for this program.
    TooDeep,
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self::Said(what)
    }
}

/// The value of a sum.
pub(super) fn evaluate(text: &str, variables: &mut dyn Variables) -> Result<i64, Wrong> {
    let mut sum = Sum { rest: text, variables, depth: 0, counts: true };
    sum.skip();
    if sum.rest.is_empty() {
        return Ok(0);
    }
    let value = sum.assignment()?;
    sum.skip();
    if sum.rest.is_empty() { Ok(value) } else { Err(format!("the sum `{text}`").into()) }
}

struct Sum<'t, 'v> {
    rest: &'t str,
    variables: &'v mut dyn Variables,
    depth: u32,
    /// Whether the part counts: false in the branch of `?:`, `&&` or `||` that is not taken.
    counts: bool,
}

/// Operators with two operands, weakest first; those of a row bind equally.
const ROWS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Longer operators that begin like a shorter one.
const LONGER: &[&str] = &[
    "||", "&&", "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "++",
    "--",
];

impl<'t> Sum<'t, '_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
    }

    /// The operator that comes next, the longest that fits.
    fn operator(&mut self) -> &'t str {
        self.skip();
        let longest = LONGER.iter().filter(|long| self.rest.starts_with(**long)).map(|long| long.len()).max();
        let one = self.rest.chars().next().map_or(0, char::len_utf8);
        &self.rest[..longest.unwrap_or(one)]
    }

    fn take(&mut self, operator: &str) -> bool {
        let there = !operator.is_empty() && self.operator() == operator;
        self.rest = &self.rest[if there { operator.len() } else { 0 }..];
        there
    }

    fn name(&mut self) -> Option<&'t str> {
        self.skip();
        let end = self.rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let name = &self.rest[..end.unwrap_or(self.rest.len())];
        super::parse::is_name(name).then_some(name)
    }

    fn assignment(&mut self) -> Result<i64, Wrong> {
        if self.depth == DEPTH {
            return Err(Wrong::TooDeep);
        }
        self.depth += 1;
        let value = self.assignment_inside();
        self.depth -= 1;
        value
    }

    fn assignment_inside(&mut self) -> Result<i64, Wrong> {
        let begin = self.rest;
        if let Some(name) = self.name() {
            self.rest = &self.rest[name.len()..];
            let operator = self.operator();
            let binary = operator.strip_suffix('=').filter(|binary| !["=", "!", "<", ">"].contains(binary));
            if let Some(binary) = binary {
                self.rest = &self.rest[operator.len()..];
                let right = self.assignment()?;
                let value = if binary.is_empty() { right } else { self.apply(binary, self.lookup(name)?, right)? };
                if self.counts {
                    self.variables.set(name, value)?;
                }
                return Ok(value);
            }
            self.rest = begin;
        }
        let condition = self.row(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let counts = self.counts;
        self.counts = counts && condition != 0;
        let yes = self.assignment()?;
        if !self.take(":") {
            return Err("a `?` without `:` in a sum".to_owned().into());
        }
        self.counts = counts && condition == 0;
        let no = self.assignment()?;
        self.counts = counts;
        Ok(if condition != 0 { yes } else { no })
    }

    fn row(&mut self, row: usize) -> Result<i64, Wrong> {
        let Some(operators) = ROWS.get(row) else { return self.unary() };
        let mut left = self.row(row + 1)?;
        loop {
            let operator = self.operator();
            if !operators.contains(&operator) {
                return Ok(left);
            }
            self.rest = &self.rest[operator.len()..];
            let counts = self.counts;
            self.counts = counts && !(operator == "||" && left != 0 || operator == "&&" && left == 0);
            let right = self.row(row + 1)?;
            left = if self.counts || ["||", "&&"].contains(&operator) { self.apply(operator, left, right)? } else { 0 };
            self.counts = counts;
        }
    }

    fn unary(&mut self) -> Result<i64, Wrong> {
        if self.depth == DEPTH {
            return Err(Wrong::TooDeep);
        }
        self.depth += 1;
        let value = match self.operator() {
            "!" => self.sign(|value| i64::from(value == 0)),
            "~" => self.sign(|value| !value),
            "-" => self.sign(i64::wrapping_neg),
            "+" => self.sign(|value| value),
            "(" => {
                self.take("(");
                let value = self.assignment()?;
                if self.take(")") { Ok(value) } else { Err("a bracket that is not closed in a sum".to_owned().into()) }
            }
            _ => self.operand(),
        };
        self.depth -= 1;
        value
    }

    fn sign(&mut self, apply: fn(i64) -> i64) -> Result<i64, Wrong> {
        self.rest = &self.rest[1..];
        self.unary().map(apply)
    }

    fn operand(&mut self) -> Result<i64, Wrong> {
        if let Some(name) = self.name() {
            self.rest = &self.rest[name.len()..];
            return self.lookup(name);
        }
        let end = self.rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        number(digits).ok_or_else(|| format!("`{digits}{}` in a sum", rest.chars().next().unwrap_or(' ')).into())
    }

    fn lookup(&self, name: &str) -> Result<i64, Wrong> {
        let value = self.variables.value(name).unwrap_or_default();
        let text = value.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        match number(digits) {
            _ if text.is_empty() => Ok(0),
            Some(value) => Ok(if negative { value.wrapping_neg() } else { value }),
            None => Err(format!("the value `{value}` of {name} in a sum").into()),
        }
    }

    fn apply(&self, operator: &str, left: i64, right: i64) -> Result<i64, Wrong> {
        if matches!(operator, "/" | "%") && right == 0 {
            return if self.counts { Err("a division by zero".to_owned().into()) } else { Ok(0) };
        }
        Ok(match operator {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<<" => left.wrapping_shl(u32::try_from(right & 63).unwrap_or(0)),
            ">>" => left.wrapping_shr(u32::try_from(right & 63).unwrap_or(0)),
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" => left.wrapping_div(right),
            "%" => left.wrapping_rem(right),
            _ => return Err(format!("`{operator}` in a sum").into()),
        })
    }
}

/// A constant: decimal, octal with a leading zero, or hexadecimal with `0x`.
fn number(digits: &str) -> Option<i64> {
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16).ok(),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(&digits[1..], 8).ok(),
        None if digits.starts_with('+') => None,
        None => digits.parse().ok(),
    }
}
