//! Core from outside: what people and programs send it over HTTP, and what they get.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect stops there"
)]

mod end_session;
mod keys;
mod oauth;
mod oauth_attacks;
mod outside;
mod passwords;
mod records;
mod roles;
mod second_factor;
mod sign_in;
mod signals;
mod support;
mod throttling;
mod users;
