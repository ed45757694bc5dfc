//! The fleet from outside: as a browser sees it.

mod browser;
mod crash;
mod demo;
mod live;
mod pages;
