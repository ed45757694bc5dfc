//! Rights as they are kept: texts of the fleet's vocabulary.

use syscall_sdk::auth::Right;
use syscall_sdk::error::{Error, Result};

/// Reads a right.
///
/// # Errors
/// `INVALID_RIGHT` where the text is none.
pub(crate) fn parse(text: &str) -> Result<Right> {
    let right = text.parse::<Right>();
    right.map_err(|error| Error::invalid(error.message()).with_code("INVALID_RIGHT"))
}

/// Reads a list of rights and gives it back as texts, each once.
///
/// # Errors
/// `INVALID_RIGHT` where one is none, or there are too many.
pub(crate) fn checked(texts: &[String], most: usize) -> Result<Vec<String>> {
    if texts.len() > most {
        return Err(Error::invalid(format!("at most {most} rights are given together")).with_code("INVALID_RIGHT"));
    }
    let mut checked: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        let text = text.trim();
        parse(text)?;
        if !checked.iter().any(|known| known == text) {
            checked.push(text.to_owned());
        }
    }
    Ok(checked)
}

/// Whether any of some rights covers another. A text that is no right grants nothing and is granted to nobody.
pub(crate) fn any_covers(held: &[String], wanted: &str) -> bool {
    let Ok(wanted) = parse(wanted) else { return false };
    held.iter()
        .filter_map(|held| parse(held).ok())
        .any(|held| held.covers(&wanted))
}

/// Those of some rights that others cover.
pub(crate) fn within(wanted: &[String], held: &[String]) -> Vec<String> {
    wanted.iter().filter(|right| any_covers(held, right)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_right_is_read_or_refused() {
        for good in [
            "rpc core getUserById",
            "rpc core *",
            "rpc * *",
            "rpc core",
            "state read orders/",
            "state@core write *",
            "event emit user:*",
            "logs read",
            "admin",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "rpc Core x",
            "state",
            "state peek a/",
            "logs read x",
            "fly",
            "admin x",
            "state read a\nb",
        ] {
            assert_eq!(parse(bad).unwrap_err().code(), "INVALID_RIGHT", "{bad}");
        }
    }

    #[test]
    fn a_prefix_never_touches_a_neighbour() {
        let own = parse("state read a/").unwrap();
        assert!(own.covers(&parse("state read a/b").unwrap()));
        assert!(!own.covers(&parse("state read ab").unwrap()));
        assert!(!own.covers(&parse("state write a/b").unwrap()));
        assert!(!own.covers(&parse("state read *").unwrap()));
    }

    const SERVICES: [&str; 2] = ["core", "api"];
    const KEYS: [&str; 5] = ["a", "a/", "a/b", "a/c", "ab"];

    /// Everything that can be asked for in a small world: (facility and verb, service, name).
    fn world() -> Vec<(&'static str, &'static str, &'static str)> {
        let words = ["rpc", "state read", "state write", "event emit"];
        words
            .iter()
            .flat_map(|word| {
                SERVICES
                    .iter()
                    .flat_map(move |at| KEYS.iter().map(move |key| (*word, *at, *key)))
            })
            .collect()
    }

    /// Slow and plain: what of the world a right's parts allow, found by looking at every thing in it.
    fn extent(word: &str, at: Option<&str>, names: &str) -> Vec<(&'static str, &'static str, &'static str)> {
        let matches = |name: &str| {
            let is_key = word.starts_with("state");
            names == "*"
                || name == names && !(is_key && names.ends_with('/'))
                || (names.ends_with('*') && name.starts_with(names.trim_end_matches('*')))
                || (is_key && names.ends_with('/') && name.starts_with(names))
        };
        let mut all = world();
        all.retain(|(of, service, name)| {
            (word == "admin" || *of == word) && at.is_none_or(|at| at == *service) && (word == "admin" || matches(name))
        });
        all
    }

    fn written(word: &str, at: Option<&str>, names: &str) -> String {
        match (word, at) {
            ("admin", None) => "admin".to_owned(),
            ("admin", Some(at)) => format!("admin@{at}"),
            ("rpc", at) => format!("rpc {} {names}", at.unwrap_or("*")),
            (word, None) => format!("{word} {names}"),
            (word, Some(at)) => {
                let (facility, verb) = word.split_once(' ').unwrap();
                format!("{facility}@{at} {verb} {names}")
            }
        }
    }

    proptest! {
        #[test]
        fn decisions_are_those_of_a_slow_reference(
            held in proptest::collection::vec((
                prop_oneof![Just("rpc"), Just("state read"), Just("state write"), Just("event emit"), Just("admin")],
                proptest::option::of(prop_oneof![Just("core"), Just("api")]),
                prop_oneof![Just("*"), Just("a"), Just("a*"), Just("a/"), Just("a/*"), Just("a/b"), Just("ab")],
            ), 0..5),
        ) {
            let texts: Vec<String> = held.iter().map(|(word, at, names)| written(word, *at, names)).collect();
            for wanted in world() {
                // A key that ends in a slash is asked for as a prefix, which is another question.
                if wanted.2.ends_with('/') {
                    continue;
                }
                let expected = held.iter().any(|(word, at, names)| extent(word, *at, names).contains(&wanted));
                let (word, at, name) = wanted;
                prop_assert_eq!(any_covers(&texts, &written(word, Some(at), name)), expected, "{:?} of {:?}", wanted, texts);
            }
        }

        #[test]
        fn no_text_is_more_than_a_right_or_a_refusal(text in ".{0,80}") {
            if let Ok(right) = parse(&text) {
                prop_assert!(right.covers(&right));
            }
        }
    }
}
