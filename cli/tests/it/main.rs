//! The fleet from outside: as a browser sees it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect stops there"
)]

mod browser;
mod console;
mod crash;
mod demo;
mod docs_site;
mod fleet;
mod live;
mod os_shell;
mod pages;
mod root;
mod shell;
mod web;
