//! Commands that hold commands.

use std::rc::Rc;

use super::super::Unsupported;
use super::super::ast::{Arm, Command, CommandKind, Test};
use super::{Parser, is_meta, is_name};

impl Parser<'_> {
    /// A command of any kind with its redirections.
    pub(super) fn command(&mut self) -> Result<Command, Unsupported> {
        self.skip_blanks();
        let line = self.line;
        let Some(kind) = self.deeper(Self::compound)? else {
            let (kind, redirections) = self.simple()?;
            return Ok(Command { line, kind, redirections });
        };
        let mut redirections = Vec::new();
        if !matches!(kind, CommandKind::Function { .. }) {
            while let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
            }
        }
        Ok(Command { line, kind, redirections })
    }

    /// A command that begins with a reserved word or a bracket, or defines a function.
    fn compound(&mut self) -> Result<Option<CommandKind>, Unsupported> {
        if self.bash() && self.rest().starts_with("((") {
            return self.arithmetic_command().map(Some);
        }
        if self.take("(") {
            let list = self.commands()?;
            self.close()?;
            return Ok(Some(CommandKind::Subshell(list)));
        }
        let Some(word) = self.reserved() else { return self.function() };
        if super::CLOSING.contains(&word) || word == "in" || word == "!" {
            return Err(self.refuse(format!("an unexpected `{word}`")));
        }
        self.at += word.len();
        let kind = match word {
            "{" => {
                let list = self.commands()?;
                self.expect("}")?;
                CommandKind::Group(list)
            }
            "if" => self.if_clause()?,
            "for" => self.for_clause()?,
            "while" | "until" => {
                let condition = self.commands()?;
                let body = self.do_group()?;
                CommandKind::While { condition, body, until: word == "until" }
            }
            "case" => self.case_clause()?,
            "[[" => self.test_command()?,
            "function" => {
                let name = self.plain_word()?;
                self.skip_blanks();
                if self.take("(") {
                    self.close()?;
                }
                self.function_body(name)?
            }
            _ => return Err(self.refuse(format!("`{word}`"))),
        };
        Ok(Some(kind))
    }

    fn close(&mut self) -> Result<(), Unsupported> {
        self.skip_lines()?;
        if self.take(")") { Ok(()) } else { Err(self.unexpected()) }
    }

    fn do_group(&mut self) -> Result<super::List, Unsupported> {
        self.skip_lines()?;
        self.expect("do")?;
        let body = self.commands()?;
        self.expect("done")?;
        Ok(body)
    }

    fn if_clause(&mut self) -> Result<CommandKind, Unsupported> {
        let mut branches = Vec::new();
        loop {
            let condition = self.commands()?;
            self.expect("then")?;
            branches.push((condition, self.commands()?));
            if self.keyword("elif") {
                continue;
            }
            let otherwise = if self.keyword("else") { Some(self.commands()?) } else { None };
            self.expect("fi")?;
            return Ok(CommandKind::If { branches, otherwise });
        }
    }

    fn for_clause(&mut self) -> Result<CommandKind, Unsupported> {
        self.skip_blanks();
        if self.rest().starts_with("((") {
            return Err(self.refuse("`for ((`"));
        }
        let variable = self.plain_word()?;
        if !is_name(&variable) {
            return Err(self.refuse(format!("`for {variable}`")));
        }
        self.skip_lines()?;
        let mut words = None;
        if self.keyword("in") {
            let mut list = Vec::new();
            self.skip_blanks();
            while let Some(word) = self.word()? {
                list.push(word);
                self.skip_blanks();
            }
            words = Some(list);
        }
        self.skip_blanks();
        self.take(";");
        let body = self.do_group()?;
        Ok(CommandKind::For { variable, words, body })
    }

    fn case_clause(&mut self) -> Result<CommandKind, Unsupported> {
        self.skip_blanks();
        let word = self.word()?.ok_or_else(|| self.unexpected())?;
        self.skip_lines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_lines()?;
            if self.keyword("esac") {
                return Ok(CommandKind::Case { word, arms });
            }
            self.take("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_blanks();
                patterns.push(self.word()?.ok_or_else(|| self.unexpected())?);
                self.skip_blanks();
                if !self.take("|") {
                    break;
                }
            }
            self.close()?;
            let body = self.list()?;
            self.skip_blanks();
            if self.rest().starts_with(";&") || self.rest().starts_with(";;&") {
                return Err(self.refuse("`;&` or `;;&`"));
            }
            let ended = self.take(";;");
            arms.push(Arm { patterns, body });
            if !ended {
                self.skip_lines()?;
                self.expect("esac")?;
                return Ok(CommandKind::Case { word, arms });
            }
        }
    }

    /// `NAME() …`; where it is none, nothing is taken.
    fn function(&mut self) -> Result<Option<CommandKind>, Unsupported> {
        let rest = self.rest();
        let end = rest.find(|next| is_meta(next) || "\\'\"$`=".contains(next)).unwrap_or(rest.len());
        let after = rest[end..].trim_start_matches([' ', '\t']);
        let inside = after.strip_prefix('(').map(|after| after.trim_start_matches([' ', '\t']));
        let Some(body) = inside.and_then(|after| after.strip_prefix(')')).filter(|_| end > 0) else { return Ok(None) };
        self.at = self.text.len() - body.len();
        self.function_body(rest[..end].to_owned()).map(Some)
    }

    fn function_body(&mut self, name: String) -> Result<CommandKind, Unsupported> {
        self.skip_lines()?;
        let body = self.command()?;
        if matches!(body.kind, CommandKind::Simple(_)) && !self.bash()
            || matches!(body.kind, CommandKind::Function { .. })
        {
            return Err(self.refuse(format!("the function {name} without braces")));
        }
        Ok(CommandKind::Function { name, body: Rc::new(body) })
    }

    fn arithmetic_command(&mut self) -> Result<CommandKind, Unsupported> {
        self.take("((");
        self.arithmetic().map(CommandKind::Arithmetic)
    }

    fn test_command(&mut self) -> Result<CommandKind, Unsupported> {
        let test = self.test_or()?;
        self.skip_lines()?;
        if self.take("]]") { Ok(CommandKind::Test(test)) } else { Err(self.unexpected()) }
    }

    fn test_or(&mut self) -> Result<Test, Unsupported> {
        let mut test = self.test_and()?;
        loop {
            self.skip_lines()?;
            if !self.take("||") {
                return Ok(test);
            }
            test = Test::Or(Box::new(test), Box::new(self.test_and()?));
        }
    }

    fn test_and(&mut self) -> Result<Test, Unsupported> {
        let mut test = self.test_primary()?;
        loop {
            self.skip_lines()?;
            if !self.take("&&") {
                return Ok(test);
            }
            test = Test::And(Box::new(test), Box::new(self.test_primary()?));
        }
    }

    fn test_primary(&mut self) -> Result<Test, Unsupported> {
        self.deeper(|parser| {
            parser.skip_lines()?;
            if parser.keyword("!") {
                return Ok(Test::Not(Box::new(parser.test_primary()?)));
            }
            if parser.take("(") {
                let test = parser.test_or()?;
                parser.close()?;
                return Ok(test);
            }
            parser.test_operands()
        })
    }

    fn test_operands(&mut self) -> Result<Test, Unsupported> {
        let rest = self.rest();
        let unary = rest.starts_with('-')
            && rest[1..].starts_with(|letter: char| letter.is_ascii_alphabetic())
            && rest[2..].starts_with([' ', '\t']);
        if unary {
            let operator = rest[..2].to_owned();
            self.at += 2;
            self.skip_blanks();
            let word = self.word()?.ok_or_else(|| self.unexpected())?;
            return Ok(Test::Unary(operator, word));
        }
        let left = self.word()?.ok_or_else(|| self.unexpected())?;
        self.skip_blanks();
        let rest = self.rest();
        if rest.starts_with("]]") || rest.starts_with("&&") || rest.starts_with("||") || rest.starts_with([')', '\n']) {
            return Ok(Test::Word(left));
        }
        let end = rest.find([' ', '\t', '\n']).unwrap_or(rest.len());
        let operator = rest[..end].to_owned();
        self.at += end;
        self.skip_blanks();
        if operator == "=~" {
            return Err(self.refuse("`=~`"));
        }
        let right = self.word()?.ok_or_else(|| self.unexpected())?;
        Ok(Test::Binary(left, operator, right))
    }
}
