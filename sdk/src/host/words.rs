//! What a service's own binary is asked on the command line: to run, or how the one that runs here is.

use std::ffi::OsString;
use std::fmt;

/// What the words come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// No word: the service runs.
    Serve,
    /// `health`: the service that runs on this machine is asked how it is.
    Health,
    /// `--version`.
    Version,
    /// `--help`.
    Help,
}

/// Words that mean nothing. A service that ran all the same would hide a mistyped start command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown(String);

impl Asked {
    /// Reads the words that follow the program's name.
    pub(super) fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, Unknown> {
        let words: Vec<String> = words
            .into_iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Ok(Asked::Serve),
            ["health"] => Ok(Asked::Health),
            ["--version" | "-V"] => Ok(Asked::Version),
            ["--help" | "-h" | "help"] => Ok(Asked::Help),
            _ => Err(Unknown(words.join(" "))),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is nothing that this program does", self.0)
    }
}

/// What a service's binary does, for who asks it.
pub(super) const HELP: &str = "without a word   runs the service, which is told everything by its environment
health           asks the service that runs on this machine how it is: 0 where it is well, else 1 and a line that says why
--version        says which service and version this is";

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Asked, Unknown> {
        Asked::of(words.iter().map(OsString::from))
    }

    #[test]
    fn a_word_that_means_nothing_does_not_run_the_service() {
        assert_eq!(asked(&[]), Ok(Asked::Serve));
        assert_eq!(asked(&["health"]), Ok(Asked::Health));
        assert_eq!(asked(&["--version"]), Ok(Asked::Version));
        assert_eq!(asked(&["-h"]), Ok(Asked::Help));
        for words in [&["healht"][..], &["health", "now"], &[""]] {
            let told = asked(words).unwrap_err().to_string();
            assert!(told.contains(&words.join(" ")), "{told}");
        }
    }
}
