//! The fleet from outside: as a browser sees it.

mod browser;
mod demo;
mod live;
mod pages;
