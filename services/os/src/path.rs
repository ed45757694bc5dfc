//! A place in the tree, as a URL or a person writes it.
//!
//! Names are literal: a path is decoded once, and `..` is a name like any other, so that there is nothing to escape from.

use std::fmt::Write as _;

use syscall_sdk::error::{Error, Result};

/// Below this directory of a service an empty name counts, since keys are the service's own.
const KEYS: &str = "state";

/// Names from the root down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FsPath {
    /// The names.
    pub(crate) names: Vec<String>,
    /// Whether it was written with a slash at its end, as directories are.
    pub(crate) directory: bool,
}

impl FsPath {
    /// Reads what stands in a URL: each name is percent-decoded, once.
    ///
    /// # Errors
    /// `INVALID_PATH` where a name is no UTF-8.
    pub(crate) fn decode(raw: &str) -> Result<Self> {
        let names = raw.split('/').map(decode).collect::<Result<Vec<_>>>()?;
        Ok(Self::of(names))
    }

    /// Reads what a person wrote: nothing in it is decoded.
    pub(crate) fn literal(text: &str) -> Self {
        Self::of(text.split('/').map(str::to_owned).collect())
    }

    fn of(all: Vec<String>) -> Self {
        let directory = all.len() > 1 && all.last().is_some_and(String::is_empty);
        let mut names: Vec<String> = Vec::new();
        let last = all.len() - 1;
        for (place, name) in all.into_iter().enumerate() {
            let within_keys = names.len() >= 2 && names[1] == KEYS;
            let counts = !name.is_empty() || (within_keys && place < last);
            if counts {
                names.push(name);
            }
        }
        FsPath { names, directory }
    }

    /// The names as words to match on.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// The path as a person reads it.
    pub(crate) fn text(&self) -> String {
        format!("/{}", self.names.join("/"))
    }

    /// The first so many names.
    pub(crate) fn ancestor(&self, names: usize) -> Self {
        FsPath {
            names: self.names[..names.min(self.names.len())].to_vec(),
            directory: true,
        }
    }

    /// What is in it by that name.
    pub(crate) fn child(&self, name: &str, directory: bool) -> Self {
        let mut names = self.names.clone();
        names.push(name.to_owned());
        FsPath { names, directory }
    }

    /// The path in a URL, each name encoded.
    pub(crate) fn encoded(&self) -> String {
        self.names.iter().fold(String::new(), |mut url, name| {
            url.push('/');
            url.push_str(&encode(name));
            url
        })
    }
}

/// Percent-encodes everything but letters, digits and `-_~`; also dots, since a browser takes `..` out of a path.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'~' => encoded.push(char::from(byte)),
            b'.' if text != "." && text != ".." => encoded.push('.'),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => {
                // Writing to a String does not fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn decode(name: &str) -> Result<String> {
    let wrong = || Error::invalid("the path is not UTF-8, percent-encoded").with_code("INVALID_PATH");
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| first == b'%');
        let decoded = pair
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// The value of a parameter of a query, decoded once.
///
/// # Errors
/// `INVALID_PATH` where it is no UTF-8.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Result<Option<String>> {
    let mut pairs = query.unwrap_or_default().split('&');
    let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.map(|value| decode(&value.replace('+', " "))).transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, names: &[&str], directory: bool) {
        let path = FsPath::decode(raw).expect("a path");
        assert_eq!((path.parts(), path.directory), (names.to_vec(), directory), "{raw}");
    }

    #[test]
    fn slashes_at_the_ends_are_tolerated() {
        check("", &[], false);
        check("/", &[], true);
        check("/core", &["core"], false);
        check("core/jobs/", &["core", "jobs"], true);
        check("//core//jobs", &["core", "jobs"], false);
    }

    #[test]
    fn names_are_literal_and_decoded_once() {
        check("/core/state/..%2f..", &["core", "state", "../.."], false);
        check("/core/state/../x", &["core", "state", "..", "x"], false);
        check("/core/state/a%20b/%C3%A9", &["core", "state", "a b", "é"], false);
        check("/core/state/%252e", &["core", "state", "%2e"], false);
        check("/core/state/100%", &["core", "state", "100%"], false);
        assert_eq!(
            FsPath::decode("/core/%ff").expect_err("no UTF-8").code(),
            "INVALID_PATH"
        );
    }

    #[test]
    fn empty_names_count_among_keys_alone() {
        check("/core/state/a//b", &["core", "state", "a", "", "b"], false);
        check("/core/state/a/", &["core", "state", "a"], true);
        check("/core/state//", &["core", "state", ""], true);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_to_the_same(names in proptest::collection::vec("[^/]{1,8}", 0..6)) {
            let path = FsPath { names, directory: false };
            let read = FsPath::decode(&path.encoded()).expect("a path");
            prop_assert_eq!(&read.names, &path.names);
            let parsed: http::Uri = format!("/fs{}", path.encoded()).parse().expect("a URL");
            prop_assert_eq!(parsed.path(), format!("/fs{}", path.encoded()));
        }

        #[test]
        fn any_text_is_a_path_or_an_error(raw in "(?s).{0,80}") {
            if let Ok(path) = FsPath::decode(&raw) {
                prop_assert!(path.names.len() <= raw.split('/').count());
            }
        }

        #[test]
        fn what_a_person_writes_is_not_decoded(name in "[a-z%2e.]{1,12}") {
            let path = FsPath::literal(&format!("/core/state/{name}"));
            prop_assert_eq!(path.names.last(), Some(&name));
        }
    }
}
