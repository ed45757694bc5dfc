//! The fleet from outside: as a browser sees it.

mod browser;
mod console;
mod crash;
mod demo;
mod fleet;
mod live;
mod pages;
mod root;
mod shell;
mod web;
