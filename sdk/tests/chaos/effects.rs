//! The marks that jobs and steps have left outside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One attempt of a job, as its handler noted it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    /// The process.
    pub(crate) serial: u64,
    pub(crate) began: u128,
    pub(crate) ended: Option<u128>,
    pub(crate) value: String,
}

/// All marks.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Job to its attempts.
    pub(crate) jobs: BTreeMap<String, Vec<Attempt>>,
    /// Run and step to the values that it came to, one each time that it was done.
    pub(crate) steps: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Effects {
    pub(crate) fn read(path: &Path) -> Self {
        let mut effects = Effects::default();
        // A process may die in the middle of its last line; the next one's then follows on it.
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["begin", job, attempt, value, serial, at] => {
                    effects.jobs.entry((*job).to_owned()).or_default().push(Attempt {
                        number: attempt.parse().unwrap(),
                        serial: serial.parse().unwrap(),
                        began: at.parse().unwrap(),
                        ended: None,
                        value: (*value).to_owned(),
                    });
                }
                ["end", job, _, value, _, at] => {
                    let attempts = effects.jobs.entry((*job).to_owned()).or_default();
                    let own = attempts.iter_mut().find(|attempt| attempt.value == *value);
                    own.expect("it began").ended = Some(at.parse().unwrap());
                }
                ["step", run, name, value, _, _] => {
                    let key = ((*run).to_owned(), (*name).to_owned());
                    effects.steps.entry(key).or_default().insert((*value).to_owned());
                }
                _ => panic!("not a mark: {line}"),
            }
        }
        effects
    }

    /// Effects that were had more than once.
    pub(crate) fn again(&self) -> u64 {
        let jobs = self.jobs.values().map(|attempts| attempts.len() as u64 - 1);
        let steps = self.steps.values().map(|values| values.len() as u64 - 1);
        jobs.chain(steps).sum()
    }
}
