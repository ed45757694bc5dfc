//! Who is signed in at this service: `{hash of the cookie}` holds a session, for as long as the one at the provider can last.
//!
//! Here and not in a sealed cookie: what is here can be ended, needs no key that every replica knows, and tells its browser nothing.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::cookie::Cookie;
use super::{form, provider};
use crate::auth::{IdToken, Principal, Right, Rights, opaque};
use crate::context::{Context, Person};
use crate::error::{Error, Kind, Result};
use crate::name::Namespace;
use crate::state::State;
use crate::store::Condition;
use crate::wire::{Json, SignedIn, Timestamp};

/// How long what the provider said of a session is good: a session that was ended there, and a right that was taken, holds here for as much
/// longer. A question a minute and person costs nothing.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How long it is good where the provider cannot be asked: a redeploy of it signs nobody out, and an outage keeps nobody signed in for long.
const HOLD: Duration = Duration::from_secs(5 * 60);

/// What is kept of a session.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    user_id: String,
    /// The session at the provider.
    id: String,
    signed_in: SignedIn,
    checked_at: Timestamp,
    /// Shown to the provider when it is to end its own; opens nothing.
    id_token: String,
}

/// A session that was begun: what its browser is given.
pub(super) struct Begun {
    pub(super) token: String,
    pub(super) life: Duration,
}

/// Begins a session with a token that is new: one that was there before, whoever put it there, is worth nothing.
///
/// # Errors
/// `SIGN_IN_REFUSED` where the provider's session is over already; what kept the question from it; where the store refuses.
pub(super) async fn begin(context: &Context, headers: &HeaderMap, id_token: String, read: IdToken) -> Result<Begun> {
    let signed_in = provider::check(context, &read.sub, &read.sid, true)
        .await?
        .ok_or_else(|| {
            Error::new(Kind::Forbidden, "the session at the sign-in page is over already").with_code("SIGN_IN_REFUSED")
        })?;
    end(context, headers).await?;
    let now = context.clock().now();
    let life = (signed_in.expires_at.0 - now).to_std().unwrap_or_default();
    let kept = Kept {
        user_id: read.sub,
        id: read.sid,
        signed_in,
        checked_at: Timestamp(now),
        id_token,
    };
    let token = opaque::secret()?;
    state(context)
        .write(&opaque::hashed(&token), encode(&kept)?, Condition::Absent, Some(life))
        .await?;
    Ok(Begun { token, life })
}

/// Ends the session of a browser, if it has one, and gives its id token.
///
/// # Errors
/// Where the store refuses.
pub(super) async fn end(context: &Context, headers: &HeaderMap) -> Result<Option<String>> {
    let Some(token) = token_of(context, headers) else {
        return Ok(None);
    };
    let (state, key) = (state(context), opaque::hashed(&token));
    let Some(kept) = state.get::<Kept>(&key).await? else {
        return Ok(None);
    };
    state.delete(&key, Condition::Any).await?;
    Ok(Some(kept.id_token))
}

/// The secret in a browser's cookie, where it has one that could be of a session.
pub(super) fn token_of(context: &Context, headers: &HeaderMap) -> Option<String> {
    Cookie::Session
        .read(context.kernel(), headers)
        .filter(|token| opaque::is_secret(token))
}

/// Who is signed in in the browser that asks, and what they may do. `used` says that the person did something, rather than a page that
/// stands open.
///
/// # Errors
/// `SESSION_UNCHECKED` where the provider could not be asked for too long; where the store cannot be read.
pub(in crate::http) async fn person_of(
    context: &Context,
    headers: &HeaderMap,
    used: bool,
) -> Result<Option<(Arc<Person>, Principal)>> {
    let Some(token) = token_of(context, headers) else {
        return Ok(None);
    };
    let (state, key) = (state(context), opaque::hashed(&token));
    let Some(entry) = state.entry(&key).await? else {
        return Ok(None);
    };
    let mut kept: Kept = entry
        .value
        .to()
        .map_err(|error| Error::internal("a session is not as it was kept").with_source(error))?;
    let now = context.clock().now();
    let age = (now - kept.checked_at.0).to_std().unwrap_or_default();
    if age >= CHECK_EVERY {
        match provider::check(context, &kept.user_id, &kept.id, used).await {
            Ok(Some(signed_in)) => {
                let life = (signed_in.expires_at.0 - now).to_std().unwrap_or_default();
                kept.signed_in = signed_in;
                kept.checked_at = Timestamp(now);
                // Only what is there as it was read: a session that was ended meanwhile stays so.
                let as_read = Condition::Revision(entry.revision);
                let noted = state.write(&key, encode(&kept)?, as_read, Some(life)).await;
                match noted {
                    Err(error) if !matches!(error.kind(), Kind::Conflict | Kind::PreconditionFailed) => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
            Ok(None) => {
                state.delete(&key, Condition::Any).await?;
                return Ok(None);
            }
            Err(error) if age >= HOLD => {
                return Err(Error::unavailable(
                    "whether you are still signed in could not be asked of the sign-in service for five minutes; try again in a moment",
                )
                .with_code("SESSION_UNCHECKED")
                .with_source(error));
            }
            Err(_) => {}
        }
    }
    if now >= kept.signed_in.expires_at.0 {
        return Ok(None);
    }
    let second = |at: &Timestamp| u64::try_from(at.0.timestamp()).unwrap_or_default();
    // A text that is no right grants nothing.
    let rights = kept
        .signed_in
        .rights
        .iter()
        .filter_map(|right| right.parse::<Right>().ok());
    let principal = Principal::of_person(
        &kept.user_id,
        Rights::new(rights),
        second(&kept.checked_at),
        second(&kept.signed_in.expires_at),
    );
    let person = Person {
        id: kept.user_id,
        name: kept.signed_in.name,
        email: kept.signed_in.email,
        form_token: form::token(&token),
    };
    Ok(Some((Arc::new(person), principal)))
}

fn state(context: &Context) -> State {
    let kernel = context.kernel();
    State::new(
        Arc::clone(&kernel.store),
        Namespace::kernel("signin"),
        kernel.clock.clone(),
    )
}

fn encode(kept: &Kept) -> Result<Json> {
    Json::of(kept).map_err(|error| Error::internal("a session has no JSON form").with_source(error))
}
