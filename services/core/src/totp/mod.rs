//! The second factor: `of/{user}` holds a secret that was confirmed, `new/{user}` one that is not yet.

mod code;
mod pending;

use std::time::Duration;

use blackroad_os_contracts::core::{GetUser, SECOND_FACTOR_CHANGED, SecondFactor, User};
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::store::Condition;

pub(crate) use pending::{LIFE as PENDING_LIFE, Pending, waiting};

use crate::audit::{self, Decision};
use crate::kept::decode;
use crate::{token, users, writes};
use code::{SECRET_BYTES, base32, step_of};

const NAMESPACE: &str = "totp";
/// How long a secret waits to be confirmed: time to find one's phone.
const ENROL_LIFE: Duration = Duration::from_secs(10 * 60);
/// Recovery codes of a user: a sheet of paper holds them.
const RECOVERY_CODES: usize = 10;
/// Bytes of a recovery code: 80 bits are beyond guessing, also for who has the hashes.
const RECOVERY_BYTES: usize = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// In base64url.
    secret: String,
    /// The last step whose code was taken.
    last_step: Option<i64>,
    /// Hashes of the recovery codes that are left.
    recovery: Vec<String>,
}

/// A secret that is to be typed into an authenticator.
pub(crate) struct Enrolment {
    /// In base32, as authenticators take it.
    pub(crate) secret: String,
    /// `otpauth://…`, as a phone opens it.
    pub(crate) uri: String,
}

/// Whether a user has a second factor.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn is_on(context: &Context, user: &str) -> Result<bool> {
    Ok(context.namespace(NAMESPACE)?.entry(&of(user)).await?.is_some())
}

/// Begins to enrol: a secret that counts only once a code of it was shown.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn enrol(context: &Context, user: &User) -> Result<Enrolment> {
    let secret = token::random::<SECRET_BYTES>()?;
    let kept = Kept {
        secret: token::encoded(&secret),
        last_step: None,
        recovery: Vec::new(),
    };
    let secrets = context.namespace(NAMESPACE)?;
    let commit = context.batch();
    commit
        .put_for(&secrets, &new(&user.id), &kept, Condition::Any, ENROL_LIFE)
        .commit()
        .await?;
    let secret = base32(&secret);
    let mut uri =
        reqwest::Url::parse("otpauth://totp/").map_err(|error| Error::internal("a URL").with_source(error))?;
    uri.set_path(&format!("/BlackRoad:{}", user.email));
    uri.query_pairs_mut()
        .append_pair("secret", &secret)
        .append_pair("issuer", "BlackRoad");
    Ok(Enrolment {
        secret,
        uri: uri.to_string(),
    })
}

/// Enrols by a code of the new secret, and gives the recovery codes, this once; `None` where the code is not one of it.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn confirm(context: &Context, user: &str, code: &str) -> Result<Option<Vec<String>>> {
    let secrets = context.namespace(NAMESPACE)?;
    let Some(entry) = secrets.entry(&new(user)).await? else {
        return Ok(None);
    };
    let mut kept: Kept = decode(&entry)?;
    let Some(step) = right_step(&kept, &digits(code), context) else {
        return Ok(None);
    };
    kept.last_step = Some(step);
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = base32(&token::random::<RECOVERY_BYTES>()?);
        kept.recovery.push(token::hashed(&code));
        codes.push(grouped(&code));
    }
    let changed = SecondFactor {
        id: user.to_owned(),
        on: true,
    };
    let commit = context
        .batch()
        .delete(&secrets, &new(user), Condition::Revision(entry.revision))
        .put(&secrets, &of(user), &kept, Condition::Any)
        .emit(&SECOND_FACTOR_CHANGED, &changed);
    let commit = users::while_there(context, commit, user)?;
    let decision = Decision::allowed("second-factor.on", format!("user/{user}")).by(format!("user/{user}"));
    audit::commit(commit, decision).await?;
    Ok(Some(codes))
}

/// Whether a code is good now: one of the phone that was not taken before, or a recovery code, which is spent with it.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn check(context: &Context, user: &str, code: &str) -> Result<bool> {
    let secrets = &context.namespace(NAMESPACE)?;
    let code = &digits(code);
    writes::until_first("the second factor", || async move {
        let Some(entry) = secrets.entry(&of(user)).await? else {
            return Ok(false);
        };
        let mut kept: Kept = decode(&entry)?;
        if let Some(step) = right_step(&kept, code, context) {
            kept.last_step = Some(step);
        } else {
            let hash = token::hashed(code);
            let left = kept.recovery.len();
            kept.recovery.retain(|known| *known != hash);
            if kept.recovery.len() == left {
                return Ok(false);
            }
        }
        let commit = context.batch();
        commit
            .put(secrets, &of(user), &kept, Condition::Revision(entry.revision))
            .commit()
            .await
            .map(|_| true)
    })
    .await
}

pub(crate) async fn remove(context: Context, params: GetUser) -> Result<SecondFactor> {
    users::found(&context, &params.id.0).await?;
    if is_on(&context, &params.id.0).await? {
        forget(&context, &params.id.0).await?;
    } else {
        // Who was to be without one is on the record also where they had none.
        let target = format!("user/{}", params.id.0);
        audit::note(
            &context,
            Decision::allowed("second-factor.off", target).with("was", "off"),
        )
        .await?;
    }
    Ok(SecondFactor {
        id: params.id.0,
        on: false,
    })
}

/// Takes a user's second factor away, where there is one.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn forget(context: &Context, user: &str) -> Result<()> {
    if !is_on(context, user).await? {
        return Ok(());
    }
    let secrets = context.namespace(NAMESPACE)?;
    let changed = SecondFactor {
        id: user.to_owned(),
        on: false,
    };
    let commit = context
        .batch()
        .delete(&secrets, &of(user), Condition::Any)
        .emit(&SECOND_FACTOR_CHANGED, &changed);
    audit::commit(commit, Decision::allowed("second-factor.off", format!("user/{user}"))).await
}

fn right_step(kept: &Kept, code: &str, context: &Context) -> Option<i64> {
    let secret = token::decoded(&kept.secret)?;
    step_of(&secret, code, context.clock().now().timestamp(), kept.last_step)
}

/// A code as it is compared: people type spaces, dashes and small letters.
fn digits(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// A recovery code as it is shown: four groups of four.
fn grouped(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    let groups: Vec<String> = chars.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

fn of(user: &str) -> String {
    format!("of/{user}")
}

fn new(user: &str) -> String {
    format!("new/{user}")
}
