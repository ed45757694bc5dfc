//! Passwords: what may be one, how it is hashed, who may change it.

mod hasher;
mod rules;
mod store;

use blackroad_os_contracts::core::{
    ChangePassword, GetUser, Hidden, PasswordChanged, PasswordLink, PasswordVerdict, SetPassword, VerifyPassword,
};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};

pub(crate) use hasher::Hasher;
pub(crate) use rules::is_absurd;
pub(crate) use store::{forget, holder_of, linking, set, set_by_link, verify};

use crate::audit::{self, Decision};
use crate::login::{self, Attempt, Outcome};
use crate::oauth::issuer;
use crate::throttle::{self, Origin};
use crate::users;

pub(crate) async fn set_by_admin(hasher: Hasher, context: Context, params: SetPassword) -> Result<PasswordChanged> {
    let user = users::found(&context, &params.id.0).await?;
    set(&context, &hasher, &user, &params.password.0).await
}

pub(crate) async fn change(hasher: Hasher, context: Context, params: ChangePassword) -> Result<PasswordChanged> {
    let user = users::found(&context, &params.id.0).await?;
    if !prove(&context, &hasher, &user.id, &params.current.0).await? {
        return Err(
            Error::new(Kind::Forbidden, "the current password is not the one that was given")
                .with_code("INVALID_CREDENTIALS")
                .off_record(),
        );
    }
    set(&context, &hasher, &user, &params.new.0).await
}

/// Whether someone who is signed in knows the password; guesses are bounded by the user, who alone can make them.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`, with how long to wait.
pub(crate) async fn prove(context: &Context, hasher: &Hasher, user: &str, password: &str) -> Result<bool> {
    if let Some(wait) = throttle::take(context, &[(&throttle::PROOF, user.to_owned())]).await? {
        return Err(throttle::too_many(wait));
    }
    let user = users::found(context, user).await?;
    let proven = !is_absurd(password) && verify(context, hasher, Some(&user), password).await?;
    if proven {
        throttle::forgive(context, &throttle::PROOF, &user.id).await?;
    } else {
        let target = format!("user/{}", user.id);
        let decision = Decision::denied("password.prove", &target, "WRONG_PASSWORD").by(&target);
        audit::note(context, decision).await?;
    }
    Ok(proven)
}

pub(crate) async fn verify_for(hasher: Hasher, context: Context, params: VerifyPassword) -> Result<PasswordVerdict> {
    let origin = Origin {
        address: params.address,
        ..Origin::default()
    };
    let attempt = Attempt {
        email: &params.email,
        password: &params.password.0,
        origin: &origin,
    };
    Ok(match login::by_password(&context, &hasher, attempt).await? {
        Outcome::Known(user) => PasswordVerdict {
            verified: true,
            user: Some(user),
            retry_after_seconds: None,
        },
        Outcome::Wrong => PasswordVerdict {
            verified: false,
            user: None,
            retry_after_seconds: None,
        },
        Outcome::Wait(wait) => PasswordVerdict {
            verified: false,
            user: None,
            retry_after_seconds: Some(wait.as_secs() + 1),
        },
    })
}

pub(crate) async fn create_link(context: Context, params: GetUser) -> Result<PasswordLink> {
    let user = users::found(&context, &params.id.0).await?;
    let (commit, link) = linking(&context, context.batch(), &user.id)?;
    let decision = Decision::allowed("password.link", format!("user/{}", user.id));
    audit::commit(commit, decision).await?;
    Ok(shown(&context, user.id, link))
}

/// A link as it is given out, once.
pub(crate) fn shown(context: &Context, user: String, link: store::NewLink) -> PasswordLink {
    PasswordLink {
        id: user,
        link: Hidden(format!("{}/welcome/{}", issuer::of(context), link.secret)),
        expires_at: link.expires_at,
    }
}
