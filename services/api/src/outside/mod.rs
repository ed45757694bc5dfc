//! Who calls from outside: API keys and people's access tokens, both of which core has given. The gateway knows them, and no other service
//! does; to those it says for whom it calls.

mod access;
mod keys;
mod known;
mod signers;

use std::sync::Arc;
use std::time::Duration;

use blackroad_os_contracts::core::key_form;
use futures_util::future::BoxFuture;
use syscall_sdk::auth::{EVERY_SERVICE, Principal, Right, Rights, seconds};
use syscall_sdk::config::Secret;
use syscall_sdk::context::{Context, Identify};
use syscall_sdk::error::{Error, Kind, Result};
use tokio::time::Instant;

use known::{Known, Verdict};
use signers::Signers;

/// Longest wait for core's word on who somebody is.
const CORE_TIMEOUT: Duration = Duration::from_secs(2);
/// When to come back while core cannot be asked: a restart takes about as long.
const CORE_RETRY: Duration = Duration::from_secs(2);
/// Longest credential that is looked at, in bytes: as long as a token of the fleet's own.
const SHOWN_MAX_BYTES: usize = 8 * 1024;

/// Knows API keys and access tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    known: Known,
    signers: Signers,
}

impl Identify for Outside {
    fn takes(&self, shown: &str) -> bool {
        key_form::begins_as_key(shown) || access::is_one(shown)
    }

    fn known(&self, context: &Context, shown: &str) -> Option<Arc<Principal>> {
        match self.0.known.of(shown, Instant::now(), seconds(context.clock()))? {
            Verdict::Good(principal) => Some(principal),
            Verdict::Bad => None,
        }
    }

    fn identify(&self, context: Context, shown: Secret) -> BoxFuture<'static, Result<Arc<Principal>>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let text = shown.reveal();
            let known = inner.known.of(text, Instant::now(), seconds(context.clock()));
            let verdict = match known {
                Some(verdict) => verdict,
                None => {
                    let verdict = inner.look(&context, text).await?;
                    inner.known.learn(text, &verdict, Instant::now());
                    verdict
                }
            };
            match verdict {
                Verdict::Good(principal) => Ok(principal),
                Verdict::Bad => Err(refused(text)),
            }
        })
    }
}

impl Inner {
    /// What a credential is worth, whoever must be asked.
    async fn look(&self, context: &Context, shown: &str) -> Result<Verdict> {
        let found = if shown.len() > SHOWN_MAX_BYTES {
            None
        } else if key_form::begins_as_key(shown) {
            keys::look(context, shown).await?
        } else {
            access::look(context, &self.signers, shown).await?
        };
        Ok(found.map_or(Verdict::Bad, |principal| Verdict::Good(Arc::new(principal))))
    }
}

/// Someone from outside. What they may do is good at whatever service it is for; the gateway adds that it may ask for it at all.
fn principal(subject: String, rights: &[String], expires_at: u64, id: String) -> Principal {
    Principal {
        subject,
        by: None,
        audience: vec![EVERY_SERVICE.to_owned()],
        // What core has that is no right here grants nothing.
        rights: Rights::new(rights.iter().filter_map(|right| right.parse::<Right>().ok())),
        issued_at: 0,
        expires_at,
        lasts_until: expires_at,
        tokens: vec![id],
        keys: Vec::new(),
        holder: None,
    }
}

/// One answer whatever is wrong, so that nobody learns how near they are.
fn refused(shown: &str) -> Error {
    let (code, what) = if key_form::begins_as_key(shown) {
        (
            "API_KEY_INVALID",
            "the API key is not good: it was mistyped, has ended or is revoked",
        )
    } else {
        (
            "TOKEN_INVALID",
            "the access token is not good here: it has ended, or core did not sign it for the gateway; refresh it",
        )
    };
    Error::new(Kind::Unauthenticated, what).with_code(code)
}

/// Nobody is let in on a guess.
fn unasked(error: Error) -> Error {
    Error::unavailable("core, which knows who this is, cannot be asked now; nothing was done, send it again")
        .with_code("IDENTITY_UNAVAILABLE")
        .with_retry_after(CORE_RETRY)
        .unprocessed()
        .with_source(error)
}
