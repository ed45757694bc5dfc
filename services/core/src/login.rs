//! Signing in with a password: the same answer in the same time for a wrong password and for nobody's address.

use std::time::Duration;

use blackroad_os_contracts::core::{GetUserByEmail, User};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Kind, Result};

use crate::passwords::{self, Hasher};
use crate::throttle::{self, Bucket, Origin};
use crate::{devices, users};

/// Someone says who they are.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) email: &'a str,
    pub(crate) password: &'a str,
    pub(crate) origin: &'a Origin,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is this user's password.
    Known(User),
    /// There is no such address, it has no password, or another one.
    Wrong,
    /// No guess is taken from there for so long.
    Wait(Duration),
}

/// Whether an address and a password belong together.
///
/// # Errors
/// `OVERLOADED` where too many passwords are being hashed, or where the store refuses.
pub(crate) async fn by_password(context: &Context, hasher: &Hasher, attempt: Attempt<'_>) -> Result<Outcome> {
    let Attempt {
        email,
        password,
        origin,
    } = attempt;
    let params = GetUserByEmail {
        email: email.to_owned(),
    };
    let user = match users::get_by_email(context.clone(), params).await {
        Ok(user) => Some(user),
        Err(error) if error.kind() == Kind::NotFound => None,
        Err(error) => return Err(error),
    };
    // Nobody's address is counted like anyone's.
    let account = user
        .as_ref()
        .map_or_else(|| email.trim().to_lowercase(), |user| user.id.clone());
    // What was typed is not put on the record: people put a password into the wrong field.
    let target = format!("user/{}", user.as_ref().map_or("unknown", |user| user.id.as_str()));
    let known = match &origin.device {
        Some(device) => devices::is_known(context, device, &account).await?,
        None => false,
    };
    let buckets = buckets(&account, origin, known);
    if let Some(wait) = throttle::take(context, &buckets).await? {
        context.refused("login", &target, "THROTTLED");
        return Ok(Outcome::Wait(wait));
    }
    if passwords::is_absurd(password) || !passwords::verify(context, hasher, user.as_ref(), password).await? {
        context.refused("login", &target, "WRONG_PASSWORD");
        return Ok(Outcome::Wrong);
    }
    // A verified password means that there is a user.
    let Some(user) = user else { return Ok(Outcome::Wrong) };
    let (bucket, subject) = &buckets[0];
    throttle::forgive(context, bucket, subject).await?;
    Ok(Outcome::Known(user))
}

/// The counts that an attempt is part of, its account's first.
fn buckets(account: &str, origin: &Origin, known: bool) -> Vec<(&'static Bucket, String)> {
    let network = origin.network();
    match &origin.device {
        Some(device) if known => vec![(&throttle::DEVICE, format!("{account} {device}"))],
        _ => vec![
            (&throttle::ACCOUNT, format!("{account} {network}")),
            (&throttle::NETWORK, network),
        ],
    }
}
