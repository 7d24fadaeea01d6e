//! The little `awk` that scripts use: patterns, `print` of fields, and assignments of plain values. Everything else is
//! refused.

use std::collections::BTreeMap;

use super::super::{Call, Files, Unsupported};
use super::options::Given;
use super::regular::Regular;
use super::text::{bare, inputs, lines};

/// What is done where a pattern fits.
enum Statement {
    Print(Vec<Value>),
    Set(String, Value),
    Exit,
    Next,
}

enum Value {
    Text(String),
    Variable(String),
    Field(usize),
    LastField,
    FieldCount,
    LineNumber,
}

enum Pattern {
    Always,
    End,
    And(Vec<Pattern>),
    Not(Box<Pattern>),
    Match(Value, Regular),
    Compare(Value, &'static str, Value),
    /// Whether a value is neither zero nor empty.
    True(Value),
}

struct Rule {
    pattern: Pattern,
    statements: Vec<Statement>,
}

/// Operators that compare, longer ones first.
const COMPARISONS: &[&str] = &["==", "!=", "<=", ">=", "<", ">"];

pub(super) fn awk(call: &mut Call<'_>, files: &mut dyn Files) -> Result<i32, Unsupported> {
    let given = Given::read(call, "F:v:", &[])?;
    let Some((program, operands)) = given.operands.split_first() else { return Err(call.refuse("no program")) };
    let mut reader = Reader { rest: program };
    let rules = reader.rules().map_err(|what| call.refuse(what))?;
    let mut variables = BTreeMap::new();
    for pair in given.values('v') {
        let (name, value) = pair.split_once('=').ok_or_else(|| call.refuse("a variable without a value"))?;
        variables.insert(name.to_owned(), value.to_owned());
    }
    let separator = given.value('F').unwrap_or(" ").to_owned();
    if separator.chars().count() > 1 {
        return Err(call.refuse("a separator of several characters"));
    }
    let (all, status) = inputs(call, files, operands)?;
    let mut state = State { variables, separator, line: String::new(), number: 0, output: String::new() };
    'files: for (_, content) in &all {
        for line in lines(content).map(bare) {
            call.spend(1 + line.len() as u64 / 256)?;
            state.line = String::from_utf8_lossy(line).into_owned();
            state.number += 1;
            if !state.apply(&rules, false) {
                break 'files;
            }
        }
    }
    state.apply(&rules, true);
    call.handle(state.output.len())?;
    call.print(state.output);
    Ok(2 * status)
}

struct State {
    variables: BTreeMap<String, String>,
    separator: String,
    line: String,
    number: usize,
    output: String,
}

impl State {
    fn fields(&self) -> Vec<&str> {
        match self.separator.as_str() {
            " " => self.line.split_whitespace().collect(),
            _ if self.line.is_empty() => Vec::new(),
            separator => self.line.split(separator).collect(),
        }
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Variable(name) => self.variables.get(name).cloned().unwrap_or_default(),
            Value::Field(0) => self.line.clone(),
            Value::Field(number) => self.fields().get(number - 1).copied().unwrap_or_default().to_owned(),
            Value::LastField => self.fields().last().copied().unwrap_or_default().to_owned(),
            Value::FieldCount => self.fields().len().to_string(),
            Value::LineNumber => self.number.to_string(),
        }
    }

    fn holds(&self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Always => true,
            Pattern::End => false,
            Pattern::And(all) => all.iter().all(|one| self.holds(one)),
            Pattern::Not(one) => !self.holds(one),
            Pattern::Match(value, regular) => regular.is_match(self.value(value).as_bytes()),
            Pattern::True(value) => {
                let value = self.value(value);
                value.trim().parse::<f64>().map_or(!value.is_empty(), |number| number != 0.0)
            }
            Pattern::Compare(left, operator, right) => {
                let (left, right) = (self.value(left), self.value(right));
                let numbers = left.trim().parse::<f64>().ok().zip(right.trim().parse::<f64>().ok());
                let order = numbers.map_or_else(|| left.cmp(&right), |(left, right)| left.total_cmp(&right));
                match *operator {
                    "==" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<=" => order.is_le(),
                    ">=" => order.is_ge(),
                    "<" => order.is_lt(),
                    _ => order.is_gt(),
                }
            }
        }
    }

    /// Applies the rules to a line, or those for the end; false where the program ends.
    fn apply(&mut self, rules: &[Rule], end: bool) -> bool {
        for rule in rules {
            if matches!(rule.pattern, Pattern::End) != end || !end && !self.holds(&rule.pattern) {
                continue;
            }
            for statement in &rule.statements {
                match statement {
                    Statement::Print(values) => {
                        let values: Vec<String> = values.iter().map(|value| self.value(value)).collect();
                        self.output.push_str(&values.join(" "));
                        self.output.push('\n');
                    }
                    Statement::Set(name, value) => {
                        let value = self.value(value);
                        self.variables.insert(name.clone(), value);
                    }
                    Statement::Exit => return false,
                    Statement::Next => return true,
                }
            }
        }
        true
    }
}

struct Reader<'p> {
    rest: &'p str,
}

impl<'p> Reader<'p> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
    }

    fn take(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let there = self.rest.starts_with(text);
        self.rest = &self.rest[if there { text.len() } else { 0 }..];
        there
    }

    fn word(&mut self) -> &'p str {
        let end = self.rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn rules(&mut self) -> Result<Vec<Rule>, String> {
        let mut rules = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', ';']);
            if self.rest.is_empty() {
                return Ok(rules);
            }
            let pattern = if self.rest.starts_with('{') { Pattern::Always } else { self.pattern()? };
            let statements =
                if self.take("{") { self.statements()? } else { vec![Statement::Print(vec![Value::Field(0)])] };
            rules.push(Rule { pattern, statements });
        }
    }

    fn pattern(&mut self) -> Result<Pattern, String> {
        let mut all = vec![self.test()?];
        while self.take("&&") {
            self.skip();
            all.push(self.test()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Pattern::And(all) })
    }

    fn test(&mut self) -> Result<Pattern, String> {
        if self.rest.starts_with("END") && self.rest[3..].trim_start().starts_with('{') {
            self.word();
            return Ok(Pattern::End);
        }
        if self.rest.starts_with('!') && !self.rest.starts_with("!=") {
            self.take("!");
            return self.test().map(|test| Pattern::Not(Box::new(test)));
        }
        if self.rest.starts_with('/') {
            return Ok(Pattern::Match(Value::Field(0), self.regular()?));
        }
        let left = self.value()?;
        for (operator, negated) in [("!~", true), ("~", false)] {
            if self.take(operator) {
                self.rest = self.rest.trim_start();
                let test = Pattern::Match(left, self.regular()?);
                return Ok(if negated { Pattern::Not(Box::new(test)) } else { test });
            }
        }
        for operator in COMPARISONS {
            if self.take(operator) {
                self.rest = self.rest.trim_start();
                return Ok(Pattern::Compare(left, operator, self.value()?));
            }
        }
        Ok(Pattern::True(left))
    }

    fn regular(&mut self) -> Result<Regular, String> {
        let rest = self.rest.strip_prefix('/').ok_or("an expression that is no constant")?;
        let mut end = 0;
        let bytes = rest.as_bytes();
        while bytes.get(end).is_some_and(|byte| *byte != b'/') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let (text, rest) = rest.split_at_checked(end).ok_or("an expression that does not end")?;
        self.rest = rest.strip_prefix('/').ok_or("an expression that does not end")?;
        Regular::extended(&text.replace("\\/", "/"), false)
    }

    fn value(&mut self) -> Result<Value, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if let Some(rest) = self.rest.strip_prefix('"') {
            let end = rest.find('"').ok_or("a text that does not end")?;
            let text = &rest[..end];
            if text.contains('\\') {
                return Err("a text with a backslash".to_owned());
            }
            self.rest = &rest[end + 1..];
            return Ok(Value::Text(text.to_owned()));
        }
        if let Some(rest) = self.rest.strip_prefix('$') {
            self.rest = rest;
            return match self.word() {
                "NF" => Ok(Value::LastField),
                digits => digits.parse().map(Value::Field).map_err(|_| format!("the field `${digits}`")),
            };
        }
        match self.word() {
            "NF" => Ok(Value::FieldCount),
            "NR" => Ok(Value::LineNumber),
            "" => Err(format!("`{}`", self.rest.chars().next().unwrap_or(' '))),
            digits if digits.chars().all(|digit| digit.is_ascii_digit()) => Ok(Value::Text(digits.to_owned())),
            name if self.rest.starts_with(['(', '[']) => Err(format!("`{name}`")),
            name => Ok(Value::Variable(name.to_owned())),
        }
    }

    /// Statements up to the closing brace, which is taken.
    fn statements(&mut self) -> Result<Vec<Statement>, String> {
        let mut statements = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', ';']);
            if self.take("}") {
                return Ok(statements);
            }
            let statement = match self.word() {
                "print" => Statement::Print(self.printed()?),
                "exit" => Statement::Exit,
                "next" => Statement::Next,
                "" => return Err("a statement that is not known".to_owned()),
                name => {
                    if self.rest.starts_with("==") || !self.take("=") {
                        return Err(format!("the statement `{name}`"));
                    }
                    Statement::Set(name.to_owned(), self.value()?)
                }
            };
            statements.push(statement);
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if !self.rest.starts_with([';', '}', '\n']) {
                return Err(format!("`{}` after a value", self.rest.chars().next().unwrap_or(' ')));
            }
        }
    }

    fn printed(&mut self) -> Result<Vec<Value>, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if self.rest.starts_with([';', '}', '\n']) || self.rest.is_empty() {
            return Ok(vec![Value::Field(0)]);
        }
        let mut values = vec![self.value()?];
        while self.take(",") {
            values.push(self.value()?);
        }
        Ok(values)
    }
}
