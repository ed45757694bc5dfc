//! Keys of which there are not to be many jobs, as an order may give them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{DELAY_MAX, bounded};
use crate::error::{Error, Result};
use crate::wire::{CreateJob, Unique, UniqueMode};

/// Longest unique key, in bytes.
const KEY_MAX_BYTES: usize = 512;
/// Stands between the parts of a throttle key.
const PART: char = ':';

/// What an order says of its key, for the store.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) unique: Option<String>,
    pub(super) mode: UniqueMode,
    pub(super) throttle: Option<String>,
}

impl Keys {
    pub(super) fn read(create: &CreateJob, now: DateTime<Utc>) -> Result<Self> {
        let unique = match (&create.unique_key, &create.unique) {
            (Some(_), Some(_)) => return Err(Error::invalid("give uniqueKey or unique, not both")),
            (None, None) => return Ok(Keys::default()),
            (None, Some(unique)) => unique.clone(),
            (Some(key), None) => Unique {
                key: key.clone(),
                mode: UniqueMode::Ignore,
                window: None,
            },
        };
        if unique.key.is_empty() || unique.key.len() > KEY_MAX_BYTES {
            return Err(Error::invalid(format!("a unique key is 1 to {KEY_MAX_BYTES} bytes")));
        }
        match (unique.mode, unique.window) {
            (UniqueMode::Throttle, None | Some(0)) => {
                return Err(Error::invalid("unique in mode throttle says its window, in ms"));
            }
            (UniqueMode::Throttle, Some(window)) => {
                let window = bounded("unique.window", window, DELAY_MAX)?;
                return Ok(Keys {
                    unique: None,
                    mode: UniqueMode::Throttle,
                    throttle: Some(throttle_key(&unique.key, window, now)),
                });
            }
            (_, Some(_)) => return Err(Error::invalid("unique.window belongs to mode throttle")),
            (UniqueMode::Debounce, None) if create.delay.is_none() && create.run_at.is_none() => {
                return Err(Error::invalid(
                    "unique in mode debounce says with delay how long nothing must come before the job runs",
                ));
            }
            (_, None) => {}
        }
        Ok(Keys {
            unique: Some(unique.key),
            mode: unique.mode,
            throttle: None,
        })
    }
}

/// The key of a window: another in each, so that what is kept of an earlier one is no bar. Windows begin at the epoch.
fn throttle_key(key: &str, window: Duration, now: DateTime<Utc>) -> String {
    let window = window.as_millis().max(1);
    let place = u128::try_from(now.timestamp_millis()).unwrap_or(0) / window;
    format!("{window}{PART}{place}{PART}{key}")
}

/// The key that an order gave, of the key of its window.
pub(super) fn plain_key(throttle_key: &str) -> String {
    throttle_key.splitn(3, PART).last().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn read(unique: Unique) -> Result<Keys> {
        let create = CreateJob {
            unique: Some(unique),
            delay: Some(1),
            ..CreateJob::default()
        };
        Keys::read(&create, NOW)
    }

    fn unique(mode: UniqueMode, window: Option<u64>) -> Unique {
        Unique {
            key: "a:b".to_owned(),
            mode,
            window,
        }
    }

    #[test]
    fn a_window_has_its_own_key_and_the_plain_one_is_read_back() {
        let key = |millis| throttle_key("a:b", Duration::from_secs(1), NOW + TimeDelta::milliseconds(millis));
        assert_eq!(key(0), key(999));
        assert_ne!(key(999), key(1_000));
        assert_eq!(plain_key(&key(0)), "a:b");
    }

    #[test]
    fn only_a_throttle_has_a_window_and_it_needs_one() {
        assert!(read(unique(UniqueMode::Throttle, None)).is_err());
        assert!(read(unique(UniqueMode::Throttle, Some(0))).is_err());
        assert!(read(unique(UniqueMode::Replace, Some(5))).is_err());
        let keys = read(unique(UniqueMode::Throttle, Some(5))).expect("it fits");
        assert_eq!((keys.unique, keys.throttle.as_deref()), (None, Some("5:0:a:b")));
    }

    #[test]
    fn a_key_is_given_once_and_a_debounce_says_how_long() {
        let both = CreateJob {
            unique_key: Some("a".to_owned()),
            unique: Some(unique(UniqueMode::Ignore, None)),
            ..CreateJob::default()
        };
        assert!(Keys::read(&both, NOW).is_err());
        let at_once = CreateJob {
            unique: Some(unique(UniqueMode::Debounce, None)),
            ..CreateJob::default()
        };
        assert!(Keys::read(&at_once, NOW).is_err());
        let short = CreateJob {
            unique_key: Some("a".to_owned()),
            ..CreateJob::default()
        };
        let keys = Keys::read(&short, NOW).expect("it fits");
        assert_eq!((keys.unique.as_deref(), keys.mode), (Some("a"), UniqueMode::Ignore));
    }
}
