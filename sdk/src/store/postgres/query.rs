//! A statement with its values, each with the type that the statement takes, so that nothing has to be asked of the server.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};

/// A service's schema. Its name is checked once, so that it may stand in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Schema(Arc<str>);

/// Longest name of a schema: PostgreSQL cuts what is longer, and two services would meet in one.
const NAME_MAX_BYTES: usize = 63;

impl Schema {
    /// Checks a name: lower case letters, digits and underscores, a letter first.
    pub(super) fn new(name: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        if starts && name.chars().all(fits) && name.len() <= NAME_MAX_BYTES {
            return Ok(Schema(name.into()));
        }
        Err(format!(
            "{name:?} cannot be the name of a schema: it is 1 to {NAME_MAX_BYTES} lower case letters, digits and underscores, a letter first"
        ))
    }

    /// The schema that is everyone's, for statements that name none.
    pub(super) fn public() -> Self {
        Schema("public".into())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// A statement in which `{s}` stands for the schema.
    pub(super) fn fill(&self, template: &str) -> String {
        template.replace("{s}", &self.0)
    }
}

/// A statement and its values; `{s}` in it stands for the schema.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) sql: Cow<'static, str>,
    pub(super) values: Vec<Value<'a>>,
}

impl<'a> Query<'a> {
    pub(super) fn new(sql: impl Into<Cow<'static, str>>, values: impl Into<Vec<Value<'a>>>) -> Self {
        Query {
            sql: sql.into(),
            values: values.into(),
        }
    }
}

/// A value and its type.
pub(super) struct Value<'a> {
    pub(super) value: Box<dyn ToSql + Sync + Send + 'a>,
    pub(super) kind: Type,
}

impl fmt::Debug for Value<'_> {
    /// Its type alone: what is stored is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.kind, f)
    }
}

fn value<'a>(kind: Type, value: impl ToSql + Sync + Send + 'a) -> Value<'a> {
    Value {
        value: Box::new(value),
        kind,
    }
}

pub(super) fn text(of: &str) -> Value<'_> {
    value(Type::TEXT, of)
}

pub(super) fn text_or_null(of: Option<&str>) -> Value<'_> {
    value(Type::TEXT, of)
}

pub(super) fn number(of: i64) -> Value<'static> {
    value(Type::INT8, of)
}

pub(super) fn number_or_null(of: Option<i64>) -> Value<'static> {
    value(Type::INT8, of)
}

pub(super) fn real(of: f64) -> Value<'static> {
    value(Type::FLOAT8, of)
}

pub(super) fn texts<'a>(of: impl IntoIterator<Item = &'a str>) -> Value<'a> {
    value(Type::TEXT_ARRAY, of.into_iter().collect::<Vec<_>>())
}

pub(super) fn texts_or_null<'a>(of: impl IntoIterator<Item = Option<&'a str>>) -> Value<'a> {
    value(Type::TEXT_ARRAY, of.into_iter().collect::<Vec<_>>())
}

/// Texts that people or programs outside wrote: PostgreSQL keeps no NUL, and a failure must be kept whatever it says.
pub(super) fn free_texts<'a>(of: impl IntoIterator<Item = Option<&'a str>>) -> Value<'a> {
    let cleaned = |text: &'a str| match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    };
    let texts = of.into_iter().map(|text| text.map(cleaned));
    value(Type::TEXT_ARRAY, texts.collect::<Vec<Option<Cow<'a, str>>>>())
}

pub(super) fn numbers(of: impl IntoIterator<Item = i64>) -> Value<'static> {
    value(Type::INT8_ARRAY, of.into_iter().collect::<Vec<_>>())
}

pub(super) fn numbers_or_null(of: impl IntoIterator<Item = Option<i64>>) -> Value<'static> {
    value(Type::INT8_ARRAY, of.into_iter().collect::<Vec<_>>())
}

pub(super) fn reals(of: impl IntoIterator<Item = f64>) -> Value<'static> {
    value(Type::FLOAT8_ARRAY, of.into_iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_more_than_a_name_is_no_schema() {
        for bad in ["", "Core", "a-b", "1a", "a\"; DROP", "é", &"a".repeat(64)] {
            assert!(Schema::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Schema::new("blackroad_core").expect("a name").fill("{s}.job"),
            "blackroad_core.job"
        );
    }
}
