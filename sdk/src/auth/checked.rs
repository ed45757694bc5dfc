//! Tokens that were checked before, remembered without their text.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

use super::principal::Principal;

/// Most tokens that are remembered: eight callers with a hundred kinds of calls each take a fifth of it, at about a kilobyte a token.
const CHECKED_MAX: usize = 4_096;

/// The authentication code of a token's text (GMAC, NIST SP 800-38D) under a key that this process made and shows nobody: who does not have
/// it finds no second text of the same code, and a processor with instructions for AES makes it sooner than a hash. One nonce serves all, since codes
/// are compared here and never leave.
type Fingerprint = [u8; 16];

/// Tokens that were checked, until they end or anything is revoked.
pub(super) struct Checked {
    key: LessSafeKey,
    held: RwLock<Held>,
}

#[derive(Default)]
struct Held {
    /// Grows with every revocation: what was checked before one is not remembered after it.
    generation: u64,
    principals: HashMap<Fingerprint, Arc<Principal>>,
}

/// Where the outcome of a check may be remembered: under this token, unless anything was revoked since it was looked for.
pub(super) struct Place {
    fingerprint: Fingerprint,
    generation: u64,
}

impl Checked {
    pub(super) fn new() -> Self {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        rand::fill(secret.as_mut()).expect("aws-lc ends the process where the system has no random bytes");
        let key = UnboundKey::new(&AES_256_GCM, secret.as_ref()).expect("a key of AES-256 has 32 bytes");
        Checked {
            key: LessSafeKey::new(key),
            held: RwLock::default(),
        }
    }

    /// Whose a token is that was checked before; else where to remember it.
    pub(super) fn look(&self, token: &str) -> Result<Arc<Principal>, Place> {
        let fingerprint = self.fingerprint(token);
        let held = self.read();
        match held.principals.get(&fingerprint) {
            Some(known) => Ok(Arc::clone(known)),
            None => Err(Place {
                fingerprint,
                generation: held.generation,
            }),
        }
    }

    /// Remembers whose a token is. Where there is no room, those that ended by `now` go, in seconds since the epoch; and else all of them.
    pub(super) fn remember(&self, place: Place, principal: &Arc<Principal>, now: u64) {
        let mut held = self.write();
        if held.generation != place.generation {
            return;
        }
        if held.principals.len() >= CHECKED_MAX {
            held.principals.retain(|_, known| known.expires_at > now);
            if held.principals.len() >= CHECKED_MAX {
                held.principals.clear();
            }
        }
        held.principals.insert(place.fingerprint, Arc::clone(principal));
    }

    /// From now on everything is checked anew, also what is being checked at this moment.
    pub(super) fn forget(&self) {
        let mut held = self.write();
        held.generation += 1;
        held.principals.clear();
    }

    fn fingerprint(&self, token: &str) -> Fingerprint {
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let aad = Aad::from(token.as_bytes());
        let tag = self.key.seal_in_place_separate_tag(nonce, aad, &mut []);
        let tag = tag.expect("a header is far shorter than the 2^61 bytes that GCM takes");
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(tag.as_ref());
        fingerprint
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("tokens", &self.read().principals.len())
            .finish_non_exhaustive()
    }
}
