//! The keys by which core's access tokens are known (RFC 7517), asked for when they are old or one is missing.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::rpc::CallOptions;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{CORE_TIMEOUT, unasked};

/// How long the list is believed: core publishes a key for twice as long before it signs.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Between two questions to core: whoever makes up names of keys makes it be asked no oftener.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(10);
/// Most keys of a list: core has three at most.
const KEYS_MAX: usize = 16;

/// Core's public keys, by name.
#[derive(Default)]
pub(crate) struct Signers {
    list: RwLock<Arc<List>>,
    /// When core was asked last; held while it is asked, so that it is asked once.
    asked: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct List {
    keys: HashMap<String, DecodingKey>,
    read: Option<Instant>,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
}

impl Signers {
    /// The key of a name; `None` where core has none of it. Cancel safe.
    ///
    /// # Errors
    /// `IDENTITY_UNAVAILABLE` where core cannot be asked and what is known is too old, or does not have it.
    pub(super) async fn find(&self, context: &Context, kid: &str) -> Result<Option<DecodingKey>> {
        let list = self.list();
        if let Some(key) = list.keys.get(kid).filter(|_| list.is_fresh()) {
            return Ok(Some(key.clone()));
        }
        let mut asked = self.asked.lock().await;
        // Somebody may have asked while this waited.
        let list = self.list();
        let fresh = list.is_fresh();
        if fresh && let Some(key) = list.keys.get(kid) {
            return Ok(Some(key.clone()));
        }
        if asked.is_some_and(|at| at.elapsed() < ASK_EVERY) {
            return if fresh {
                Ok(None)
            } else {
                Err(unasked(Error::unavailable(
                    "its keys were asked for in vain a moment ago",
                )))
            };
        }
        *asked = Some(Instant::now());
        let keys = ask(context).await.map_err(unasked)?;
        let list = Arc::new(List {
            keys,
            read: Some(Instant::now()),
        });
        let found = list.keys.get(kid).cloned();
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
        Ok(found)
    }

    fn list(&self) -> Arc<List> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl List {
    fn is_fresh(&self) -> bool {
        self.read.is_some_and(|at| at.elapsed() < KEPT)
    }
}

async fn ask(context: &Context) -> Result<HashMap<String, DecodingKey>> {
    let options = CallOptions {
        timeout: Some(CORE_TIMEOUT),
        ..context.call_options()
    };
    let published: Published = context
        .rpc()
        .get_json("core", "/.well-known/jwks.json", &options)
        .await?;
    let keys = published.keys.into_iter().take(KEYS_MAX);
    let ours = keys.filter(|key| key.kty == "OKP" && key.crv == "Ed25519" && !key.kid.is_empty());
    Ok(ours
        .filter_map(|key| Some((key.kid, DecodingKey::from_ed_components(&key.x).ok()?)))
        .collect())
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signers")
            .field("keys", &self.list().keys.len())
            .finish()
    }
}
