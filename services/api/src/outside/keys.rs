//! API keys: core is asked, with the gateway's own credential.

use blackroad_os_contracts::core::{Hidden, VERIFY_API_KEY, VerifyApiKey, key_form};
use syscall_sdk::auth::{PERSON_SUBJECT, Principal};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::rpc::CallOptions;

use super::{CORE_TIMEOUT, principal, unasked};

/// Whose key it is; `None` where it is not good. One with a typing error costs core no question.
///
/// # Errors
/// `IDENTITY_UNAVAILABLE` where core cannot be asked.
pub(super) async fn look(context: &Context, shown: &str) -> Result<Option<Principal>> {
    if !key_form::is_well_formed(shown) {
        return Ok(None);
    }
    let params = VerifyApiKey {
        key: Hidden(shown.to_owned()),
    };
    let options = CallOptions {
        timeout: Some(CORE_TIMEOUT),
        ..context.call_options()
    };
    let verdict = context
        .rpc()
        .call(&VERIFY_API_KEY, &params, options)
        .await
        .map_err(unasked)?;
    let (true, Some(user), Some(id)) = (verdict.active, verdict.user_id, verdict.id) else {
        return Ok(None);
    };
    let ends = verdict.expires_at.map(|at| at.0.timestamp());
    let ends = ends.map_or(u64::MAX, |at| u64::try_from(at).unwrap_or(0));
    let subject = format!("{PERSON_SUBJECT}{user}/key/{id}");
    Ok(Some(principal(subject, &verdict.rights, ends, id)))
}
