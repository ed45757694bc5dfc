//! What was found out of credentials, for a short time: a revoked one is good for no longer than that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use syscall_sdk::auth::Principal;
use tokio::time::Instant;

/// How long a good answer is believed. It is how late a revoked key is noticed, and a key that is used all the time costs core a question
/// in so long.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(30);
/// How long a bad one is: a program that loops with a wrong key asks core every so often and no more, and a key that was made just now and
/// shown a moment too early is not locked out.
pub(crate) const BAD_FOR: Duration = Duration::from_secs(5);
/// Most of each sort that are remembered: more keys than a small fleet has in use within half a minute, and 2 MB at most.
const KEPT_MAX: usize = 8_192;

/// SHA-256 of what was shown: that itself is not kept.
type Fingerprint = [u8; 32];

/// Good and bad ones apart, so that who shows many bad ones makes no good one be asked for again.
#[derive(Debug, Default)]
pub(crate) struct Known {
    good: Mutex<HashMap<Fingerprint, (Arc<Principal>, Instant)>>,
    bad: Mutex<HashMap<Fingerprint, ((), Instant)>>,
}

/// What is known of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good(Arc<Principal>),
    Bad,
}

impl Known {
    /// What is known of a credential now; `None` where it must be looked at. `now` is also given in seconds since the epoch, by which
    /// credentials say when they end.
    pub(crate) fn of(&self, shown: &str, now: Instant, seconds: u64) -> Option<Verdict> {
        let print = fingerprint(shown);
        let held = |until: Instant| now < until;
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((principal, until)) = good.get(&print) {
            let ended = principal.expires_at <= seconds;
            return held(*until).then(|| {
                if ended {
                    Verdict::Bad
                } else {
                    Verdict::Good(Arc::clone(principal))
                }
            });
        }
        drop(good);
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.get(&print)
            .is_some_and(|((), until)| held(*until))
            .then_some(Verdict::Bad)
    }

    /// Remembers what was found out.
    pub(crate) fn learn(&self, shown: &str, verdict: &Verdict, now: Instant) {
        let print = fingerprint(shown);
        match verdict {
            Verdict::Good(principal) => put(&self.good, print, Arc::clone(principal), now, GOOD_FOR),
            Verdict::Bad => {
                self.good.lock().unwrap_or_else(PoisonError::into_inner).remove(&print);
                put(&self.bad, print, (), now, BAD_FOR);
            }
        }
    }
}

fn put<T>(map: &Mutex<HashMap<Fingerprint, (T, Instant)>>, print: Fingerprint, value: T, now: Instant, life: Duration) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= KEPT_MAX {
        map.retain(|_, (_, until)| now < *until);
        if map.len() >= KEPT_MAX {
            map.clear();
        }
    }
    map.insert(print, (value, now + life));
}

fn fingerprint(shown: &str) -> Fingerprint {
    let mut print = [0; 32];
    print.copy_from_slice(digest(&SHA256, shown.as_bytes()).as_ref());
    print
}

#[cfg(test)]
mod tests {
    use syscall_sdk::auth::Rights;

    use super::*;

    fn good(expires_at: u64) -> Verdict {
        Verdict::Good(Arc::new(Principal {
            subject: "user/7".to_owned(),
            by: None,
            audience: vec![],
            rights: Rights::default(),
            issued_at: 0,
            expires_at,
            lasts_until: expires_at,
            tokens: vec![],
            keys: vec![],
            holder: None,
        }))
    }

    #[test]
    fn what_was_good_is_asked_for_again_after_half_a_minute_and_what_was_bad_after_five_seconds() {
        let (known, now) = (Known::default(), Instant::now());
        known.learn("a", &good(100), now);
        known.learn("b", &Verdict::Bad, now);
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(known.of("a", after(29), 99), Some(good(100)));
        assert_eq!(
            known.of("a", after(29), 100),
            Some(Verdict::Bad),
            "it has ended meanwhile"
        );
        assert_eq!(known.of("a", after(30), 99), None);
        assert_eq!(known.of("b", after(4), 99), Some(Verdict::Bad));
        assert_eq!(known.of("b", after(5), 99), None);
        assert_eq!(known.of("c", now, 99), None);
    }

    #[test]
    fn who_shows_many_bad_ones_fills_no_memory_and_displaces_no_good_one() {
        let (known, now) = (Known::default(), Instant::now());
        known.learn("a", &good(100), now);
        for number in 0..3 * KEPT_MAX {
            known.learn(&number.to_string(), &Verdict::Bad, now);
        }
        assert!(known.bad.lock().unwrap().len() <= KEPT_MAX);
        assert_eq!(known.of("a", now, 1), Some(good(100)));
        known.learn("a", &Verdict::Bad, now);
        assert_eq!(known.of("a", now, 1), Some(Verdict::Bad), "what is learnt last counts");
    }
}
