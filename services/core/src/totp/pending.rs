//! Sign-ins that have shown a password and not yet a second factor: `pending/{hash}`, for some minutes.

use std::time::Duration;

use blackroad_os_contracts::core::User;
use serde::{Deserialize, Serialize};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::store::Condition;

use super::NAMESPACE;
use crate::{token, users};

/// How long a password waits for its code.
pub(crate) const LIFE: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    user_id: String,
}

/// A sign-in that waits for its second factor.
pub(crate) struct Pending {
    pub(crate) user: User,
    key: String,
}

/// Lets a sign-in wait, and gives the token that the browser shows with the code.
///
/// # Errors
/// Where the store refuses.
pub(crate) async fn waiting(context: &Context, user: &User) -> Result<String> {
    let secrets = context.namespace(NAMESPACE)?;
    let token = token::secret()?;
    let waiting = Waiting {
        user_id: user.id.clone(),
    };
    let commit = context.batch();
    commit
        .put_for(&secrets, &key(&token), &waiting, Condition::Absent, LIFE)
        .commit()
        .await?;
    Ok(token)
}

impl Pending {
    /// The sign-in that a token stands for.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn of(context: &Context, token: &str) -> Result<Option<Self>> {
        let key = key(token);
        let Some(waiting) = context.namespace(NAMESPACE)?.get::<Waiting>(&key).await? else {
            return Ok(None);
        };
        let user = users::by_id(context, &waiting.user_id).await?;
        Ok(user.map(|user| Pending { user, key }))
    }

    /// Ends the waiting.
    ///
    /// # Errors
    /// Where the store refuses.
    pub(crate) async fn done(&self, context: &Context) -> Result<()> {
        let secrets = context.namespace(NAMESPACE)?;
        secrets.delete(&self.key, Condition::Any).await.map(drop)
    }
}

fn key(token: &str) -> String {
    format!("pending/{}", token::hashed(token))
}
