//! Core as an OpenID provider: codes and tokens for the fleet's own pages, and for programs of others.

pub(crate) mod authorize;
mod client_auth;
pub(crate) mod clients;
mod codes;
mod consent;
mod discovery;
mod end_session;
mod error;
pub(crate) mod families;
mod grant;
pub(crate) mod issuer;
mod lookup;
mod routes;
mod scope;
pub(crate) mod signing;
mod tokens;

pub(crate) use routes::routes;
