//! The kernel from outside: its sources, its wire, its lives.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect stops there"
)]

mod audit;
mod auth;
mod bad_input;
mod believed;
mod calls;
#[cfg(feature = "testing")]
mod database;
mod deadlines;
mod deliveries;
mod dns;
mod drains;
mod flows;
mod jobs;
mod killers;
mod layers;
mod lives;
mod overload;
mod pipes;
mod railway;
mod reload;
mod retention;
mod rotation;
mod secrets;
mod sockets;
#[cfg(feature = "testing")]
mod stalls;
mod support;
mod turns;
#[cfg(feature = "pages")]
mod viewers;
mod wall;
mod why;
mod wire;
mod wire_events;
mod workflows;
