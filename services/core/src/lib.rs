//! Core: who people and programs are, and what they may do.
//!
//! So is the audit trail of the fleet kept here. Everything lives in namespaces of its own, which no syscall reaches; every change is one commit with its event. Secrets are shown once
//! and kept as hashes. What no role grants is denied.

mod audit;
mod devices;
mod kept;
mod keys;
mod login;
mod oauth;
mod outside;
mod pages;
mod passwords;
mod roles;
mod sessions;
mod throttle;
mod token;
mod totp;
mod trail;
mod users;
mod writes;

use std::future::Future;

use blackroad_os_contracts::core;
use syscall_sdk::context::Context;
use syscall_sdk::contract::person;
use syscall_sdk::service::Service;

use passwords::Hasher;

/// What core declares.
pub fn service() -> Service {
    let hasher = Hasher::default();
    let (rotate, schedule) = oauth::signing::SCHEDULE;
    let service = Service::new("core", env!("CARGO_PKG_VERSION"))
        .own_events(&["user", "session", "client", "token", "key", "role"])
        .method(core::CREATE_USER, users::create)
        .method(core::GET_USER, users::get)
        .method(core::GET_USER_BY_EMAIL, users::get_by_email)
        .method(core::LIST_USERS, users::list)
        .method(core::UPDATE_USER, users::update)
        .method(core::DELETE_USER, users::delete)
        .method(core::SET_PASSWORD, with(&hasher, passwords::set_by_admin))
        .method(core::CHANGE_PASSWORD, with(&hasher, passwords::change))
        .method(core::VERIFY_PASSWORD, with(&hasher, passwords::verify_for))
        .method(core::CREATE_PASSWORD_LINK, passwords::create_link)
        .method(core::REMOVE_SECOND_FACTOR, totp::remove)
        .method(core::LIST_SESSIONS, sessions::list)
        .method(core::REVOKE_SESSIONS, sessions::revoke)
        .method(person::CHECK_SESSION, sessions::check)
        .method(core::CREATE_API_KEY, keys::create)
        .method(core::LIST_API_KEYS, keys::list)
        .method(core::REVOKE_API_KEY, keys::revoke)
        .method(core::VERIFY_API_KEY, keys::verify)
        .method(core::PUT_ROLE, roles::put)
        .method(core::LIST_ROLES, roles::list)
        .method(core::DELETE_ROLE, roles::delete)
        .method(core::ASSIGN_ROLE, roles::assign)
        .method(core::UNASSIGN_ROLE, roles::unassign)
        .method(core::RIGHTS_OF, roles::rights)
        .method(core::MAY, roles::may)
        .method(core::BOOTSTRAP_ADMIN, roles::bootstrap)
        .method(core::CREATE_CLIENT, oauth::clients::create)
        .method(core::LIST_CLIENTS, oauth::clients::list)
        .method(core::ROTATE_CLIENT_SECRET, oauth::clients::rotate_secret)
        .method(core::DELETE_CLIENT, oauth::clients::delete)
        .task(core::FORGET_USER, users::forget)
        .task(core::ROTATE_SIGNING_KEYS, oauth::signing::rotate)
        .cron(rotate, schedule, &())
        .routes(pages::routes(&hasher))
        .routes(oauth::routes())
        .routes(outside::routes())
        .start(roles::ensure)
        .start(oauth::signing::ensure)
        .routes(trail::routes());
    trail::keep(service)
}

/// A handler that is given the hasher, whose places all handlers share.
fn with<P, F, Fut>(hasher: &Hasher, handler: F) -> impl Fn(Context, P) -> Fut + Send + Sync + 'static
where
    F: Fn(Hasher, Context, P) -> Fut + Send + Sync + 'static,
    Fut: Future,
{
    let hasher = hasher.clone();
    move |context, params| handler(hasher.clone(), context, params)
}
