//! An answer, and what can be asked of its shape.

use reqwest::header::HeaderMap;
use serde_json::Value;
use syscall_sdk::wire::Timestamp;

use super::rule::{Verdict, ensure, fail};
use crate::print::short;

/// Most characters of an answer that are shown where it broke a rule.
const SHOWN: usize = 300;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// What was asked, such as `GET /health`.
    pub(super) asked: String,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// The body as JSON; null where it is none.
    pub(super) json: Value,
}

/// What a field is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Is {
    Text,
    /// A text that is not empty.
    Word,
    Number,
    /// A number without a fraction, 0 or more.
    Whole,
    Bool,
    Object,
    Array,
    /// RFC 3339 in UTC with three decimals and a `Z`.
    Moment,
    Any,
    OneOf(&'static [&'static str]),
}

impl Reply {
    /// What came back, for a person.
    pub(super) fn shown(&self) -> String {
        format!(
            "{} answered {} {}",
            self.asked,
            self.status,
            short(self.text.trim(), SHOWN)
        )
    }

    /// A header as text; empty where it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// It has this status.
    pub(super) fn status(&self, wanted: u16) -> Verdict {
        ensure(self.status == wanted, || format!("{}, not {wanted}", self.shown()))
    }

    /// It has this status, and these fields. A name may be a path with dots; one that ends in `?` may be absent or null.
    pub(super) fn has(&self, status: u16, fields: &[(&str, Is)]) -> Verdict {
        self.status(status)?;
        has(&self.json, fields).map_err(|stop| match stop {
            super::rule::Stop::Fail(what) => super::rule::Stop::Fail(format!("{what}: {}", self.shown())),
            skip @ super::rule::Stop::Skip(_) => skip,
        })
    }

    /// It is a refusal of this status in the contract's shape, with this code where one is given.
    pub(super) fn refuses(&self, status: u16, code: Option<&str>) -> Verdict {
        self.status(status)?;
        self.is_error()?;
        match code {
            Some(code) => ensure(self.json["error"]["code"] == code, || {
                format!("{}, without the code {code}", self.shown())
            }),
            None => Ok(()),
        }
    }

    /// Its body is an error in the contract's shape.
    pub(super) fn is_error(&self) -> Verdict {
        let error = &self.json["error"];
        let upper_snake = |code: &str| {
            !code.is_empty()
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        ensure(
            error["code"].as_str().is_some_and(upper_snake)
                && error["message"].as_str().is_some_and(|text| !text.is_empty()),
            || format!("{}, which is no {{\"error\":{{\"code\",\"message\"}}}}", self.shown()),
        )
    }

    /// A field's text.
    pub(super) fn text_at(&self, path: &str) -> Verdict<String> {
        match at(&self.json, path).as_str() {
            Some(text) => Ok(text.to_owned()),
            None => fail(format!("{}, where {path} is no text", self.shown())),
        }
    }

    /// A field has this value.
    pub(super) fn is(&self, path: &str, wanted: &Value) -> Verdict {
        ensure(at(&self.json, path) == wanted, || {
            format!("{}, where {path} is not {wanted}", self.shown())
        })
    }
}

/// A value has these fields.
pub(super) fn has(value: &Value, fields: &[(&str, Is)]) -> Verdict {
    ensure(value.is_object(), || "it is no JSON object".to_owned())?;
    for (path, is) in fields {
        let (path, optional) = match path.strip_suffix('?') {
            Some(path) => (path, true),
            None => (*path, false),
        };
        let found = at(value, path);
        if found.is_null() {
            let absent = !present(value, path);
            if optional || (!absent && matches!(is, Is::Any)) {
                continue;
            }
            return fail(format!("{path} is missing"));
        }
        ensure(is.holds(found), || {
            format!("{path} is {}, not {is:?}", short(&found.to_string(), 60))
        })?;
    }
    Ok(())
}

impl Is {
    fn holds(self, value: &Value) -> bool {
        match self {
            Is::Text => value.is_string(),
            Is::Word => value.as_str().is_some_and(|text| !text.is_empty()),
            Is::Number => value.is_number(),
            Is::Whole => value.as_u64().is_some(),
            Is::Bool => value.is_boolean(),
            Is::Object => value.is_object(),
            Is::Array => value.is_array(),
            Is::Moment => value.as_str().is_some_and(is_moment),
            Is::Any => true,
            Is::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        }
    }
}

/// Whether a text is a moment as the contract writes it.
pub(super) fn is_moment(text: &str) -> bool {
    let shape = text.len() == 24 && text.as_bytes()[19] == b'.' && text.ends_with('Z');
    shape && moment(text).is_some()
}

/// A moment.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    serde_json::from_value(Value::from(text)).ok()
}

/// The value at a path with dots.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| &value[name])
}

fn present(value: &Value, path: &str) -> bool {
    let (parent, name) = match path.rsplit_once('.') {
        Some((parent, name)) => (at(value, parent), name),
        None => (value, path),
    };
    parent.get(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_moment_has_three_decimals_and_a_z() {
        assert!(is_moment("2026-01-31T12:00:00.000Z"));
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00.000+00:00",
            "2026-13-31T12:00:00.000Z",
            "",
            "now",
        ] {
            assert!(!is_moment(text), "{text}");
        }
    }

    #[test]
    fn a_field_may_be_absent_only_where_that_is_said() {
        let value = json!({ "a": { "b": 1 }, "n": null });
        assert!(
            has(
                &value,
                &[("a.b", Is::Whole), ("c?", Is::Text), ("n", Is::Any), ("n?", Is::Text)]
            )
            .is_ok()
        );
        assert!(has(&value, &[("c", Is::Any)]).is_err());
        assert!(has(&value, &[("n", Is::Text)]).is_err());
        assert!(has(&value, &[("a.b", Is::Text)]).is_err());
    }
}
