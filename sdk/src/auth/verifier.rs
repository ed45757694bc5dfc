//! Checks tokens, and remembers what it has checked.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::chain::{CHAIN_MAX, Fault, Refusal, first, further};
use super::checked::Checked;
use super::key::RootKeys;
use super::principal::Principal;
use super::revoked::Known;
use super::token::{LEEWAY, TOKEN_MAX_BYTES, Unreadable, peek};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::wire::Revoked;

/// Checks tokens that are shown to one service.
pub struct Verifier {
    service: String,
    roots: RwLock<RootKeys>,
    clock: Clock,
    checked: Checked,
    revoked: RwLock<Known>,
    /// Told whenever what was good may be good no more.
    changes: watch::Sender<()>,
}

impl Verifier {
    /// A verifier of a service, by key.
    pub fn new(service: impl Into<String>, roots: RootKeys, clock: Clock) -> Self {
        Verifier {
            service: service.into(),
            roots: RwLock::new(roots),
            clock,
            checked: Checked::new(),
            revoked: RwLock::default(),
            changes: watch::Sender::default(),
        }
    }

    /// Checks a token that was shown as a credential.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`, `TOKEN_AUDIENCE`. What is wrong with a token that no root vouches for is not
    /// told apart: it is nobody's business but the log's.
    pub fn verify(&self, token: &str) -> Result<Arc<Principal>> {
        self.look(token).map_err(|refused| refused.error)
    }

    /// As [`Verifier::verify`], and whose token it is that is refused.
    pub(super) fn look(&self, token: &str) -> Result<Arc<Principal>, Refused> {
        let principal = self.chain(token, self.now(), CHAIN_MAX).map_err(told)?;
        if principal.holder.is_some() {
            // Shown by itself it proves nothing: who holds its key shows a token that is signed with it.
            let message = "this token names a key and is no credential by itself; sign a narrower one with that key";
            return Err(Refused::of(&principal, refused("TOKEN_INVALID", message)));
        }
        if !principal.is_for(&self.service) {
            let message = format!("the token is for other services than {}", self.service);
            return Err(Refused::of(&principal, refused("TOKEN_AUDIENCE", &message)));
        }
        Ok(principal)
    }

    /// Who shows a token that was checked before and is still good here; nobody else is looked at. For what must be cheap, such as counting.
    pub fn known(&self, token: &str) -> Option<Arc<Principal>> {
        let principal = self.checked.look(token).ok()?;
        let good = principal.holder.is_none() && principal.is_for(&self.service) && principal.expires_at > self.now();
        good.then_some(principal)
    }

    /// What a statement of revocation revokes; `None` where that is no news.
    ///
    /// # Errors
    /// `REVOCATION_INVALID` where no trusted root signed it.
    pub fn read_revocation(&self, statement: &str) -> Result<Option<Revoked>> {
        let now = self.now();
        let (revoked, statement) = Known::check(statement, &read(&self.roots), now)?;
        let news = read(&self.revoked).is_news(&revoked, &statement, now);
        Ok(news.then_some(revoked))
    }

    /// Checks a chain, whoever it is for and whether or not it is a credential by itself: for who looks a token over.
    ///
    /// # Errors
    /// As [`Verifier::verify`], but for `TOKEN_AUDIENCE`.
    pub fn inspect(&self, token: &str) -> Result<Arc<Principal>> {
        let checked = self.chain(token, self.now(), CHAIN_MAX);
        checked.map_err(|refusal| told(refusal).error)
    }

    /// Takes a statement of revocation, and says whether it was news. What was checked before is checked anew.
    ///
    /// # Errors
    /// `REVOCATION_INVALID` where no trusted root signed it, `TOO_MANY_REVOCATIONS`.
    pub fn revoke(&self, statement: &str) -> Result<bool> {
        let now = self.now();
        let (revoked, statement) = Known::check(statement, &read(&self.roots), now)?;
        let news = write(&self.revoked).take(revoked, statement, now)?;
        if news {
            // After the statement is known, so that nothing is checked without it and remembered.
            self.forget();
        }
        Ok(news)
    }

    /// Trusts these root keys from now on, and no other: what was checked before is checked anew, and statements of a key that is trusted
    /// no more are void.
    pub fn trust(&self, roots: RootKeys) {
        let mut trusted = write(&self.roots);
        if *trusted == roots {
            return;
        }
        write(&self.revoked).keep_those_of(&roots);
        *trusted = roots;
        drop(trusted);
        // After the keys hold, so that nothing is checked with the old ones and remembered.
        self.forget();
    }

    fn forget(&self) {
        self.checked.forget();
        self.changes.send_replace(());
    }

    /// For how much longer what a chain opened may last, if nothing is revoked until then. `None` where it is over: any of its tokens, keys or
    /// subjects is revoked, its root is trusted no more, or [its time](Principal::lasts_until) has come.
    pub(super) fn lasts(&self, principal: &Principal) -> Option<Duration> {
        let root = principal.keys.first()?;
        let trusted = read(&self.roots).of(root).is_some() && !read(&self.revoked).names(principal);
        let end = principal.lasts_until.saturating_add(LEEWAY.as_secs());
        let left = end.saturating_sub(self.now());
        (trusted && left > 0).then(|| Duration::from_secs(left))
    }

    /// Changes with every revocation and every change of root keys.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The statements of revocation that are known, to be handed on.
    pub fn revocations(&self) -> Vec<String> {
        read(&self.revoked).statements()
    }

    /// How many statements of revocation are known.
    pub fn revocations_known(&self) -> usize {
        read(&self.revoked).len()
    }

    fn chain(&self, token: &str, now: u64, left: usize) -> Result<Arc<Principal>, Refusal> {
        if token.len() > TOKEN_MAX_BYTES || left == 0 {
            return Err(Fault::Bound.into());
        }
        let place = match self.checked.look(token) {
            Ok(known) if known.expires_at.saturating_add(LEEWAY.as_secs()) > now => return Ok(known),
            Ok(known) => return Err(of(Fault::Expired, &known)),
            Err(place) => place,
        };
        let Parent { parent } = peek(token).ok_or(Fault::Unreadable(Unreadable::Malformed))?;
        let principal = match parent {
            None => first(token, &read(&self.roots), now)?,
            Some(text) => {
                let parent = self.chain(&text, now, left - 1)?;
                further(token, &parent, &text, now)?
            }
        };
        if read(&self.revoked).names(&principal) {
            return Err(of(Fault::Revoked, &principal));
        }
        let principal = Arc::new(principal);
        self.checked.remember(place, &principal, now);
        Ok(principal)
    }

    fn now(&self) -> u64 {
        seconds(&self.clock)
    }
}

/// Now, in seconds since the epoch.
pub fn seconds(clock: &Clock) -> u64 {
    u64::try_from(clock.now().timestamp()).unwrap_or(0)
}

/// A token that is refused: what its caller is told, and whose it is, for the record.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: Error,
    pub(super) whose: Option<String>,
}

impl Refused {
    fn of(principal: &Principal, error: Error) -> Self {
        Refused {
            error,
            whose: Some(principal.named().into_owned()),
        }
    }
}

/// What the caller is told. What a token lacks that no root vouches for is for the log.
fn told(refusal: Refusal) -> Refused {
    tracing::debug!(?refusal, "a token was refused");
    let error = match refusal.fault {
        Fault::Expired => refused("TOKEN_EXPIRED", "the token has ended; show a new one"),
        Fault::Revoked => refused("TOKEN_REVOKED", "the token is revoked; ask for another"),
        Fault::Unreadable(_) | Fault::Widened | Fault::Bound | Fault::Early => invalid(),
    };
    Refused {
        error,
        whose: refusal.whose,
    }
}

fn of(fault: Fault, principal: &Principal) -> Refusal {
    Refusal {
        fault,
        whose: Some(principal.named().into_owned()),
    }
}

/// What must be known of a token before it can be checked: whose it is.
#[derive(serde::Deserialize)]
struct Parent {
    #[serde(default)]
    parent: Option<String>,
}

fn refused(code: &'static str, message: &str) -> Error {
    Error::new(Kind::Unauthenticated, message).with_code(code)
}

/// A token that no root vouches for.
pub(super) fn invalid() -> Error {
    refused(
        "TOKEN_INVALID",
        "the token is not valid here: it is malformed, not begun, not signed by a root key that is trusted here, or allows more than \
         the one that it was narrowed from",
    )
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("service", &self.service)
            .field("roots", &*read(&self.roots))
            .finish_non_exhaustive()
    }
}
