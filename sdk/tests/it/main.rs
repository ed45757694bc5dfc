//! The kernel from outside: its sources, its wire, its lives.

mod bad_input;
mod layers;
mod lives;
mod support;
mod wire;
