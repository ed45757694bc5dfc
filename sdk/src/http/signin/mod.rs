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

use super::way::in_query;

/// A path with a query of these parameters.
fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", in_query(value)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}
