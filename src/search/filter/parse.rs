//! Conditions as they are typed.

use super::{Comparison, Condition, Field, Filter, Kind, Operand};
use arrow::{
    array::{Array, AsArray, StringArray},
    compute::cast,
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
};
use sqlparser::{
    ast::{BinaryOperator, Expr, UnaryOperator, Value},
    dialect::DuckDbDialect,
    parser::{Parser, ParserError},
    tokenizer::Token,
};
use std::str::FromStr;

/// The longest condition, in bytes.
const LONGEST: usize = 64 * 1024;

/// A condition cannot be understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FilterError {
    /// When it is not the SQL of a condition.
    #[error("expected a condition in SQL, like \"genre = 'Jazz' AND valence > 6\"; found {text:?}")]
    Syntax {
        text: String,
        #[source]
        source: ParserError,
    },
    /// When something follows the condition.
    #[error("expected the condition to end before {found:?}")]
    Behind { found: String },
    /// When it is longer than any that a person writes.
    #[error("expected a condition of at most {LONGEST} bytes, found {found}")]
    TooLong { found: usize },
    /// When there is no such column.
    #[error(
        "there is no column `{name}`{}; the columns are: {}{hint}",
        suggestion.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)")),
        Field::all().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    )]
    UnknownColumn {
        name: String,
        suggestion: Option<&'static str>,
        hint: &'static str,
    },
    /// When two things are compared that are of different kinds.
    #[error("`{column}` is {is}, and cannot be compared with {with}; {remedy}")]
    Kinds {
        column: String,
        is: &'static str,
        with: String,
        remedy: &'static str,
    },
    /// When a comparison is not about a column.
    #[error("expected a comparison of a column with something, found {found:?}")]
    NoColumn { found: String },
    /// When it has a part of SQL that is not understood here.
    #[error(
        "{found:?} is not understood here; a condition is made of AND, OR, NOT, = <> < <= > >=, LIKE, ILIKE, IN, BETWEEN and \
         IS NULL on columns, numbers and 'text'"
    )]
    NotUnderstood { found: String },
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > LONGEST {
            return Err(FilterError::TooLong { found: text.len() });
        }
        let syntax = |source| FilterError::Syntax {
            text: text.to_owned(),
            source,
        };
        let dialect = DuckDbDialect {};
        let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(syntax)?;
        let parsed = parser.parse_expr().map_err(syntax)?;
        let next = parser.next_token();
        if next.token != Token::EOF {
            return Err(FilterError::Behind {
                found: next.token.to_string(),
            });
        }
        Ok(Self(condition(&parsed)?))
    }
}

fn condition(expr: &Expr) -> Result<Condition, FilterError> {
    Ok(match expr {
        Expr::Nested(inner) => condition(inner)?,
        Expr::BinaryOp {
            op: op @ (BinaryOperator::And | BinaryOperator::Or),
            ..
        } => {
            let parts = chain(expr, op)
                .into_iter()
                .map(condition)
                .collect::<Result<_, _>>()?;
            if *op == BinaryOperator::And {
                Condition::All(parts)
            } else {
                Condition::Any(parts)
            }
        }
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => Condition::Not(Box::new(condition(expr)?)),
        Expr::BinaryOp { left, op, right } => {
            let by = match op {
                BinaryOperator::Eq => Comparison::Equal,
                BinaryOperator::NotEq => Comparison::NotEqual,
                BinaryOperator::Lt => Comparison::Less,
                BinaryOperator::LtEq => Comparison::LessOrEqual,
                BinaryOperator::Gt => Comparison::Greater,
                BinaryOperator::GtEq => Comparison::GreaterOrEqual,
                _ => return Err(not_understood(expr)),
            };
            compare(expr, term(left)?, by, term(right)?)?
        }
        Expr::IsNull(inner) => Condition::IsNull(field(inner)?),
        Expr::IsNotNull(inner) => Condition::Not(Box::new(Condition::IsNull(field(inner)?))),
        Expr::Between {
            expr: inner,
            negated,
            low,
            high,
        } => {
            let part = |by, bound| compare(expr, term(inner)?, by, term(bound)?);
            let both = Condition::All(vec![
                part(Comparison::GreaterOrEqual, low)?,
                part(Comparison::LessOrEqual, high)?,
            ]);
            negate(both, *negated)
        }
        Expr::InList {
            expr: inner,
            list,
            negated,
        } => {
            let parts = list
                .iter()
                .map(|one| compare(expr, term(inner)?, Comparison::Equal, term(one)?))
                .collect::<Result<Vec<_>, _>>()?;
            if parts.is_empty() {
                return Err(not_understood(expr));
            }
            negate(Condition::Any(parts), *negated)
        }
        Expr::Like {
            negated,
            any: false,
            expr: inner,
            pattern,
            escape_char,
        } => negate(like(inner, pattern, escape_char, false)?, *negated),
        Expr::ILike {
            negated,
            any: false,
            expr: inner,
            pattern,
            escape_char,
        } => negate(like(inner, pattern, escape_char, true)?, *negated),
        _ => return Err(not_understood(expr)),
    })
}

/// The parts of `a AND b AND c`, which is a tree as deep as it is long.
fn chain<'a>(expr: &'a Expr, by: &BinaryOperator) -> Vec<&'a Expr> {
    let mut parts = Vec::new();
    let mut rest = expr;
    while let Expr::BinaryOp { left, op, right } = rest
        && op == by
    {
        parts.push(right.as_ref());
        rest = left.as_ref();
    }
    parts.push(rest);
    parts.reverse();
    parts
}

fn negate(condition: Condition, negated: bool) -> Condition {
    if negated {
        Condition::Not(Box::new(condition))
    } else {
        condition
    }
}

fn like(
    inner: &Expr,
    pattern: &Expr,
    escape: &Option<Box<Expr>>,
    any_case: bool,
) -> Result<Condition, FilterError> {
    let field = field(inner)?;
    let text = match term(pattern)? {
        Term::Operand(Operand::Text(text)) => text,
        Term::Null => return Ok(Condition::Unknown(field)),
        Term::Operand(_) => return Err(not_understood(pattern)),
    };
    if field.kind() != Kind::Text {
        return Err(kinds(field, pattern.to_string()));
    }
    let escape = match escape.as_deref() {
        None => None,
        Some(escape) => match term(escape)? {
            Term::Operand(Operand::Text(text)) if text.chars().count() == 1 => text.chars().next(),
            _ => return Err(not_understood(escape)),
        },
    };
    let mut escaped = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        let literal = if Some(c) == escape {
            characters.next()
        } else {
            // Without ESCAPE, a backslash is a backslash.
            (c == '\\').then_some(c)
        };
        match literal {
            Some(literal) => escaped.extend(['\\', literal]),
            None => escaped.push(c),
        }
    }
    Ok(Condition::Like {
        field,
        pattern: escaped,
        any_case,
    })
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
enum Term {
    Operand(Operand),
    Null,
}

fn term(expr: &Expr) -> Result<Term, FilterError> {
    let number = |text: &str| -> Result<f64, FilterError> {
        let number: f64 = text.parse().map_err(|_| not_understood(expr))?;
        // -0 is 0 in SQL.
        Ok(number + 0.0)
    };
    Ok(match expr {
        Expr::Nested(inner) => term(inner)?,
        Expr::Identifier(name) => Term::Operand(Operand::Field(named(
            &name.value,
            name.quote_style.is_some(),
        )?)),
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => Term::Operand(Operand::Number(number(text)?)),
            Value::SingleQuotedString(text) => Term::Operand(Operand::Text(text.clone())),
            Value::Null => Term::Null,
            _ => return Err(not_understood(expr)),
        },
        Expr::UnaryOp {
            op: op @ (UnaryOperator::Minus | UnaryOperator::Plus),
            expr: inner,
        } => match (term(inner)?, op) {
            (Term::Operand(Operand::Number(number)), UnaryOperator::Minus) => {
                Term::Operand(Operand::Number(0.0 - number))
            }
            (positive @ Term::Operand(Operand::Number(_)), _) => positive,
            _ => return Err(not_understood(expr)),
        },
        _ => return Err(not_understood(expr)),
    })
}

fn field(expr: &Expr) -> Result<Field, FilterError> {
    match term(expr)? {
        Term::Operand(Operand::Field(field)) => Ok(field),
        _ => Err(FilterError::NoColumn {
            found: expr.to_string(),
        }),
    }
}

fn named(name: &str, quoted: bool) -> Result<Field, FilterError> {
    let lower = name.to_lowercase();
    if let Some((_, field)) = Field::all().find(|(known, _)| *known == lower) {
        return Ok(field);
    }
    // As for the names of emotions: lets typing errors through and keeps other words out.
    let near = Field::all()
        .map(|(known, _)| (strsim::jaro_winkler(&lower, known), known))
        .filter(|(similarity, _)| *similarity >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    Err(FilterError::UnknownColumn {
        name: name.to_owned(),
        suggestion: near.map(|(_, known)| known),
        hint: if lower == "note" {
            "; `note` was replaced by damaged_packets, missing_s, track, excerpt_start_s and excerpt_length_s (silent songs \
             are no answers)"
        } else if quoted {
            "; text stands in single quotes"
        } else {
            ""
        },
    })
}

fn compare(
    whole: &Expr,
    left: Term,
    by: Comparison,
    right: Term,
) -> Result<Condition, FilterError> {
    let (field, by, with) = match (left, right) {
        (Term::Operand(Operand::Field(field)), with) => (field, by, with),
        (with, Term::Operand(Operand::Field(field))) => (field, by.turned(), with),
        _ => {
            return Err(FilterError::NoColumn {
                found: whole.to_string(),
            });
        }
    };
    let Term::Operand(with) = with else {
        return Ok(Condition::Unknown(field));
    };
    let with = match (field.kind(), with) {
        (Kind::Text, Operand::Text(text)) => Operand::Text(text),
        (Kind::Number, Operand::Number(number)) => Operand::Number(number),
        (Kind::Time, Operand::Text(text)) => Operand::Time(time(field, &text)?),
        (kind, Operand::Field(other)) if kind == other.kind() => Operand::Field(other),
        (_, with) => return Err(kinds(field, shown(&with))),
    };
    Ok(Condition::Compare { field, by, with })
}

/// Microseconds since 1970 of a date, or a date and a time, UTC unless the text says another zone.
fn time(field: Field, text: &str) -> Result<i64, FilterError> {
    let texts = StringArray::from(vec![text]);
    // Names of zones are not known to arrow in this build, offsets are.
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    cast(&texts, &micros)
        .ok()
        .and_then(|times| {
            let times = times.as_primitive_opt::<TimestampMicrosecondType>()?;
            (times.len() == 1 && times.is_valid(0)).then(|| times.value(0))
        })
        .ok_or_else(|| kinds(field, format!("'{text}'")))
}

impl Comparison {
    /// The same with the sides changed.
    fn turned(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::NotEqual => Self::NotEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

fn not_understood(expr: &Expr) -> FilterError {
    FilterError::NotUnderstood {
        found: expr.to_string(),
    }
}

fn name_of(field: Field) -> &'static str {
    Field::all()
        .find(|(_, other)| *other == field)
        .map_or("", |(name, _)| name)
}

fn shown(operand: &Operand) -> String {
    match operand {
        Operand::Field(field) => format!("`{}`", name_of(*field)),
        Operand::Number(number) => number.to_string(),
        Operand::Text(text) => format!("'{text}'"),
        Operand::Time(micros) => micros.to_string(),
    }
}

fn kinds(field: Field, with: String) -> FilterError {
    let (is, remedy) = match field.kind() {
        Kind::Text => ("text", "write text in single quotes"),
        Kind::Number => ("a number", "write a number without quotes"),
        Kind::Time => (
            "a time",
            "write it as '2026-01-31' or '2026-01-31 18:00:00'",
        ),
    };
    FilterError::Kinds {
        column: name_of(field).to_owned(),
        is,
        with,
        remedy,
    }
}
