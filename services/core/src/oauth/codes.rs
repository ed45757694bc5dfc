//! Authorization codes: `code/{hash}`, good for a minute and once.
//!
//! A spent code is remembered for a while with the tokens that it brought: whoever shows it again has stolen it, or was stolen from, and
//! those tokens end (RFC 6749, section 4.1.2).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::store::Condition;

use super::families::{self, Family};
use super::signing::TOKEN_LIFE;
use crate::kept::decode;
use crate::{token, writes};

const NAMESPACE: &str = "codes";
/// How long a code is good: a redirect and a request.
const LIFE: Duration = Duration::from_secs(60);

/// What a person has allowed a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Consent {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) user_id: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// PKCE's challenge, by S256.
    pub(super) challenge: String,
    /// When the person signed in, in seconds of Unix time.
    pub(super) signed_in_at: i64,
    /// How (RFC 8176).
    pub(super) methods: Vec<String>,
    /// Their session.
    #[serde(default)]
    pub(super) session_id: String,
    /// The name of core's under which they were asked: in development it has as many as there are ports.
    #[serde(default)]
    pub(super) issuer: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Good(Consent),
    /// With the family of tokens that it brought, where it brought one.
    Spent(Option<Family>),
}

/// Who shows a code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) code: &'a str,
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
}

/// Makes a code.
///
/// # Errors
/// Where the store refuses.
pub(super) async fn issue(context: &Context, consent: Consent) -> Result<String> {
    let codes = context.namespace(NAMESPACE)?;
    let code = token::secret()?;
    let commit = context.batch();
    commit
        .put_for(&codes, &key(&code), &Kept::Good(consent), Condition::Absent, LIFE)
        .commit()
        .await?;
    Ok(code)
}

/// Spends a code. Gives what was allowed and, where the scope asks for it, a refresh token; `None` where the code is good for nothing.
///
/// # Errors
/// Where the store refuses.
pub(super) async fn redeem(context: &Context, shown: Shown<'_>) -> Result<Option<(Consent, Option<families::Issued>)>> {
    let codes = &context.namespace(NAMESPACE)?;
    let key = &key(shown.code);
    writes::until_first("the code", || async move {
        let Some(entry) = codes.entry(key).await? else {
            return Ok(None);
        };
        let consent = match decode::<Kept>(&entry)? {
            Kept::Good(consent) => consent,
            Kept::Spent(family) => {
                if let Some(family) = family {
                    families::revoke(context, &family, "reused").await?;
                }
                return Ok(None);
            }
        };
        let fits = consent.client_id == shown.client_id
            && consent.redirect_uri == shown.redirect_uri
            && token::same(&consent.challenge, &token::hashed(shown.verifier));
        let issued = match fits && families::is_asked_for(&consent.scope) {
            true => Some(families::issue(context, &consent)?),
            false => None,
        };
        // A code that was shown by someone whom it does not fit is spent as well: it is in the wrong hands.
        let spent = Kept::Spent(issued.as_ref().map(|issued| issued.family.clone()));
        let mut commit = context
            .batch()
            .put_for(codes, key, &spent, Condition::Revision(entry.revision), TOKEN_LIFE);
        if let Some(issued) = &issued {
            commit = families::keeping(context, commit, issued).await?;
        }
        commit.commit().await?;
        Ok(fits.then_some((consent, issued)))
    })
    .await
}

/// Whether a text can be PKCE's verifier or challenge (RFC 7636, section 4.1).
pub(super) fn is_pkce(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn key(code: &str) -> String {
    format!("code/{}", token::hashed(code))
}
