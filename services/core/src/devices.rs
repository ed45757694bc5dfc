//! Browsers that are known: whoever signs in leaves a cookie, and with it has a count of guesses of their own.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use syscall_sdk::context::{Commit, Context};
use syscall_sdk::error::Result;
use syscall_sdk::store::Condition;

use crate::token;

const NAMESPACE: &str = "devices";
/// How long a browser is known after its owner has signed in there.
pub(crate) const LIFE: Duration = Duration::from_secs(180 * 24 * 60 * 60);

#[derive(Debug, Serialize, Deserialize)]
struct Known {}

/// Whether a user has signed in with this cookie before.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn is_known(context: &Context, device: &str, user: &str) -> Result<bool> {
    let devices = context.namespace(NAMESPACE)?;
    Ok(devices.entry(&key(device, user)).await?.is_some())
}

/// Notes with a sign-in that the browser is its owner's.
///
/// # Errors
/// Where the namespace is malformed, which it is not.
pub(crate) fn noting(context: &Context, commit: Commit, device: &str, user: &str) -> Result<Commit> {
    let devices = context.namespace(NAMESPACE)?;
    Ok(commit.put_for(&devices, &key(device, user), &Known {}, Condition::Any, LIFE))
}

fn key(device: &str, user: &str) -> String {
    // Of nobody it may be any text.
    format!("{}/{}", token::hashed(device), token::hashed(user))
}
