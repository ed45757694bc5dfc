//! The fleet from outside: as a browser sees it, as a person types at it, as another program asks it.

#![expect(
    clippy::disallowed_methods,
    reason = "the bans are the kernel's: here the browser's own tasks and plain clients stand outside of it"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect stops there"
)]

mod amnesia;
mod authorization;
mod binary;
mod browser;
mod commands;
mod conform;
mod console;
mod contract;
mod cost;
mod crash;
mod demo;
mod dns;
mod docs_site;
mod documents;
mod fleet;
mod gateway;
mod github;
mod heard;
mod here;
mod hosts;
mod images;
mod languages;
mod live;
mod new;
mod orders;
mod os_shell;
mod pages;
mod people;
mod pipes;
mod poison;
mod processes;
mod quiet;
mod railway;
mod root;
mod roster;
mod scenarios;
mod shell;
mod siege;
mod sign_in;
mod store;
mod up;
mod verify;
mod web;
mod why;
mod workflows;
