//! Under which name core gives tokens.

use syscall_sdk::context::Context;
use syscall_sdk::http::pages::service_url;

/// The issuer: core's public URL, without a slash at its end. In development it is the name by which core was asked.
pub(crate) fn of(context: &Context) -> String {
    service_url(context, "core").trim_end_matches('/').to_owned()
}
