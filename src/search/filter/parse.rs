//! Conditions as they are typed: a recursive descent over the tokens.

use super::{Comparison, Condition, Field, Kind, Operand, Wildcard};
use crate::{
    error::{Error, ErrorKind, Result},
    text::did_you_mean,
};

/// The maximum length of a condition, in bytes.
const LONGEST: usize = 64 * 1024;
/// The maximum of parentheses and NOTs within one another: bounds the stack.
const DEEPEST: usize = 50;

/// Words that are no columns.
const KEYWORDS: [&str; 14] = [
    "and", "or", "not", "is", "null", "in", "between", "like", "ilike", "escape", "true", "false",
    "select", "case",
];

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or keyword, in lower case.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    Text(String),
    Number(f64),
    Symbol(&'static str),
    /// Anything else.
    Other,
    End,
}

/// A token and its place in the text.
#[derive(Debug, Clone)]
struct Placed {
    token: Token,
    start: usize,
    end: usize,
}

/// Parses a whole text.
pub(super) fn condition(text: &str) -> Result<Condition> {
    if text.len() > LONGEST {
        return refused(format!(
            "expected a condition of at most {LONGEST} bytes, found {}",
            text.len()
        ));
    }
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let parsed = parser.any()?;
    let condition = parser.as_condition(parsed)?;
    match parser.peek() {
        Token::End => Ok(condition),
        _ => {
            let found = parser.source(parser.next, parser.next + 1);
            refused(format!("expected the condition to end before {found:?}"))
        }
    }
}

fn refused<T>(message: String) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput, message))
}

fn syntax<T>(text: &str, problem: &str) -> Result<T> {
    refused(format!(
        "expected a condition in SQL, like \"genre = 'Jazz' AND valence > 6\"; found {text:?}: {problem}"
    ))
}

fn tokens(text: &str) -> Result<Vec<Placed>> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        let token = match first {
            '\'' | '"' => {
                // A doubled quote is a quote.
                let mut content = String::new();
                loop {
                    match rest.next() {
                        Some((_, c)) if c != first => content.push(c),
                        Some(_) if rest.next_if(|(_, c)| *c == first).is_some() => {
                            content.push(first)
                        }
                        Some(_) => break,
                        None => return syntax(text, "a quote is not closed"),
                    }
                }
                if first == '"' {
                    Token::Quoted(content)
                } else {
                    Token::Text(content)
                }
            }
            c if c.is_ascii_digit() || c == '.' => {
                let mut number = String::from(c);
                let mut last = c;
                while let Some((_, c)) = rest.next_if(|(_, c)| {
                    c.is_alphanumeric() || *c == '.' || ("+-".contains(*c) && "eE".contains(last))
                }) {
                    number.push(c);
                    last = c;
                }
                match number.parse() {
                    Ok(number) => Token::Number(number),
                    Err(_) => return syntax(text, &format!("{number:?} is not a number")),
                }
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut word = String::from(c);
                while let Some((_, c)) = rest.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                Token::Word(word.to_lowercase())
            }
            c => {
                let second = rest.peek().map_or(' ', |(_, c)| *c);
                const SYMBOLS: [&str; 15] = [
                    "<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")", ",", "-", "+", "*", "/",
                ];
                let pair = String::from_iter([c, second]);
                let symbol = SYMBOLS.into_iter().find(|symbol| pair.starts_with(symbol));
                if symbol.is_some_and(|symbol| symbol.len() == 2) {
                    rest.next();
                }
                symbol.map_or(Token::Other, Token::Symbol)
            }
        };
        let end = rest.peek().map_or(text.len(), |(end, _)| *end);
        tokens.push(Placed { token, start, end });
    }
    let end = text.len();
    tokens.push(Placed {
        token: Token::End,
        start: end,
        end,
    });
    Ok(tokens)
}

/// The kind of an expression.
enum Parsed {
    Condition(Condition),
    /// One side of a comparison; `None` is NULL. With its first token.
    Term(Option<Operand>, usize),
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].token
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    /// Takes a keyword or symbol if it is next.
    fn takes(&mut self, wanted: &str) -> bool {
        let found = match self.peek() {
            Token::Word(word) => word == wanted,
            Token::Symbol(symbol) => *symbol == wanted,
            _ => false,
        };
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<()> {
        if self.takes(wanted) {
            return Ok(());
        }
        syntax(self.text, &format!("{} is missing", wanted.to_uppercase()))
    }

    /// The text of some tokens.
    fn source(&self, from: usize, to: usize) -> &str {
        let last = self.tokens.len() - 1;
        let start = self.tokens[from.min(last)].start;
        let end = self.tokens[to.saturating_sub(1).min(last)].end;
        self.text.get(start..end).unwrap_or_default()
    }

    fn unsupported<T>(&self, from: usize, to: usize) -> Result<T> {
        if *self.peek() == Token::End && from >= self.tokens.len() - 1 {
            return syntax(self.text, "it ends early");
        }
        refused(format!(
            "unsupported expression {:?}; a condition consists of AND, OR, NOT, = <> < <= > >=, LIKE, ILIKE, IN, BETWEEN and \
             IS NULL on columns, numbers and 'text'",
            self.source(from, to)
        ))
    }

    fn as_condition(&self, parsed: Parsed) -> Result<Condition> {
        match parsed {
            Parsed::Condition(condition) => Ok(condition),
            Parsed::Term(Some(Operand::Field(field)), _) if field.kind() == Kind::Truth => {
                Ok(Condition::Compare {
                    field,
                    by: Comparison::Equal,
                    with: Operand::Truth(true),
                })
            }
            Parsed::Term(_, from) => self.unsupported(from, self.next),
        }
    }

    /// Conditions joined by OR.
    fn any(&mut self) -> Result<Parsed> {
        self.joined("or", Self::all, Condition::Any)
    }

    /// Conditions joined by AND.
    fn all(&mut self) -> Result<Parsed> {
        self.joined("and", Self::negated, Condition::All)
    }

    fn joined(
        &mut self,
        by: &str,
        part: fn(&mut Self) -> Result<Parsed>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Result<Parsed> {
        let first = part(self)?;
        if !self.takes(by) {
            return Ok(first);
        }
        let mut parts = vec![self.as_condition(first)?];
        loop {
            let next = part(self)?;
            parts.push(self.as_condition(next)?);
            if !self.takes(by) {
                return Ok(Parsed::Condition(join(parts)));
            }
        }
    }

    fn negated(&mut self) -> Result<Parsed> {
        if !self.takes("not") {
            return self.comparison();
        }
        let inner = self.deeper(Self::negated)?;
        let inner = self.as_condition(inner)?;
        Ok(Parsed::Condition(Condition::Not(Box::new(inner))))
    }

    fn deeper(&mut self, part: fn(&mut Self) -> Result<Parsed>) -> Result<Parsed> {
        if self.depth == DEEPEST {
            return syntax(
                self.source(0, 9),
                &format!("it is nested more than {DEEPEST} levels deep"),
            );
        }
        self.depth += 1;
        let parsed = part(self);
        self.depth -= 1;
        parsed
    }

    fn comparison(&mut self) -> Result<Parsed> {
        let (left, from) = match self.primary()? {
            Parsed::Term(term, from) => (term, from),
            condition => return Ok(condition),
        };
        const OPERATORS: [(&str, Comparison); 8] = [
            ("=", Comparison::Equal),
            ("==", Comparison::Equal),
            ("<>", Comparison::NotEqual),
            ("!=", Comparison::NotEqual),
            ("<", Comparison::Less),
            ("<=", Comparison::LessOrEqual),
            (">", Comparison::Greater),
            (">=", Comparison::GreaterOrEqual),
        ];
        for (symbol, by) in OPERATORS {
            if self.takes(symbol) {
                let right = self.term()?;
                return Ok(Parsed::Condition(self.compare(from, left, by, right)?));
            }
        }
        if self.takes("is") {
            let negated = self.takes("not");
            self.expect("null")?;
            let is_null = Condition::IsNull(self.field(from, left)?);
            return Ok(Parsed::Condition(negate(is_null, negated)));
        }
        let negated = self.takes("not");
        let condition = if self.takes("between") {
            let low = self.term()?;
            self.expect("and")?;
            let high = self.term()?;
            Condition::All(vec![
                self.compare(from, left.clone(), Comparison::GreaterOrEqual, low)?,
                self.compare(from, left, Comparison::LessOrEqual, high)?,
            ])
        } else if self.takes("in") {
            self.expect("(")?;
            let mut parts = Vec::new();
            loop {
                let one = self.term()?;
                parts.push(self.compare(from, left.clone(), Comparison::Equal, one)?);
                if !self.takes(",") {
                    break;
                }
            }
            self.expect(")")?;
            Condition::Any(parts)
        } else if self.takes("like") {
            self.like(from, left, false)?
        } else if self.takes("ilike") {
            self.like(from, left, true)?
        } else if negated {
            return self.unsupported(from, self.next);
        } else if let Token::Symbol("+" | "-" | "*" | "/") = self.peek() {
            return self.unsupported(from, self.next + 2);
        } else {
            return Ok(Parsed::Term(left, from));
        };
        Ok(Parsed::Condition(negate(condition, negated)))
    }

    /// A term, or an expression in parentheses.
    fn primary(&mut self) -> Result<Parsed> {
        let from = self.next;
        match self.take() {
            Token::Symbol("(") => {
                let inner = self.deeper(Self::any)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol(sign @ ("-" | "+")) => match self.deeper(Self::primary)? {
                Parsed::Term(Some(Operand::Number(number)), _) => {
                    // Not -0, which SQL does not have.
                    let signed = if sign == "-" { 0.0 - number } else { number };
                    Ok(Parsed::Term(Some(Operand::Number(signed)), from))
                }
                _ => self.unsupported(from, self.next),
            },
            Token::Number(number) => Ok(Parsed::Term(Some(Operand::Number(number)), from)),
            Token::Text(text) => Ok(Parsed::Term(Some(Operand::Text(text)), from)),
            Token::Quoted(name) => {
                let field = named(&name, "; text needs single quotes")?;
                Ok(Parsed::Term(Some(Operand::Field(field)), from))
            }
            Token::Word(word) if word == "null" => Ok(Parsed::Term(None, from)),
            Token::Word(word) if word == "true" || word == "false" => {
                Ok(Parsed::Term(Some(Operand::Truth(word == "true")), from))
            }
            Token::Word(_) if *self.peek() == Token::Symbol("(") => {
                let close = |placed: &Placed| placed.token == Token::Symbol(")");
                let length = self.tokens[self.next..].iter().position(close).unwrap_or(0);
                self.unsupported(from, self.next + length + 1)
            }
            Token::Word(word) if KEYWORDS.contains(&word.as_str()) => {
                self.unsupported(from, self.next)
            }
            Token::Word(word) => Ok(Parsed::Term(Some(Operand::Field(named(&word, "")?)), from)),
            _ => self.unsupported(from, self.next),
        }
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let from = self.next;
        match self.primary()? {
            Parsed::Term(term, _) => Ok(term),
            Parsed::Condition(_) => self.unsupported(from, self.next),
        }
    }

    fn field(&self, from: usize, term: Option<Operand>) -> Result<Field> {
        match term {
            Some(Operand::Field(field)) => Ok(field),
            _ => refused(format!(
                "expected a comparison of a column with something, found {:?}",
                self.source(from, self.next)
            )),
        }
    }

    fn compare(
        &self,
        from: usize,
        left: Option<Operand>,
        by: Comparison,
        right: Option<Operand>,
    ) -> Result<Condition> {
        let (field, by, with) = match (left, right) {
            (Some(Operand::Field(field)), with) => (field, by, with),
            (with, Some(Operand::Field(field))) => (field, by.mirrored(), with),
            (other, _) => return self.field(from, other).map(Condition::Unknown),
        };
        let Some(with) = with else {
            return Ok(Condition::Unknown(field));
        };
        let with = match (field.kind(), with) {
            (Kind::Time, Operand::Text(text)) => match time(&text) {
                Some(micros) => Operand::Time(micros),
                None => return Err(mismatch(field, &Operand::Text(text))),
            },
            (Kind::Text, with @ Operand::Text(_))
            | (Kind::Number, with @ Operand::Number(_))
            | (Kind::Truth, with @ Operand::Truth(_)) => with,
            (kind, Operand::Field(other)) if kind == other.kind() => Operand::Field(other),
            (_, with) => return Err(mismatch(field, &with)),
        };
        Ok(Condition::Compare { field, by, with })
    }

    fn like(&mut self, from: usize, left: Option<Operand>, any_case: bool) -> Result<Condition> {
        let field = self.field(from, left)?;
        let pattern_at = self.next;
        let text = match self.term()? {
            Some(Operand::Text(text)) => text,
            None => return Ok(Condition::Unknown(field)),
            Some(_) => return self.unsupported(pattern_at, self.next),
        };
        if field.kind() != Kind::Text {
            return Err(mismatch(field, &Operand::Text(text)));
        }
        let mut escape = None;
        if self.takes("escape") {
            let at = self.next;
            match self.term()? {
                Some(Operand::Text(text)) if text.chars().count() == 1 => {
                    escape = text.chars().next();
                }
                _ => return self.unsupported(at, self.next),
            }
        }
        let mut pattern = Vec::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            let literal = match c {
                c if Some(c) == escape => characters.next(),
                '%' | '_' => None,
                c => Some(c),
            };
            match literal {
                Some(literal) if any_case => {
                    pattern.extend(literal.to_lowercase().map(Wildcard::Literal));
                }
                Some(literal) => pattern.push(Wildcard::Literal(literal)),
                None if c == '%' => pattern.push(Wildcard::Any),
                None if c == '_' => pattern.push(Wildcard::One),
                // An escape at the end.
                None => {}
            }
        }
        Ok(Condition::Like {
            field,
            pattern,
            any_case,
        })
    }
}

fn negate(condition: Condition, negated: bool) -> Condition {
    match negated {
        true => Condition::Not(Box::new(condition)),
        false => condition,
    }
}

impl Comparison {
    /// The same with the sides swapped.
    fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}

fn named(name: &str, hint: &str) -> Result<Field> {
    let lower = name.to_lowercase();
    if let Some((_, field)) = Field::all().find(|(known, _)| *known == lower) {
        return Ok(field);
    }
    let names: Vec<&str> = Field::all().map(|(name, _)| name).collect();
    let instead = match lower.as_str() {
        "note" => {
            " (replaced by silent, damaged_packets, missing_s, track, excerpt_start_s and excerpt_length_s)"
                .to_owned()
        }
        _ => did_you_mean(&lower, names.iter().copied()),
    };
    refused(format!(
        "there is no column `{name}`{instead}; the columns are: {}{hint}",
        names.join(", ")
    ))
}

fn mismatch(field: Field, with: &Operand) -> Error {
    let (is, remedy) = match field.kind() {
        Kind::Text => ("text", "write text in single quotes"),
        Kind::Number => ("a number", "write a number without quotes"),
        Kind::Time => (
            "a time",
            "write it as '2026-01-31' or '2026-01-31 18:00:00'",
        ),
        Kind::Truth => ("true or false", "write TRUE or FALSE"),
    };
    let with = match with {
        Operand::Field(other) => format!("`{}`", other.name()),
        Operand::Number(number) => number.to_string(),
        Operand::Text(text) => format!("'{text}'"),
        Operand::Time(micros) => micros.to_string(),
        Operand::Truth(truth) => truth.to_string().to_uppercase(),
    };
    let message = format!(
        "`{}` is {is}, and cannot be compared with {with}; {remedy}",
        field.name()
    );
    Error::new(ErrorKind::InvalidInput, message)
}

/// Microseconds since 1970 of a date (`2026-01-31`), or a date and a time (`18:00`, with seconds or fractions of them), UTC unless
/// it ends in an offset (`+02:00`).
fn time(text: &str) -> Option<i64> {
    let (date, clock) = match text.trim().split_once([' ', 'T']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text.trim(), None),
    };
    let number = |text: &str| -> Option<i64> {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_digits)
    };
    let parts: Vec<i64> = date.split('-').map(number).collect::<Option<_>>()?;
    let [year, month @ 1..=12, day] = parts[..] else {
        return None;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year > 9999 || !(1..=days_in_month).contains(&day) {
        return None;
    }
    // Days since 1970 in the proleptic Gregorian calendar, counting years from March.
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * years + years.div_euclid(4) - years.div_euclid(100)
        + years.div_euclid(400)
        + (153 * months + 2) / 5
        + day
        - 719_469;
    let mut seconds = days * 86_400;
    let mut micros = 0;
    if let Some(clock) = clock {
        let (clock, offset) = match clock.find(['Z', '+', '-']) {
            Some(at) => clock.split_at(at),
            None => (clock, "Z"),
        };
        if offset != "Z" {
            let (hours, minutes) = offset[1..].split_once(':').unwrap_or((&offset[1..], "0"));
            let east = number(hours)? * 3600 + number(minutes)? * 60;
            seconds -= if offset.starts_with('-') { -east } else { east };
        }
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        number(fraction)?;
        micros = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        let parts: Vec<i64> = clock.split(':').map(number).collect::<Option<_>>()?;
        let (hours, minutes, s) = match parts[..] {
            [hours, minutes] => (hours, minutes, 0),
            [hours, minutes, s] => (hours, minutes, s),
            _ => return None,
        };
        if hours > 23 || minutes > 59 || s > 59 {
            return None;
        }
        seconds += 3600 * hours + 60 * minutes + s;
    }
    Some(seconds * 1_000_000 + micros)
}
