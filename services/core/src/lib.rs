//! Core: who the users are.
//!
//! Users live in a namespace of their own, which no syscall reaches; every change is one commit with its event.

mod users;

use blackroad_os_contracts::core;
use syscall_sdk::service::Service;

/// What core declares.
pub fn service() -> Service {
    Service::new("core", env!("CARGO_PKG_VERSION"))
        .method(core::CREATE_USER, users::create)
        .method(core::GET_USER, users::get)
        .method(core::GET_USER_BY_EMAIL, users::get_by_email)
        .method(core::LIST_USERS, users::list)
        .method(core::UPDATE_USER, users::update)
        .method(core::DELETE_USER, users::delete)
}
