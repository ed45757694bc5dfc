//! People sign in to the pages of a service at the fleet's identity provider: the service is an OpenID Connect client of it, without being set
//! up as one. See ADR 0036.
//!
//! A service has these routes where one of its own asks for [`Access::Session`](crate::auth::Access::Session), and nobody is asked where its
//! gate is open.

mod attempt;
mod cookie;
mod form;
mod page;
mod provider;
mod routes;
mod session;
mod way;

pub(super) use form::is_meant;
pub(super) use page::{is_navigation, refusal};
pub(super) use routes::{lead_to_sign_in, routes};
pub(super) use session::person_of;

/// A text as the value of a query's parameter.
fn in_query(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A path with a query of these parameters.
fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", in_query(value)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}
