//! Conditions as they are typed: a recursive descent over the tokens.

use super::{Comparison, Condition, Field, Kind, Operand, Wildcard};
use crate::{
    clock::micros_since_1970,
    error::{Error, Result},
    text::did_you_mean,
};

/// The maximum length of a condition, in bytes.
const LONGEST: usize = 64 * 1024;
/// The maximum of parentheses and NOTs within one another: bounds the stack.
const DEEPEST: usize = 50;

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

#[derive(Debug, Clone, Copy, PartialEq)]
enum TokenKind {
    /// A name or keyword.
    Word,
    /// A name in double quotes.
    Quoted,
    /// Text in single quotes.
    Text,
    Number,
    Symbol,
    End,
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    kind: TokenKind,
    source: &'a str,
    /// The condition from this token on.
    rest: &'a str,
}

/// Parses a whole text.
pub(super) fn condition(text: &str) -> Result<Condition> {
    if text.len() > LONGEST {
        return Err(Error::invalid(format!(
            "expected a condition of at most {LONGEST} bytes, found {}",
            text.len()
        )));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let condition = as_condition(parser.any()?)?;
    match parser.peek() {
        end if end.kind == TokenKind::End => Ok(condition),
        other => Err(other.refused("expected the end of the condition")),
    }
}

fn refused(rest: &str, problem: &str) -> Error {
    let place = match rest {
        "" => "the end".to_owned(),
        _ => format!("{:?}", rest.chars().take(60).collect::<String>()),
    };
    Error::invalid(format!(
        "{problem} at {place}; expected a condition like \"genre = 'Jazz' AND valence > 6\": AND, OR, NOT, = <> < <= > >=, \
         LIKE, ILIKE, IN, BETWEEN and IS NULL on columns, numbers and 'text'"
    ))
}

impl Token<'_> {
    fn refused(self, problem: &str) -> Error {
        refused(self.rest, problem)
    }

    fn unsupported(self) -> Error {
        self.refused(match self.kind {
            TokenKind::End => "an expression is missing",
            _ => "unsupported expression",
        })
    }

    /// The content of text or of a name, between its quotes if it has any.
    fn content(self) -> String {
        let quote = match self.kind {
            TokenKind::Text => "'",
            TokenKind::Quoted => "\"",
            _ => return self.source.to_owned(),
        };
        self.source[1..self.source.len() - 1].replace(&quote.repeat(2), quote)
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let prefix = |is_part: &mut dyn FnMut(char) -> bool| {
            rest.find(|c| !is_part(c)).unwrap_or(rest.len())
        };
        let (kind, length) = match first {
            '\'' | '"' => {
                let length =
                    quoted(rest, first).ok_or_else(|| refused(rest, "a quote is not closed"))?;
                let is_text = first == '\'';
                let kind = if is_text {
                    TokenKind::Text
                } else {
                    TokenKind::Quoted
                };
                (kind, length)
            }
            '0'..='9' | '.' => {
                let mut last = first;
                let length = prefix(&mut |c| {
                    let is_sign = "+-".contains(c) && "eE".contains(last);
                    last = c;
                    is_sign || c == '.' || c.is_alphanumeric()
                });
                (TokenKind::Number, length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = prefix(&mut |c| c.is_alphanumeric() || c == '_');
                (TokenKind::Word, length)
            }
            c => {
                let is_pair =
                    |(symbol, _): &(&str, _)| symbol.len() == 2 && rest.starts_with(symbol);
                let length = if OPERATORS.iter().any(is_pair) {
                    2
                } else {
                    c.len_utf8()
                };
                (TokenKind::Symbol, length)
            }
        };
        let (source, after) = rest.split_at(length);
        tokens.push(Token { kind, source, rest });
        rest = after.trim_start();
    }
    tokens.push(Token {
        kind: TokenKind::End,
        source: "",
        rest: "",
    });
    Ok(tokens)
}

/// The length of a text in quotes; a doubled quote is a quote.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut end = 1;
    loop {
        end += text[end..].find(quote)? + 1;
        if !text[end..].starts_with(quote) {
            return Some(end);
        }
        end += 1;
    }
}

/// An expression, and where it begins if it may be one side of a comparison.
enum Parsed<'a> {
    Condition(Condition),
    Term(Operand, Token<'a>),
}

fn as_condition(parsed: Parsed<'_>) -> Result<Condition> {
    match parsed {
        Parsed::Condition(condition) => Ok(condition),
        Parsed::Term(Operand::Field(field), _) if field.kind() == Kind::Truth => {
            Ok(Condition::Compare {
                left: Operand::Field(field),
                by: Comparison::Equal,
                right: Operand::Truth(true),
            })
        }
        Parsed::Term(_, at) => Err(at.unsupported()),
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        // The last token is the end, which is never passed.
        self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// Takes a keyword or symbol if it is next.
    fn takes(&mut self, wanted: &str) -> bool {
        let token = self.peek();
        let may_be = matches!(token.kind, TokenKind::Word | TokenKind::Symbol);
        let found = may_be && token.source.eq_ignore_ascii_case(wanted);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<()> {
        if self.takes(wanted) {
            return Ok(());
        }
        Err(self.peek().refused(&format!("{wanted} is missing")))
    }

    /// Conditions joined by OR.
    fn any(&mut self) -> Result<Parsed<'a>> {
        self.joined("OR", Self::all, Condition::Any)
    }

    /// Conditions joined by AND.
    fn all(&mut self) -> Result<Parsed<'a>> {
        self.joined("AND", Self::negated, Condition::All)
    }

    fn joined(
        &mut self,
        by: &str,
        part: fn(&mut Self) -> Result<Parsed<'a>>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Result<Parsed<'a>> {
        let first = part(self)?;
        if !self.takes(by) {
            return Ok(first);
        }
        let mut parts = vec![as_condition(first)?];
        loop {
            parts.push(as_condition(part(self)?)?);
            if !self.takes(by) {
                return Ok(Parsed::Condition(join(parts)));
            }
        }
    }

    fn negated(&mut self) -> Result<Parsed<'a>> {
        if !self.takes("NOT") {
            return self.comparison();
        }
        let inner = as_condition(self.nested(Self::negated)?)?;
        Ok(Parsed::Condition(Condition::Not(Box::new(inner))))
    }

    fn nested(&mut self, part: fn(&mut Self) -> Result<Parsed<'a>>) -> Result<Parsed<'a>> {
        if self.depth == DEEPEST {
            let problem = format!("parentheses or NOTs are nested more than {DEEPEST} levels deep");
            return Err(self.peek().refused(&problem));
        }
        self.depth += 1;
        let parsed = part(self);
        self.depth -= 1;
        parsed
    }

    fn comparison(&mut self) -> Result<Parsed<'a>> {
        let (left, at) = match self.primary()? {
            Parsed::Term(operand, at) => (operand, at),
            condition => return Ok(condition),
        };
        for (symbol, by) in OPERATORS {
            if self.takes(symbol) {
                let right = self.term()?;
                return Ok(Parsed::Condition(compare(at, left, by, right)?));
            }
        }
        if self.takes("IS") {
            let negated = self.takes("NOT");
            self.expect("NULL")?;
            let is_null = Condition::IsNull(column(at, &left)?);
            return Ok(Parsed::Condition(is_null.negated_if(negated)));
        }
        let negated = self.takes("NOT");
        let condition = if self.takes("BETWEEN") {
            let low = self.term()?;
            self.expect("AND")?;
            let high = self.term()?;
            Condition::All(vec![
                compare(at, left.clone(), Comparison::GreaterOrEqual, low)?,
                compare(at, left, Comparison::LessOrEqual, high)?,
            ])
        } else if self.takes("IN") {
            self.expect("(")?;
            let mut parts = Vec::new();
            loop {
                let one = self.term()?;
                parts.push(compare(at, left.clone(), Comparison::Equal, one)?);
                if !self.takes(",") {
                    break;
                }
            }
            self.expect(")")?;
            Condition::Any(parts)
        } else if self.takes("LIKE") {
            self.like(column(at, &left)?, false)?
        } else if self.takes("ILIKE") {
            self.like(column(at, &left)?, true)?
        } else if negated {
            return Err(self.peek().unsupported());
        } else {
            return Ok(Parsed::Term(left, at));
        };
        Ok(Parsed::Condition(condition.negated_if(negated)))
    }

    /// A term, or an expression in parentheses.
    fn primary(&mut self) -> Result<Parsed<'a>> {
        if self.takes("(") {
            let inner = self.nested(Self::any)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let at = self.peek();
        let is_negative = self.takes("-");
        if !is_negative {
            self.takes("+");
        }
        let token = self.take();
        let is_signed = token.rest.len() != at.rest.len();
        let operand = match token.kind {
            TokenKind::Number => match token.source.parse::<f64>() {
                // Not -0, which SQL does not have.
                Ok(number) if is_negative => Operand::Number(0.0 - number),
                Ok(number) => Operand::Number(number),
                Err(_) => return Err(at.refused(&format!("{} is not a number", token.source))),
            },
            _ if is_signed => return Err(at.unsupported()),
            TokenKind::Text => Operand::Text(token.content()),
            TokenKind::Quoted => {
                Operand::Field(named(&token.content(), "; text needs single quotes")?)
            }
            TokenKind::Word if self.peek().source == "(" => return Err(at.unsupported()),
            TokenKind::Word => match token.source.to_lowercase().as_str() {
                "null" => Operand::Null,
                "true" => Operand::Truth(true),
                "false" => Operand::Truth(false),
                name => Operand::Field(named(name, "")?),
            },
            TokenKind::Symbol | TokenKind::End => return Err(at.unsupported()),
        };
        Ok(Parsed::Term(operand, at))
    }

    fn term(&mut self) -> Result<Operand> {
        let at = self.peek();
        match self.primary()? {
            Parsed::Term(operand, _) => Ok(operand),
            Parsed::Condition(_) => Err(at.unsupported()),
        }
    }

    fn like(&mut self, field: Field, any_case: bool) -> Result<Condition> {
        let at = self.peek();
        let text = match self.term()? {
            text @ (Operand::Text(_) | Operand::Null) if field.kind() != Kind::Text => {
                return Err(mismatch(field, &text));
            }
            Operand::Text(text) => text,
            Operand::Null => {
                return compare(at, Operand::Field(field), Comparison::Equal, Operand::Null);
            }
            _ => return Err(at.unsupported()),
        };
        let mut escape = None;
        if self.takes("ESCAPE") {
            let token = self.take();
            let content = token.content();
            if token.kind != TokenKind::Text || content.chars().count() != 1 {
                return Err(token.refused("ESCAPE needs one character in single quotes"));
            }
            escape = content.chars().next();
        }
        let mut pattern = Vec::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                // An escape at the end has no effect.
                c if Some(c) == escape => pattern.extend(characters.next().map(Wildcard::Literal)),
                '%' => pattern.push(Wildcard::Any),
                '_' => pattern.push(Wildcard::One),
                c => pattern.push(Wildcard::Literal(c)),
            }
        }
        if any_case {
            let lower = |part| match part {
                Wildcard::Literal(c) => c.to_lowercase().map(Wildcard::Literal).collect(),
                wildcard => vec![wildcard],
            };
            pattern = pattern.into_iter().flat_map(lower).collect();
        }
        Ok(Condition::Like {
            field,
            pattern,
            any_case,
        })
    }
}

fn column(at: Token<'_>, operand: &Operand) -> Result<Field> {
    match operand {
        Operand::Field(field) => Ok(*field),
        _ => Err(at.refused("expected the comparison of a column")),
    }
}

fn compare(at: Token<'_>, left: Operand, by: Comparison, right: Operand) -> Result<Condition> {
    let field = column(at, &left).or_else(|_| column(at, &right))?;
    Ok(Condition::Compare {
        left: comparable(left, field)?,
        by,
        right: comparable(right, field)?,
    })
}

/// An operand as it is compared with a column.
fn comparable(operand: Operand, field: Field) -> Result<Operand> {
    Ok(match (field.kind(), operand) {
        (Kind::Time, Operand::Text(text)) => match micros_since_1970(&text) {
            Some(micros) => Operand::Time(micros),
            None => return Err(mismatch(field, &Operand::Text(text))),
        },
        // A column of single precision is compared in single precision, so that 6.1 equals 6.1.
        (Kind::Number, Operand::Number(number)) if field.is_single() => {
            Operand::Number(f64::from(number as f32))
        }
        (Kind::Number, operand @ Operand::Number(_))
        | (Kind::Text, operand @ Operand::Text(_))
        | (Kind::Truth, operand @ Operand::Truth(_))
        | (_, operand @ Operand::Null) => operand,
        (kind, Operand::Field(other)) if kind == other.kind() => Operand::Field(other),
        (_, operand) => return Err(mismatch(field, &operand)),
    })
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
    Err(Error::invalid(format!(
        "there is no column `{name}`{instead}; the columns are: {}{hint}",
        names.join(", ")
    )))
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
        Operand::Null => "NULL".to_owned(),
    };
    Error::invalid(format!(
        "`{}` is {is}, and cannot be compared with {with}; {remedy}",
        field.name()
    ))
}
