//! How requests travel: the [`Handler`] that answers them, the [`Server`]s that listen, the [`Switchboard`] of what is mounted in this process.

mod handler;
mod listener;
mod server;
mod switchboard;

pub use handler::{Body, Handler, Request, Response};
pub use listener::{Bind, Bound, Listener};
pub use server::{ConnectionLimits, Peer, Server};
pub use switchboard::Switchboard;
