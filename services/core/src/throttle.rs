//! How many guesses are taken, from where, at whose account.
//!
//! Nothing is counted by account alone: whoever knows an address could lock its owner out. Strangers are counted by (account, network)
//! and by network; a browser in which the owner has signed in before has a count of its own for that account, which no stranger can use
//! up (OWASP, Slow Down Online Guessing Attacks with Device Cookies). Each count is a bucket that leaks (GCRA): one moment in the store,
//! written in one commit before the password is looked at, so that guesses at the same time are counted too.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::policy::party;
use syscall_sdk::store::Condition;

use crate::{token, writes};

const NAMESPACE: &str = "throttle";

/// A count: so many at once, then one each so often.
#[derive(Debug)]
pub(crate) struct Bucket {
    name: &'static str,
    burst: u32,
    every: Duration,
}

/// Guesses of a network at one account: a person who has forgotten tries five times, then has a minute to think.
pub(crate) const ACCOUNT: Bucket = Bucket::new("account", 5, Duration::from_secs(60));
/// Guesses of a network at whatever accounts: an office behind one address, on a Monday.
pub(crate) const NETWORK: Bucket = Bucket::new("network", 30, Duration::from_secs(10));
/// Guesses of a browser that is known at its owner's account.
pub(crate) const DEVICE: Bucket = Bucket::new("device", 10, Duration::from_secs(60));
/// Guesses at the current password by who is signed in.
pub(crate) const PROOF: Bucket = Bucket::new("proof", 5, Duration::from_secs(60));
/// Second factors of one user: who is here knows the password, so the count may be by account. Of a million codes three are good; at
/// one a minute a guesser who never sleeps needs most of a year for even odds.
pub(crate) const CODE: Bucket = Bucket::new("code", 5, Duration::from_secs(60));
/// Second factors from a browser that is known.
pub(crate) const DEVICE_CODE: Bucket = Bucket::new("device-code", 5, Duration::from_secs(60));

impl Bucket {
    const fn new(name: &'static str, burst: u32, every: Duration) -> Self {
        Bucket { name, burst, every }
    }

    /// The key of a count; a hash, so that what a stranger typed is kept nowhere.
    fn key(&self, subject: &str) -> String {
        format!("{}/{}", self.name, token::hashed(subject))
    }

    /// How long a count means anything.
    fn horizon(&self) -> Duration {
        self.every * self.burst
    }

    /// The next moment of the count where one more is taken, or how long none is.
    fn next(&self, kept: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Duration> {
        let span = |span: Duration| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let next = kept.map_or(now, |kept| kept.max(now)) + span(self.every);
        let wait = next - span(self.horizon()) - now;
        match wait.to_std() {
            Ok(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(next),
        }
    }
}

/// From where someone asks, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The network address.
    pub(crate) address: Option<String>,
    /// What the browser says that it is.
    pub(crate) agent: Option<String>,
    /// The device cookie.
    pub(crate) device: Option<String>,
}

impl Origin {
    /// What counts as one network: an IPv4 address, or the /64 that an IPv6 household has to itself.
    pub(crate) fn network(&self) -> String {
        let address = self.address.as_deref().unwrap_or_default().parse::<IpAddr>();
        address.map_or_else(|_| "unknown".to_owned(), |address| party(address).to_string())
    }
}

/// Takes one from each of some buckets, or from none of them and says how long to wait.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn take(context: &Context, wanted: &[(&Bucket, String)]) -> Result<Option<Duration>> {
    let counts = context.namespace(NAMESPACE)?;
    let counts = &counts;
    let attempt = || async move {
        let now = context.clock().now();
        let mut commit = context.batch();
        for (bucket, subject) in wanted {
            let key = bucket.key(subject);
            let entry = counts.entry(&key).await?;
            let kept: Option<DateTime<Utc>> = entry.as_ref().and_then(|entry| entry.value.to().ok());
            let condition = entry.map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
            match bucket.next(kept, now) {
                Ok(next) => commit = commit.put_for(counts, &key, &next, condition, bucket.horizon()),
                Err(wait) => return Ok(Some(wait)),
            }
        }
        commit.commit().await.map(|_| None)
    };
    match writes::until_first("a count", attempt).await {
        // So many at once are no person.
        Err(error) if error.kind() == Kind::Conflict => Ok(Some(Duration::from_secs(1))),
        other => other,
    }
}

/// Empties a bucket: who knows the password has not guessed.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn forgive(context: &Context, bucket: &Bucket, subject: &str) -> Result<()> {
    let counts = context.namespace(NAMESPACE)?;
    counts.delete(&bucket.key(subject), Condition::Any).await.map(drop)
}

/// Says that no guess is taken now.
pub(crate) fn too_many(wait: Duration) -> Error {
    Error::new(
        Kind::Forbidden,
        format!("too many attempts; try again in {} s", wait.as_secs() + 1),
    )
    .with_code("TOO_MANY_ATTEMPTS")
    .with_retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_one_each_so_often() {
        let now = DateTime::UNIX_EPOCH;
        let mut kept = None;
        for _ in 0..ACCOUNT.burst {
            kept = Some(ACCOUNT.next(kept, now).unwrap());
        }
        assert_eq!(ACCOUNT.next(kept, now), Err(Duration::from_secs(60)));
        let later = now + TimeDelta::seconds(60);
        kept = Some(ACCOUNT.next(kept, later).unwrap());
        assert_eq!(ACCOUNT.next(kept, later), Err(Duration::from_secs(60)));
        let rested = later + TimeDelta::seconds(600);
        assert!(ACCOUNT.next(kept, rested).is_ok());
    }

    #[test]
    fn an_ipv6_host_is_one_network_whatever_its_last_half() {
        let of = |address: &str| {
            Origin {
                address: Some(address.to_owned()),
                ..Origin::default()
            }
            .network()
        };
        assert_eq!(of("2a00:1450:1:2::1"), of("2a00:1450:1:2:ffff::9"));
        assert_ne!(of("2a00:1450:1:2::1"), of("2a00:1450:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("no address"), "unknown");
    }
}
