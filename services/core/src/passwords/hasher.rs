//! Argon2id off the async threads, and never more at once than memory bears.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use tokio::sync::Semaphore;

/// Memory of one hash, in KiB: OWASP's first recommendation, 19 MiB, 2 passes, 1 lane (Password Storage Cheat Sheet, Argon2id). More
/// memory and fewer passes are as strong there; this one is what its two others cost in time with the least variance.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes: a server that hashes for several people at once gains nothing from more.
const LANES: u32 = 1;
/// Hashes at once: 4 × 19 MiB is what a container of 512 MiB spares, and a hash of some 20 ms makes it 100 logins a second and core.
const AT_ONCE: usize = 4;
/// How many more wait: the last of them waits for less than a second, and each holds no memory but its password.
const WAITING: usize = 64;

/// Hashes passwords. Cheap to clone; all clones share the places.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    at_once: Arc<Semaphore>,
    with_waiting: Arc<Semaphore>,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It is another password, or there is none.
    No,
    /// It is the password.
    Yes,
    /// It is the password, and its hash is weaker than hashes are now: hash it anew.
    Outdated,
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            with_waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }
}

impl Hasher {
    /// The hash of a password, with a salt of its own, as a PHC string.
    ///
    /// # Errors
    /// `OVERLOADED` where too many wait already.
    pub(crate) async fn hash(&self, context: &Context, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(context, move || hash(&password)).await?
    }

    /// Whether a password is the one that was hashed. Where there is no hash it takes as long, so that time does not tell who has one.
    ///
    /// # Errors
    /// `OVERLOADED` where too many wait already; `INTERNAL` where what is kept is no hash.
    pub(crate) async fn verify(&self, context: &Context, password: &str, kept: Option<&str>) -> Result<Match> {
        let (password, kept) = (password.to_owned(), kept.map(str::to_owned));
        self.run(context, move || match kept {
            Some(kept) => verify(&password, &kept),
            None => hash(&password).map(|_| Match::No),
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, context: &Context, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let waiting = Arc::clone(&self.with_waiting).try_acquire_owned().map_err(|_| {
            Error::new(
                Kind::Overloaded,
                "too many passwords are being checked; try again in a second",
            )
            .unprocessed()
        })?;
        let place = Arc::clone(&self.at_once).acquire_owned().await;
        let place = place.map_err(|_| Error::internal("the places of the hasher are never closed"))?;
        // Whoever asked may be gone while the hash is still being made: it keeps its place until it is done.
        let work = move || {
            let _held = (waiting, place);
            work()
        };
        context.blocking("hash a password", work).await
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> Result<String> {
    let hash = argon2()
        .hash_password(password.as_bytes())
        .map_err(|error| Error::internal("a password could not be hashed").with_source(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, kept: &str) -> Result<Match> {
    let broken = |error: String| Error::internal("what is kept of a password is no hash").with_source(error);
    let kept = PasswordHash::new(kept).map_err(|error| broken(error.to_string()))?;
    if argon2().verify_password(password.as_bytes(), &kept).is_err() {
        return Ok(Match::No);
    }
    let params = Params::try_from(&kept).map_err(|error| broken(error.to_string()))?;
    let weaker = kept.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES;
    Ok(if weaker { Match::Outdated } else { Match::Yes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_with_owasps_numbers() {
        let hash = hash("correct horse battery staple").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify("correct horse battery staple", &hash).unwrap(), Match::Yes);
        assert_eq!(verify("correct horse battery stable", &hash).unwrap(), Match::No);
    }

    #[test]
    fn a_hash_of_less_memory_is_told_as_outdated() {
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8 * 1024, 1, 1, None).unwrap(),
        );
        let kept = weak.hash_password(b"correct horse battery staple").unwrap().to_string();
        assert_eq!(verify("correct horse battery staple", &kept).unwrap(), Match::Outdated);
        assert_eq!(verify("another", &kept).unwrap(), Match::No);
    }

    #[test]
    fn what_is_no_hash_is_an_error_and_no_match() {
        assert!(verify("x", "plain").is_err());
    }
}
