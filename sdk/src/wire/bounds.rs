//! How deep, how wide and how finely divided a JSON text may be, told from its bytes before anything is built of it.

use std::fmt;

/// Deepest nesting: what a person can still read, and half of what serde_json would follow.
pub const DEPTH_MAX: usize = 64;
/// Most keys of all objects together: a tree of them takes some megabytes, whatever stands in them.
pub const KEYS_MAX: usize = 16 * 1024;
/// Most values of all lists and objects together.
pub const VALUES_MAX: usize = 128 * 1024;
/// Longest key, as it is written: as long as the longest key of state, and an escape for each of its bytes.
pub const KEY_MAX_BYTES: usize = 6 * 1024;

/// What a text has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// Nesting.
    Depth,
    /// Keys.
    Keys,
    /// Values.
    Values,
    /// Bytes in a key.
    Key,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooMuch::Depth => write!(f, "is nested deeper than {DEPTH_MAX}"),
            TooMuch::Keys => write!(f, "has more than {KEYS_MAX} keys"),
            TooMuch::Values => write!(f, "has more than {VALUES_MAX} values"),
            TooMuch::Key => write!(f, "has a key of more than {KEY_MAX_BYTES} bytes"),
        }
    }
}

/// Looks at a text, once and without keeping anything of it. Whether it is JSON at all is for the parser to say: of a text that is none,
/// what is counted here is what the parser would meet before it finds out.
///
/// # Errors
/// The first thing that there is too much of.
pub fn check_bounds(text: &[u8]) -> Result<(), TooMuch> {
    let (mut depth, mut keys, mut values, mut string) = (0, 0, 0, 0);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let length = string_length(&text[at..]);
                string = length;
                at += length + 1;
            }
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                if depth > DEPTH_MAX {
                    return Err(TooMuch::Depth);
                }
            }
            b'}' | b']' => depth = usize::saturating_sub(depth, 1),
            b':' => {
                keys += 1;
                if string > KEY_MAX_BYTES {
                    return Err(TooMuch::Key);
                }
                if keys > KEYS_MAX {
                    return Err(TooMuch::Keys);
                }
            }
            b',' => values += 1,
            _ => {}
        }
        if values > VALUES_MAX {
            return Err(TooMuch::Values);
        }
    }
    Ok(())
}

/// Bytes up to the quote that ends a string, or all where none does.
fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(ahead) = text
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\')))
    {
        at += ahead;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn a_text_may_have_so_much_and_no_more() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check_bounds(nested(64).as_bytes()), Ok(()));
        assert_eq!(check_bounds(nested(65).as_bytes()), Err(TooMuch::Depth));
        assert_eq!(check_bounds("[".repeat(10_000).as_bytes()), Err(TooMuch::Depth));
        let keys = |count: usize| format!("{{{}}}", vec!["\"\":1"; count].join(","));
        assert_eq!(check_bounds(keys(KEYS_MAX).as_bytes()), Ok(()));
        assert_eq!(check_bounds(keys(1_000_000).as_bytes()), Err(TooMuch::Keys));
        let values = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(check_bounds(values(VALUES_MAX).as_bytes()), Ok(()));
        assert_eq!(check_bounds(values(VALUES_MAX + 1).as_bytes()), Err(TooMuch::Values));
        let key = |length: usize| format!("{{\"{}\" : 1}}", "a".repeat(length));
        assert_eq!(check_bounds(key(KEY_MAX_BYTES).as_bytes()), Ok(()));
        assert_eq!(check_bounds(key(KEY_MAX_BYTES + 1).as_bytes()), Err(TooMuch::Key));
        let quoted = r#"{"a":"[[[\"{{{\\\\\\","b\"":["]]"]}"#;
        assert_eq!(check_bounds(quoted.as_bytes()), Ok(()));
    }

    fn measure(value: &Value) -> (usize, usize) {
        match value {
            Value::Array(items) => items
                .iter()
                .map(measure)
                .fold((1, 0), |(depth, keys), (d, k)| (depth.max(d + 1), keys + k)),
            Value::Object(fields) => fields
                .values()
                .map(measure)
                .fold((1, fields.len()), |(depth, keys), (d, k)| (depth.max(d + 1), keys + k)),
            _ => (0, 0),
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(80, 200, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map(".*", inner, 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_counted_in_the_text_is_what_its_tree_has(tree in tree(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) }.unwrap();
            let (depth, _) = measure(&tree);
            prop_assert_eq!(check_bounds(text.as_bytes()).is_ok(), depth <= DEPTH_MAX, "{}", text);
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = check_bounds(&bytes);
        }
    }
}
