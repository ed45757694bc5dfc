//! Scopes: what a client asks for in someone's name, and what of it they have.

use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::name::ServiceKey;

use crate::roles;

/// Scopes that are no roles: who someone is, and a token to come back with (OpenID Connect Core, sections 5.4 and 11).
pub(super) const STANDARD: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Longest scope, in bytes: every role of a user and the standard ones fit.
pub(super) const SCOPE_MAX_BYTES: usize = 2_500;

/// A scope as it is remembered: each part once, what can be no scope left out. A role that the user does not bear stays in it: who asked
/// for less than everything is never given everything because they asked for something that is not there.
pub(super) fn asked(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split_ascii_whitespace() {
        if (STANDARD.contains(&part) || ServiceKey::new(part).is_ok()) && !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(" ")
}

/// What of a scope a user can grant: the standard parts, and the roles that the user bears. The rest is passed over, as RFC 6749 allows
/// (section 3.3); the answer says what was granted.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn grantable(context: &Context, user: &str, asked: &str) -> Result<String> {
    let borne = roles::rights_of(context, user).await?.roles;
    let mut granted: Vec<&str> = Vec::new();
    for part in asked.split_ascii_whitespace() {
        let known = STANDARD.contains(&part) || borne.iter().any(|role| role == part);
        if known && !granted.contains(&part) {
            granted.push(part);
        }
    }
    Ok(granted.join(" "))
}

/// The roles that a scope names.
pub(super) fn roles_in(scope: &str) -> impl Iterator<Item = &str> {
    scope.split_ascii_whitespace().filter(|part| !STANDARD.contains(part))
}

/// Whether a scope has a part.
pub(super) fn has(scope: &str, part: &str) -> bool {
    scope.split_ascii_whitespace().any(|one| one == part)
}

/// What a token of a scope may do in a user's name, now: the rights of the roles that the scope names and the user still bears. One of
/// the fleet's own pages that names no role may do what the user may; anybody else's client that names none learns who it is, and no more.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn rights(context: &Context, user: &str, scope: &str, first_party: bool) -> Result<Vec<String>> {
    let named: Vec<&str> = roles_in(scope).collect();
    if named.is_empty() {
        return Ok(if first_party {
            roles::rights_of(context, user).await?.rights
        } else {
            Vec::new()
        });
    }
    let mut rights: Vec<String> = Vec::new();
    for role in roles::granted(context, user).await? {
        if named.contains(&role.name.as_str()) {
            rights.extend(
                role.rights
                    .into_iter()
                    .filter(|right| !rights.contains(right))
                    .collect::<Vec<_>>(),
            );
        }
    }
    Ok(rights)
}
