//! The keys that sign tokens: `key/{number}`, the last of which is the next one or the one in use.
//!
//! A key is published before it signs for twice as long as anybody may keep the list of keys, and published after it has signed for
//! twice as long as a token lives: whoever verifies knows every key of every token, without a restart and without a fault.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use blackroad_os_contracts::core::ROTATE_SIGNING_KEYS;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::name::Prefix;
use syscall_sdk::state::State;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use crate::audit::{self, Decision};
use crate::{token, writes};

const NAMESPACE: &str = "signing";
const KEYS: &str = "key/";
/// How long an access token lives, and how long the list of keys may be kept: a revocation that nobody looks up is late by as much.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);
/// Between keys: a month, so that what leaks signs no longer.
const PERIOD: TimeDelta = TimeDelta::days(30);
/// How long before its turn the next key is made: the hourly schedule may miss a day.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// How long a key is known before it signs and after it has signed.
const OVERLAP: TimeDelta = TimeDelta::minutes(20);

/// A key pair as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) kid: String,
    /// PKCS#8, in base64url.
    secret: String,
    /// The public half, in base64url: `x` of its JWK (RFC 8037).
    pub(super) public: String,
    /// From when on it signs.
    use_from: Timestamp,
}

impl Kept {
    fn new(use_from: DateTime<Utc>) -> Result<Self> {
        let failed = || Error::internal("a signing key could not be made");
        let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
        let pair = Ed25519KeyPair::from_pkcs8(secret.as_ref()).map_err(|_| failed())?;
        let public = token::encoded(pair.public_key().as_ref());
        Ok(Kept {
            // RFC 7638: members in this order, without spaces.
            kid: token::hashed(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#)),
            secret: token::encoded(secret.as_ref()),
            public,
            use_from: Timestamp(use_from),
        })
    }

    /// The private half, as PKCS#8.
    pub(super) fn secret(&self) -> Result<Vec<u8>> {
        token::decoded(&self.secret).ok_or_else(|| Error::internal("a signing key is not as it was kept"))
    }

    fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.public })
    }
}

/// The key that signs now.
///
/// # Errors
/// `INTERNAL` where there is none, which the start sees to.
pub(super) async fn current(context: &Context) -> Result<Kept> {
    let now = context.clock().now();
    let keys = all(&context.namespace(NAMESPACE)?).await?;
    let in_use = keys.into_iter().map(|(_, key)| key).rfind(|key| key.use_from.0 <= now);
    in_use.ok_or_else(|| Error::internal("there is no key to sign with"))
}

/// The key of an id, among those that are published.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn find(context: &Context, kid: &str) -> Result<Option<Kept>> {
    let keys = all(&context.namespace(NAMESPACE)?).await?;
    Ok(keys.into_iter().map(|(_, key)| key).find(|key| key.kid == kid))
}

/// The public halves, as a JWK set (RFC 7517).
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn published(context: &Context) -> Result<Value> {
    let keys = all(&context.namespace(NAMESPACE)?).await?;
    let keys: Vec<Value> = keys.iter().map(|(_, key)| key.jwk()).collect();
    Ok(json!({ "keys": keys }))
}

/// Makes the first key, which signs at once: nobody has a list without it.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn ensure(context: Context) -> Result<()> {
    let keys = context.namespace(NAMESPACE)?;
    if all(&keys).await?.is_empty() {
        put(&context, &keys, 1, context.clock().now()).await?;
    }
    Ok(())
}

/// Does what is due: makes the next key, forgets those whose tokens have all expired.
pub(crate) async fn rotate(context: JobContext, (): ()) -> Result<()> {
    let keys = context.namespace(NAMESPACE)?;
    let kept = all(&keys).await?;
    let moments: Vec<DateTime<Utc>> = kept.iter().map(|(_, key)| key.use_from.0).collect();
    let due = due(&moments, context.clock().now());
    if let Some(use_from) = due.next {
        let last = kept.last().map_or(0, |(number, _)| *number);
        put(&context, &keys, last + 1, use_from).await?;
    }
    for (number, key) in kept.iter().take(due.retired) {
        let commit = context.batch().delete(&keys, &name(*number), Condition::Any);
        let decision = Decision::allowed("signing-key.retire", format!("key/{}", key.kid));
        audit::commit(commit, decision).await?;
    }
    Ok(())
}

/// What is to be done with some keys, told by when each begins to sign.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    /// From when on another is to sign.
    next: Option<DateTime<Utc>>,
    /// How many of the oldest are of no use any more.
    retired: usize,
}

fn due(moments: &[DateTime<Utc>], now: DateTime<Utc>) -> Due {
    let next = match moments.last() {
        None => Some(now),
        Some(last) if now >= *last + PERIOD - AHEAD => Some((*last + PERIOD).max(now + OVERLAP)),
        Some(_) => None,
    };
    let retired = moments
        .iter()
        .skip(1)
        .take_while(|next| **next + OVERLAP <= now)
        .count();
    Due { next, retired }
}

async fn put(context: &Context, keys: &State, number: u64, use_from: DateTime<Utc>) -> Result<()> {
    let key = Kept::new(use_from)?;
    let commit = context.batch().put(keys, &name(number), &key, Condition::Absent);
    let made = audit::commit(
        commit,
        Decision::allowed("signing-key.make", format!("key/{}", key.kid)),
    )
    .await;
    // A replica came first: its key is as good.
    if writes::came_late(&made) { Ok(()) } else { made }
}

async fn all(keys: &State) -> Result<Vec<(u64, Kept)>> {
    let kept = keys.list(&Prefix::new(KEYS)?).await?;
    Ok(kept
        .into_iter()
        .filter_map(|(name, key)| Some((name[KEYS.len()..].parse().ok()?, key)))
        .collect())
}

/// Numbers in the order of their names.
fn name(number: u64) -> String {
    format!("{KEYS}{number:020}")
}

/// The schedule that keeps the keys.
pub(crate) const SCHEDULE: (syscall_sdk::contract::Task<(), ()>, &str) = (ROTATE_SIGNING_KEYS, "23 * * * *");

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the schedule each hour for some months, with an outage, and gives what was in force at each hour.
    fn history(outage: &std::ops::Range<i64>) -> Vec<(DateTime<Utc>, Vec<DateTime<Utc>>)> {
        let mut keys = vec![DateTime::UNIX_EPOCH];
        let mut history = Vec::new();
        for hour in 0..24 * 120 {
            let now = DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
            if !outage.contains(&hour) {
                let due = due(&keys, now);
                keys.extend(due.next);
                keys.drain(..due.retired);
            }
            history.push((now, keys.clone()));
        }
        history
    }

    fn signer(keys: &[DateTime<Utc>], now: DateTime<Utc>) -> DateTime<Utc> {
        *keys
            .iter()
            .rfind(|from| **from <= now)
            .expect("a key signs at every moment")
    }

    #[test]
    fn a_key_is_known_before_it_signs_and_until_its_last_token_has_expired() {
        for outage in [0..0, 24 * 28..24 * 29, 24 * 20..24 * 70] {
            let history = history(&outage);
            for (before, after) in history.iter().zip(&history[1..]) {
                let new = after.1.iter().filter(|key| !before.1.contains(key));
                new.for_each(|key| assert!(*key - after.0 >= OVERLAP, "{key} is made at {}", after.0));
                let signed = signer(&before.1, before.0);
                assert!(after.1.contains(&signed) || after.0 - before.0 >= OVERLAP);
            }
            for (now, keys) in &history {
                // What signed at any moment of the last two lives is there.
                let earlier = *now - OVERLAP;
                if earlier >= DateTime::UNIX_EPOCH {
                    assert!(keys.contains(&signer(keys, earlier)), "at {now}");
                }
                assert!(keys.len() <= 3, "{} keys at {now}", keys.len());
            }
        }
    }

    #[test]
    fn the_next_key_takes_over_after_a_month() {
        let start = DateTime::UNIX_EPOCH;
        assert_eq!(due(&[start], start + TimeDelta::days(28)).next, None);
        assert_eq!(due(&[start], start + TimeDelta::days(29)).next, Some(start + PERIOD));
        let late = start + TimeDelta::days(90);
        assert_eq!(due(&[start], late).next, Some(late + OVERLAP));
        assert_eq!(due(&[start, start + PERIOD], start + PERIOD + OVERLAP).retired, 1);
    }
}
