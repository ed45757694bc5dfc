//! Keys: the private ones that sign, and the public root keys that a service trusts.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use zeroize::Zeroizing;

use super::base64url;
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::wire::OkpKey;

/// Bytes of an Ed25519 seed, and of a public key.
const KEY_BYTES: usize = 32;
/// Most root keys that are trusted at once: two are live while a fleet goes from one to the next, and two more are somebody's mistake
/// that still works.
pub const ROOT_KEYS_MAX: usize = 4;

/// A private key that signs tokens. Its bytes are wiped when it is dropped, and it prints as its public half.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; KEY_BYTES]>,
    public: PublicKey,
}

/// A public key that tokens are checked against.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_BYTES]);

/// The root keys that a service trusts: public halves alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootKeys(Vec<(String, PublicKey)>);

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// `INTERNAL` where the system gives no randomness.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(&mut *seed).map_err(|_| Error::internal("the system gives no random bytes"))?;
        Self::of_seed(seed)
    }

    /// The key of a seed in base64url.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`; nothing of the text is in it.
    pub fn of_text(seed: &str) -> Result<Self> {
        let seed = base64url::decode(seed)
            .ok_or_else(|| Error::invalid("a private key is 32 bytes in base64url, 43 characters without padding"))?;
        Self::of_seed(Zeroizing::new(seed))
    }

    /// The key of a JWK file (RFC 8037).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the text is none.
    pub fn of_jwk(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("that is no private Ed25519 key as a JWK; `blackroad token keygen` makes one");
        let jwk: serde_json::Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let field = |name: &str| jwk[name].as_str().unwrap_or_default();
        if (field("kty"), field("crv")) != ("OKP", "Ed25519") {
            return Err(wrong());
        }
        let key = Self::of_text(field("d")).map_err(|_| wrong())?;
        if key.public.text() != field("x") {
            return Err(Error::invalid("the JWK's public and private halves are of two keys"));
        }
        Ok(key)
    }

    /// The key as a JWK, private half and all.
    pub fn to_jwk(&self) -> Secret {
        let (x, d) = (self.public.text(), Zeroizing::new(base64url::encode(&*self.seed)));
        let kid = self.public.thumbprint();
        Secret::new(json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "d": *d }).to_string())
    }

    /// The seed in base64url.
    pub(super) fn seed(&self) -> Zeroizing<String> {
        Zeroizing::new(base64url::encode(&*self.seed))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> String {
        base64url::encode(self.pair.sign(message).as_ref())
    }

    fn of_seed(seed: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed)
            .map_err(|_| Error::invalid("these 32 bytes are no private key"))?;
        let mut public = [0; KEY_BYTES];
        public.copy_from_slice(pair.public_key().as_ref());
        Ok(SigningKey {
            pair,
            seed,
            public: PublicKey(public),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public)
    }
}

impl PublicKey {
    /// The key of a text in base64url.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn of_text(text: &str) -> Result<Self> {
        base64url::decode(text).map(PublicKey).ok_or_else(|| {
            Error::invalid(format!(
                "{text:?} is no public key: 32 bytes in base64url, 43 characters without padding"
            ))
        })
    }

    /// The key of a JWK; anything but Ed25519 is refused.
    pub(super) fn of_jwk(jwk: &OkpKey) -> Option<Self> {
        let fits = jwk.kty == "OKP" && jwk.crv == "Ed25519";
        base64url::decode(&jwk.x).filter(|_| fits).map(PublicKey)
    }

    pub(super) fn to_jwk(self) -> OkpKey {
        OkpKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: self.text(),
        }
    }

    /// The key in base64url, as `SYSCALL_ROOT_KEYS` holds it.
    pub fn text(&self) -> String {
        base64url::encode(&self.0)
    }

    /// Its name: the thumbprint of its JWK (RFC 7638), which is also a root key's `kid`.
    pub fn thumbprint(&self) -> String {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.text());
        base64url::encode(digest(&SHA256, jwk.as_bytes()).as_ref())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl RootKeys {
    /// Reads public keys, separated by commas or white space.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where one is no key, or there are too many.
    pub fn parse(text: &str) -> Result<Self> {
        let keys = text.split(|c: char| c == ',' || c.is_whitespace());
        let keys = keys.filter(|key| !key.is_empty()).map(PublicKey::of_text);
        Self::new(keys.collect::<Result<Vec<_>>>()?)
    }

    /// These keys.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where there are too many.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self> {
        let keys: Vec<_> = keys.into_iter().map(|key| (key.thumbprint(), key)).collect();
        if keys.len() > ROOT_KEYS_MAX {
            return Err(Error::invalid(format!(
                "{} root keys are live; {ROOT_KEYS_MAX} at most, and two are enough to go from one to the next",
                keys.len()
            )));
        }
        Ok(RootKeys(keys))
    }

    /// Whether there is none, so that nobody can be let in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of a name. The name chooses among keys that are trusted already, and is used for nothing else.
    pub(super) fn of(&self, kid: &str) -> Option<PublicKey> {
        self.0.iter().find(|(name, _)| name == kid).map(|(_, key)| *key)
    }
}
