//! The pages with which people sign in and look after their account. They work without a script.

mod account;
mod account_factor;
mod account_keys;
mod browser;
mod cookie;
mod form;
mod frame;
mod routes;
mod sign_in;
mod sign_out;
mod visitor;
mod way_back;
mod welcome;

pub(crate) use cookie::Cookie;
pub(crate) use form::{Posted, check as check_form, fields, token_of};
pub(crate) use frame::{page_leading_to, see_other, shown, with_cookies};
pub(crate) use routes::routes;
pub(crate) use sign_in::passed;
pub(crate) use visitor::{Visitor, visitor};
pub(crate) use way_back::of as way_back_of;
